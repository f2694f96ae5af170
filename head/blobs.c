#include "head/blobs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/blob_scan.h"
#include "head/blob_seal.h"
#include "head/placed.h"

struct blob {
    struct blob *older;
    struct blob *newer;
    uint8_t hash[BLOB_HASH_BYTES];
    uint64_t size;
    bool complete;
    bool rechecked; /* by the sealer: it was complete */
    bool sealing;   /* the sealer's; nothing here may touch its files */
};

struct blobs {
    int dir;
    int placed; /* -1: not shared */
    struct blobs_config config;
    struct sealer *sealer;
    struct table *by_hash;
    struct blob *oldest;
    struct blob *newest;
    uint32_t count;
    uint64_t bytes;
    void (*list)(void *context, struct table *kept);
    void *context;
};

static struct span hash_of(const struct blob *blob)
{
    return span_of(blob->hash, BLOB_HASH_BYTES);
}

static struct blob *find(const struct blobs *blobs, struct span hash)
{
    assert(hash.size == BLOB_HASH_BYTES);
    return table_get(blobs->by_hash, hash);
}

static void unlink_blob(struct blobs *blobs, struct blob *blob)
{
    if (blob->older != NULL)
        blob->older->newer = blob->newer;
    else
        blobs->oldest = blob->newer;
    if (blob->newer != NULL)
        blob->newer->older = blob->older;
    else
        blobs->newest = blob->older;
}

static void make_newest(struct blobs *blobs, struct blob *blob)
{
    blob->older = blobs->newest;
    blob->newer = NULL;
    if (blobs->newest != NULL)
        blobs->newest->newer = blob;
    else
        blobs->oldest = blob;
    blobs->newest = blob;
}

static struct blob *add(struct blobs *blobs, const uint8_t hash[BLOB_HASH_BYTES], uint64_t size,
                        bool complete)
{
    struct blob *blob = xcalloc(1, sizeof(*blob));

    memcpy(blob->hash, hash, sizeof(blob->hash));
    blob->size = size;
    blob->complete = complete;
    (void)table_put(blobs->by_hash, hash_of(blob), blob);
    make_newest(blobs, blob);
    blobs->count++;
    blobs->bytes += size;
    return blob;
}

/* Its files are gone, or nobody's business any more. */
static void forget(struct blobs *blobs, struct blob *blob)
{
    unlink_blob(blobs, blob);
    (void)table_remove(blobs->by_hash, hash_of(blob));
    blobs->count--;
    blobs->bytes -= blob->size;
    free(blob);
}

static void drop(struct blobs *blobs, struct blob *blob)
{
    char name[BLOB_NAME_BYTES];

    assert(!blob->sealing);
    blob_name(name, blob->hash, blob->complete ? "" : ".part");
    (void)unlinkat(blobs->dir, name, 0);
    forget(blobs, blob);
}

/* What is there from before, in the order of its last use. */
static int scan(struct blobs *blobs)
{
    struct blob_found *all;
    size_t count;

    if (blob_scan(blobs->dir, &all, &count) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct blob *twin = find(blobs, span_of(all[i].hash, BLOB_HASH_BYTES));

        /* A whole one makes its part needless. */
        if (twin != NULL && !twin->complete) {
            drop(blobs, twin);
        } else if (twin != NULL) {
            char name[BLOB_NAME_BYTES];

            blob_name(name, all[i].hash, ".part");
            (void)unlinkat(blobs->dir, name, 0);
            continue;
        }
        (void)add(blobs, all[i].hash, all[i].size, all[i].complete);
    }
    free(all);
    return 0;
}

struct blobs *blobs_open(const char *folder, const struct blobs_config *config)
{
    struct blobs *blobs;
    int dir;

    if (fs_make_dirs(folder, 0700) != 0)
        return NULL;
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return NULL;
    blobs = xcalloc(1, sizeof(*blobs));
    blobs->dir = dir;
    blobs->config = *config;
    blobs->by_hash = table_new();
    blobs->placed = config->shared ? placed_open(dir) : -1;
    if ((blobs->placed >= 0 || !config->shared) && scan(blobs) == 0)
        blobs->sealer = sealer_new(dir, blobs->placed);
    if (blobs->sealer == NULL) {
        int error = errno;

        blobs_close(blobs);
        errno = error;
        return NULL;
    }
    return blobs;
}

void blobs_close(struct blobs *blobs)
{
    if (blobs == NULL)
        return;
    sealer_free(blobs->sealer);
    while (blobs->oldest != NULL)
        forget(blobs, blobs->oldest);
    table_free(blobs->by_hash);
    if (blobs->placed >= 0)
        (void)close(blobs->placed);
    (void)close(blobs->dir);
    free(blobs);
}

void blobs_keep(struct blobs *blobs, void (*list)(void *context, struct table *kept), void *context)
{
    blobs->list = list;
    blobs->context = context;
}

uint64_t blobs_have(const struct blobs *blobs, struct span hash, bool *complete)
{
    const struct blob *blob = find(blobs, hash);

    *complete = blob != NULL && blob->complete;
    return blob != NULL ? blob->size : 0;
}

bool blobs_sealing(const struct blobs *blobs, struct span hash)
{
    const struct blob *blob = find(blobs, hash);

    return blob != NULL && blob->sealing;
}

/* Let go of what nobody needs until so many bytes more fit, and one file more. */
static int make_room(struct blobs *blobs, const struct blob *mine, uint64_t bytes)
{
    const uint32_t most = blobs->config.limit_count - (mine == NULL);
    struct blob *newer;
    struct table *kept;

    if (blobs->bytes + bytes <= blobs->config.limit_bytes && blobs->count <= most)
        return 0;
    kept = table_new();
    if (blobs->list != NULL)
        blobs->list(blobs->context, kept);
    for (struct blob *blob = blobs->oldest; blob != NULL; blob = newer) {
        newer = blob->newer;
        if (blobs->bytes + bytes <= blobs->config.limit_bytes && blobs->count <= most)
            break;
        if (blob != mine && !blob->sealing && table_get(kept, hash_of(blob)) == NULL)
            drop(blobs, blob);
    }
    table_free(kept);
    return blobs->bytes + bytes <= blobs->config.limit_bytes && blobs->count <= most ? 0 : ERR_FULL;
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

static int append(struct blobs *blobs, struct blob *blob, struct span bytes)
{
    char part[BLOB_NAME_BYTES];
    int err;
    int fd;

    blob_name(part, blob->hash, ".part");
    fd = openat(blobs->dir, part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno();
    err = write_at(fd, blob->size, bytes);
    /* The disk begins now, so that the sync at the end is short. Only that: where it cannot be
     * asked for, nothing is lost. */
    (void)sync_file_range(fd, (off_t)blob->size, (off_t)bytes.size, SYNC_FILE_RANGE_WRITE);
    (void)close(fd);
    if (err != 0)
        return err;
    blob->size += bytes.size;
    blobs->bytes += bytes.size;
    return 0;
}

/* The bytes of a chunk that are new: an upload that was begun twice goes on with either's. */
static struct span new_bytes(uint64_t have, uint64_t offset, struct span bytes)
{
    size_t known = (size_t)(have - offset);

    return span_of((const uint8_t *)bytes.data + known, bytes.size - known);
}

static int seal(struct blobs *blobs, struct blob *blob)
{
    blob->sealing = true;
    sealer_put(blobs->sealer, blob->hash, ".part");
    return ERR_AGAIN;
}

int blobs_put(struct blobs *blobs, struct span hash, uint64_t offset, uint64_t total,
              struct span bytes)
{
    struct blob *blob = find(blobs, hash);
    uint64_t have = blob != NULL ? blob->size : 0;
    int err;

    if (total > LIMIT_BLOB_BYTES || bytes.size > total || offset > total - bytes.size)
        return ERR_TOO_BIG;
    if (blob != NULL && (blob->complete || blob->sealing))
        return blob->complete ? 0 : ERR_AGAIN;
    if (blob != NULL && have > total) {
        /* Somebody began it with another size: it can never become these bytes. */
        drop(blobs, blob);
        return ERR_MALFORMED;
    }
    if (offset > have)
        return ERR_MALFORMED;
    if (blob != NULL && have == total)
        return seal(blobs, blob); /* a head was ended just then */
    if (offset + bytes.size < have)
        return 0;
    err = make_room(blobs, blob, total - have);
    if (err != 0)
        return err;
    if (blob == NULL) {
        blob = add(blobs, hash.data, 0, false);
    } else {
        unlink_blob(blobs, blob);
        make_newest(blobs, blob);
    }
    err = append(blobs, blob, new_bytes(have, offset, bytes));
    if (err != 0)
        return err;
    return blob->size == total ? seal(blobs, blob) : 0;
}

int blobs_adopt(struct blobs *blobs, struct span hash, uint64_t total)
{
    struct blob *blob = find(blobs, hash);
    int err;

    if (total > LIMIT_BLOB_BYTES)
        return ERR_TOO_BIG;
    if (blobs->placed < 0)
        return ERR_NOT_FOUND;
    if (blob != NULL && (blob->complete || blob->sealing))
        return blob->complete ? 0 : ERR_AGAIN;
    err = make_room(blobs, blob, total);
    if (err != 0)
        return err;
    if (blob != NULL)
        drop(blobs, blob); /* what has come of it over the wire */
    blob = add(blobs, hash.data, total, false);
    blob->sealing = true;
    sealer_adopt(blobs->sealer, blob->hash, total);
    return ERR_AGAIN;
}

bool blobs_sealed(struct blobs *blobs, uint8_t hash[BLOB_HASH_BYTES], int *err)
{
    struct blob *blob;

    if (!sealer_next(blobs->sealer, hash, err))
        return false;
    blob = find(blobs, span_of(hash, BLOB_HASH_BYTES));
    assert(blob != NULL && blob->sealing);
    blob->sealing = false;
    if (blob->rechecked && *err != ERR_MALFORMED && *err != ERR_NOT_FOUND)
        *err = 0; /* it could not be read now, which says nothing of its bytes */
    blob->rechecked = false;
    blob->complete = *err == 0;
    if (*err != 0)
        forget(blobs, blob);
    return true;
}

int blobs_fd(const struct blobs *blobs)
{
    return sealer_fd(blobs->sealer);
}

void blobs_use(struct blobs *blobs, struct span hash)
{
    struct blob *blob = find(blobs, hash);
    char name[BLOB_NAME_BYTES];

    if (blob == NULL || !blob->complete)
        return;
    unlink_blob(blobs, blob);
    make_newest(blobs, blob);
    /* For the order after a restart, so no matter where it fails. */
    blob_name(name, blob->hash, "");
    (void)utimensat(blobs->dir, name, NULL, AT_SYMLINK_NOFOLLOW);
}

int blobs_get(const struct blobs *blobs, struct span hash, uint64_t offset, uint32_t size,
              struct buf *out, uint64_t *total)
{
    const struct blob *blob = find(blobs, hash);
    uint32_t take = size < LIMIT_CHUNK_BYTES ? size : LIMIT_CHUNK_BYTES;
    char name[BLOB_NAME_BYTES];
    ssize_t got;
    int fd;

    if (blob == NULL || !blob->complete)
        return ERR_NOT_FOUND;
    blob_name(name, blob->hash, "");
    fd = openat(blobs->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_from_errno();
    got = pread(fd, buf_reserve(out, take), take, (off_t)offset);
    (void)close(fd);
    if (got < 0)
        return ERR_IO;
    out->size += (size_t)got;
    *total = blob->size;
    return 0;
}

void blobs_drop(struct blobs *blobs, struct span hash)
{
    struct blob *blob = find(blobs, hash);

    if (blob != NULL && !blob->sealing)
        drop(blobs, blob);
}

void blobs_sweep(struct blobs *blobs)
{
    struct table *kept = table_new();
    struct blob *newer;

    if (blobs->list != NULL)
        blobs->list(blobs->context, kept);
    for (struct blob *blob = blobs->oldest; blob != NULL; blob = newer) {
        newer = blob->newer;
        if (!blob->sealing && table_get(kept, hash_of(blob)) == NULL)
            drop(blobs, blob);
    }
    table_free(kept);
}

void blobs_sweep_placed(struct blobs *blobs)
{
    sealer_sweep(blobs->sealer);
}

int blobs_look_again(struct blobs *blobs)
{
    while (blobs->oldest != NULL) {
        assert(!blobs->oldest->sealing);
        forget(blobs, blobs->oldest);
    }
    return scan(blobs);
}

void blobs_recheck(struct blobs *blobs, struct span hash)
{
    struct blob *blob = find(blobs, hash);

    if (blob == NULL || !blob->complete)
        return;
    blob->complete = false;
    blob->rechecked = true;
    blob->sealing = true;
    sealer_put(blobs->sealer, blob->hash, "");
}

uint64_t blobs_bytes(const struct blobs *blobs)
{
    return blobs->bytes;
}

uint32_t blobs_count(const struct blobs *blobs)
{
    return blobs->count;
}
