/* tree.h - all processes of an attempt: found, signalled, and known to be gone.
 *
 * The first process leads its own session and group, which catches all ordinary children. Those
 * that left the group are found as descendants, while their ancestors live, or by their session;
 * those that became orphans become children of the executor (it is a subreaper) and are known by
 * session, group, the mark in their environment, or the folder they are in. All of them are known
 * by their cell, where there is one (cage.h). Where there is none, an orphan that left its session
 * and its folder and was started with another environment is nobody's: it stays until no attempt is
 * alive. */
#ifndef EXECUTOR_TREE_H
#define EXECUTOR_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/table.h"
#include "worker/executor/cage.h"

struct tree {
    pid_t leader;     /* process, group and session */
    const char *mark; /* borrowed: NAME=VALUE in the environment of its processes */
    const char *dir;  /* borrowed: its working folder */
    /* Borrowed: leaders, by the number of an orphan of theirs that was killed. One that is dying
     * has no folder and no environment any more, but may still hold a device. */
    struct table *killed;
    struct cell *cell; /* borrowed; NULL: none */
};

/* Take in orphans of this process's descendants from now on. 0 or ERR_*. */
int tree_adopt(void);

/* To everybody in the leader's group. */
void tree_signal(pid_t leader, int signal_number);

/* SIGKILL to everybody; running says that the leader was not reaped. True where, the leader aside,
 * there was nobody: once the leader is reaped, the attempt is gone then. Call again after each
 * SIGCHLD until it is, those that were reaped taken out of tree->killed. others says whether a
 * child of this process is something other than an orphan. */
bool tree_kill(const struct tree *tree, bool running, bool (*is_known)(void *context, pid_t pid),
               void *context);

/* Whether the attempt has no process but its first, which may have threads. Of one without a cell.
 */
bool tree_is_alone(const struct tree *tree, bool (*is_known)(void *context, pid_t pid),
                   void *context);

/* The process at the other end of a unix socket; 0: one that is not of this namespace. */
pid_t tree_peer(int fd);

/* Whether a process was started by a trial: it descends from this one, or is gone, which nobody is
 * who has nothing to hide. *root: the nearest of it and its ancestors that is_known knows, or 0. */
bool tree_holds(pid_t pid, bool (*is_known)(void *context, pid_t pid), void *context, pid_t *root);

/* SIGKILL to all children of this process that is_known does not know, and everybody below them:
 * where no attempt is alive they are what some attempt left. */
void tree_kill_orphans(bool (*is_known)(void *context, pid_t pid), void *context);

/* SIGKILL to everybody below this process, nobody's orphans among them, until there is nobody; a
 * second at most. */
void tree_end(void);

#endif
