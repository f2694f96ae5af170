/* A folder of results as the client finds it: what it reads it can show, and writes again as it
 * was.
 *
 * The first byte of an input chooses the file that the rest is written to. */
#include "client/saved.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/result_block.h"
#include "client/rows.h"
#include "client/status_block.h"
#include "client/trial_table.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "tests/fuzz/target.h"

static const char *const files[] = {"experiment.json", "t_1_x=1_2026-01-31_10-20-30/result.json",
                                    "t_1_x=1_2026-01-31_10-20-30/params.json"};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

static char folder[FOLDER_BYTES], other[FOLDER_BYTES + 16];
static char paths[FILE_COUNT][160];
static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char trial[160];

    (void)argc;
    (void)argv;
    folder_make(folder);
    (void)snprintf(other, sizeof(other), "%s/.other", folder);
    (void)snprintf(trial, sizeof(trial), "%s/t_1_x=1_2026-01-31_10-20-30", folder);
    assert(mkdir(trial, 0700) == 0);
    for (size_t i = 0; i < FILE_COUNT; i++)
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, files[i]);
    return 0;
}

static void file_write(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert(fd >= 0 && fs_write_all(fd, bytes.data, bytes.size) == 0);
    (void)close(fd);
}

static void show(const struct saved *saved)
{
    struct msg_status_reply status;
    struct buf out = {0};
    struct value value;

    saved_status(saved, &arena, &status);
    status_block(&status, &arena, &out);
    value = rows_status(&status, &arena);
    json_write(&value, JSON_INDENT, &out);
    for (uint32_t i = 0; i < saved->count; i++) {
        result_block(&saved->trials[i], &arena, &out);
        (void)trial_config_text(saved->trials[i].config, &arena);
    }
    buf_fini(&out);
}

static struct span json_of(const struct saved *saved)
{
    struct value experiment = rows_experiment(&saved->experiment, &arena);
    struct value trials = rows_trials(saved->trials, saved->count, &arena);
    struct buf out = {0};
    struct span copy;

    json_write(&experiment, JSON_LINE, &out);
    json_write(&saved->spec, JSON_LINE, &out);
    json_write(&trials, JSON_LINE, &out);
    copy = arena_copy(&arena, buf_span(&out));
    buf_fini(&out);
    return copy;
}

/* What was read is written, and read once more: from then on nothing may change. */
static void check_again(const struct saved *saved)
{
    struct msg_status_reply status = saved->status;
    struct saved again;

    status.experiment = saved->experiment;
    assert(saved_write(other, &status, &saved->spec, saved->trials, saved->count, &arena) == 0);
    assert(saved_read(other, &arena, &again) == 0);
    assert(span_equal(json_of(saved), json_of(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saved saved;
    int err;

    if (size < 1)
        return 0;
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (i == data[0] % FILE_COUNT)
            file_write(paths[i], span_of(data + 1, size - 1));
        else
            (void)unlink(paths[i]);
    err = saved_read(folder, &arena, &saved);
    if (err == 0) {
        show(&saved);
        check_again(&saved);
    }
    arena_reset(&arena);
    return 0;
}
