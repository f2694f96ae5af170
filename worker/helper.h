/* helper.h - work that takes long, done by another process of this program, so that the daemon's
 * loop never waits: a code tree is unpacked, a folder is removed.
 *
 * A helper is `assay-worker --helper unpack ARCHIVE HASH DIR` or `... --helper remove PATH`. */
#ifndef WORKER_HELPER_H
#define WORKER_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

/* Start program with argv and this process's environment less secrets: own session, stdin closed,
 * nothing blocked, no descriptors but stderr and one that it does not know of. 0 with *pid and *fd
 * (to be closed by the caller): the other end of that, which hangs up when the process ends. No
 * pidfd: not every container lets us have one. ERR_* with errno. */
int helper_spawn(const char *program, char *const *argv, pid_t *pid, int *fd);

/* Reap a child that has ended: its exit status, or 128 + the signal that ended it. -1: it runs. */
int helper_reap(pid_t pid);

/* Whether this process was started as a helper, and what its work is. */
bool helper_is_asked(int argc, char *const *argv);
int helper_main(int argc, char *const *argv);

#endif
