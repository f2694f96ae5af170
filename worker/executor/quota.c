#include "worker/executor/quota.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "worker/executor/cage.h"

#define MOST_TEXT  (1u << 20) /* of /proc/self/mounts and /proc/self/cgroup */
#define MOST_STATE 4096u
#define NAME_BYTES 64
#define HOME_NAME  "assay-executor-"

static const char *const controllers[QUOTA_COUNT] = {"memory", "pids"};

static bool control_write(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return false;
    err = fs_write_all(fd, text, strlen(text));
    return close(fd) == 0 && err == 0;
}

static bool control_number(int folder, const char *name, uint64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    return control_write(folder, name, text);
}

/* The number behind a word of a file of "word number" lines; 0 where there is none. */
static uint64_t control_read(int folder, const char *name, const char *word)
{
    char text[MOST_STATE];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    size_t size = strlen(word);
    ssize_t got;

    if (fd < 0)
        return 0;
    got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, word, size) == 0 && line[size] == ' ')
            return strtoull(line + size, NULL, 10);
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return 0;
}

void quota_init(struct quota *quota)
{
    *quota = (struct quota){0};
}

bool quota_limit_cell(const struct cell *cell, int64_t memory_bytes, uint64_t *before)
{
    *before = quota_kills_cell(cell);
    (void)control_number(cell->fd, "pids.max", LIMIT_PROCESSES); /* where they are counted */
    if (memory_bytes <= 0) {
        (void)control_write(cell->fd, "memory.max", "max");
        return true;
    }
    if (!control_number(cell->fd, "memory.max", (uint64_t)memory_bytes))
        return false;
    /* What does not fit goes, and all of it, instead of being slow. */
    (void)control_write(cell->fd, "memory.swap.max", "0");
    (void)control_write(cell->fd, "memory.oom.group", "1");
    return true;
}

uint64_t quota_kills_cell(const struct cell *cell)
{
    return control_read(cell->fd, "memory.events", "oom_kill");
}

/* Whether a list of words with commas between them has one. */
static bool has_word(const char *list, const char *word)
{
    size_t size = strlen(word);

    for (; list != NULL; list = strchr(list, ','), list = list != NULL ? list + 1 : NULL)
        if (strncmp(list, word, size) == 0 && (list[size] == ',' || list[size] == '\0'))
            return true;
    return false;
}

/* Where a controller of v1 is mounted; mounts is a copy of /proc/self/mounts, which is cut. */
static const char *mount_find(char *mounts, const char *controller)
{
    char *line;

    while ((line = strsep(&mounts, "\n")) != NULL) {
        const char *point, *type, *options;

        (void)strsep(&line, " ");
        point = strsep(&line, " ");
        type = strsep(&line, " ");
        options = strsep(&line, " ");
        if (options != NULL && strcmp(type, "cgroup") == 0 && has_word(options, controller))
            return point;
    }
    return NULL;
}

/* Our own group in it, of /proc/self/cgroup: "4:memory:/path". */
static const char *group_find(char *groups, const char *controller)
{
    char *line;

    while ((line = strsep(&groups, "\n")) != NULL) {
        const char *names;

        (void)strsep(&line, ":");
        names = strsep(&line, ":");
        if (line != NULL && has_word(names, controller))
            return line;
    }
    return NULL;
}

/* Rooms of executors that were killed. Their names are numbers of processes, which come round: one
 * that somebody is in cannot be taken away. */
static void left_remove(const char *above)
{
    DIR *dir = opendir(above);
    const struct dirent *entry;
    char home[LIMIT_PATH_BYTES], name[NAME_BYTES], room[LIMIT_PATH_BYTES];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        pid_t pid;

        if (strncmp(entry->d_name, HOME_NAME, strlen(HOME_NAME)) != 0)
            continue;
        pid = (pid_t)strtol(entry->d_name + strlen(HOME_NAME), NULL, 10);
        if (pid != getpid() && (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH))
            continue;
        if (fs_join(home, above, entry->d_name) < 0)
            continue;
        for (unsigned i = 0;; i++) {
            (void)snprintf(name, sizeof(name), "trial-%u", i);
            if (fs_join(room, home, name) < 0 || rmdir(room) < 0)
                break;
        }
        (void)rmdir(home);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static char *home_make(enum quota_kind kind)
{
    struct buf mounts = {0}, groups = {0};
    const char *point = NULL, *own = NULL;
    char above[LIMIT_PATH_BYTES], path[LIMIT_PATH_BYTES], name[NAME_BYTES];
    char *home = NULL;

    if (fs_read("/proc/self/mounts", MOST_TEXT, &mounts) == 0 &&
        fs_read("/proc/self/cgroup", MOST_TEXT, &groups) == 0) {
        (void)buf_text(&mounts);
        (void)buf_text(&groups);
        point = mount_find((char *)mounts.data, controllers[kind]);
        own = group_find((char *)groups.data, controllers[kind]);
    }
    (void)snprintf(name, sizeof(name), HOME_NAME "%d", (int)getpid());
    if (point != NULL && own != NULL && fs_join(above, point, own + (own[0] == '/')) == 0 &&
        fs_join(path, above, name) == 0) {
        left_remove(above);
        if (mkdir(path, 0755) == 0 || errno == EEXIST)
            home = xstrdup(path);
    }
    buf_fini(&mounts);
    buf_fini(&groups);
    return home;
}

static void room_close(struct room *room)
{
    for (int i = 0; i < QUOTA_COUNT; i++)
        if (room->folders[i] >= 0)
            (void)close(room->folders[i]);
    free(room);
}

static int folder_make(const char *home, uint32_t number)
{
    char path[LIMIT_PATH_BYTES], name[NAME_BYTES];

    (void)snprintf(name, sizeof(name), "trial-%u", number);
    if (home == NULL || fs_join(path, home, name) < 0 || (mkdir(path, 0755) < 0 && errno != EEXIST))
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static struct room *room_new(struct quota *quota)
{
    struct room *room;

    if (!quota->looked) {
        for (int i = 0; i < QUOTA_COUNT; i++)
            quota->homes[i] = home_make((enum quota_kind)i);
        quota->looked = true;
    }
    if (quota->homes[QUOTA_MEMORY] == NULL && quota->homes[QUOTA_PIDS] == NULL)
        return NULL;
    room = xcalloc(1, sizeof(*room));
    *room = (struct room){.number = quota->made++, .folders = {-1, -1}};
    room->folders[QUOTA_PIDS] = folder_make(quota->homes[QUOTA_PIDS], room->number);
    return room;
}

/* The limit of both together can never be below that of memory alone: where it falls it goes first,
 * where it rises last. */
static bool memory_limit(int folder, int64_t bytes)
{
    static const char none[] = "-1";
    static const char memory[] = "memory.limit_in_bytes";
    static const char both[] = "memory.memsw.limit_in_bytes"; /* not where swap is not counted */

    (void)control_write(folder, both, none);
    if (!control_number(folder, memory, (uint64_t)bytes))
        return false;
    (void)control_number(folder, both, (uint64_t)bytes);
    return true;
}

struct room *room_take(struct quota *quota, int64_t memory_bytes, uint64_t *before)
{
    struct room *room = quota->free;

    if (room != NULL)
        quota->free = room->next;
    else
        room = room_new(quota);
    if (room == NULL)
        return NULL;
    room->next = NULL;
    if (memory_bytes > 0 && room->folders[QUOTA_MEMORY] < 0)
        room->folders[QUOTA_MEMORY] = folder_make(quota->homes[QUOTA_MEMORY], room->number);
    if (room->folders[QUOTA_MEMORY] >= 0 && memory_bytes > 0 &&
        !memory_limit(room->folders[QUOTA_MEMORY], memory_bytes)) {
        (void)close(room->folders[QUOTA_MEMORY]);
        room->folders[QUOTA_MEMORY] = -1;
    }
    if (room->folders[QUOTA_PIDS] >= 0)
        (void)control_number(room->folders[QUOTA_PIDS], "pids.max", LIMIT_PROCESSES);
    *before = quota_kills_room(room);
    return room;
}

bool room_limits_memory(const struct room *room)
{
    return room->folders[QUOTA_MEMORY] >= 0;
}

int room_door(const struct room *room, enum quota_kind kind)
{
    if (room->folders[kind] < 0)
        return -1;
    return openat(room->folders[kind], "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

uint64_t quota_kills_room(const struct room *room)
{
    if (room->folders[QUOTA_MEMORY] < 0)
        return 0;
    return control_read(room->folders[QUOTA_MEMORY], "memory.oom_control", "oom_kill");
}

static bool is_empty(int folder)
{
    char byte;
    int fd = folder >= 0 ? openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC) : -1;
    bool empty = fd < 0 || read(fd, &byte, 1) == 0;

    if (fd >= 0)
        (void)close(fd);
    return empty;
}

void room_give(struct quota *quota, struct room *room)
{
    if (room == NULL)
        return;
    if (!is_empty(room->folders[QUOTA_MEMORY]) || !is_empty(room->folders[QUOTA_PIDS])) {
        room_close(room); /* somebody is still dying there: it is not used again */
        return;
    }
    room->next = quota->free;
    quota->free = room;
}

void quota_fini(struct quota *quota)
{
    while (quota->free != NULL) {
        struct room *room = quota->free;

        quota->free = room->next;
        room_close(room);
    }
    for (int kind = 0; kind < QUOTA_COUNT; kind++) {
        char name[NAME_BYTES], path[LIMIT_PATH_BYTES];

        for (uint32_t i = 0; quota->homes[kind] != NULL && i < quota->made; i++) {
            (void)snprintf(name, sizeof(name), "trial-%u", i);
            if (fs_join(path, quota->homes[kind], name) == 0)
                (void)rmdir(path); /* one that is in use stays, until the next executor looks */
        }
        if (quota->homes[kind] != NULL)
            (void)rmdir(quota->homes[kind]);
        free(quota->homes[kind]);
    }
    *quota = (struct quota){0};
}
