#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/checker.h"
#include "tests/sim/faults.h"
#include "tests/sim/head.h"
#include "tests/sim/host.h"
#include "tests/sim/people.h"

#define STREAM_NET     (UINT64_C(2) << 40)
#define STREAM_TROUBLE (UINT64_C(3) << 40)
#define STREAM_PERSONS (UINT64_C(4) << 40)
#define STREAM_FAULTS  (UINT64_C(6) << 40)
#define STREAM_TIES    (UINT64_C(5) << 40)

/* Far behind the last fault; and far more than any seed needs. */
#define BOUND_US         (UINT64_C(100000) * 3600 * 1000000)
#define HAPPENINGS_BOUND 2000000u

void world_init(struct world *world, uint64_t seed, const struct plan_limits *limits, bool verbose)
{
    *world = (struct world){
        .seed = seed,
        .verbose = verbose,
        .net = {.seed = seed, .stream = STREAM_NET},
        .trouble = {.seed = seed, .stream = STREAM_TROUBLE},
        .persons = {.seed = seed, .stream = STREAM_PERSONS},
        .ties = {.seed = seed, .stream = STREAM_TIES},
    };
    for (uint32_t i = 0; i < FAULT_COUNT; i++)
        world->troubles[i] = (struct rng){.seed = seed, .stream = STREAM_FAULTS + i};
    plan_draw(&world->plan, seed, limits, &world->arena);
    world->checker = checker_new(world);
    world->head = head_new(world);
    world->people = people_new(world);
    world->hosts = hosts_new(world);
}

void world_fini(struct world *world)
{
    hosts_free(world);
    people_free(world->people);
    head_free(world->head);
    checker_free(world->checker);
    agenda_fini(&world->agenda);
    arena_fini(&world->arena);
}

static void say_plan(const struct world *world)
{
    const struct plan *plan = &world->plan;

    for (int fault = 0; fault < FAULT_COUNT; fault++)
        if (plan_has(plan, (enum fault)fault))
            world_say(world, "faults: %s", fault_name((enum fault)fault));
    for (uint32_t i = 0; i < plan->host_count; i++)
        world_say(world, "host %u: cpu=%lld gpus=%u credit=%u", i,
                  (long long)plan->hosts[i].capacity.cpu, plan->hosts[i].gpus,
                  plan->hosts[i].credit);
    for (uint32_t i = 0; i < plan->experiment_count; i++)
        world_say(world, "experiment: %s", plan->spec_texts[i]);
}

bool world_run(struct world *world)
{
    struct happening next;

    say_plan(world);
    head_start(world);
    people_start(world);
    hosts_start(world);
    faults_start(world);
    while (!world->failed && agenda_next(&world->agenda, &next)) {
        world->now_us = next.at_us;
        world->happenings++;
        next.run(world, next.subject, next.number);
        if (world->now_us > BOUND_US || world->happenings > HAPPENINGS_BOUND)
            world_fail(world, "I7: it does not come to an end");
    }
    if (!world->failed)
        head_final(world);
    if (!world->failed)
        checker_final(world->checker);
    if (!world->failed)
        hosts_final(world);
    return !world->failed;
}

void world_after(struct world *world, uint64_t delay_us, happening_fn *run, void *subject,
                 uint64_t number)
{
    agenda_add(&world->agenda, &(struct happening){.at_us = world->now_us + delay_us,
                                                   .tie = rng_next(&world->ties),
                                                   .run = run,
                                                   .subject = subject,
                                                   .number = number});
}

void world_say(const struct world *world, const char *format, ...)
{
    va_list args;

    if (!world->verbose)
        return;
    printf("%10.6f ", (double)world->now_us / 1e6);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

void world_fail(struct world *world, const char *format, ...)
{
    va_list args;

    if (world->failed)
        return;
    world->failed = true;
    va_start(args, format);
    (void)vsnprintf(world->why, sizeof(world->why), format, args);
    va_end(args);
    world_say(world, "FAILED: %s", world->why);
}

bool rng_chance(struct rng *rng, uint32_t of_100)
{
    return rng_next_below(rng, 100) < of_100;
}

uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high)
{
    return low + rng_next_below(rng, high - low + 1);
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}
