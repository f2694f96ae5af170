#include "worker/executor/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

#define MOST_MOUNTS   (1u << 20)
#define GONE_ROUNDS   50 /* looks at whether killed processes are gone */
#define GONE_ROUND_MS 20

/* One write of a control file. */
static bool control_write(const char *path, const char *name, const char *text)
{
    char file[LIMIT_PATH_BYTES];
    int fd, err;

    if (fs_join(file, path, name) < 0)
        return false;
    fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    err = fs_write_all(fd, text, strlen(text));
    return close(fd) == 0 && err == 0;
}

/* Where cgroup v2 is mounted; mounts is the text of /proc/self/mounts, which is cut into words. */
static const char *mount_find(char *mounts)
{
    char *line, *rest = mounts;

    while ((line = strsep(&rest, "\n")) != NULL) {
        const char *point;
        const char *type;

        (void)strsep(&line, " ");
        point = strsep(&line, " ");
        type = strsep(&line, " ");
        if (type != NULL && strcmp(type, "cgroup2") == 0)
            return point;
    }
    return NULL;
}

/* The cgroup that this process is in; NULL where there is no v2. Caller frees. */
static char *home_find(void)
{
    struct buf mounts = {0}, groups = {0};
    const char *point = NULL, *own = NULL;
    char *home = NULL;

    if (fs_read("/proc/self/mounts", MOST_MOUNTS, &mounts) == 0 &&
        fs_read("/proc/self/cgroup", MOST_MOUNTS, &groups) == 0) {
        (void)buf_text(&mounts);
        point = mount_find((char *)mounts.data);
        own = strstr(buf_text(&groups), "0::/");
    }
    if (point != NULL && own != NULL) {
        size_t size = strcspn(own + 3, "\n");

        home = xmalloc(strlen(point) + size + 1);
        (void)snprintf(home, strlen(point) + size + 1, "%s%.*s", point, (int)size, own + 3);
        if (size == 1)
            home[strlen(home) - 1] = '\0'; /* the root's slash */
    }
    buf_fini(&mounts);
    buf_fini(&groups);
    return home;
}

/* End everybody in a cgroup and take it away. The killed are not gone at once, and it stays as long
 * as one is there: its events file says when that changes. Where it does not within a second, it is
 * left, empty but for them. */
static void group_end(const char *path)
{
    char file[LIMIT_PATH_BYTES];
    struct pollfd events = {.fd = -1, .events = POLLPRI};

    (void)control_write(path, "cgroup.kill", "1");
    if (fs_join(file, path, "cgroup.events") == 0)
        events.fd = open(file, O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < GONE_ROUNDS && rmdir(path) < 0 && errno == EBUSY; i++)
        (void)poll(&events, 1, GONE_ROUND_MS);
    if (events.fd >= 0)
        (void)close(events.fd);
}

/* What an executor that was killed has left behind. */
static void left_kill(const char *note)
{
    struct buf path = {0};

    if (fs_read(note, LIMIT_PATH_BYTES, &path) == 0 && path.size > 0) {
        group_end(buf_text(&path));
        log_line(LOG_INFO, "left_killed", "ended what an earlier executor left behind");
        (void)unlink(note);
    }
    buf_fini(&path);
}

/* A cgroup that has our number already is a dead executor's: numbers come round. */
static bool group_make(const char *path)
{
    if (mkdir(path, 0755) == 0)
        return true;
    if (errno != EEXIST)
        return false;
    group_end(path);
    return mkdir(path, 0755) == 0;
}

void cage_open(struct cage *cage, const char *dir)
{
    char note[LIMIT_PATH_BYTES], path[LIMIT_PATH_BYTES], file[LIMIT_PATH_BYTES];
    char *home;
    int size;

    *cage = (struct cage){0};
    if (fs_join(note, dir, "cgroup") < 0)
        return;
    left_kill(note);
    home = home_find();
    if (home == NULL)
        return;
    size = snprintf(path, sizeof(path), "%s/assay-executor-%d", home, (int)getpid());
    if (size < 0 || (size_t)size >= sizeof(path) || !group_make(path)) {
        free(home);
        return;
    }
    if (fs_join(file, path, "cgroup.kill") < 0 || access(file, W_OK) < 0 ||
        fs_write_atomic(note, 0600, path, strlen(path)) < 0 ||
        !control_write(path, "cgroup.procs", "0")) {
        (void)unlink(note);
        (void)rmdir(path);
        free(home);
        return;
    }
    *cage = (struct cage){.path = xstrdup(path), .note = xstrdup(note), .home = home};
}

void cage_close(struct cage *cage)
{
    if (cage->path == NULL)
        return;
    /* Where we may not go home, we end in it, and it stays, empty. */
    if (control_write(cage->home, "cgroup.procs", "0")) {
        (void)control_write(cage->path, "cgroup.kill", "1");
        while (waitpid(-1, NULL, WNOHANG) > 0) /* orphans are ours */
            ;
        group_end(cage->path);
        (void)unlink(cage->note);
    }
    free(cage->path);
    free(cage->note);
    free(cage->home);
    *cage = (struct cage){0};
}
