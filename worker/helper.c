#include "worker/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "worker/unpack.h"

#define EXIT_OURS 70
#define LIFE_FD   (STDERR_FILENO + 1) /* of a helper: closed by its end */

extern char **environ;

/* Files that hold secrets are named by these; nobody below needs to know where. */
static bool is_secret(const char *entry)
{
    static const char *const names[] = {"ASSAY_TOKEN_FILE=", "ASSAY_REDIS_PASSWORD_FILE="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static char **environment_copy(void)
{
    size_t count = 0;
    size_t kept = 0;
    char **copy;

    while (environ[count] != NULL)
        count++;
    copy = xcalloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++)
        if (!is_secret(environ[i]))
            copy[kept++] = environ[i];
    return copy;
}

static int attributes_set(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
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

/* 0 or errno's number. */
static int spawn(const char *program, char *const *argv, int life, pid_t *pid)
{
    char **environment = environment_copy();
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    int rc;

    (void)posix_spawnattr_init(&attributes); /* neither can fail in glibc */
    (void)posix_spawn_file_actions_init(&files);
    rc = attributes_set(&attributes);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    /* What somebody prints does not belong into our own output. */
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, life, LIFE_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&files, LIFE_FD + 1);
    if (rc == 0)
        rc = posix_spawn(pid, program, &files, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    free(environment);
    return rc;
}

int helper_spawn(const char *program, char *const *argv, pid_t *pid, int *fd)
{
    int life[2];
    pid_t child;
    int error;

    if (pipe2(life, O_CLOEXEC) != 0)
        return err_from_errno();
    FAILPOINT("helper-fork");
    error = spawn(program, argv, life[1], &child);
    FAILPOINT("helper-forked");
    (void)close(life[1]);
    if (error != 0) {
        (void)close(life[0]);
        errno = error;
        return err_from_errno();
    }
    *pid = child;
    *fd = life[0];
    return 0;
}

int helper_reap(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, WNOHANG) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool helper_is_asked(int argc, char *const *argv)
{
    return argc >= 2 && strcmp(argv[1], "--helper") == 0;
}

int helper_main(int argc, char *const *argv)
{
    uint8_t hash[LIMIT_HASH_BYTES];
    size_t size = 0;

    if (sodium_init() < 0)
        return EXIT_OURS;
    if (argc == 6 && strcmp(argv[2], "unpack") == 0 &&
        sodium_hex2bin(hash, sizeof(hash), argv[4], strlen(argv[4]), NULL, &size, NULL) == 0 &&
        size == sizeof(hash))
        return (int)unpack_tree(argv[3], hash, argv[5]);
    if (argc == 4 && strcmp(argv[2], "remove") == 0)
        return fs_remove_tree(argv[3]) == 0 ? 0 : 1;
    return EXIT_OURS;
}
