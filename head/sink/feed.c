#include "head/sink/feed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "head/sink/trial_files.h"

static int open_in(const char *folder, const char *name, int *out)
{
    char path[LIMIT_PATH_BYTES];
    int fd;

    if (fs_join(path, folder, name) != 0)
        return ERR_TOO_BIG;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_from_errno();
    *out = fd;
    return 0;
}

int feed_file(const char *trial_folder, const char *name, uint64_t *offset, uint32_t limit,
              struct buf *out)
{
    ssize_t got;
    int fd;
    int err = open_in(trial_folder, name, &fd);

    if (err != 0)
        return err;
    got = pread(fd, buf_reserve(out, limit), limit, (off_t)*offset);
    (void)close(fd);
    if (got < 0)
        return ERR_IO;
    out->size += (size_t)got;
    *offset += (uint64_t)got;
    return 0;
}

int feed_trial(const char *trial_folder, uint64_t *cursor, uint32_t limit, struct buf *out)
{
    size_t before = out->size;
    uint64_t at = *cursor;
    int err = feed_file(trial_folder, "result.json", &at, limit, out);
    size_t keep;

    /* One line is given even where it is longer than what was asked for. */
    if (err == 0 && out->size - before == limit &&
        memrchr(out->data + before, '\n', out->size - before) == NULL && limit < LIMIT_LINES_BYTES)
        err = feed_file(trial_folder, "result.json", &at, LIMIT_LINES_BYTES - limit, out);
    if (err != 0)
        return err;
    keep = out->size;
    /* Whole lines only, and no more than asked for, but one. */
    if (keep - before > limit)
        for (keep = before + limit; keep < out->size && out->data[keep - 1] != '\n';)
            keep++;
    while (keep > before && out->data[keep - 1] != '\n')
        keep--;
    out->size = keep;
    *cursor += keep - before;
    return 0;
}

/* A file of the feed that stays open while rows of the same trial follow. */
struct open_file {
    uint32_t trial;
    bool superseded;
    int fd; /* -1: none */
};

struct reader {
    const char *folder;
    int names; /* .names: where a trial's folder is called what */
    struct open_file file;
};

/* A trial's folder by number: the sinks keep the names in fixed rows of .names. */
static int open_trial(struct reader *reader, uint32_t trial, bool superseded)
{
    char name[FEED_NAME_BYTES + 1] = {0};
    char folder[LIMIT_PATH_BYTES];
    int err;

    if (reader->file.fd >= 0 && reader->file.trial == trial &&
        reader->file.superseded == superseded)
        return 0;
    if (reader->file.fd >= 0)
        (void)close(reader->file.fd);
    reader->file = (struct open_file){.trial = trial, .superseded = superseded, .fd = -1};
    if (pread(reader->names, name, FEED_NAME_BYTES, (off_t)trial * FEED_NAME_BYTES) <= 0)
        return ERR_NOT_FOUND;
    err = fs_join(folder, reader->folder, name);
    if (err == 0)
        err = open_in(folder, superseded ? "superseded.json" : "result.json", &reader->file.fd);
    return err;
}

/* One line behind out; false where it is not there (any more). */
static bool read_row(struct reader *reader, const struct feed_row *row, struct buf *out)
{
    bool superseded = (row->offset & FEED_SUPERSEDED) != 0;
    uint8_t *to;
    ssize_t got;

    if (open_trial(reader, row->trial, superseded) != 0)
        return false;
    to = buf_reserve(out, row->length);
    got = pread(reader->file.fd, to, row->length, (off_t)(row->offset & ~FEED_SUPERSEDED));
    if (got != (ssize_t)row->length || to[row->length - 1] != '\n')
        return false;
    out->size += row->length;
    return true;
}

int feed_experiment(const char *experiment_folder, uint64_t *cursor, uint64_t rows, uint32_t limit,
                    struct buf *out)
{
    struct reader reader = {.folder = experiment_folder, .file = {.fd = -1}};
    size_t before = out->size;
    uint64_t row = *cursor;
    int feed = -1;
    int err = open_in(experiment_folder, ".feed", &feed);

    if (err == 0)
        err = open_in(experiment_folder, ".names", &reader.names);
    if (err != 0) {
        if (feed >= 0)
            (void)close(feed);
        return err;
    }
    while (row < rows && out->size - before < limit) {
        struct feed_row block[256];
        uint64_t want = rows - row < 256 ? rows - row : 256;
        ssize_t got = pread(feed, block, want * sizeof(*block), (off_t)(row * sizeof(*block)));

        if (got < (ssize_t)sizeof(*block))
            break;
        for (size_t i = 0; i < (size_t)got / sizeof(*block) && out->size - before < limit; i++) {
            if (block[i].length > LIMIT_LINES_BYTES - (out->size - before) && out->size > before)
                goto out; /* in the next reply */
            row++;
            if (block[i].length == 0 || block[i].length > LIMIT_LINES_BYTES ||
                read_row(&reader, &block[i], out))
                continue;
            /* A new attempt cut it off just now: the row was turned to where its line is. */
            if (pread(feed, &block[i], sizeof(*block), (off_t)((row - 1) * sizeof(*block))) ==
                (ssize_t)sizeof(*block))
                (void)read_row(&reader, &block[i], out);
        }
    }
out:
    if (reader.file.fd >= 0)
        (void)close(reader.file.fd);
    (void)close(reader.names);
    (void)close(feed);
    *cursor = row;
    return 0;
}
