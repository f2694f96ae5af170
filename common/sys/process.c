#include "common/sys/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int attributes_set(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    int rc;

    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGKILL);
    (void)sigdelset(&all, SIGSTOP);
    (void)sigemptyset(&none);
    rc = posix_spawnattr_setsigdefault(attributes, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSID);
    return rc;
}

static int files_set(posix_spawn_file_actions_t *files, int handed)
{
    int first = handed < 0 ? PROCESS_FD : PROCESS_FD + 1; /* to be closed */
    int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    if (rc == 0 && handed >= 0)
        rc = posix_spawn_file_actions_adddup2(files, handed, PROCESS_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(files, first);
    return rc;
}

int process_start(const char *program, char *const *argv, char *const *environment, int handed,
                  pid_t *pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    int rc;

    (void)posix_spawnattr_init(&attributes); /* neither can fail in glibc */
    (void)posix_spawn_file_actions_init(&files);
    rc = attributes_set(&attributes);
    if (rc == 0)
        rc = files_set(&files, handed);
    if (rc == 0)
        rc = posix_spawn(pid, program, &files, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return rc;
}
