#include "worker/executor/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"
#include "common/xalloc.h"

struct workdir {
    struct arena arena;
    const char *root;
    const char *code;
    char **names; /* entries of the code tree */
    size_t count;
    bool listed;
};

struct workdir *workdir_new(const char *root, const char *code)
{
    struct workdir *workdir = xcalloc(1, sizeof(*workdir));

    arena_init(&workdir->arena);
    workdir->root = arena_strdup(&workdir->arena, root);
    workdir->code = arena_strdup(&workdir->arena, code);
    return workdir;
}

void workdir_free(struct workdir *workdir)
{
    if (workdir == NULL)
        return;
    arena_fini(&workdir->arena);
    free(workdir->names);
    free(workdir);
}

/* The tree is unpacked before the executor starts, so it is looked at once. */
static int code_list(struct workdir *workdir)
{
    DIR *dir = opendir(workdir->code);
    const struct dirent *entry;
    size_t capacity = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : err_from_errno();
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (workdir->count == capacity) {
            capacity = capacity == 0 ? 16 : capacity * 2;
            workdir->names = xrealloc(workdir->names, capacity, sizeof(char *));
        }
        workdir->names[workdir->count++] = arena_strdup(&workdir->arena, entry->d_name);
    }
    (void)closedir(dir);
    return 0;
}

static bool folder_is_name(struct span folder)
{
    return folder.size > 0 && folder.size < 256 && memchr(folder.data, '/', folder.size) == NULL &&
           memchr(folder.data, 0, folder.size) == NULL && !span_is(folder, ".") &&
           !span_is(folder, "..");
}

static int dir_make(const struct workdir *workdir, const char *path)
{
    int err;

    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return err_from_errno();
    err = fs_make_dirs(workdir->root, 0755);
    if (err < 0)
        return err;
    return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : err_from_errno();
}

static int links_make(const struct workdir *workdir, const char *path)
{
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int err = 0;

    if (dir < 0)
        return err_from_errno();
    for (size_t i = 0; i < workdir->count && err == 0; i++) {
        char target[LIMIT_PATH_BYTES];

        err = fs_join(target, workdir->code, workdir->names[i]);
        if (err == 0 && symlinkat(target, dir, workdir->names[i]) < 0 && errno != EEXIST)
            err = err_from_errno();
    }
    (void)close(dir);
    return err;
}

int workdir_make(struct workdir *workdir, struct span folder, struct arena *arena,
                 const char **path)
{
    char *made;
    int err;

    if (!folder_is_name(folder))
        return ERR_MALFORMED;
    if (!workdir->listed) {
        err = code_list(workdir);
        if (err < 0)
            return err;
        workdir->listed = true;
    }
    made = arena_printf(arena, "%s/%.*s", workdir->root, SPAN(folder));
    err = dir_make(workdir, made);
    if (err == 0 && workdir->count > 0)
        err = links_make(workdir, made);
    if (err == 0)
        *path = made;
    return err;
}

int workdir_file_open(const char *path, int flags)
{
    for (int i = 0; i < 2; i++) {
        struct stat status;
        int fd = open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);

        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
            return fd;
        if (fd >= 0)
            (void)close(fd);
        else if (errno != ELOOP && errno != ENXIO)
            return -1;
        if (unlink(path) < 0)
            return -1;
    }
    errno = EEXIST; /* it comes back faster than it goes */
    return -1;
}

void workdir_clear(const struct workdir *workdir, const char *path, bool whole)
{
    int dir = workdir->count > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

    for (size_t i = 0; dir >= 0 && i < workdir->count; i++) {
        struct stat status;

        if (fstatat(dir, workdir->names[i], &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(status.st_mode))
            (void)unlinkat(dir, workdir->names[i], 0);
    }
    if (dir >= 0)
        (void)close(dir);
    if (whole)
        (void)rmdir(path); /* refuses where the trial left something, which is what we want */
}

const char *workdir_library(const struct workdir *workdir, const char *library, struct arena *arena)
{
    char self[LIMIT_PATH_BYTES];
    const char *path;

    if (library[0] == '/')
        return arena_strdup(arena, library);
    path = arena_printf(arena, "%s/%s", workdir->code, library);
    if (access(path, F_OK) == 0)
        return path;
    if (home_of_programs(self) == 0) {
        path = arena_printf(arena, "%s/%s", self, library);
        if (access(path, F_OK) == 0)
            return path;
    }
    return arena_strdup(arena, library);
}
