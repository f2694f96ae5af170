#include "worker/executor/helper.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/process.h"
#include "worker/executor/checkpoint_files.h"

#define EXIT_OURS  70
#define WORDS_MOST 8u

pid_t helper_start(const char *const *words)
{
    char *argv[WORDS_MOST + 3] = {(char *)(uintptr_t) "assay-executor",
                                  (char *)(uintptr_t) "--helper"};
    char *environment[] = {NULL};
    pid_t pid = -1;

    for (size_t i = 0; i < WORDS_MOST && words[i] != NULL; i++)
        argv[i + 2] = (char *)(uintptr_t)words[i];
    errno = process_start("/proc/self/exe", argv, environment, -1, &pid);
    return errno == 0 ? pid : -1;
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
    if (argc == 6 && strcmp(argv[2], "place") == 0 &&
        sodium_hex2bin(hash, sizeof(hash), argv[4], strlen(argv[4]), NULL, &size, NULL) == 0 &&
        size == sizeof(hash))
        return (int)files_place(argv[3], hash, argv[5]);
    if (argc >= 4 && strcmp(argv[2], "remove") == 0)
        return remove_all(argc - 3, argv + 3);
    return EXIT_OURS;
}
