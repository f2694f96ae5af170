/* sim - the real core and the real agent in a simulated cluster, seed after seed.
 *
 *   sim [--seeds FROM-TO]        run these (1-2000 where not said), stop at none that fails
 *   sim --seed S [--verbose]     run one; --verbose prints a line an event
 *
 * Exit status 0: all held; 1: some did not. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/world.h"

#define FAILURES_SHOWN 20u

/* Of the seed that runs, for a core that ends the process. */
static uint64_t running;

struct run_sum {
    uint64_t passed;
    uint64_t failed;
    uint64_t events;
    uint64_t happenings;
};

extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void say_dead(void)
{
    char line[128];
    int size =
        snprintf(line, sizeof(line),
                 "\nseed %" PRIu64 ": the process ends; see: sim --seed %" PRIu64 " --verbose\n",
                 running, running);

    if (write(STDOUT_FILENO, line, (size_t)size) < 0)
        _exit(1);
}

static void on_abort(int number)
{
    say_dead();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void run_seed(uint64_t seed, bool verbose, struct run_sum *sum)
{
    struct world world;
    bool good;

    running = seed;
    world_init(&world, seed, verbose);
    good = world_run(&world);
    sum->passed += good;
    sum->failed += !good;
    sum->events += world.events;
    sum->happenings += world.happenings;
    if (!good && sum->failed <= FAILURES_SHOWN)
        printf("seed %" PRIu64 ": at %.6f s: %s\n  see: sim --seed %" PRIu64 " --verbose\n", seed,
               (double)world.now_us / 1e6, world.why, seed);
    world_fini(&world);
}

static int usage(void)
{
    fprintf(stderr, "usage: sim [--seeds FROM-TO] | --seed S [--verbose]\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t from = 1;
    uint64_t to = 2000;
    bool verbose = false;
    struct run_sum sum = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0) {
            if (sscanf(argv[++i], "%" SCNu64 "-%" SCNu64, &from, &to) != 2 || to < from)
                return usage();
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            if (sscanf(argv[++i], "%" SCNu64, &from) != 1)
                return usage();
            to = from;
        } else {
            return usage();
        }
    }
    (void)signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(say_dead);
    for (uint64_t seed = from; seed <= to; seed++)
        run_seed(seed, verbose, &sum);
    printf("sim: %" PRIu64 " seeds, %" PRIu64 " events judged, %" PRIu64 " happenings\n",
           to - from + 1, sum.events, sum.happenings);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", sum.passed, sum.failed);
    return sum.failed > 0;
}
