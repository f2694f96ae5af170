#include "worker/executor/footprint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "worker/executor/cage.h"

#define MOST_TEXT 65536u
#define MOST_LIST (1u << 20) /* bytes of a list of process numbers */

/* Numbers of processes, pid_t each. */
static void pids_add(struct buf *pids, const char *list)
{
    char *end;

    for (long number = strtol(list, &end, 10); end != list; number = strtol(list, &end, 10)) {
        pid_t pid = (pid_t)number;

        buf_append(pids, &pid, sizeof(pid));
        list = end;
    }
}

static void children_add(struct buf *pids, pid_t pid)
{
    struct buf list = {0};
    char folder[64], path[384];
    const struct dirent *entry;
    DIR *dir;

    (void)snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
    dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s/children", folder, entry->d_name);
        buf_reset(&list);
        if (entry->d_name[0] != '.' && fs_read(path, MOST_LIST, &list) == 0)
            pids_add(pids, buf_text(&list));
    }
    if (dir != NULL)
        (void)closedir(dir);
    buf_fini(&list);
}

static void pids_find(struct buf *pids, pid_t leader, const struct cell *cell)
{
    char path[64];
    struct buf list = {0};

    if (cell != NULL) {
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/cgroup.procs", cell->fd);
        if (fs_read(path, MOST_LIST, &list) == 0)
            pids_add(pids, buf_text(&list));
        buf_fini(&list);
        return;
    }
    buf_append(pids, &leader, sizeof(leader));
    /* The list grows while it is gone through; a fork bomb has its end here. */
    for (size_t at = 0; at < pids->size && pids->size < LIMIT_PROCESSES * sizeof(pid_t);
         at += sizeof(pid_t)) {
        pid_t pid;

        memcpy(&pid, pids->data + at, sizeof(pid));
        children_add(pids, pid);
    }
}

static int64_t resident_of(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    long pages = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    if (fs_read(path, MOST_TEXT, &text) == 0) {
        const char *behind = strchr(buf_text(&text), ' ');

        pages = behind != NULL ? strtol(behind, NULL, 10) : 0;
    }
    buf_fini(&text);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

/* Its part of what it shares; where the kernel does not say, all of it. */
static int64_t part_of(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    const char *found = NULL;
    int64_t bytes;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    if (fs_read(path, MOST_TEXT, &text) == 0)
        found = strstr(buf_text(&text), "\nPss:");
    bytes = found != NULL ? strtoll(found + strlen("\nPss:"), NULL, 10) * 1024 : resident_of(pid);
    buf_fini(&text);
    return bytes;
}

static int64_t sum_of(const struct buf *pids, int64_t (*bytes_of)(pid_t pid))
{
    int64_t sum = 0;

    for (size_t at = 0; at < pids->size; at += sizeof(pid_t)) {
        pid_t pid;

        memcpy(&pid, pids->data + at, sizeof(pid));
        sum += bytes_of(pid);
    }
    return sum;
}

bool footprint_is_over(pid_t leader, const struct cell *cell, int64_t most_bytes)
{
    struct buf pids = {0};
    bool over;

    pids_find(&pids, leader, cell);
    over = sum_of(&pids, resident_of) > most_bytes && sum_of(&pids, part_of) > most_bytes;
    buf_fini(&pids);
    return over;
}
