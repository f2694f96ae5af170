#include "head/blob_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"

static int by_use(const void *a, const void *b)
{
    const struct blob_found *x = a;
    const struct blob_found *y = b;

    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return x->used.tv_nsec < y->used.tv_nsec ? -1 : x->used.tv_nsec > y->used.tv_nsec;
}

/* What a file of the folder is; false where it is none of ours. */
static bool recognize(int dir, const char *name, struct blob_found *found)
{
    const char *end;
    struct stat st;
    size_t size;

    if (sodium_hex2bin(found->hash, sizeof(found->hash), name, strlen(name), NULL, &size, &end) !=
            0 ||
        size != LIMIT_HASH_BYTES || (*end != '\0' && strcmp(end, ".part") != 0) ||
        fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return false;
    found->size = (uint64_t)st.st_size;
    found->used = st.st_mtim;
    found->complete = *end == '\0';
    return true;
}

int blob_scan(int dir, struct blob_found **out, size_t *count)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
    struct blob_found *all = NULL;
    size_t room = 0;
    const struct dirent *entry;

    *count = 0;
    if (stream == NULL) {
        if (copy >= 0)
            (void)close(copy);
        return -1;
    }
    while ((entry = readdir(stream)) != NULL) {
        if (*count == room) {
            room = room > 0 ? room * 2 : 64;
            all = xrealloc(all, room, sizeof(*all));
        }
        *count += recognize(dir, entry->d_name, &all[*count]);
    }
    (void)closedir(stream);
    if (*count > 0)
        qsort(all, *count, sizeof(*all), by_use);
    *out = all;
    return 0;
}
