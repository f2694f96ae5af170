#include "worker/executor/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"

#define MODE       0700
#define MOST_SPARE 256u

static bool spare_path(char out[LIMIT_PATH_BYTES], const char *dir, uint32_t number)
{
    int size = snprintf(out, LIMIT_PATH_BYTES, "%s/checkpoints/spare-%u", dir, number);

    return size > 0 && (size_t)size < LIMIT_PATH_BYTES;
}

int folder_take(struct folders *folders, const char *dir, const char *path)
{
    char spare[LIMIT_PATH_BYTES];

    if (folders->spare > 0 && spare_path(spare, dir, folders->spare - 1)) {
        folders->spare--;
        if (rename(spare, path) == 0)
            return 0;
    }
    return mkdir(path, MODE) == 0 || errno == EEXIST ? 0 : err_from_errno();
}

/* As it was made, with nothing in it. fd becomes its own; -1 is not. */
static bool is_as_new(int fd)
{
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct stat status;
    bool empty;

    if (stream == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    empty =
        fstat(fd, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 07777) == MODE;
    while (empty && (entry = readdir(stream)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(stream);
    return empty;
}

bool folder_give(struct folders *folders, const char *dir, const char *path)
{
    char spare[LIMIT_PATH_BYTES];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return true; /* it was never made */
    if (is_as_new(fd) && folders->spare < MOST_SPARE && spare_path(spare, dir, folders->spare) &&
        rename(path, spare) == 0) {
        folders->spare++;
        return true;
    }
    return rmdir(path) == 0 || errno == ENOENT;
}
