#include "worker/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/sys/process.h"
#include "common/xalloc.h"
#include "worker/unpack.h"

#define EXIT_OURS 70

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

int helper_spawn(const char *program, char *const *argv, pid_t *pid, int *fd)
{
    char **environment;
    int life[2];
    pid_t child;
    int error;

    if (pipe2(life, O_CLOEXEC) != 0)
        return err_from_errno();
    FAILPOINT("helper-fork");
    environment = environment_copy();
    error = process_start(program, argv, environment, life[1], &child);
    free(environment);
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
