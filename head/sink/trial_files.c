#include "head/sink/trial_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/record.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/sink/keep.h"

#define FOLDER_MODE 0755
#define FILE_MODE   0644

struct trial_files *trial_files_new(uint32_t experiment, uint32_t trial)
{
    struct trial_files *files = xcalloc(1, sizeof(*files));

    files->experiment = experiment;
    files->trial = trial;
    files->json = -1;
    files->progress = -1;
    csv_init(&files->csv);
    arena_init(&files->constants_arena);
    return files;
}

void trial_files_close(struct trial_files *files)
{
    if (files->json >= 0)
        (void)close(files->json);
    if (files->progress >= 0)
        (void)close(files->progress);
    files->json = -1;
    files->progress = -1;
}

void trial_files_free(struct trial_files *files)
{
    trial_files_close(files);
    csv_fini(&files->csv);
    arena_fini(&files->constants_arena);
    buf_fini(&files->json_rows);
    buf_fini(&files->progress_rows);
    free(files->folder);
    free(files);
}

bool trial_files_lack_passes(int why)
{
    return why == ENOSPC || why == EDQUOT || why == EIO || why == EMFILE || why == ENFILE ||
           why == ENOMEM;
}

/* The trial's rows are dropped from here on. True where a replay can write them. */
static bool broke(struct trial_files *files, const char *path, char *trouble, size_t size)
{
    bool passes = trial_files_lack_passes(errno);

    (void)snprintf(trouble, size, "cannot write %s: %s; %s", path, strerror(errno),
                   passes ? "the results are safe in the log and are written when the head starts "
                            "again"
                          : "the results are in the log until its next image, and are written when "
                            "the head starts again before that");
    files->broken = true;
    buf_reset(&files->json_rows);
    buf_reset(&files->progress_rows);
    trial_files_close(files);
    return passes;
}

static int open_file(const struct trial_files *files, const char *name, int flags, char *path)
{
    if (fs_join(path, files->folder, name) != 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, flags | O_CREAT | O_CLOEXEC, FILE_MODE);
}

/* Where the first rows lines of a file end; in quotes a newline is no end. */
static int rows_end(int fd, uint64_t rows, bool quotes, uint64_t *out)
{
    uint8_t block[65536];
    uint64_t at = 0;
    bool quoted = false;
    ssize_t got;

    if (rows == 0) {
        *out = 0;
        return 0;
    }
    while ((got = pread(fd, block, sizeof(block), (off_t)at)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            quoted ^= quotes && block[i] == '"';
            if (block[i] == '\n' && !quoted && --rows == 0) {
                *out = at + (uint64_t)i + 1;
                return 0;
            }
        }
        at += (uint64_t)got;
    }
    *out = at;
    return got < 0 ? ERR_IO : 0;
}

/* Feed rows of a trial that point behind `from` in result.json follow their lines to
 * superseded.json, where these begin at `to`. */
static void feed_follow(int feed, uint64_t rows, uint32_t trial, uint64_t from, uint64_t to)
{
    struct feed_row block[1024];
    uint64_t row = 0;
    ssize_t got;

    while (row < rows &&
           (got = pread(feed, block, sizeof(block), (off_t)(row * sizeof(*block)))) > 0) {
        size_t count = (size_t)got / sizeof(*block);

        for (size_t i = 0; i < count; i++) {
            if (block[i].trial != trial || block[i].offset < from ||
                (block[i].offset & FEED_SUPERSEDED) != 0)
                continue;
            block[i].offset = (to + (block[i].offset - from)) | FEED_SUPERSEDED;
            (void)pwrite(feed, &block[i], sizeof(*block), (off_t)((row + i) * sizeof(*block)));
        }
        row += count;
    }
}

/* One of the result files ends after size bytes from here on. */
static int cut_file(const struct trial_files *files, int *fd, const char *name, uint64_t size,
                    const struct trial_cut *cut)
{
    char path[LIMIT_PATH_BYTES];
    char kept[LIMIT_PATH_BYTES];
    int err = keep_cut(files->folder, name, size, cut->image, kept);
    int why = errno;

    if (kept[0] == '\0')
        return err;
    cut->kept(cut->context, kept);
    errno = why;
    if (err != 0)
        return err;
    (void)close(*fd);
    *fd = open_file(files, name, O_RDWR | O_APPEND, path);
    return *fd < 0 ? ERR_IO : 0;
}

/* superseded.json of a trial that the newest image does not know: it had ended then. A restart must
 * find it as it was, be it empty. */
static int keep_superseded(const struct trial_files *files, const struct trial_cut *cut, char *path)
{
    char kept[LIMIT_PATH_BYTES];
    struct stat st;
    int fd = open_file(files, "superseded.json", O_RDWR, path);
    int err = fd >= 0 && fstat(fd, &st) == 0 ? 0 : ERR_IO;

    fs_close(fd);
    if (err == 0)
        err = keep_cut(files->folder, "superseded.json", (uint64_t)st.st_size, cut->image, kept);
    if (err == 0 && kept[0] != '\0')
        cut->kept(cut->context, kept);
    return err;
}

/* Everything behind end goes behind the other file; *at: where that begins. */
static int append_rest(int json, uint64_t end, int old, uint64_t *at)
{
    uint8_t block[65536];
    struct stat st;
    ssize_t got;

    if (fstat(old, &st) != 0)
        return ERR_IO;
    *at = (uint64_t)st.st_size;
    while ((got = pread(json, block, sizeof(block), (off_t)end)) > 0) {
        if (fs_write_all(old, block, (size_t)got) != 0)
            return ERR_IO;
        end += (uint64_t)got;
    }
    return got < 0 ? ERR_IO : 0;
}

/* Lines behind the rows that stay go to superseded.json: nothing that was reported is thrown away.
 */
static int cut_json(struct trial_files *files, uint64_t rows, const struct trial_cut *cut,
                    char *path)
{
    uint64_t end;
    struct stat st;
    uint64_t moved = 0;
    int old;
    int err;

    if (rows_end(files->json, rows, false, &end) != 0 || fstat(files->json, &st) != 0)
        return ERR_IO;
    files->json_end = end;
    if ((uint64_t)st.st_size <= end)
        return 0;
    if (files->unknown && cut->image > 0 && keep_superseded(files, cut, path) != 0)
        return ERR_IO;
    old = open_file(files, "superseded.json", O_RDWR | O_APPEND, path);
    if (old < 0)
        return ERR_IO;
    err = append_rest(files->json, end, old, &moved);
    fs_close(old);
    if (err == 0 && cut->feed >= 0)
        feed_follow(cut->feed, cut->feed_rows, files->trial, end, moved);
    return err == 0 ? cut_file(files, &files->json, "result.json", end, cut) : err;
}

/* Open the result files as far as they were asked for. */
static int open_results(struct trial_files *files, char *path)
{
    if ((files->files & FILES_RESULT) != 0 && files->json < 0) {
        files->json = open_file(files, "result.json", O_RDWR | O_APPEND, path);
        if (files->json < 0)
            return ERR_IO;
    }
    if ((files->files & FILES_PROGRESS) != 0 && files->progress < 0) {
        files->progress = open_file(files, "progress.csv", O_RDWR | O_APPEND, path);
        if (files->progress < 0)
            return ERR_IO;
    }
    return 0;
}

/* The first attempt that the log tells of begins a trial, or a replay: all of it is written
 * (again). That need not be attempt 1, which may have been lost before it started. No image knows
 * these files: nothing is kept, and what an earlier life kept in the folder goes. */
static int begin_files(struct trial_files *files, bool was_there, char *path)
{
    if (fs_join(path, files->folder, "superseded.json") == 0)
        (void)unlink(path);
    (void)snprintf(path, LIMIT_PATH_BYTES, "%s", files->folder);
    if (was_there && (keep_drop(files->folder, "result.json") != 0 ||
                      keep_drop(files->folder, "superseded.json") != 0 ||
                      keep_drop(files->folder, "progress.csv") != 0))
        return ERR_IO;
    if ((files->json >= 0 && ftruncate(files->json, 0) != 0) ||
        (files->progress >= 0 && ftruncate(files->progress, 0) != 0))
        return ERR_IO;
    files->json_end = 0;
    files->new_progress = true;
    return 0;
}

/* Its last attempt is over and its files were closed: it had `stood` rows then. A head that died
 * may have begun this attempt before: what it cut is put back, what it wrote behind goes. */
static int take_up(struct trial_files *files, const struct effect_attempt *attempt,
                   const struct trial_cut *cut, char *path)
{
    uint64_t end;
    int err = 0;

    if (cut->redo && (keep_restore(files->folder, "result.json", cut->image) != 0 ||
                      keep_restore(files->folder, "superseded.json", cut->image) != 0 ||
                      keep_restore(files->folder, "progress.csv", cut->image) != 0))
        return ERR_IO;
    files->unknown = true;
    err = open_results(files, path);
    if (err == 0 && files->json >= 0)
        err = rows_end(files->json, attempt->stood, false, &end) == 0 &&
                      ftruncate(files->json, (off_t)end) == 0
                  ? 0
                  : ERR_IO;
    if (err == 0 && files->progress >= 0)
        err = rows_end(files->progress, attempt->stood + 1, true, &end) == 0 &&
                      ftruncate(files->progress, (off_t)end) == 0
                  ? 0
                  : ERR_IO;
    files->begun = err == 0;
    return err;
}

static int cut_files(struct trial_files *files, const struct effect_attempt *attempt,
                     const struct trial_cut *cut, char *path)
{
    uint64_t end = 0;

    if (files->json >= 0 && cut_json(files, attempt->rows, cut, path) != 0)
        return ERR_IO;
    if (files->progress >= 0) {
        if (attempt->rows > 0 && rows_end(files->progress, attempt->rows + 1, true, &end) != 0)
            return ERR_IO;
        if (cut_file(files, &files->progress, "progress.csv", end, cut) != 0)
            return ERR_IO;
        files->new_progress = end == 0;
    }
    return 0;
}

static int write_params(struct trial_files *files, char *path)
{
    struct arena arena;
    struct cursor cursor;
    struct value config;
    struct buf text;
    int err;
    int fd;

    arena_init(&arena);
    buf_init(&text);
    cursor_init(&cursor, files->constants.config);
    err = value_unpack(&cursor, &arena, &config);
    if (err == 0) {
        json_write(&config, JSON_INDENT, &text);
        fd = open_file(files, "params.json", O_WRONLY | O_TRUNC, path);
        err = fd < 0 ? ERR_IO : fs_write_all(fd, text.data, text.size);
        fs_close(fd);
    } else {
        errno = EBADMSG;
    }
    buf_fini(&text);
    arena_fini(&arena);
    return err;
}

static void set_constants(struct trial_files *files, const struct effect_attempt *attempt)
{
    struct arena *arena = &files->constants_arena;

    arena_reset(arena);
    files->constants = (struct result_constants){
        .experiment_id = arena_copy(arena, attempt->experiment_id),
        .hostname = arena_copy(arena, attempt->hostname),
        .node_ip = arena_copy(arena, attempt->node_ip),
        .pid = attempt->pid,
        .config = arena_copy(arena, attempt->config),
    };
}

/* The experiment's folder is there after its first trial: one call then, not a walk. */
static int make_folder(const char *folder, bool *was_there)
{
    *was_there = false;
    if (mkdir(folder, FOLDER_MODE) == 0)
        return 0;
    *was_there = errno == EEXIST;
    return *was_there ? 0 : fs_make_dirs(folder, FOLDER_MODE);
}

bool trial_files_attempt(struct trial_files *files, const struct effect_attempt *attempt,
                         const struct trial_cut *cut, char *trouble, size_t size)
{
    char path[LIMIT_PATH_BYTES];
    char folder[LIMIT_PATH_BYTES];
    bool was_there;
    int err;

    files->broken = false;
    files->files = attempt->files;
    set_constants(files, attempt);
    csv_reset(&files->csv);
    if (attempt->files == 0)
        return false;
    if ((size_t)snprintf(folder, sizeof(folder), "%.*s/%.*s", SPAN(attempt->experiment_folder),
                         SPAN(attempt->trial_folder)) >= sizeof(folder))
        folder[sizeof(folder) - 1] = '\0';
    if (files->folder == NULL)
        files->folder = xstrdup(folder);
    (void)snprintf(path, sizeof(path), "%s", folder);
    err = make_folder(folder, &was_there);
    if (err == 0 && (attempt->files & FILES_PARAMS) != 0)
        err = write_params(files, path);
    if (err == 0 && !files->begun && attempt->stood > 0 && was_there)
        err = take_up(files, attempt, cut, path);
    if (err == 0)
        err = open_results(files, path);
    if (err == 0)
        err = files->begun ? cut_files(files, attempt, cut, path)
                           : begin_files(files, was_there, path);
    files->begun = true;
    return err != 0 && broke(files, path, trouble, size);
}

void trial_files_results(struct trial_files *files, const struct effect_results *results,
                         struct buf *feed)
{
    struct feed_row row = {.trial = files->trial};
    struct cursor cursor;
    struct record record;
    uint32_t seen = 0;

    cursor_init(&cursor, results->records);
    while (seen < results->count && record_unpack(&cursor, &record) == 0) {
        bool final;
        size_t before;

        if (record.kind != RECORD_RESULT)
            continue;
        final = results->final && ++seen == results->count;
        if (!results->final)
            seen++;
        row.length = 0;
        if (!files->broken && (files->files & FILES_RESULT) != 0) {
            before = files->json_rows.size;
            result_json(&record.result, &files->constants, final, &files->json_rows);
            buf_append_char(&files->json_rows, '\n');
            row.length = (uint32_t)(files->json_rows.size - before);
            row.offset = files->json_end;
            files->json_end += row.length;
        }
        buf_append(feed, &row, sizeof(row));
        if (!files->broken && (files->files & FILES_PROGRESS) != 0)
            csv_row(&files->csv, &record.result, &files->constants, final, files->new_progress,
                    &files->progress_rows);
    }
    files->new_progress &= !files->csv.begun;
}

bool trial_files_flush(struct trial_files *files, char *trouble, size_t size)
{
    char path[LIMIT_PATH_BYTES];

    if (files->broken || (files->json_rows.size == 0 && files->progress_rows.size == 0))
        return false;
    path[0] = '\0';
    if (open_results(files, path) != 0)
        return broke(files, path, trouble, size);
    if ((files->json_rows.size > 0 &&
         fs_write_all(files->json, files->json_rows.data, files->json_rows.size) != 0) ||
        (files->progress_rows.size > 0 &&
         fs_write_all(files->progress, files->progress_rows.data, files->progress_rows.size) != 0))
        return broke(files, files->folder, trouble, size);
    buf_reset(&files->json_rows);
    buf_reset(&files->progress_rows);
    return false;
}
