#include "common/sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/xalloc.h"

#define READ_STEP 65536u

int fs_read_rest(int fd, size_t limit, struct buf *out)
{
    size_t start = out->size;
    int err;

    for (;;) {
        size_t left = limit - (out->size - start);
        size_t room = left < READ_STEP ? left + 1 : READ_STEP; /* one more shows that it is over */
        ssize_t got = read(fd, buf_reserve(out, room), room);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            return 0;
        if (got < 0 || (size_t)got > left) {
            if (got > 0)
                errno = EFBIG;
            err = err_from_errno(); /* EFBIG is ERR_TOO_BIG */
            out->size = start;
            return err;
        }
        out->size += (size_t)got;
    }
}

void fs_close(int fd)
{
    int why = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = why;
}

int fs_read(const char *path, size_t limit, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return err_from_errno();
    err = fs_read_rest(fd, limit, out);
    fs_close(fd);
    return err;
}

bool fs_is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

int fs_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t wrote = write(fd, at, size);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return err_from_errno();
        at += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

int fs_sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = 0;

    if (fd < 0)
        return err_from_errno();
    if (fsync(fd) < 0)
        err = err_from_errno();
    fs_close(fd);
    return err;
}

/* The folder that holds path; caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xstrdup(".");
    return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int write_file(const char *path, mode_t mode, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    int err;

    if (fd < 0)
        return err_from_errno();
    err = fs_write_all(fd, data, size);
    /* The umask may have taken bits away that the caller asked for. */
    if (err == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        err = err_from_errno();
    if (err < 0)
        fs_close(fd);
    else if (close(fd) < 0)
        err = err_from_errno();
    return err;
}

int fs_write_atomic(const char *path, mode_t mode, const void *data, size_t size)
{
    static atomic_uint counter;
    char temporary[LIMIT_PATH_BYTES];
    char *folder = NULL;
    int length, err, saved;

    /* Our own pid and a counter: what has this name already is left over from a dead process. */
    length = snprintf(temporary, sizeof(temporary), "%s.%ld-%u.tmp", path, (long)getpid(),
                      atomic_fetch_add(&counter, 1));
    if (length < 0 || (size_t)length >= sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return ERR_TOO_BIG;
    }
    if (unlink(temporary) < 0 && errno != ENOENT)
        return err_from_errno();
    err = write_file(temporary, mode, data, size);
    FAILPOINT("file-written");
    if (err == 0 && rename(temporary, path) < 0)
        err = err_from_errno();
    FAILPOINT("file-renamed");
    if (err < 0) {
        saved = errno;
        (void)unlink(temporary);
        errno = saved;
        return err;
    }
    folder = folder_of(path);
    err = fs_sync_dir(folder);
    free(folder);
    return err;
}

/* One folder; that it is there already is no error. */
static int make_dir(const char *path, mode_t mode)
{
    struct stat status;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST && errno != EISDIR)
        return err_from_errno();
    if (stat(path, &status) < 0)
        return err_from_errno();
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return ERR_EXISTS;
    }
    return 0;
}

int fs_make_dirs(const char *path, mode_t mode)
{
    char *work = xstrdup(path);
    int err = 0;

    for (char *at = work; *at != '\0' && err == 0; at++) {
        if (*at != '/' || at == work)
            continue;
        *at = '\0';
        err = make_dir(work, mode);
        *at = '/';
    }
    if (err == 0)
        err = make_dir(work, mode);
    free(work);
    return err;
}

bool fs_is_private(const char *path, const char **why)
{
    struct stat status;

    if (lstat(path, &status) < 0) {
        *why = errno == ENOENT ? "it is not there" : "it cannot be looked at";
        return false;
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        *why = "it is neither a file nor a folder";
        return false;
    }
    if (status.st_uid != geteuid()) {
        *why = "it belongs to another user";
        return false;
    }
    if ((status.st_mode & 077) != 0) {
        *why = "others may read or change it";
        return false;
    }
    return true;
}

int fs_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int result;

    if (fd < 0)
        return err_from_errno();
    do {
        result = flock(fd, LOCK_EX | LOCK_NB);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        int err = err_from_errno(); /* EWOULDBLOCK is ERR_AGAIN */

        fs_close(fd);
        return err;
    }
    return fd;
}

int fs_join(char *out, const char *dir, const char *name)
{
    size_t dir_size = strlen(dir);
    size_t name_size = strlen(name);
    size_t slash = dir_size > 0 && dir[dir_size - 1] == '/' ? 0 : 1;

    if (dir_size + slash + name_size >= LIMIT_PATH_BYTES) {
        errno = ENAMETOOLONG;
        return ERR_TOO_BIG;
    }
    memmove(out, dir, dir_size);
    if (slash == 1)
        out[dir_size] = '/';
    memcpy(out + dir_size + slash, name, name_size + 1);
    return 0;
}
