#include "worker/disk.h"

#include <stdint.h>
#include <sys/statvfs.h>

#include "common/limits.h"

bool disk_is_full(const char *folder, bool was_full)
{
    uint64_t least = was_full ? LIMIT_DISK_LOW + LIMIT_DISK_LOW / 2 : LIMIT_DISK_LOW;
    struct statvfs status;

    if (statvfs(folder, &status) < 0)
        return was_full;
    /* Some file systems have no fixed number of files: 0 of 0. */
    if (status.f_files > 0 && status.f_favail == 0)
        return true;
    return (uint64_t)status.f_bavail * status.f_frsize < least;
}
