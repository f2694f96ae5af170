/* process.h - a process that starts clean: of this program or of another. */
#ifndef COMMON_SYS_PROCESS_H
#define COMMON_SYS_PROCESS_H

#include <sys/types.h>

#define PROCESS_FD 3 /* what is handed down is here in the child */

/* Start program with argv and environment, both ended by NULL: in a session of its own, with
 * nothing to read, what it prints where our errors go, no signal blocked, ignored or caught, and no
 * descriptor but those three and handed (-1: none), which is PROCESS_FD there. 0 with *pid, to be
 * reaped by the caller, or errno's number. */
int process_start(const char *program, char *const *argv, char *const *environment, int handed,
                  pid_t *pid);

#endif
