#include "worker/executor/cage.h"

#include <dirent.h>
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
#define MOST_DEPTH    8 /* of cgroups that trials made in theirs */
#define MOST_EVENTS   512
#define CELL_NAME     32
#define SHARED_NAME   "shared"

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

/* It and all below it, where nobody is in them. */
static int group_remove(const char *path, unsigned depth)
{
    DIR *dir = depth < MOST_DEPTH ? opendir(path) : NULL;
    const struct dirent *entry;
    char below[LIMIT_PATH_BYTES];

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0 && fs_join(below, path, entry->d_name) == 0)
            (void)group_remove(below, depth + 1); /* else ours fails as well */
    if (dir != NULL)
        (void)closedir(dir);
    return rmdir(path);
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
    for (int i = 0; i < GONE_ROUNDS && group_remove(path, 0) < 0 && errno == EBUSY; i++)
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

/* Whole or not there, but not synced: no cgroup outlives the machine's crash. */
static bool note_write(const char *note, const char *path)
{
    char temporary[LIMIT_PATH_BYTES];
    int size = snprintf(temporary, sizeof(temporary), "%s.tmp", note);
    int fd, err;

    if (size < 0 || (size_t)size >= sizeof(temporary))
        return false;
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    err = fs_write_all(fd, path, strlen(path));
    return close(fd) == 0 && err == 0 && rename(temporary, note) == 0;
}

static bool has_controller(const char *path, const char *name)
{
    char file[LIMIT_PATH_BYTES];
    struct buf text = {0};
    bool has = fs_join(file, path, "cgroup.controllers") == 0 &&
               fs_read(file, MOST_EVENTS, &text) == 0 && strstr(buf_text(&text), name) != NULL;

    buf_fini(&text);
    return has;
}

/* Hand controllers down to the cells, where we were given them. A group that does may have nobody
 * in it itself: those without a cell go to one beside the cells. */
static void share_out(struct cage *cage)
{
    int fd;

    cage->shared = cage->fd;
    if (!has_controller(cage->path, "memory")) {
        (void)control_write(cage->home, "cgroup.subtree_control", "+memory +pids");
        if (!has_controller(cage->path, "memory"))
            return; /* it was not ours to give: whoever is in our home is in the way */
    }
    if (mkdirat(cage->fd, SHARED_NAME, 0755) < 0)
        return;
    fd = openat(cage->fd, SHARED_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    cage->limits = control_write(cage->path, "cgroup.subtree_control", "+memory");
    (void)control_write(cage->path, "cgroup.subtree_control", "+pids");
    cage->shared = fd;
}

void cage_open(struct cage *cage, const char *dir)
{
    char note[LIMIT_PATH_BYTES], path[LIMIT_PATH_BYTES], file[LIMIT_PATH_BYTES];
    char *home;
    int size;

    *cage = (struct cage){.fd = -1, .shared = -1};
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
        fs_join(file, path, "cgroup.procs") < 0 || access(file, W_OK) < 0 ||
        !note_write(note, path)) {
        (void)unlink(note);
        (void)rmdir(path);
        free(home);
        return;
    }
    *cage = (struct cage){.path = xstrdup(path), .note = xstrdup(note), .home = home, .shared = -1};
    cage->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cage->fd < 0)
        cage_enter(cage);
    else
        share_out(cage);
}

static void cell_name(char *name, uint32_t number)
{
    (void)snprintf(name, CELL_NAME, "trial-%u", number);
}

void cage_enter(struct cage *cage)
{
    bool apart = cage->shared != cage->fd;

    if (cage->path == NULL || cage->inside)
        return;
    cage->inside =
        control_write(cage->path, apart ? SHARED_NAME "/cgroup.procs" : "cgroup.procs", "0");
    if (apart && cage->shared >= 0)
        (void)close(cage->shared);
    cage->shared = -1;
    cage->limits = false;
    if (!cage->inside)
        log_line(LOG_WARNING, "no_cage", "the cgroup cannot be entered: %s", cage->path);
    for (uint32_t i = 0; i < cage->made; i++) {
        char name[CELL_NAME];

        cell_name(name, i);
        (void)unlinkat(cage->fd, name, AT_REMOVEDIR); /* one that is in use stays */
    }
    if (cage->fd >= 0)
        (void)close(cage->fd);
    cage->fd = -1;
}

static void cell_free(struct cell *cell)
{
    (void)close(cell->fd);
    free(cell);
}

struct cell *cell_take(struct cage *cage)
{
    struct cell *cell = cage->free;
    uint32_t number = cage->made;
    char name[CELL_NAME];
    int fd;

    if (cage->fd < 0)
        return NULL;
    if (cell != NULL) {
        cage->free = cell->next;
        return cell;
    }
    cell_name(name, number);
    if (mkdirat(cage->fd, name, 0755) < 0)
        return NULL;
    cage->made++;
    fd = openat(cage->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return NULL; /* it is taken away with the whole */
    cell = xcalloc(1, sizeof(*cell));
    cell->fd = fd;
    cell->number = number;
    return cell;
}

static bool cell_is_empty(const struct cell *cell)
{
    char text[MOST_EVENTS];
    int fd = openat(cell->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return errno == ENOENT || errno == ENODEV; /* taken away: only an empty one can be */
    got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return strstr(text, "populated 0") != NULL;
}

bool cell_clear(struct cell *cell)
{
    int fd;

    if (cell_is_empty(cell))
        return true;
    cell->killed = true;
    fd = openat(cell->fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fs_write_all(fd, "1", 1); /* tried again at the next look */
        (void)close(fd);
    }
    return false;
}

void cell_give(struct cage *cage, struct cell *cell)
{
    char name[CELL_NAME];

    if (cell == NULL)
        return;
    if (cell->killed || !cell_is_empty(cell)) {
        cell_name(name, cell->number);
        (void)unlinkat(cage->fd, name, AT_REMOVEDIR); /* else it goes with the whole */
        cell_free(cell);
        return;
    }
    cell->next = cage->free;
    cage->free = cell;
}

void cage_close(struct cage *cage)
{
    while (cage->free != NULL) {
        struct cell *cell = cage->free;

        cage->free = cell->next;
        cell_free(cell);
    }
    if (cage->path == NULL)
        return;
    /* Where we may not go home, we end in it, and it stays, empty. */
    if (!cage->inside || control_write(cage->home, "cgroup.procs", "0")) {
        (void)control_write(cage->path, "cgroup.kill", "1");
        while (waitpid(-1, NULL, WNOHANG) > 0) /* orphans are ours */
            ;
        group_end(cage->path);
        (void)unlink(cage->note);
    }
    if (cage->shared >= 0 && cage->shared != cage->fd)
        (void)close(cage->shared);
    if (cage->fd >= 0)
        (void)close(cage->fd);
    free(cage->path);
    free(cage->note);
    free(cage->home);
    *cage = (struct cage){.fd = -1, .shared = -1};
}
