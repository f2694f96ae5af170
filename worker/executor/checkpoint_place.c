#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "worker/executor/checkpoint_files.h"

/* Of their hashes: each file has a last chunk that is its own, and there is the manifest. */
#define WANTED_BYTES                                                                               \
    ((LIMIT_CHECKPOINT_BYTES / LIMIT_CHUNK_BYTES + LIMIT_CHECKPOINT_FILES + 1) * LIMIT_HASH_BYTES)

struct placer {
    int stage;
    int placed; /* the folder for it in the head's */
    const uint8_t *manifest;
    struct buf bytes;
};

static enum files_result blob_load(struct placer *placer, const uint8_t *hash, const char *name)
{
    const bool list = memcmp(hash, placer->manifest, LIMIT_HASH_BYTES) == 0;
    int fd = openat(placer->stage, list ? "manifest" : name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int err;

    if (fd < 0)
        return FILES_WRONG;
    buf_reset(&placer->bytes);
    err = fs_read_rest(fd, LIMIT_MANIFEST_BYTES, &placer->bytes);
    (void)close(fd);
    return err == 0 ? FILES_DONE : FILES_DISK;
}

/* Whole and on the disk before it has its name, also where several place the same one. */
static enum files_result blob_place(struct placer *placer, const uint8_t *hash)
{
    char name[FILES_NAME_BYTES];
    char temporary[FILES_NAME_BYTES + 24];
    enum files_result result;
    int fd;

    files_name(name, hash);
    result = blob_load(placer, hash, name);
    if (result != FILES_DONE)
        return result;
    (void)snprintf(temporary, sizeof(temporary), "%s.%08x%08x", name, randombytes_random(),
                   randombytes_random());
    fd = openat(placer->placed, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return FILES_DISK;
    if (fs_write_all(fd, placer->bytes.data, placer->bytes.size) != 0 || fsync(fd) != 0)
        result = FILES_DISK;
    if (close(fd) != 0)
        result = FILES_DISK;
    if (result == FILES_DONE && renameat(placer->placed, temporary, placer->placed, name) != 0)
        result = FILES_DISK;
    if (result != FILES_DONE)
        (void)unlinkat(placer->placed, temporary, 0);
    return result;
}

/* The folder is the head's to make: where it is not there this is none of a head's. */
static int placed_open(const char *shared)
{
    char path[LIMIT_PATH_BYTES];

    if (fs_join(path, shared, "placed") != 0)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int wanted_read(const char *stage, struct buf *out)
{
    char path[LIMIT_PATH_BYTES];
    int err = fs_join(path, stage, FILES_WANTED);

    return err == 0 ? fs_read(path, WANTED_BYTES, out) : err;
}

enum files_result files_place(const char *stage, const uint8_t *manifest, const char *shared)
{
    struct placer placer = {.stage = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            .placed = placed_open(shared),
                            .manifest = manifest};
    enum files_result result = FILES_DISK;
    struct buf wanted = {0};

    if (placer.stage >= 0 && placer.placed >= 0 && wanted_read(stage, &wanted) == 0)
        result = FILES_DONE;
    for (size_t at = 0; result == FILES_DONE && at + LIMIT_HASH_BYTES <= wanted.size;
         at += LIMIT_HASH_BYTES)
        result = blob_place(&placer, wanted.data + at);
    if (result == FILES_DONE && fsync(placer.placed) != 0)
        result = FILES_DISK;
    if (placer.stage >= 0)
        (void)close(placer.stage);
    if (placer.placed >= 0)
        (void)close(placer.placed);
    buf_fini(&placer.bytes);
    buf_fini(&wanted);
    return result;
}
