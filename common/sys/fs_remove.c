#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/fs.h"

#define DEPTH_MOST 64u /* folders open at once */

/* A removal under way. Somebody's program may have nested folders deeper than there are
 * descriptors: those below DEPTH_MOST are moved up to the root, and the root is gone over again. */
struct removal {
    int root;
    unsigned moved; /* numbers the names of what is moved up */
    bool again;
};

static int remove_content(struct removal *removal, int fd, unsigned depth);

static void close_quietly(int fd)
{
    int saved = errno;

    (void)close(fd);
    errno = saved;
}

/* Open a folder to empty it, after giving us the rights to it: a program may have closed it to its
 * own user. By descriptor, so that a link put in its place is not followed. */
static int open_folder(int parent, const char *name)
{
    int place = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    char path[64];
    int fd;

    if (place < 0)
        return -1;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
    if (fstat(place, &status) == 0 && (status.st_mode & 0700) != 0700)
        (void)chmod(path, 0700); /* what follows fails if that was needed */
    fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close_quietly(place);
    return fd;
}

/* Out of the way of a name that is taken: somebody else's, or what an earlier removal left. */
static int move_up(struct removal *removal, int parent, const char *name)
{
    char to[32];

    do {
        (void)snprintf(to, sizeof(to), ".removed-%u", removal->moved++);
        if (renameat2(parent, name, removal->root, to, RENAME_NOREPLACE) == 0) {
            removal->again = true;
            return 0;
        }
    } while (errno == EEXIST);
    return err_from_errno();
}

static int remove_entry(struct removal *removal, int parent, const char *name, unsigned depth)
{
    int fd, err;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_from_errno();
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return err_from_errno();
    fd = open_folder(parent, name);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_from_errno();
    if (depth == DEPTH_MOST) {
        (void)close(fd);
        return move_up(removal, parent, name);
    }
    err = remove_content(removal, fd, depth + 1);
    if (err < 0)
        return err;
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return err_from_errno();
    return 0;
}

/* Remove what is in the folder; takes fd. */
static int remove_content(struct removal *removal, int fd, unsigned depth)
{
    DIR *folder = fdopendir(fd);
    struct dirent *entry;
    int err = 0;

    if (folder == NULL) {
        err = err_from_errno();
        (void)close(fd);
        return err;
    }
    while (err == 0) {
        errno = 0;
        entry = readdir(folder);
        if (entry == NULL) {
            if (errno != 0)
                err = err_from_errno();
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            err = remove_entry(removal, fd, entry->d_name, depth);
    }
    if (closedir(folder) < 0 && err == 0)
        err = err_from_errno();
    return err;
}

int fs_remove_tree(const char *path)
{
    struct removal removal = {.root = -1};
    int fd, err = 0;

    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_from_errno();
    removal.root = open_folder(AT_FDCWD, path);
    if (removal.root < 0)
        return err_from_errno();
    do {
        removal.again = false;
        fd = openat(removal.root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        err = fd < 0 ? err_from_errno() : remove_content(&removal, fd, 1);
    } while (err == 0 && removal.again);
    if (err == 0 && rmdir(path) < 0 && errno != ENOENT)
        err = err_from_errno();
    (void)close(removal.root);
    return err;
}
