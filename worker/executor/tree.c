#include "worker/executor/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/sys/fs.h"

#define MOST_ENVIRON  (1u << 20)
#define MOST_CHILDREN (1u << 20) /* bytes of a list of process numbers */
#define MOST_DEPTH    64u

int tree_adopt(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? err_from_errno() : 0;
}

void tree_signal(const struct tree *tree, int signal_number)
{
    (void)kill(-tree->leader, signal_number); /* nobody left is fine */
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

static bool is_ours(const struct tree *tree, pid_t orphan)
{
    return getpgid(orphan) == tree->leader || getsid(orphan) == tree->leader ||
           environ_has(orphan, tree->mark);
}

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
            if (is_known(context, child) || !is_ours(tree, child))
                continue;
            any = true;
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
    return !orphans_kill(tree, is_known, context) && !any;
}
