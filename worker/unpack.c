#include "worker/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

#define BLOCK_BYTES 65536u

/* The archive's bytes, hashed as they go by. */
struct source {
    int fd;
    crypto_generichash_state hash;
    uint8_t block[BLOCK_BYTES];
};

/* Names of one component that lead nowhere else. */
static bool component_is_plain(const char *at, size_t size)
{
    return size > 0 && !(size == 2 && at[0] == '.' && at[1] == '.');
}

/* Whether a path stays below where it begins; *depth: folders above its last component. */
static bool path_is_inside(const char *path, unsigned *depth)
{
    unsigned components = 0;

    if (*path == '/' || *path == '\0')
        return false;
    while (*path != '\0') {
        size_t size = strcspn(path, "/");

        if (!component_is_plain(path, size))
            return false;
        components += !(size == 1 && path[0] == '.');
        path += size;
        path += strspn(path, "/");
    }
    *depth = components > 0 ? components - 1 : 0;
    return true;
}

/* A link's target may go up only at its front, where the folders are known to be no links. */
static bool target_is_inside(const char *target, unsigned depth)
{
    unsigned rest;

    while (strncmp(target, "../", 3) == 0 || strcmp(target, "..") == 0) {
        if (depth == 0)
            return false;
        depth--;
        target += target[2] == '/' ? 3 : 2;
    }
    return *target == '\0' || path_is_inside(target, &rest);
}

static bool entry_is_safe(struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    const char *target = archive_entry_symlink(entry);
    unsigned depth;

    if (path == NULL || !path_is_inside(path, &depth) || archive_entry_hardlink(entry) != NULL)
        return false;
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
    case AE_IFDIR:
        return true;
    case AE_IFLNK:
        return target != NULL && target_is_inside(target, depth);
    default:
        return false;
    }
}

/* Under dir's name, with the modes that a checkout has. */
static int entry_place(struct archive_entry *entry, const char *dir)
{
    char path[LIMIT_PATH_BYTES];
    bool runs = (archive_entry_perm(entry) & 0100) != 0;

    if (fs_join(path, dir, archive_entry_pathname(entry)) != 0)
        return -1;
    archive_entry_copy_pathname(entry, path);
    if (archive_entry_filetype(entry) == AE_IFDIR)
        archive_entry_set_perm(entry, 0755);
    else
        archive_entry_set_perm(entry, runs ? 0755 : 0644);
    return 0;
}

static la_ssize_t source_read(struct archive *archive, void *context, const void **block)
{
    struct source *source = context;
    ssize_t got;

    do
        got = read(source->fd, source->block, sizeof(source->block));
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        archive_set_error(archive, errno, "cannot be read");
        return -1;
    }
    (void)crypto_generichash_update(&source->hash, source->block, (unsigned long long)got);
    *block = source->block;
    return got;
}

/* The bytes of one entry. */
static enum unpack_result data_copy(struct archive *from, struct archive *to, uint64_t *left)
{
    const void *block;
    size_t size;
    la_int64_t offset;
    int rc;

    while ((rc = archive_read_data_block(from, &block, &size, &offset)) == ARCHIVE_OK) {
        if (size > *left)
            return UNPACK_BIG;
        *left -= size;
        if (archive_write_data_block(to, block, size, offset) < ARCHIVE_OK)
            return UNPACK_DISK;
    }
    return rc == ARCHIVE_EOF ? UNPACK_DONE : UNPACK_BROKEN;
}

static enum unpack_result entry_copy(struct archive *from, struct archive *to,
                                     struct archive_entry *entry, const char *dir, uint64_t *left)
{
    enum unpack_result result;

    if (!entry_is_safe(entry)) {
        log_line(LOG_WARNING, "unpack", "the archive has an entry that is not allowed name=%s",
                 archive_entry_pathname(entry) != NULL ? archive_entry_pathname(entry) : "");
        return UNPACK_UNSAFE;
    }
    if (archive_entry_size(entry) > 0 && (uint64_t)archive_entry_size(entry) > *left)
        return UNPACK_BIG;
    if (entry_place(entry, dir) != 0)
        return UNPACK_UNSAFE;
    if (archive_write_header(to, entry) < ARCHIVE_OK)
        return archive_errno(to) == 0 || archive_errno(to) == -1 ? UNPACK_UNSAFE : UNPACK_DISK;
    result = data_copy(from, to, left);
    if (result == UNPACK_DONE && archive_write_finish_entry(to) < ARCHIVE_OK)
        result = UNPACK_DISK;
    return result;
}

static enum unpack_result entries_copy(struct archive *from, struct archive *to, const char *dir)
{
    uint64_t left = LIMIT_CODE_BYTES;
    struct archive_entry *entry;
    int rc;

    for (uint32_t count = 0; (rc = archive_read_next_header(from, &entry)) >= ARCHIVE_WARN;
         count++) {
        enum unpack_result result;

        if (rc == ARCHIVE_EOF)
            return UNPACK_DONE;
        if (count == LIMIT_CODE_FILES)
            return UNPACK_BIG;
        result = entry_copy(from, to, entry, dir, &left);
        if (result != UNPACK_DONE)
            return result;
    }
    return UNPACK_BROKEN;
}

/* What the reader left unread belongs to the hash as well. */
static bool hash_is_right(struct source *source, const uint8_t *hash)
{
    uint8_t found[LIMIT_HASH_BYTES];
    ssize_t got;

    while ((got = read(source->fd, source->block, sizeof(source->block))) > 0 ||
           (got < 0 && errno == EINTR))
        if (got > 0)
            (void)crypto_generichash_update(&source->hash, source->block, (unsigned long long)got);
    (void)crypto_generichash_final(&source->hash, found, sizeof(found));
    return got == 0 && sodium_memcmp(found, hash, sizeof(found)) == 0;
}

static enum unpack_result copy_out(struct source *source, const char *dir)
{
    struct archive *from = archive_read_new();
    struct archive *to = archive_write_disk_new();
    enum unpack_result result = UNPACK_BROKEN;

    if (from == NULL || to == NULL || archive_read_support_filter_gzip(from) < ARCHIVE_WARN ||
        archive_read_support_filter_zstd(from) < ARCHIVE_WARN ||
        archive_read_support_format_tar(from) != ARCHIVE_OK ||
        archive_write_disk_set_options(to, ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                               ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                               ARCHIVE_EXTRACT_PERM) != ARCHIVE_OK)
        goto out;
    if (archive_read_open(from, source, NULL, source_read, NULL) != ARCHIVE_OK)
        goto out;
    result = entries_copy(from, to, dir);
    if (archive_write_close(to) != ARCHIVE_OK && result == UNPACK_DONE)
        result = UNPACK_DISK;
out:
    if (result != UNPACK_DONE && from != NULL && to != NULL)
        log_line(LOG_WARNING, "unpack", "the code tree is not unpacked reason=%s %s",
                 archive_error_string(from) != NULL ? archive_error_string(from) : "",
                 archive_error_string(to) != NULL ? archive_error_string(to) : "");
    if (to != NULL)
        (void)archive_write_free(to);
    if (from != NULL)
        (void)archive_read_free(from);
    return result;
}

enum unpack_result unpack_tree(const char *archive, const uint8_t *hash, const char *dir)
{
    struct source *source = xcalloc(1, sizeof(*source));
    char temporary[LIMIT_PATH_BYTES];
    char real[LIMIT_PATH_BYTES];
    enum unpack_result result = UNPACK_DISK;

    (void)crypto_generichash_init(&source->hash, NULL, 0, LIMIT_HASH_BYTES);
    source->fd = open(archive, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (source->fd < 0 ||
        snprintf(temporary, sizeof(temporary), "%s.tmp", dir) >= (int)sizeof(temporary) ||
        fs_remove_tree(temporary) != 0 || mkdir(temporary, 0755) != 0)
        goto out;
    /* libarchive refuses to write through links, also those above the tree that are not its. */
    if (realpath(temporary, real) == NULL)
        goto out;
    result = copy_out(source, real);
    if (!hash_is_right(source, hash))
        result = UNPACK_WRONG;
    FAILPOINT("code-unpacked");
    if (result == UNPACK_DONE && (fs_remove_tree(dir) != 0 || rename(temporary, dir) != 0))
        result = UNPACK_DISK;
    if (result != UNPACK_DONE)
        (void)fs_remove_tree(temporary); /* the next one does it otherwise */
out:
    if (source->fd >= 0)
        (void)close(source->fd);
    free(source);
    return result;
}

const char *unpack_text(int status)
{
    switch (status) {
    case UNPACK_DONE:
        return "unpacked";
    case UNPACK_WRONG:
        return "its bytes are not those of its hash";
    case UNPACK_UNSAFE:
        return "it holds something else than files, folders and links that stay inside";
    case UNPACK_BIG:
        return "it is too big when unpacked";
    case UNPACK_BROKEN:
        return "it is no archive";
    case UNPACK_DISK:
        return "the node's disk did not take it";
    default:
        return "its unpacking was cut short";
    }
}
