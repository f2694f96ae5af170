/* spawn.h - a program started as the first process of an attempt: its own session, the descriptors
 * 0 to 3 and no others, killed by the kernel when the executor dies; born in a cgroup, if wanted.
 */
#ifndef EXECUTOR_SPAWN_H
#define EXECUTOR_SPAWN_H

#include <stdbool.h>
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
    int cgroup;       /* an open folder to be born in; -1: where this process is */
    const int *doors; /* two: of groups of v1 to enter, as quota.h has them, -1: none; or NULL */
    bool outside;     /* out: it could not enter them all */
};

/* Start it. 0 with *pid, or ERR_* with errno, where it cannot be started; SPAWN_NO_CGROUP
 * where nobody can be born in the cgroup. */
#define SPAWN_NO_CGROUP 1
int spawn_start(struct spawn_request *request, pid_t *pid);

/* A child that runs function, which does not return and makes only async-signal-safe calls: it has
 * this process's memory until it execs, and this process stands still. cgroup as above. Its number;
 * -1 with errno; -2 where nobody can be born in the cgroup. */
pid_t spawn_child(int cgroup, void (*function)(void *context), void *context);

/* Where this program is, for starting it once more. By its own name, which people see in ps; but
 * where another one has taken its place (an upgrade) or it is gone, by what the kernel knows it by.
 * spawn_self_note is called once, early: what is there then is taken for this program. */
void spawn_self_note(void);
const char *spawn_self(void);

/* In a new child: the same for a process that goes on without exec. parent is who must be alive. 0,
 * or -1 with errno. Only async-signal-safe calls. */
int spawn_become(const struct spawn_ends *ends, const char *dir, pid_t parent);

#endif
