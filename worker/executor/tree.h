/* tree.h - all processes of an attempt: found, signalled, and known to be gone.
 *
 * The first process leads its own session and group, which catches all ordinary children. Those
 * that left the group are found as descendants, while their ancestors live, or by their session;
 * those that became orphans become children of the executor (it is a subreaper) and are known by
 * session, group, or the mark in their environment. An orphan that left its session and was started
 * with another environment is nobody's: it stays until the executor ends. */
#ifndef EXECUTOR_TREE_H
#define EXECUTOR_TREE_H

#include <stdbool.h>
#include <sys/types.h>

struct tree {
    pid_t leader;     /* process, group and session */
    const char *mark; /* borrowed: NAME=VALUE in the environment of its processes */
};

/* Take in orphans of this process's descendants from now on. 0 or ERR_*. */
int tree_adopt(void);

/* To everybody in the leader's group. */
void tree_signal(const struct tree *tree, int signal_number);

/* SIGKILL to everybody; running says that the leader was not reaped. True where, the leader aside,
 * there was nobody: once the leader is reaped, the attempt is gone then. Call again after each
 * SIGCHLD until it is. others says whether a child of this process is something other than an
 * orphan. */
bool tree_kill(const struct tree *tree, bool running, bool (*is_known)(void *context, pid_t pid),
               void *context);

#endif
