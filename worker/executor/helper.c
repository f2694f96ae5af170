#include "worker/executor/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/fs.h"
#include "worker/executor/checkpoint_files.h"

#define EXIT_OURS  70
#define WORDS_MOST 8u

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

pid_t helper_start(const char *const *words)
{
    char *argv[WORDS_MOST + 3] = {(char *)(uintptr_t) "assay-executor",
                                  (char *)(uintptr_t) "--helper"};
    char *environment[] = {NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    pid_t pid = -1;
    int rc;

    for (size_t i = 0; i < WORDS_MOST && words[i] != NULL; i++)
        argv[i + 2] = (char *)(uintptr_t)words[i];
    (void)posix_spawnattr_init(&attributes); /* neither can fail in glibc */
    (void)posix_spawn_file_actions_init(&files);
    rc = attributes_set(&attributes);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (rc == 0)
        rc = posix_spawn(&pid, "/proc/self/exe", &files, &attributes, argv, environment);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    errno = rc;
    return rc == 0 ? pid : -1;
}

bool helper_is_asked(int argc, char *const *argv)
{
    return argc >= 3 && strcmp(argv[1], "--helper") == 0;
}

static int remove_all(int count, char *const *paths)
{
    int status = 0;

    for (int i = 0; i < count; i++)
        if (fs_remove_tree(paths[i]) != 0)
            status = FILES_DISK;
    return status;
}

int helper_main(int argc, char *const *argv)
{
    uint8_t hash[LIMIT_HASH_BYTES];
    size_t size = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sodium_init() < 0)
        return EXIT_OURS;
    if (argc == 5 && strcmp(argv[2], "pack") == 0)
        return (int)files_pack(argv[3], argv[4]);
    if (argc == 6 && strcmp(argv[2], "unpack") == 0 &&
        sodium_hex2bin(hash, sizeof(hash), argv[4], strlen(argv[4]), NULL, &size, NULL) == 0 &&
        size == sizeof(hash))
        return (int)files_unpack(argv[3], hash, argv[5]);
    if (argc >= 4 && strcmp(argv[2], "remove") == 0)
        return remove_all(argc - 3, argv + 3);
    return EXIT_OURS;
}
