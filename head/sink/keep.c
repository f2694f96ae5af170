#include "head/sink/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

#define COPY_BYTES 65536u

static int kept_path(const char *folder, const char *name, uint64_t image, char *out)
{
    char file[256];

    (void)snprintf(file, sizeof(file), ".%s.before-%" PRIu64, name, image);
    return fs_join(out, folder, file);
}

static int copy_prefix(int from, int to, uint64_t size)
{
    uint8_t block[COPY_BYTES];
    uint64_t at = 0;

    while (at < size) {
        size_t want = size - at < sizeof(block) ? (size_t)(size - at) : sizeof(block);
        ssize_t got = pread(from, block, want, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || fs_write_all(to, block, (size_t)got) != 0)
            return ERR_IO;
        at += (uint64_t)got;
    }
    return 0;
}

/* The first size bytes as a file of its own, in place of the one that is kept. */
static int replace(const char *folder, const char *path, const char *name, uint64_t size)
{
    char file[256];
    char fresh[LIMIT_PATH_BYTES];
    int from = -1;
    int to = -1;
    int err;

    (void)snprintf(file, sizeof(file), ".%s.new", name);
    err = fs_join(fresh, folder, file);
    if (err == 0)
        from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from >= 0)
        to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (err == 0)
        err = from >= 0 && to >= 0 ? copy_prefix(from, to, size) : ERR_IO;
    if (err == 0 && rename(fresh, path) != 0)
        err = ERR_IO;
    if (from >= 0)
        (void)close(from);
    if (to >= 0 && close(to) != 0 && err == 0)
        err = ERR_IO;
    return err;
}

int keep_cut(const char *folder, const char *name, uint64_t size, uint64_t image, char *kept)
{
    char path[LIMIT_PATH_BYTES];
    int err = fs_join(path, folder, name);

    kept[0] = '\0';
    if (err != 0)
        return err;
    if (image > 0) {
        err = kept_path(folder, name, image, kept);
        if (err == 0 && link(path, kept) == 0)
            return replace(folder, path, name, size);
        kept[0] = '\0';
        /* What the image needs is kept already, or it knows no such file. */
        if (err != 0 || (errno != EEXIST && errno != ENOENT))
            return err != 0 ? err : ERR_IO;
    }
    return truncate(path, (off_t)size) == 0 || errno == ENOENT ? 0 : ERR_IO;
}

/* Whether an entry of a folder is a file of that name that was kept; and since which image. */
static bool is_kept(const char *entry, const char *name, uint64_t *image)
{
    size_t size = strlen(name);
    char *end;

    if (entry[0] != '.' || strncmp(entry + 1, name, size) != 0 ||
        strncmp(entry + 1 + size, ".before-", 8) != 0)
        return false;
    *image = strtoull(entry + 1 + size + 8, &end, 10);
    return *end == '\0' && end != entry + 1 + size + 8;
}

/* All that was kept of a file. What is gone already is no error. */
static int remove_kept(DIR *dir, const char *name)
{
    const struct dirent *entry;
    uint64_t image;
    int err = 0;

    while ((entry = readdir(dir)) != NULL)
        if (is_kept(entry->d_name, name, &image) && unlinkat(dirfd(dir), entry->d_name, 0) != 0 &&
            errno != ENOENT)
            err = ERR_IO;
    return err;
}

int keep_drop(const char *folder, const char *name)
{
    DIR *dir = opendir(folder);
    int err;

    if (dir == NULL)
        return errno == ENOENT ? 0 : ERR_IO;
    err = remove_kept(dir, name);
    (void)closedir(dir);
    return err;
}

int keep_restore(const char *folder, const char *name, uint64_t image)
{
    char path[LIMIT_PATH_BYTES];
    char kept[LIMIT_PATH_BYTES];
    const struct dirent *entry;
    uint64_t oldest = UINT64_MAX;
    uint64_t found;
    DIR *dir = opendir(folder);
    int err = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : ERR_IO;
    while ((entry = readdir(dir)) != NULL)
        if (is_kept(entry->d_name, name, &found) && found >= image && found < oldest)
            oldest = found;
    if (oldest != UINT64_MAX && (kept_path(folder, name, oldest, kept) != 0 ||
                                 fs_join(path, folder, name) != 0 || rename(kept, path) != 0))
        err = ERR_IO;
    rewinddir(dir);
    if (err == 0)
        err = remove_kept(dir, name);
    (void)closedir(dir);
    return err;
}
