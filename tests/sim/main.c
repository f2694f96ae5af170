/* sim - the real core and the real agent in a simulated cluster, seed after seed.
 *
 *   sim [--seeds FROM-TO]     run these (1-2000 where not said); what fails does not stop it
 *       [--until-failure]     but that does
 *       [--hours N]           or, from FROM on, as many seeds as it takes for N hours of clusters
 *   sim --seed S [--verbose]  run one; --verbose prints a line an event
 *   sim --seed S --minimise   what of its plan it takes for it to fail
 *   with --without FAULT,...  --hosts N  --experiments N  --samples N  less of each plan
 *
 * Exit status 0: all held; 1: some did not. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/minimise.h"
#include "tests/sim/world.h"

#define FAILURES_SHOWN 20u
#define HOUR_US        3600e6

struct options {
    uint64_t from;
    uint64_t to;
    double hours; /* 0: as many seeds as are named */
    bool verbose;
    bool until_failure;
    bool minimise;
    struct plan_limits limits;
};

/* Of the seed that runs, for a core that ends the process. */
static uint64_t running;

struct run_sum {
    uint64_t seeds;
    uint64_t passed;
    uint64_t failed;
    uint64_t events;
    uint64_t happenings;
    uint64_t with[FAULT_COUNT]; /* seeds that have it */
    double hours;
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

static void run_seed(uint64_t seed, const struct options *options, struct run_sum *sum)
{
    struct world world;
    struct buf words = {0};
    bool good;

    running = seed;
    world_init(&world, seed, &options->limits, options->verbose);
    good = world_run(&world);
    sum->seeds++;
    sum->passed += good;
    sum->failed += !good;
    sum->events += world.events;
    sum->happenings += world.happenings;
    sum->hours += (double)world.now_us / HOUR_US;
    for (int fault = 0; fault < FAULT_COUNT; fault++)
        sum->with[fault] += plan_has(&world.plan, (enum fault)fault);
    limits_print(&options->limits, &words);
    if (!good && sum->failed <= FAILURES_SHOWN)
        printf("seed %" PRIu64 ": at %.6f s: %s\n  see: sim --seed %" PRIu64
               "%s --verbose, or --minimise\n",
               seed, (double)world.now_us / 1e6, world.why, seed, buf_text(&words));
    buf_fini(&words);
    world_fini(&world);
}

static bool is_over(const struct options *options, const struct run_sum *sum)
{
    if (options->until_failure && sum->failed > 0)
        return true;
    if (options->hours > 0)
        return sum->hours >= options->hours;
    return sum->seeds > options->to - options->from;
}

static int run_all(const struct options *options)
{
    struct run_sum sum = {0};

    while (!is_over(options, &sum))
        run_seed(options->from + sum.seeds, options, &sum);
    printf("sum: %" PRIu64 " seeds, %.0f hours of clusters, %" PRIu64 " events judged, %" PRIu64
           " happenings; seeds with each fault:",
           sum.seeds, sum.hours, sum.events, sum.happenings);
    for (int fault = 0; fault < FAULT_COUNT; fault++)
        printf(" %s %" PRIu64, fault_name((enum fault)fault), sum.with[fault]);
    printf("\n%" PRIu64 " passed, %" PRIu64 " failed\n", sum.passed, sum.failed);
    return sum.failed > 0;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: sim [--seeds FROM-TO] [--until-failure] [--hours N] | --seed S "
            "[--verbose|--minimise]\n"
            "           [--without FAULT,...] [--hosts N] [--experiments N] [--samples N]\n");
    return 2;
}

static bool read_faults(const char *text, uint32_t *out)
{
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        enum fault fault = fault_of_name(text, size);

        if (fault == FAULT_COUNT)
            return false;
        *out |= 1u << fault;
        text += size + (text[size] == ',');
    }
    return true;
}

static bool read_option(struct options *options, const char *name, const char *text)
{
    if (strcmp(name, "--seeds") == 0)
        return sscanf(text, "%" SCNu64 "-%" SCNu64, &options->from, &options->to) == 2 &&
               options->to >= options->from;
    if (strcmp(name, "--seed") == 0) {
        options->to = options->from = strtoull(text, NULL, 10);
        return true;
    }
    if (strcmp(name, "--hours") == 0)
        return sscanf(text, "%lf", &options->hours) == 1;
    if (strcmp(name, "--without") == 0)
        return read_faults(text, &options->limits.without);
    if (strcmp(name, "--hosts") == 0)
        return sscanf(text, "%" SCNu32, &options->limits.hosts) == 1;
    if (strcmp(name, "--experiments") == 0)
        return sscanf(text, "%" SCNu32, &options->limits.experiments) == 1;
    return strcmp(name, "--samples") == 0 &&
           sscanf(text, "%" SCNu32, &options->limits.samples) == 1;
}

int main(int argc, char **argv)
{
    struct options options = {.from = 1, .to = 2000};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            options.verbose = true;
        else if (strcmp(argv[i], "--until-failure") == 0)
            options.until_failure = true;
        else if (strcmp(argv[i], "--minimise") == 0)
            options.minimise = true;
        else if (i + 1 >= argc || !read_option(&options, argv[i], argv[i + 1]))
            return usage();
        else
            i++;
    }
    if (options.minimise)
        return minimise(options.from, &options.limits);
    (void)signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(say_dead);
    return run_all(&options);
}
