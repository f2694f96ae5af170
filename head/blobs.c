#include "head/blobs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define NAME_BYTES (BLOB_HASH_BYTES * 2 + 8)

struct blobs {
    int dir;
};

struct blobs *blobs_open(const char *data_dir)
{
    char path[LIMIT_PATH_BYTES];
    struct blobs *blobs;
    int dir;

    if (fs_join(path, data_dir, "blobs") != 0 || fs_make_dirs(path, 0700) != 0)
        return NULL;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return NULL;
    blobs = xcalloc(1, sizeof(*blobs));
    blobs->dir = dir;
    return blobs;
}

void blobs_close(struct blobs *blobs)
{
    if (blobs == NULL)
        return;
    (void)close(blobs->dir);
    free(blobs);
}

static void blob_name(char out[NAME_BYTES], struct span hash, const char *suffix)
{
    char hex[BLOB_HASH_BYTES * 2 + 1];

    assert(hash.size == BLOB_HASH_BYTES);
    (void)sodium_bin2hex(hex, sizeof(hex), hash.data, hash.size);
    (void)snprintf(out, NAME_BYTES, "%s%s", hex, suffix);
}

static uint64_t file_size(const struct blobs *blobs, const char *name, bool *there)
{
    struct stat st;

    *there = fstatat(blobs->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    return *there ? (uint64_t)st.st_size : 0;
}

uint64_t blobs_have(struct blobs *blobs, struct span hash, bool *complete)
{
    char name[NAME_BYTES];
    uint64_t size;
    bool part;

    blob_name(name, hash, "");
    size = file_size(blobs, name, complete);
    if (*complete)
        return size;
    blob_name(name, hash, ".part");
    return file_size(blobs, name, &part);
}

/* Reads the whole part back: what counts is what the disk has, not what went by. */
static int verify(int fd, struct span hash)
{
    uint8_t found[BLOB_HASH_BYTES];
    crypto_generichash_state state;
    uint8_t *chunk = xmalloc(LIMIT_CHUNK_BYTES);
    off_t at = 0;
    ssize_t got;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof(found));
    while ((got = pread(fd, chunk, LIMIT_CHUNK_BYTES, at)) > 0) {
        (void)crypto_generichash_update(&state, chunk, (unsigned long long)got);
        at += got;
    }
    (void)crypto_generichash_final(&state, found, sizeof(found));
    free(chunk);
    if (got < 0)
        return ERR_IO;
    return span_equal(hash, span_of(found, sizeof(found))) ? 0 : ERR_MALFORMED;
}

static int write_at(int fd, uint64_t offset, struct span bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;

    while (left > 0) {
        ssize_t put = pwrite(fd, at, left, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_from_errno();
        at += put;
        offset += (uint64_t)put;
        left -= (size_t)put;
    }
    return 0;
}

int blobs_put(struct blobs *blobs, struct span hash, uint64_t offset, uint64_t total,
              struct span bytes)
{
    char part[NAME_BYTES];
    char name[NAME_BYTES];
    bool complete;
    uint64_t have = blobs_have(blobs, hash, &complete);
    int err;
    int fd;

    if (total > LIMIT_BLOB_BYTES || bytes.size > total || offset > total - bytes.size)
        return ERR_TOO_BIG;
    if (complete)
        return 0;
    if (have > total) {
        /* Somebody began it with another size: it can never become these bytes. */
        blob_name(part, hash, ".part");
        (void)unlinkat(blobs->dir, part, 0);
        return ERR_MALFORMED;
    }
    if (offset + bytes.size < have)
        return 0;
    if (offset > have)
        return ERR_MALFORMED;
    blob_name(part, hash, ".part");
    blob_name(name, hash, "");
    fd = openat(blobs->dir, part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno();
    err = write_at(fd, offset, bytes);
    /* The disk begins now, so that the fsync at the end, for which the head's loop waits, is short.
     * Only that: where it cannot be asked for, nothing is lost. */
    (void)sync_file_range(fd, (off_t)offset, (off_t)bytes.size, SYNC_FILE_RANGE_WRITE);
    if (err == 0 && offset + bytes.size == total) {
        err = verify(fd, hash);
        if (err == ERR_MALFORMED)
            (void)unlinkat(blobs->dir, part, 0);
        if (err == 0 && (fsync(fd) != 0 || renameat(blobs->dir, part, blobs->dir, name) != 0 ||
                         fsync(blobs->dir) != 0))
            err = err_from_errno();
    }
    (void)close(fd);
    return err;
}

int blobs_get(struct blobs *blobs, struct span hash, uint64_t offset, uint32_t size,
              struct buf *out, uint64_t *total)
{
    char name[NAME_BYTES];
    uint32_t take = size < LIMIT_CHUNK_BYTES ? size : LIMIT_CHUNK_BYTES;
    bool complete;
    uint64_t all = blobs_have(blobs, hash, &complete);
    ssize_t got;
    int fd;

    if (!complete)
        return ERR_NOT_FOUND;
    blob_name(name, hash, "");
    fd = openat(blobs->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_from_errno();
    got = pread(fd, buf_reserve(out, take), take, (off_t)offset);
    (void)close(fd);
    if (got < 0)
        return ERR_IO;
    out->size += (size_t)got;
    *total = all;
    return 0;
}
