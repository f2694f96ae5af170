#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/limit.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"

#define TOUCHED_BYTES (8u << 20)

extern char **environ;

static uint64_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count > 0 ? (uint64_t)count : 1;
}

static void start_fork(char **argv)
{
    pid_t pid = fork();

    (void)argv;
    if (pid < 0)
        limit_fail("fork", strerror(errno));
    if (pid == 0)
        _exit(0);
}

static void start_program(char **argv)
{
    pid_t pid;
    int err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);

    if (err != 0)
        limit_fail(argv[0], strerror(err));
}

static double process_rate(uint64_t count, uint64_t at_once, void (*start)(char **argv),
                           char **argv)
{
    uint64_t begin_ns = clock_ns();
    uint64_t started = 0;

    for (uint64_t ended = 0; ended < count; ended++) {
        int status;

        for (; started < count && started - ended < at_once; started++)
            start(argv);
        if (wait(&status) < 0)
            limit_fail("wait", strerror(errno));
        if (status != 0)
            limit_fail("a process", "ended with a status");
    }
    return (double)count * 1e9 / (double)(clock_ns() - begin_ns);
}

double fork_rate(uint64_t count)
{
    char *touched = xcalloc(1, TOUCHED_BYTES);
    volatile char *pages = touched;
    double rate;

    for (size_t i = 0; i < TOUCHED_BYTES; i += 4096)
        pages[i] = 1;
    rate = process_rate(count, processors(), start_fork, NULL);
    free(touched);
    return rate;
}

double spawn_rate(uint64_t count, uint64_t at_once, char **argv)
{
    return process_rate(count, at_once, start_program, argv);
}
