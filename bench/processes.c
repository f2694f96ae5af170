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

static void start_fork(const char *program)
{
    pid_t pid = fork();

    (void)program;
    if (pid < 0)
        limit_fail("fork", strerror(errno));
    if (pid == 0)
        _exit(0);
}

static void start_program(const char *program)
{
    char *path = xstrdup(program);
    char *argv[] = {path, NULL};
    pid_t pid;
    int err = posix_spawn(&pid, program, NULL, NULL, argv, environ);

    if (err != 0)
        limit_fail(program, strerror(err));
    free(path);
}

static double process_rate(uint64_t count, void (*start)(const char *program), const char *program)
{
    uint64_t begin_ns = clock_ns();
    uint64_t most = processors();
    uint64_t started = 0;

    for (uint64_t ended = 0; ended < count; ended++) {
        int status;

        for (; started < count && started - ended < most; started++)
            start(program);
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
    rate = process_rate(count, start_fork, NULL);
    free(touched);
    return rate;
}

double spawn_rate(uint64_t count, const char *program)
{
    return process_rate(count, start_program, program);
}
