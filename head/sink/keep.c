#include "head/sink/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
        if (got == 0)
            errno = ENODATA; /* somebody else made it shorter just now */
        if (got <= 0 || fs_write_all(to, block, (size_t)got) != 0)
            return ERR_IO;
        at += (uint64_t)got;
    }
    return 0;
}

/* Without touching the errno that tells why. */
static void remove_quietly(const char *path)
{
    int why = errno;

    (void)unlink(path);
    errno = why;
}

/* The first size bytes of a file as another one. */
static int copy_file(const char *path, const char *fresh, uint64_t size, bool sync)
{
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int to = -1;
    int err = ERR_IO;

    if (from >= 0)
        to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (to >= 0)
        err = copy_prefix(from, to, size);
    if (err == 0 && sync && fsync(to) != 0)
        err = ERR_IO;
    fs_close(from);
    if (err != 0)
        fs_close(to);
    else if (close(to) != 0)
        err = ERR_IO;
    return err;
}

/* They get the name `to` when they are all there. After a failure nothing has changed. */
static int copy_to(const char *folder, const char *name, uint64_t size, const char *to, bool sync)
{
    char file[256];
    char path[LIMIT_PATH_BYTES];
    char fresh[LIMIT_PATH_BYTES];
    int err;

    (void)snprintf(file, sizeof(file), ".%s.new", name);
    if (fs_join(path, folder, name) != 0 || fs_join(fresh, folder, file) != 0) {
        errno = ENAMETOOLONG;
        return ERR_TOO_BIG;
    }
    err = copy_file(path, fresh, size, sync);
    if (err == 0 && rename(fresh, to) != 0)
        err = ERR_IO;
    if (err != 0)
        remove_quietly(fresh);
    return err;
}

/* The whole file as the one that is kept, where that cannot be the same file under another name. On
 * disk before the file is cut: the image counts on it. */
static int copy_kept(const char *folder, const char *name, const char *path, const char *kept)
{
    struct stat st;
    int err;

    if (stat(path, &st) != 0)
        return ERR_IO;
    err = copy_to(folder, name, (uint64_t)st.st_size, kept, true);
    /* EINVAL: a file system that does not sync folders. */
    if (err == 0 && fs_sync_dir(folder) != 0 && errno != EINVAL) {
        remove_quietly(kept);
        err = ERR_IO;
    }
    return err;
}

/* Whether a file system has no second name for a file, or no further one. */
static bool has_no_links(int why)
{
    return why == EPERM || why == EOPNOTSUPP || why == ENOSYS || why == EMLINK;
}

/* What the image needs, if it is not kept yet. kept: empty after this where it was, or where there
 * is no such file. *cut: the file was cut in that. After a failure it is as it was. */
static int keep_old(const char *folder, const char *name, const char *path, uint64_t size,
                    char *kept, bool *cut)
{
    int err = 0;
    int why;

    if (link(path, kept) == 0) {
        /* Both are one file until the first bytes of it are another one. */
        err = copy_to(folder, name, size, path, false);
        if (err != 0)
            remove_quietly(kept);
        else
            *cut = true;
        return err;
    }
    why = errno;
    if (has_no_links(why) && access(kept, F_OK) != 0)
        return copy_kept(folder, name, path, kept);
    /* What the image needs is kept already, or it knows no such file. */
    kept[0] = '\0';
    errno = why;
    return has_no_links(why) || why == EEXIST || why == ENOENT ? 0 : ERR_IO;
}

int keep_cut(const char *folder, const char *name, uint64_t size, uint64_t image, char *kept)
{
    char path[LIMIT_PATH_BYTES];
    bool cut = false;
    int err = fs_join(path, folder, name);

    kept[0] = '\0';
    if (err == 0 && image > 0)
        err = kept_path(folder, name, image, kept);
    if (err != 0) {
        kept[0] = '\0';
        errno = ENAMETOOLONG;
        return err;
    }
    if (image > 0)
        err = keep_old(folder, name, path, size, kept, &cut);
    if (err != 0)
        kept[0] = '\0';
    if (err != 0 || cut)
        return err;
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

    while ((entry = readdir(dir)) != NULL)
        if (is_kept(entry->d_name, name, &image) && unlinkat(dirfd(dir), entry->d_name, 0) != 0 &&
            errno != ENOENT)
            return ERR_IO;
    return 0;
}

static void close_dir_quietly(DIR *dir)
{
    int why = errno;

    (void)closedir(dir);
    errno = why;
}

int keep_drop(const char *folder, const char *name)
{
    DIR *dir = opendir(folder);
    int err;

    if (dir == NULL)
        return errno == ENOENT ? 0 : ERR_IO;
    err = remove_kept(dir, name);
    close_dir_quietly(dir);
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
    if (err == 0) {
        rewinddir(dir);
        err = remove_kept(dir, name);
    }
    close_dir_quietly(dir);
    return err;
}
