/* spawn.h - a program started as the first process of an attempt: its own session, the descriptors
 * 0 to 3 and no others, killed by the kernel when the executor dies. */
#ifndef EXECUTOR_SPAWN_H
#define EXECUTOR_SPAWN_H

#include <sys/types.h>

/* The report descriptor; docs/TRAINABLE.md. */
#define SPAWN_REPORT_FD 3

/* The child's ends of what connects it to the executor. All close-on-exec, all above 3. */
struct spawn_ends {
    int output; /* stdout */
    int error;  /* stderr */
    int report;
};

struct spawn_request {
    const char *path; /* of the program: absolute, or relative to dir */
    char *const *argv;
    char *const *environment;
    const char *dir;
    struct spawn_ends ends;
};

/* Start it. 0 with *pid, or ERR_* with errno, where it cannot be started. */
int spawn_start(const struct spawn_request *request, pid_t *pid);

/* In a new child: the same for a process that goes on without exec. parent is who must be alive. 0,
 * or -1 with errno. Only async-signal-safe calls. */
int spawn_become(const struct spawn_ends *ends, const char *dir, pid_t parent);

#endif
