#include "head/placed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"

int placed_open(int dir)
{
    if (mkdirat(dir, "placed", 0700) != 0 && errno != EEXIST)
        return -1;
    return openat(dir, "placed", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int placed_take(int placed, int dir, const uint8_t hash[LIMIT_HASH_BYTES], const char *part,
                uint64_t size)
{
    char name[2 * LIMIT_HASH_BYTES + 1];
    struct stat status;

    (void)sodium_bin2hex(name, sizeof(name), hash, LIMIT_HASH_BYTES);
    if (fstatat(placed, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return err_from_errno();
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != size) {
        (void)unlinkat(placed, name, 0);
        return ERR_MALFORMED;
    }
    return renameat(placed, name, dir, part) == 0 ? 0 : err_from_errno();
}

uint32_t placed_sweep(int placed, int64_t stale_s)
{
    int copy = openat(placed, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;
    uint32_t count = 0;
    struct stat now;
    struct stat status;

    if (dir == NULL) {
        if (copy >= 0)
            (void)close(copy);
        return 0;
    }
    /* The folder's own time is what the machine with the disk says that it is now. */
    if (futimens(copy, NULL) == 0 && fstat(copy, &now) == 0)
        while ((entry = readdir(dir)) != NULL)
            if (fstatat(copy, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                !S_ISDIR(status.st_mode) && status.st_mtime < now.st_mtime - stale_s)
                count += unlinkat(copy, entry->d_name, 0) == 0;
    (void)closedir(dir);
    return count;
}
