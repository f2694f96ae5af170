#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "worker/executor/checkpoint_files.h"

/* A file or folder that was found, and what it was like. */
struct found {
    const char *path; /* below the source */
    struct stat status;
    struct buf hashes;
};

struct packer {
    int source;
    int stage;
    struct arena arena;
    struct found *all; /* owned */
    uint32_t count;
    uint32_t room;
    uint64_t bytes;
    uint8_t *chunk; /* owned; LIMIT_CHUNK_BYTES */
};

void files_name(char out[FILES_NAME_BYTES], const uint8_t *hash)
{
    (void)sodium_bin2hex(out, FILES_NAME_BYTES, hash, LIMIT_HASH_BYTES);
}

const char *files_text(int status)
{
    switch (status) {
    case FILES_DONE:
        return "done";
    case FILES_MISSING:
        return "there is no such folder";
    case FILES_UNSAFE:
        return "it holds something else than plain files and folders with plain names";
    case FILES_BIG:
        return "it is over a limit (4 GiB, 10000 files, 512 bytes a name, 16 folders deep)";
    case FILES_CHANGED:
        return "it was written to while it was read";
    case FILES_WRONG:
        return "its bytes are missing, or are not those of their hash";
    case FILES_DISK:
        return "the node's disk did not take it";
    default:
        return "its reading was cut short";
    }
}

static enum files_result found_add(struct packer *packer, const char *path,
                                   const struct stat *status)
{
    if (packer->count == LIMIT_CHECKPOINT_FILES)
        return FILES_BIG;
    if (packer->count == packer->room) {
        packer->room = packer->room * 2 + 64;
        packer->all = xrealloc(packer->all, packer->room, sizeof(struct found));
    }
    packer->all[packer->count++] = (struct found){.path = path, .status = *status};
    if (!S_ISREG(status->st_mode))
        return FILES_DONE;
    packer->bytes += (uint64_t)status->st_size;
    return packer->bytes > LIMIT_CHECKPOINT_BYTES ? FILES_BIG : FILES_DONE;
}

static uint32_t depth_of(const char *path)
{
    uint32_t depth = 1;

    for (; *path != '\0'; path++)
        depth += *path == '/';
    return depth;
}

static enum files_result walk(struct packer *packer, int dir, const char *prefix);

/* One name of a folder. */
static enum files_result look_at(struct packer *packer, int dir, const char *prefix,
                                 const char *name)
{
    const char *path = *prefix != '\0' ? arena_printf(&packer->arena, "%s/%s", prefix, name)
                                       : arena_strdup(&packer->arena, name);
    struct stat status;
    enum files_result result;
    int below;

    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return FILES_CHANGED;
    if (strlen(path) > LIMIT_CHECKPOINT_PATH || depth_of(path) > LIMIT_CHECKPOINT_DEPTH)
        return FILES_BIG;
    if (!manifest_path_is_fine(span_text(path)) ||
        (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
        return FILES_UNSAFE;
    result = found_add(packer, path, &status);
    if (result != FILES_DONE || !S_ISDIR(status.st_mode))
        return result;
    below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below < 0 ? FILES_CHANGED : walk(packer, below, path);
}

/* Takes dir over. Not deeper than LIMIT_CHECKPOINT_DEPTH. */
static enum files_result walk(struct packer *packer, int dir, const char *prefix)
{
    DIR *stream = fdopendir(dir);
    enum files_result result = FILES_DONE;
    const struct dirent *entry;

    if (stream == NULL) {
        (void)close(dir);
        return FILES_DISK;
    }
    while (result == FILES_DONE && (entry = readdir(stream)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = look_at(packer, dir, prefix, entry->d_name);
    (void)closedir(stream);
    return result;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

/* The same chunk may come many times: it is written once. */
static enum files_result chunk_write(const struct packer *packer, const uint8_t *hash, size_t size)
{
    char name[FILES_NAME_BYTES];
    enum files_result result = FILES_DONE;
    int fd;

    files_name(name, hash);
    fd = openat(packer->stage, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? FILES_DONE : FILES_DISK;
    if (fs_write_all(fd, packer->chunk, size) < 0)
        result = FILES_DISK;
    if (close(fd) != 0)
        result = FILES_DISK;
    return result;
}

/* As many bytes as a chunk has, or as there are. Less than 0: errno. */
static ssize_t chunk_read(int fd, uint8_t *chunk)
{
    size_t size = 0;

    while (size < LIMIT_CHUNK_BYTES) {
        ssize_t got = read(fd, chunk + size, LIMIT_CHUNK_BYTES - size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return got;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT) &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The file below source, with no link on the way to it. */
static int open_below(int source, const char *path)
{
    int dir = dup(source);

    for (;;) {
        const char *slash = strchr(path, '/');
        char name[LIMIT_CHECKPOINT_PATH + 1];
        size_t size = slash != NULL ? (size_t)(slash - path) : strlen(path);
        int next;

        if (dir < 0)
            return -1;
        *(char *)mempcpy(name, path, size) = '\0';
        next =
            openat(dir, name,
                   O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (slash != NULL ? O_DIRECTORY : O_NONBLOCK));
        (void)close(dir);
        if (slash == NULL)
            return next;
        dir = next;
        path = slash + 1;
    }
}

static enum files_result file_pack(struct packer *packer, struct found *found)
{
    enum files_result result = FILES_DONE;
    struct stat status;
    uint64_t total = 0;
    int fd = open_below(packer->source, found->path);

    if (fd < 0 || fstat(fd, &status) != 0 || !is_same(&status, &found->status))
        result = FILES_CHANGED;
    while (result == FILES_DONE) {
        uint8_t hash[LIMIT_HASH_BYTES];
        ssize_t size = chunk_read(fd, packer->chunk);

        if (size <= 0) {
            result = size < 0 ? FILES_DISK : FILES_DONE;
            break;
        }
        total += (uint64_t)size;
        if (total > (uint64_t)found->status.st_size) {
            result = FILES_CHANGED;
            break;
        }
        (void)crypto_generichash(hash, sizeof(hash), packer->chunk, (unsigned long long)size, NULL,
                                 0);
        buf_append(&found->hashes, hash, sizeof(hash));
        result = chunk_write(packer, hash, (size_t)size);
    }
    if (result == FILES_DONE && total != (uint64_t)found->status.st_size)
        result = FILES_CHANGED;
    if (fd >= 0)
        (void)close(fd);
    return result;
}

/* All of it as it was when it was found, and so of one moment. */
static bool is_unchanged(const struct packer *packer)
{
    for (uint32_t i = 0; i < packer->count; i++) {
        struct stat status;

        if (fstatat(packer->source, packer->all[i].path, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !is_same(&status, &packer->all[i].status))
            return false;
    }
    return true;
}

static enum files_result manifest_write(const struct packer *packer)
{
    struct buf manifest = {0};
    enum files_result result = FILES_DONE;
    int fd = -1;

    manifest_begin(&manifest, packer->count);
    for (uint32_t i = 0; i < packer->count; i++) {
        const struct found *found = &packer->all[i];
        const bool folder = S_ISDIR(found->status.st_mode);
        const struct manifest_entry entry = {
            .path = span_text(found->path),
            .folder = folder,
            .mode = found->status.st_mode & 0755,
            .size = folder ? 0 : (uint64_t)found->status.st_size,
            .hashes = buf_span(&found->hashes),
        };

        manifest_add(&manifest, &entry);
    }
    if (manifest.size > LIMIT_MANIFEST_BYTES)
        result = FILES_BIG;
    else
        fd = openat(packer->stage, "manifest", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (result == FILES_DONE && (fd < 0 || fs_write_all(fd, manifest.data, manifest.size) < 0))
        result = FILES_DISK;
    if (fd >= 0 && close(fd) != 0)
        result = FILES_DISK;
    buf_fini(&manifest);
    return result;
}

static enum files_result pack(struct packer *packer)
{
    int copy = openat(packer->source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum files_result result = copy < 0 ? FILES_DISK : walk(packer, copy, "");

    if (result != FILES_DONE)
        return result;
    if (packer->count > 0)
        qsort(packer->all, packer->count, sizeof(struct found), by_path);
    for (uint32_t i = 0; i < packer->count && result == FILES_DONE; i++)
        if (S_ISREG(packer->all[i].status.st_mode))
            result = file_pack(packer, &packer->all[i]);
    if (result == FILES_DONE && !is_unchanged(packer))
        result = FILES_CHANGED;
    return result == FILES_DONE ? manifest_write(packer) : result;
}

enum files_result files_pack(const char *source, const char *stage)
{
    struct packer packer = {.source = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            .stage = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            .chunk = xmalloc(LIMIT_CHUNK_BYTES)};
    enum files_result result = FILES_DISK;

    arena_init(&packer.arena);
    if (packer.source < 0)
        result = FILES_MISSING;
    else if (packer.stage >= 0)
        result = pack(&packer);
    for (uint32_t i = 0; i < packer.count; i++)
        buf_fini(&packer.all[i].hashes);
    if (packer.source >= 0)
        (void)close(packer.source);
    if (packer.stage >= 0)
        (void)close(packer.stage);
    arena_fini(&packer.arena);
    free(packer.all);
    free(packer.chunk);
    return result;
}
