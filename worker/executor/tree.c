#include "worker/executor/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

#define MOST_ENVIRON  (1u << 20)
#define MOST_CHILDREN (1u << 20) /* bytes of a list of process numbers */
#define MOST_DEPTH    64u
#define MOST_PARENTS  256u
#define MOST_STAT     4096u
#define END_ROUNDS    100
#define END_ROUND_MS  10

int tree_adopt(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? err_from_errno() : 0;
}

void tree_signal(pid_t leader, int signal_number)
{
    (void)kill(-leader, signal_number); /* nobody left is fine */
}

/* The children of a process's first thread, which is where those of a process with one thread and
 * all orphans are; those that other threads started are found once they are orphans. */
static int children_read(pid_t pid, struct buf *out)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    buf_reset(out);
    return fs_read(path, MOST_CHILDREN, out);
}

/* The next number of a list; false at its end. */
static bool children_next(const char **at, pid_t *pid)
{
    char *end;
    long number = strtol(*at, &end, 10);

    if (end == *at)
        return false;
    *at = end;
    *pid = (pid_t)number;
    return true;
}

/* Everybody below pid. Returns whether there was anybody. */
static bool descendants_kill(pid_t pid, unsigned depth)
{
    struct buf list = {0};
    const char *at;
    pid_t child;
    bool any = false;

    if (depth < MOST_DEPTH && children_read(pid, &list) == 0) {
        at = buf_text(&list);
        while (children_next(&at, &child)) {
            any = true;
            (void)descendants_kill(child, depth + 1);
            (void)kill(child, SIGKILL);
        }
    }
    buf_fini(&list);
    return any;
}

static bool environ_has(pid_t pid, const char *mark)
{
    struct buf environment = {0};
    char path[64];
    size_t size = strlen(mark);
    bool found = false;

    (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    if (fs_read(path, MOST_ENVIRON, &environment) == 0) {
        const char *at = buf_text(&environment);
        const char *end = at + environment.size;

        for (; at < end && !found; at += strlen(at) + 1)
            found = strncmp(at, mark, size) == 0 && at[size] == '\0';
    }
    buf_fini(&environment);
    return found;
}

static bool is_in(pid_t pid, const char *dir)
{
    char path[64], at[LIMIT_PATH_BYTES];
    size_t size = strlen(dir);
    ssize_t got;

    (void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
    got = readlink(path, at, sizeof(at) - 1);
    if (got < 0 || size == 0 || (size_t)got < size)
        return false;
    at[got] = '\0';
    return memcmp(at, dir, size) == 0 && (at[size] == '\0' || at[size] == '/');
}

static bool is_ours(const struct tree *tree, pid_t orphan)
{
    return table_get_u64(tree->killed, (uint64_t)orphan) == (void *)(intptr_t)tree->leader ||
           getpgid(orphan) == tree->leader || getsid(orphan) == tree->leader ||
           environ_has(orphan, tree->mark) || is_in(orphan, tree->dir);
}

/* tree: whose; NULL: of all. */
static bool orphans_kill(const struct tree *tree, bool (*is_known)(void *context, pid_t pid),
                         void *context)
{
    struct buf list = {0};
    const char *at;
    pid_t child;
    bool any = false;

    if (children_read(getpid(), &list) == 0) {
        at = buf_text(&list);
        while (children_next(&at, &child)) {
            if (is_known(context, child) || (tree != NULL && !is_ours(tree, child)))
                continue;
            any = true;
            if (tree != NULL)
                (void)table_put_u64(tree->killed, (uint64_t)child, (void *)(intptr_t)tree->leader);
            (void)descendants_kill(child, 0);
            (void)kill(child, SIGKILL);
        }
    }
    buf_fini(&list);
    return any;
}

bool tree_kill(const struct tree *tree, bool running, bool (*is_known)(void *context, pid_t pid),
               void *context)
{
    bool any = false;

    if (running)
        any = descendants_kill(tree->leader, 0);
    if (kill(-tree->leader, SIGKILL) == 0 && !running)
        any = true;
    /* A hostile one with our rights may have left its cell: so all else is done, too. */
    if (tree->cell != NULL && !cell_clear(tree->cell))
        any = true;
    return !orphans_kill(tree, is_known, context) && !any;
}

/* Of all of its threads; what cannot be read has some. */
static bool has_children(pid_t pid)
{
    struct buf list = {0};
    const struct dirent *entry;
    char path[64 + sizeof(entry->d_name)];
    DIR *tasks;
    bool any = false;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return true;
    while (!any && (entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, entry->d_name);
        buf_reset(&list);
        any = fs_read(path, MOST_CHILDREN, &list) != 0 || list.size > 0;
    }
    (void)closedir(tasks);
    buf_fini(&list);
    return any;
}

static bool has_orphans(const struct tree *tree, bool (*is_known)(void *context, pid_t pid),
                        void *context)
{
    struct buf list = {0};
    const char *at = "";
    pid_t child;
    bool any = children_read(getpid(), &list) != 0;

    if (!any)
        at = buf_text(&list);
    while (!any && children_next(&at, &child))
        any = !is_known(context, child) && is_ours(tree, child);
    buf_fini(&list);
    return any;
}

/* Children first: who is an orphan meanwhile was one of them, or of theirs. */
bool tree_is_alone(const struct tree *tree, bool (*is_known)(void *context, pid_t pid),
                   void *context)
{
    return tree->cell == NULL && !has_children(tree->leader) &&
           !has_orphans(tree, is_known, context);
}

pid_t tree_peer(int fd)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? 0 : peer.pid;
}

/* 0: the process is gone, or the first of all. */
static pid_t parent_of(pid_t pid)
{
    struct buf stat = {0};
    char path[64];
    long parent = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (fs_read(path, MOST_STAT, &stat) == 0) {
        const char *behind = strrchr(buf_text(&stat), ')'); /* a name may hold anything */

        if (behind != NULL && strlen(behind) > 4)
            parent = strtol(behind + 4, NULL, 10); /* ") S " */
    }
    buf_fini(&stat);
    return (pid_t)parent;
}

bool tree_holds(pid_t pid, bool (*is_known)(void *context, pid_t pid), void *context, pid_t *root)
{
    pid_t self = getpid();

    *root = 0;
    if (pid == 0)
        return false;
    for (unsigned i = 0; i < MOST_PARENTS; i++) {
        pid_t parent = parent_of(pid);

        if (parent == 0)
            return i == 0 ? pid != 1 : false; /* gone from the start; or we stand at the top */
        if (is_known(context, pid)) {
            *root = pid;
            return true;
        }
        if (parent == self)
            return true;
        pid = parent;
    }
    return true; /* nobody is so deep who has nothing to hide */
}

void tree_kill_orphans(bool (*is_known)(void *context, pid_t pid), void *context)
{
    (void)orphans_kill(NULL, is_known, context);
}

void tree_end(void)
{
    for (int i = 0; i < END_ROUNDS && descendants_kill(getpid(), 0); i++) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        (void)poll(NULL, 0, i == 0 ? 0 : END_ROUND_MS);
    }
}
