#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "worker/executor/checkpoint_files.h"

struct unpacker {
    int stage;
    int target;
    struct buf chunk;
};

static bool hash_is(struct span bytes, const uint8_t *hash)
{
    uint8_t found[LIMIT_HASH_BYTES];

    (void)crypto_generichash(found, sizeof(found), bytes.data, (unsigned long long)bytes.size, NULL,
                             0);
    return memcmp(found, hash, sizeof(found)) == 0;
}

/* The folder that a path's last component is in, walked to without following a link; *name is that
 * component. -1: there is none. */
static int parent_open(int target, struct span path, char name[LIMIT_CHECKPOINT_PATH + 1])
{
    const char *at = path.data;
    size_t left = path.size;
    int dir = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (;;) {
        const char *slash = memchr(at, '/', left);
        size_t size = slash != NULL ? (size_t)(slash - at) : left;
        int next;

        *(char *)mempcpy(name, at, size) = '\0';
        if (slash == NULL || dir < 0)
            return dir;
        next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        (void)close(dir);
        dir = next;
        at += size + 1;
        left -= size + 1;
    }
}

/* A chunk out of the stage, verified. */
static enum files_result chunk_read(struct unpacker *unpacker, const uint8_t *hash, uint64_t size)
{
    char name[FILES_NAME_BYTES];
    enum files_result result = FILES_WRONG;
    int fd;

    files_name(name, hash);
    fd = openat(unpacker->stage, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? FILES_WRONG : FILES_DISK;
    buf_reset(&unpacker->chunk);
    if (fs_read_rest(fd, LIMIT_CHUNK_BYTES, &unpacker->chunk) == 0 &&
        unpacker->chunk.size == size && hash_is(buf_span(&unpacker->chunk), hash))
        result = FILES_DONE;
    (void)close(fd);
    return result;
}

static enum files_result file_write(struct unpacker *unpacker, int fd,
                                    const struct manifest_entry *entry)
{
    const uint8_t *hash = entry->hashes.data;

    for (uint64_t at = 0; at < entry->size; at += LIMIT_CHUNK_BYTES, hash += LIMIT_HASH_BYTES) {
        uint64_t left = entry->size - at;
        enum files_result result =
            chunk_read(unpacker, hash, left < LIMIT_CHUNK_BYTES ? left : LIMIT_CHUNK_BYTES);

        if (result != FILES_DONE)
            return result;
        if (fs_write_all(fd, unpacker->chunk.data, unpacker->chunk.size) < 0)
            return FILES_DISK;
    }
    /* The trial has to be able to read and remove what it left. */
    return fchmod(fd, (entry->mode & 0755) | 0600) == 0 && fsync(fd) == 0 ? FILES_DONE : FILES_DISK;
}

static enum files_result entry_unpack(struct unpacker *unpacker, const struct manifest_entry *entry)
{
    char name[LIMIT_CHECKPOINT_PATH + 1];
    int dir = parent_open(unpacker->target, entry->path, name);
    enum files_result result = FILES_DONE;
    int fd = -1;

    if (dir < 0)
        return FILES_UNSAFE; /* its folder is none, or is not in the list */
    if (entry->folder) {
        if (mkdirat(dir, name, 0700) != 0)
            result = errno == EEXIST ? FILES_UNSAFE : FILES_DISK;
    } else {
        fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            result = errno == EEXIST ? FILES_UNSAFE : FILES_DISK;
        else
            result = file_write(unpacker, fd, entry);
        if (fd >= 0 && close(fd) != 0)
            result = FILES_DISK;
    }
    (void)close(dir);
    return result;
}

/* Their names, on the disk; from the last to the first it makes no difference. */
static enum files_result folders_sync(int target, struct span manifest)
{
    struct manifest_reader reader;
    struct manifest_entry entry;

    manifest_open(&reader, manifest);
    while (manifest_next(&reader, &entry)) {
        char name[LIMIT_CHECKPOINT_PATH + 1];
        int dir, fd, synced;

        if (!entry.folder)
            continue;
        dir = parent_open(target, entry.path, name);
        fd = dir >= 0 ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        synced = fd >= 0 ? fsync(fd) : -1;
        if (fd >= 0)
            (void)close(fd);
        if (dir >= 0)
            (void)close(dir);
        if (synced != 0)
            return FILES_DISK;
    }
    return fsync(target) == 0 ? FILES_DONE : FILES_DISK;
}

static enum files_result unpack(struct unpacker *unpacker, struct span manifest)
{
    struct manifest_reader reader;
    struct manifest_entry entry;
    enum files_result result = FILES_DONE;

    manifest_open(&reader, manifest);
    while (result == FILES_DONE && manifest_next(&reader, &entry))
        result = entry_unpack(unpacker, &entry);
    return result == FILES_DONE ? folders_sync(unpacker->target, manifest) : result;
}

static enum files_result manifest_read(const char *stage, const uint8_t *hash, struct buf *out)
{
    struct manifest_summary summary;
    char path[LIMIT_PATH_BYTES];
    char name[FILES_NAME_BYTES];
    int err = fs_join(path, stage, "manifest");

    if (err == 0)
        err = fs_read(path, LIMIT_MANIFEST_BYTES, out);
    files_name(name, hash);
    if (err == ERR_NOT_FOUND && fs_join(path, stage, name) == 0)
        err = fs_read(path, LIMIT_MANIFEST_BYTES, out);
    if (err != 0)
        return FILES_DISK;
    if (!hash_is(buf_span(out), hash))
        return FILES_WRONG;
    err = manifest_check(buf_span(out), &summary);
    if (err == ERR_TOO_BIG)
        return FILES_BIG;
    return err == 0 ? FILES_DONE : FILES_UNSAFE;
}

/* target/.. on the disk. */
static int parent_sync(const char *target)
{
    const char *slash = strrchr(target, '/');
    char parent[LIMIT_PATH_BYTES];

    if (slash == NULL || slash == target)
        return 0;
    *(char *)mempcpy(parent, target, (size_t)(slash - target)) = '\0';
    return fs_sync_dir(parent);
}

enum files_result files_unpack(const char *stage, const uint8_t *hash, const char *target)
{
    struct unpacker unpacker = {.stage = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                .target = -1};
    char temporary[LIMIT_PATH_BYTES];
    struct buf manifest = {0};
    enum files_result result = FILES_DISK;

    if (unpacker.stage < 0 || strlen(target) >= sizeof(temporary) ||
        snprintf(temporary, sizeof(temporary), "%s.tmp", target) >= (int)sizeof(temporary))
        goto out;
    result = manifest_read(stage, hash, &manifest);
    if (result != FILES_DONE)
        goto out;
    result = FILES_DISK;
    if (fs_remove_tree(temporary) != 0 || mkdir(temporary, 0700) != 0)
        goto out;
    unpacker.target = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (unpacker.target >= 0)
        result = unpack(&unpacker, buf_span(&manifest));
    if (result == FILES_DONE && (rename(temporary, target) != 0 || parent_sync(target) != 0))
        result = FILES_DISK;
    if (result != FILES_DONE)
        (void)fs_remove_tree(temporary); /* what stays goes with the executor's folder */
out:
    if (unpacker.target >= 0)
        (void)close(unpacker.target);
    if (unpacker.stage >= 0)
        (void)close(unpacker.stage);
    buf_fini(&unpacker.chunk);
    buf_fini(&manifest);
    return result;
}
