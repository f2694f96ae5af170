/* A trial's files in an image: how long they were, and what the next rows need. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/schema.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/sink/keep.h"
#include "head/sink/trial_files.h"

struct saved {
    uint32_t experiment;
    uint32_t trial;
    struct span folder;
    uint32_t files;
    bool begun;
    bool broken;
    bool new_progress;
    uint64_t json_end; /* bytes of each file */
    uint64_t progress_end;
    uint64_t superseded_end;
    struct span experiment_id;
    struct span hostname;
    struct span node_ip;
    int64_t pid;
    struct span config;
    struct span names;
    uint32_t name_count;
    uint32_t own_done; /* a bit each */
    bool has_neg_mean_loss;
    bool csv_begun;
};

static const struct field saved_fields[] = {
    FIELD(saved, experiment, FIELD_U32, 0),
    FIELD(saved, trial, FIELD_U32, 0),
    FIELD(saved, folder, FIELD_BYTES, LIMIT_PATH_BYTES),
    FIELD(saved, files, FIELD_U32, 0),
    FIELD(saved, begun, FIELD_BOOL, 0),
    FIELD(saved, broken, FIELD_BOOL, 0),
    FIELD(saved, new_progress, FIELD_BOOL, 0),
    FIELD(saved, json_end, FIELD_U64, 0),
    FIELD(saved, progress_end, FIELD_U64, 0),
    FIELD(saved, superseded_end, FIELD_U64, 0),
    FIELD(saved, experiment_id, FIELD_BYTES, 0),
    FIELD(saved, hostname, FIELD_BYTES, 0),
    FIELD(saved, node_ip, FIELD_BYTES, 0),
    FIELD(saved, pid, FIELD_I64, 0),
    FIELD(saved, config, FIELD_BYTES, 0),
    FIELD(saved, names, FIELD_BYTES, 0),
    FIELD(saved, name_count, FIELD_U32, 0),
    FIELD(saved, own_done, FIELD_U32, 0),
    FIELD(saved, has_neg_mean_loss, FIELD_BOOL, 0),
    FIELD(saved, csv_begun, FIELD_BOOL, 0),
};
static const struct schema saved_schema = SCHEMA(saved, 0, saved_fields);

/* A file that cannot be seen: its folder is gone, or closed. It is not cut when it is back. */
#define SIZE_UNKNOWN UINT64_MAX

/* Bytes of a file; 0 where there is none. */
static uint64_t file_size(const struct trial_files *files, const char *name)
{
    char path[LIMIT_PATH_BYTES];
    struct stat st;

    if (files->folder == NULL)
        return 0;
    if (fs_join(path, files->folder, name) != 0)
        return SIZE_UNKNOWN;
    if (stat(path, &st) == 0)
        return S_ISREG(st.st_mode) ? (uint64_t)st.st_size : SIZE_UNKNOWN;
    return errno == ENOENT && access(files->folder, F_OK) == 0 ? 0 : SIZE_UNKNOWN;
}

void trial_files_save(const struct trial_files *files, struct buf *out)
{
    struct saved saved = {
        .experiment = files->experiment,
        .trial = files->trial,
        .folder = span_text(files->folder != NULL ? files->folder : ""),
        .files = files->files,
        .begun = files->begun,
        .broken = files->broken,
        .new_progress = files->new_progress,
        .json_end = files->broken ? file_size(files, "result.json") : files->json_end,
        .progress_end = file_size(files, "progress.csv"),
        .superseded_end = file_size(files, "superseded.json"),
        .experiment_id = files->constants.experiment_id,
        .hostname = files->constants.hostname,
        .node_ip = files->constants.node_ip,
        .pid = files->constants.pid,
        .config = files->constants.config,
        .names = buf_span(&files->csv.names),
        .name_count = files->csv.name_count,
        .has_neg_mean_loss = files->csv.has_neg_mean_loss,
        .csv_begun = files->csv.begun,
    };

    for (unsigned i = 0; i < 4; i++)
        saved.own_done |= (uint32_t)files->csv.own_done[i] << i;
    schema_pack(&saved_schema, &saved, out);
}

/* The file as it was. ERR_NOT_FOUND: it is shorter now; ERR_IO: it cannot be cut, errno says why.
 */
static int cut_back(const struct trial_files *files, const char *name, uint64_t size,
                    uint64_t image)
{
    char path[LIMIT_PATH_BYTES];
    struct stat st;

    if (keep_restore(files->folder, name, image) != 0)
        return ERR_IO;
    if (size == SIZE_UNKNOWN)
        return 0;
    if (fs_join(path, files->folder, name) != 0) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    if (stat(path, &st) != 0) {
        if (errno != ENOENT)
            return ERR_IO;
        st.st_size = 0;
    }
    if ((uint64_t)st.st_size < size)
        return ERR_NOT_FOUND;
    return (uint64_t)st.st_size == size || truncate(path, (off_t)size) == 0 ? 0 : ERR_IO;
}

/* Rows behind an end that is not the image's would be there twice: none are written then. True
 * where that can pass. */
static bool amiss(struct trial_files *files, const char *name, int err, char *trouble, size_t size)
{
    bool passes = err == ERR_IO && trial_files_lack_passes(errno);

    if (err == ERR_IO)
        (void)snprintf(trouble, size,
                       "%s/%s cannot be cut to what it was: %s; no rows are written there until "
                       "the trial's next attempt",
                       files->folder, name, strerror(errno));
    else if (!files->broken)
        (void)snprintf(trouble, size,
                       "%s: files are shorter than they were; rows are missing there",
                       files->folder);
    files->broken |= err == ERR_IO;
    return passes;
}

static void files_restore(struct trial_files *files, const struct saved *saved, uint64_t image,
                          bool *missing, char *trouble, size_t size)
{
    const struct {
        uint32_t file;
        const char *name;
        uint64_t size;
    } parts[] = {{FILES_RESULT, "result.json", saved->json_end},
                 {FILES_RESULT, "superseded.json", saved->superseded_end},
                 {FILES_PROGRESS, "progress.csv", saved->progress_end}};
    bool good = true;

    if (files->folder == NULL)
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int err = 0;

        if ((saved->files & parts[i].file) != 0)
            err = cut_back(files, parts[i].name, parts[i].size, image);
        if (err != 0)
            *missing |= amiss(files, parts[i].name, err, trouble, size);
        good &= err == 0;
    }
    if (!good)
        files->json_end = file_size(files, "result.json");
    if (files->json_end == SIZE_UNKNOWN)
        files->json_end = 0; /* no row is written there before an attempt looks */
}

struct trial_files *trial_files_load(struct cursor *in, uint64_t image,
                                     bool (*here)(void *context, uint32_t experiment),
                                     void *context, bool *missing, char *trouble, size_t size)
{
    struct trial_files *files;
    struct saved saved;
    struct arena *arena;

    if (schema_unpack(&saved_schema, in, NULL, &saved, NULL) < 0)
        return NULL;
    files = trial_files_new(saved.experiment, saved.trial);
    arena = &files->constants_arena;
    if (saved.folder.size > 0)
        files->folder = xstrndup(saved.folder.data, saved.folder.size);
    files->files = saved.files;
    files->begun = saved.begun;
    files->broken = saved.broken;
    files->new_progress = saved.new_progress;
    files->json_end = saved.json_end;
    files->constants = (struct result_constants){
        .experiment_id = arena_copy(arena, saved.experiment_id),
        .hostname = arena_copy(arena, saved.hostname),
        .node_ip = arena_copy(arena, saved.node_ip),
        .pid = saved.pid,
        .config = arena_copy(arena, saved.config),
    };
    buf_append_span(&files->csv.names, saved.names);
    files->csv.name_count = saved.name_count;
    for (unsigned i = 0; i < 4; i++)
        files->csv.own_done[i] = (saved.own_done >> i & 1) != 0;
    files->csv.has_neg_mean_loss = saved.has_neg_mean_loss;
    files->csv.begun = saved.csv_begun;
    if (here(context, saved.experiment))
        files_restore(files, &saved, image, missing, trouble, size);
    return files;
}
