/* saved_walk.c - trials as their own folders tell of them: params.json, and the last and the best
 * line of result.json. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/saved.h"
#include "common/err.h"
#include "common/json.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define TAIL_BYTES (LIMIT_DICT_BYTES * 2u) /* one line always fits */

/* "_2026-01-31_10-20-30" in a folder's name, behind the trial's. */
static size_t name_size(const char *folder)
{
    size_t size = strlen(folder);

    for (size_t at = size; at-- > 0;) {
        static const char pattern[] = "_dddd-dd-dd_dd-dd-dd";
        size_t i = 0;

        while (pattern[i] != '\0' && folder[at + i] != '\0' &&
               (pattern[i] == 'd' ? folder[at + i] >= '0' && folder[at + i] <= '9'
                                  : folder[at + i] == pattern[i]))
            i++;
        if (pattern[i] == '\0')
            return at;
    }
    return size;
}

/* The last whole line of a file; empty where there is none. */
static void last_line(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a trial may have put a FIFO there */
    struct stat status;
    off_t from;
    ssize_t got;
    size_t at;

    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        from = status.st_size > (off_t)TAIL_BYTES ? status.st_size - (off_t)TAIL_BYTES : 0;
        got = pread(fd, buf_reserve(out, TAIL_BYTES), TAIL_BYTES, from);
        out->size = got > 0 ? (size_t)got : 0;
    }
    (void)close(fd);
    while (out->size > 0 && out->data[out->size - 1] != '\n')
        out->size--; /* half a line */
    if (out->size == 0)
        return;
    out->size--;
    for (at = out->size; at > 0 && out->data[at - 1] != '\n'; at--)
        ;
    buf_consume(out, at);
}

static struct span packed(const struct value *value, struct arena *arena)
{
    struct buf bytes = {0};
    struct span out;

    value_pack(value, &bytes);
    out = arena_copy(arena, buf_span(&bytes));
    buf_fini(&bytes);
    return out;
}

/* One more result; of equal ones the first counts. */
static void take_best(const struct value *result, const char *metric, bool least,
                      struct msg_trial_row *row)
{
    const struct value *number = value_get(result, metric);
    const struct value *at = value_get(result, "training_iteration");
    double found = number != NULL && value_is_number(number) ? value_number(number) : NAN;

    if (isnan(found) || (row->has_best && (least ? found >= row->best : found <= row->best)))
        return;
    row->has_best = true;
    row->best = found;
    row->best_at = at != NULL && at->type == VALUE_INT ? at->integer : 0;
}

/* The best of all whole lines; last_line has seen that it is a file. */
static void read_best(const char *path, const struct msg_experiment_row *experiment,
                      struct msg_trial_row *row)
{
    FILE *file = fopen(path, "re");
    char metric[LIMIT_NAME_BYTES + 1];
    struct arena arena = {0};
    struct json_error error;
    struct value result;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    if (file == NULL)
        return;
    (void)snprintf(metric, sizeof(metric), "%.*s", SPAN(experiment->metric));
    while ((size = getline(&line, &room, file)) > 0 && line[size - 1] == '\n') {
        arena_reset(&arena);
        if (json_read(span_of(line, (size_t)size), &arena, &result, &error) == 0)
            take_best(&result, metric, experiment->mode == MODE_MIN, row);
    }
    free(line);
    arena_fini(&arena);
    (void)fclose(file);
}

static void read_result(const char *path, const struct msg_experiment_row *experiment,
                        struct arena *arena, struct msg_trial_row *row)
{
    const struct value *member;
    struct json_error error;
    struct buf line = {0};
    struct value result;

    last_line(path, &line);
    if (line.size > 0 && json_read(buf_span(&line), arena, &result, &error) == 0 &&
        result.type == VALUE_MAP) {
        row->last = packed(&result, arena);
        member = value_get(&result, "done");
        if (member != NULL && member->type == VALUE_BOOL && member->boolean)
            row->state = span_text("TERMINATED");
        member = value_get(&result, "hostname");
        if (member != NULL && member->type == VALUE_TEXT)
            row->hostname = span_of(member->text, member->count);
        member = value_get(&result, "training_iteration");
        if (member != NULL && member->type == VALUE_INT && member->integer > 0)
            row->results = (uint64_t)member->integer;
        read_best(path, experiment, row);
    }
    buf_fini(&line);
}

static void read_params(const char *path, struct arena *arena, struct msg_trial_row *row)
{
    struct json_error error;
    struct buf text = {0};
    struct value config;

    if (fs_is_file(path) && fs_read(path, LIMIT_CONFIG_BYTES * 4u, &text) == 0 &&
        json_read(buf_span(&text), arena, &config, &error) == 0 && config.type == VALUE_MAP)
        row->config = packed(&config, arena);
    buf_fini(&text);
}

static bool read_trial(const char *folder, const char *name,
                       const struct msg_experiment_row *experiment, struct arena *arena,
                       struct msg_trial_row *row)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    const char *params = arena_printf(arena, "%s/params.json", path);
    const char *result = arena_printf(arena, "%s/result.json", path);
    struct stat status;

    if (stat(params, &status) != 0 && stat(result, &status) != 0)
        return false;
    /* An earlier experiment of that name has left its trials in the same folder. */
    if ((uint64_t)status.st_mtim.tv_sec < experiment->submitted_ms / 1000)
        return false;
    *row = (struct msg_trial_row){
        .experiment = experiment->experiment,
        .name = span_of(arena_strdup(arena, name), name_size(name)),
        .state = span_text("UNKNOWN"),
        .folder = span_text(path),
        .summary = span_text(""),
    };
    read_params(params, arena, row);
    read_result(result, experiment, arena, row);
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

int saved_walk(const char *folder, struct arena *arena, struct saved *saved)
{
    struct msg_experiment_row *experiment = &saved->experiment;
    struct dirent **entries;
    const char *base;
    uint32_t ended = 0;
    uint64_t results = 0;
    int count = scandir(folder, &entries, NULL, by_name);

    if (count < 0)
        return err_from_errno();
    if (experiment->metric.size == 0)
        experiment->metric = span_text("episode_reward_mean");
    if (experiment->name.size == 0) {
        base = strrchr(folder, '/');
        experiment->name = span_text(arena_strdup(arena, base != NULL ? base + 1 : folder));
        experiment->folder = span_text(arena_strdup(arena, folder));
        saved->spec = value_null();
    }
    experiment->state = span_text("UNKNOWN");
    saved->trials = arena_alloc(arena, (size_t)(count + 1) * sizeof(*saved->trials));
    saved->count = 0;
    for (int i = 0; i < count; i++) {
        struct msg_trial_row *row = &saved->trials[saved->count];

        if (entries[i]->d_name[0] != '.' &&
            read_trial(folder, entries[i]->d_name, experiment, arena, row)) {
            row->trial = saved->count++;
            ended += span_is(row->state, "TERMINATED");
            results += row->results;
        }
        free(entries[i]);
    }
    free(entries);
    experiment->total = experiment->created = saved->count;
    experiment->pending = experiment->running = experiment->paused = experiment->error = 0;
    experiment->terminated = ended;
    experiment->results = results;
    return saved->count > 0 ? 0 : ERR_NOT_FOUND;
}
