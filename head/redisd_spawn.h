/* redisd_spawn.h - a redis-server as a process: in its own session, with the folder's lock. */
#ifndef HEAD_REDISD_SPAWN_H
#define HEAD_REDISD_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* Run program in the folder, with its configuration there; its output goes to the log there. Takes
 * lock_fd, which the server keeps open for life. private_server: it dies with this thread. Returns
 * when the program runs, or ERR_* with errno where it cannot be run. */
int redisd_spawn(const char *program, int dir_fd, int lock_fd, bool private_server, pid_t *out);

#endif
