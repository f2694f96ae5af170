#include "tests/sim/minimise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/world.h"

#define WHY_BYTES 128

/* What stands before the first blank: "I3:", or that of a process that ended. */
struct finding {
    char kind[16];
    char why[WHY_BYTES];
};

static void run_and_say(uint64_t seed, const struct plan_limits *limits, int fd)
{
    struct finding finding = {0};
    struct world world;

    world_init(&world, seed, limits, false);
    if (!world_run(&world)) {
        (void)snprintf(finding.why, sizeof(finding.why), "%.*s", (int)sizeof(finding.why) - 1,
                       world.why);
        (void)snprintf(finding.kind, sizeof(finding.kind), "%.*s", (int)strcspn(world.why, " "),
                       world.why);
    }
    if (write(fd, &finding, sizeof(finding)) != (ssize_t)sizeof(finding))
        _exit(2);
    _exit(0);
}

/* Whether it fails, and how. */
static bool fails(uint64_t seed, const struct plan_limits *limits, struct finding *out)
{
    int ends[2];
    pid_t pid;

    *out = (struct finding){.kind = "dies", .why = "the process ends"};
    (void)fflush(stdout);
    if (pipe(ends) < 0)
        return false;
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        (void)freopen("/dev/null", "w", stderr);
        run_and_say(seed, limits, ends[1]);
    }
    (void)close(ends[1]);
    if (pid > 0) {
        struct finding said;

        if (read(ends[0], &said, sizeof(said)) == (ssize_t)sizeof(said))
            *out = said;
        (void)waitpid(pid, NULL, 0);
    }
    (void)close(ends[0]);
    return out->kind[0] != '\0';
}

static bool still_fails(uint64_t seed, const struct plan_limits *limits,
                        const struct finding *wanted)
{
    struct finding found;

    return fails(seed, limits, &found) && strcmp(found.kind, wanted->kind) == 0;
}

/* From below: the first number that is enough. */
static void lower(uint64_t seed, struct plan_limits *limits, uint32_t *count, uint32_t from,
                  const struct finding *wanted)
{
    uint32_t before = *count;

    for (uint32_t least = 1; least < from; least++) {
        *count = least;
        if (still_fails(seed, limits, wanted))
            return;
    }
    *count = before;
}

void limits_print(const struct plan_limits *limits, struct buf *out)
{
    const char *before = " --without ";

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        if ((limits->without >> fault & 1) == 0)
            continue;
        buf_printf(out, "%s%s", before, fault_name((enum fault)fault));
        before = ",";
    }
    if (limits->hosts > 0)
        buf_printf(out, " --hosts %" PRIu32, limits->hosts);
    if (limits->experiments > 0)
        buf_printf(out, " --experiments %" PRIu32, limits->experiments);
    if (limits->samples > 0)
        buf_printf(out, " --samples %" PRIu32, limits->samples);
}

static void drop_faults(uint64_t seed, struct plan_limits *limits, uint32_t faults,
                        const struct finding *wanted)
{
    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        uint32_t bit = 1u << fault;

        if ((faults & bit) == 0)
            continue;
        limits->without |= bit;
        if (!still_fails(seed, limits, wanted))
            limits->without &= ~bit;
    }
}

bool minimise(uint64_t seed, const struct plan_limits *from)
{
    struct plan_limits limits = *from;
    struct finding wanted;
    struct arena arena;
    struct plan plan;
    struct buf words = {0};

    if (!fails(seed, &limits, &wanted)) {
        printf("seed %" PRIu64 " does not fail\n", seed);
        return false;
    }
    printf("seed %" PRIu64 ": %s\n", seed, wanted.why);
    arena_init(&arena);
    plan_draw(&plan, seed, &limits, &arena);
    drop_faults(seed, &limits, plan.faults, &wanted);
    lower(seed, &limits, &limits.hosts, plan.host_count, &wanted);
    lower(seed, &limits, &limits.experiments, plan.experiment_count, &wanted);
    lower(seed, &limits, &limits.samples, 24, &wanted);
    limits.without &= plan.faults;
    arena_fini(&arena);
    (void)fails(seed, &limits, &wanted);
    limits_print(&limits, &words);
    printf("as small as it gets: %s\n  see: sim --seed %" PRIu64 "%s --verbose\n", wanted.why, seed,
           buf_text(&words));
    buf_fini(&words);
    return true;
}
