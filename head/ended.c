#include "head/ended.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define HEAD_BYTES   8u
#define GATHER_BYTES (256u << 10) /* written at once, without waiting for a flush */
#define SCAN_BYTES   (1u << 20)

struct ended {
    char *folder; /* owned; NULL: in memory */
    char *path;   /* owned */
    int fd;       /* -1: not opened yet, or in memory */
    uint64_t written;
    struct buf gathered; /* behind what is written */
};

struct ended *ended_new(const char *folder, uint32_t experiment)
{
    struct ended *ended = xcalloc(1, sizeof(*ended));
    char path[LIMIT_PATH_BYTES];

    ended->fd = -1;
    if (folder == NULL)
        return ended;
    (void)snprintf(path, sizeof(path), "%s/%" PRIu32, folder, experiment);
    ended->folder = xstrdup(folder);
    ended->path = xstrdup(path);
    return ended;
}

void ended_free(struct ended *ended, bool removed)
{
    if (ended == NULL)
        return;
    if (!removed)
        (void)ended_flush(ended); /* what fails is in the log */
    else if (ended->path != NULL)
        (void)unlink(ended->path);
    if (ended->fd >= 0)
        (void)close(ended->fd);
    buf_fini(&ended->gathered);
    free(ended->folder);
    free(ended->path);
    free(ended);
}

static int file_open(struct ended *ended)
{
    if (ended->fd >= 0)
        return 0;
    if (fs_make_dirs(ended->folder, 0700) != 0)
        return ERR_IO;
    ended->fd = open(ended->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return ended->fd >= 0 ? 0 : ERR_IO;
}

int ended_cut(struct ended *ended, uint64_t size)
{
    struct stat st;

    buf_reset(&ended->gathered);
    ended->written = 0;
    if (ended->path == NULL)
        return size == 0 ? 0 : ERR_MALFORMED;
    /* Most experiments of a fresh log have none: nothing is made for nothing. */
    if (size == 0 && unlink(ended->path) != 0)
        return errno == ENOENT ? 0 : ERR_IO;
    if (size == 0)
        return 0;
    if (file_open(ended) != 0 || fstat(ended->fd, &st) != 0)
        return ERR_IO;
    /* What is there is kept: rows behind it are gone. */
    if ((uint64_t)st.st_size < size) {
        ended->written = (uint64_t)st.st_size;
        return ERR_MALFORMED;
    }
    ended->written = size;
    return ftruncate(ended->fd, (off_t)size) == 0 ? 0 : ERR_IO;
}

uint64_t ended_size(const struct ended *ended)
{
    return ended->written + ended->gathered.size;
}

int ended_fd(const struct ended *ended)
{
    return ended->fd;
}

static void put_u32(uint8_t *out, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static uint32_t checksum(struct span row)
{
    return (uint32_t)crc32_z(0, row.data, row.size);
}

void ended_append(struct ended *ended, struct span row)
{
    uint8_t *head = buf_reserve(&ended->gathered, HEAD_BYTES);

    put_u32(head, (uint32_t)row.size);
    put_u32(head + 4, checksum(row));
    ended->gathered.size += HEAD_BYTES;
    buf_append_span(&ended->gathered, row);
    if (ended->gathered.size >= GATHER_BYTES)
        (void)ended_flush(ended); /* tried again */
}

int ended_flush(struct ended *ended)
{
    const struct buf *gathered = &ended->gathered;
    size_t done = 0;

    if (gathered->size == 0 || ended->path == NULL)
        return 0;
    if (file_open(ended) != 0)
        return ERR_IO;
    while (done < gathered->size) {
        ssize_t wrote = pwrite(ended->fd, gathered->data + done, gathered->size - done,
                               (off_t)(ended->written + done));

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return ERR_IO; /* written anew from its beginning, later */
        done += (size_t)wrote;
    }
    ended->written += done;
    buf_reset(&ended->gathered);
    return 0;
}

/* size bytes at a place, from the file or from what is gathered: no row stands in both. */
static int bytes_at(const struct ended *ended, uint64_t place, void *out, size_t size)
{
    uint64_t before = place - ended->written;
    size_t done = 0;

    if (place >= ended->written) {
        if (before + size > ended->gathered.size)
            return ERR_MALFORMED;
        memcpy(out, ended->gathered.data + before, size);
        return 0;
    }
    while (done < size) {
        ssize_t got = pread(ended->fd, (uint8_t *)out + done, size - done, (off_t)(place + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            return ERR_MALFORMED;
        done += (size_t)got;
    }
    return 0;
}

int ended_read(struct ended *ended, uint64_t place, struct arena *arena, struct span *out)
{
    uint8_t head[HEAD_BYTES];
    int err = bytes_at(ended, place, head, sizeof(head));
    uint32_t size;
    void *row;

    if (err < 0)
        return err;
    size = get_u32(head);
    if (place + HEAD_BYTES + size > ended_size(ended))
        return ERR_MALFORMED;
    row = arena_alloc(arena, size);
    err = bytes_at(ended, place + HEAD_BYTES, row, size);
    if (err < 0)
        return err;
    *out = span_of(row, size);
    return checksum(*out) == get_u32(head + 4) ? 0 : ERR_MALFORMED;
}

/* The file is read a megabyte at a time; a row that is cut by its end begins the next. */
int ended_scan(struct ended *ended, bool (*take)(void *context, uint64_t place, struct span row),
               void *context)
{
    uint64_t place = 0;
    struct buf block = {0};
    int err = 0;

    while (err == 0 && place < ended_size(ended)) {
        uint64_t left = ended_size(ended) - place;
        uint64_t in_file = place < ended->written ? ended->written - place : left;
        size_t want = in_file < SCAN_BYTES ? (size_t)in_file : SCAN_BYTES;
        size_t at = 0;

        if (block.capacity > want) /* a row longer than a block was met */
            want = in_file < block.capacity ? (size_t)in_file : block.capacity;
        err = bytes_at(ended, place, buf_reserve(&block, want), want);
        while (err == 0 && want - at >= HEAD_BYTES) {
            uint32_t size = get_u32(block.data + at);
            struct span row = span_of(block.data + at + HEAD_BYTES, size);

            if (place + at + HEAD_BYTES + size > ended_size(ended))
                err = ERR_MALFORMED;
            if (err != 0 || want - at - HEAD_BYTES < size)
                break;
            if (checksum(row) != get_u32(block.data + at + 4) || !take(context, place + at, row))
                err = ERR_MALFORMED;
            at += HEAD_BYTES + size;
        }
        if (err == 0 && at == 0 && want == in_file)
            err = ERR_MALFORMED; /* half a row at the end */
        if (err == 0 && at == 0)
            (void)buf_reserve(&block, want * 2);
        place += at;
    }
    buf_fini(&block);
    return err;
}
