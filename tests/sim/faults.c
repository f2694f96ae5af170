#include "tests/sim/faults.h"

#include "tests/sim/head.h"
#include "tests/sim/host.h"
#include "tests/sim/people.h"
#include "tests/sim/run.h"

#define LINK_GIVEN_UP_US 6000000u /* heartbeats of the connection */

static struct host *any_host(struct world *world)
{
    return &world->hosts[rng_next_below(world->striking, world->plan.host_count)];
}

/* Short, or long enough for a node to be lost. */
static uint64_t a_while(struct world *world)
{
    uint64_t most = rng_chance(world->striking, 50) ? 300000 : world->plan.lost_us * 2;

    return rng_between(world->striking, 1000, most);
}

static void daemon_back(struct world *world, void *subject, uint64_t number)
{
    (void)number;
    host_daemon_start(world, subject);
}

static void machine_back(struct world *world, void *subject, uint64_t number)
{
    (void)number;
    host_machine_returns(world, subject);
}

static void cut_over(struct world *world, void *subject, uint64_t number)
{
    (void)number;
    world_say(world, "host %u is no longer cut off", ((struct host *)subject)->index);
    host_cut(world, subject, false);
}

static void drain_over(struct world *world, void *subject, uint64_t number)
{
    (void)number;
    people_drain(world, ((struct host *)subject)->index, false);
}

static void revoke_over(struct world *world, void *subject, uint64_t number)
{
    struct host *host = subject;

    (void)number;
    people_set_role(world, host->index, ROLE_WORKER);
    world_after(world, 2000000, cut_over, host, 0);
}

static void size_over(struct world *world, void *subject, uint64_t number)
{
    struct host *host = subject;

    (void)number;
    host->small = false;
    host_daemon_stop(world, host);
    host_daemon_start(world, host);
}

static void executor_dies(struct world *world, struct host *host)
{
    for (const struct run *run = host->runs; run != NULL; run = run->next) {
        if (run->dead)
            continue;
        host_executor_dies(world, host, run->who.experiment);
        return;
    }
}

static void daemon_dies(struct world *world, struct host *host, bool small)
{
    if (host->agent == NULL)
        return;
    host_daemon_stop(world, host);
    host->small = small;
    world_after(world, a_while(world), daemon_back, host, 0);
}

/* After LINK_GIVEN_UP_US the two ends give the connection up: from then on it is a cut. */
static void give_up(struct world *world, void *subject, uint64_t connection)
{
    struct host *host = subject;

    if (!host->linked || host->connection != connection)
        return;
    world_say(world, "host %u: its connection is given up", host->index);
    world->striking = &world->troubles[FAULT_ONE_WAY];
    host_cut(world, host, true);
    world_after(world, a_while(world), cut_over, host, 0);
}

static void one_way(struct world *world, struct host *host)
{
    bool to_head = rng_chance(world->striking, 50);
    uint64_t while_us = a_while(world);

    world_say(world, "host %u: nothing comes through %s", host->index,
              to_head ? "to the head" : "from the head");
    if (while_us > LINK_GIVEN_UP_US)
        world_after(world, LINK_GIVEN_UP_US, give_up, host, host->connection);
    host_delay(world, host, to_head, !to_head, while_us);
}

static void stand_still(struct world *world, struct host *host)
{
    uint64_t while_us = rng_between(world->striking, 1000, LINK_GIVEN_UP_US);

    if (host->agent == NULL)
        return;
    world_say(world, "host %u: its daemon stands still", host->index);
    host_delay(world, host, true, true, while_us);
    host_talk_breaks(world, host, while_us);
}

static void on_host(struct world *world, enum fault fault, struct host *host)
{
    switch (fault) {
    case FAULT_RESET:
        world_say(world, "host %u: its connection is reset", host->index);
        host_disconnect(world, host, 200000);
        return;
    case FAULT_CUT:
        world_say(world, "host %u is cut off", host->index);
        host_cut(world, host, true);
        world_after(world, a_while(world), cut_over, host, 0);
        return;
    case FAULT_ONE_WAY:
        one_way(world, host);
        return;
    case FAULT_STILL:
        stand_still(world, host);
        return;
    case FAULT_DAEMON:
        daemon_dies(world, host, host->small);
        return;
    case FAULT_CAPACITY:
        daemon_dies(world, host, true);
        return;
    case FAULT_TALK:
        host_talk_breaks(world, host, a_while(world));
        return;
    case FAULT_EXECUTOR:
        executor_dies(world, host);
        return;
    case FAULT_MACHINE:
        host_machine_dies(world, host);
        world_after(world, a_while(world), machine_back, host, 0);
        return;
    case FAULT_DRAIN:
        people_drain(world, host->index, true);
        return;
    case FAULT_REVOKE:
        if (host->principal == 0)
            return;
        people_set_role(world, host->index, ROLE_NONE);
        host_cut(world, host, true);
        return;
    default:
        return;
    }
}

static void strike(struct world *world, void *subject, uint64_t number)
{
    enum fault fault = (enum fault)number;

    (void)subject;
    world->striking = &world->troubles[fault];
    if (fault == FAULT_HEAD)
        head_kill(world);
    else if (fault == FAULT_PAUSE)
        head_pause(world, rng_between(world->striking, 1000, LINK_GIVEN_UP_US));
    else if (fault == FAULT_SLOW_LOG)
        head_slow_commit(world->head, rng_between(world->striking, 100000, 4000000));
    else if (fault == FAULT_CLOCK)
        head_jump_clock(world->head, (int64_t)rng_between(world->striking, 0, 7200000) - 3600000);
    else
        on_host(world, fault, any_host(world));
}

/* Everything is mended, once for all. */
static void calm(struct world *world, void *subject, uint64_t number)
{
    (void)subject;
    (void)number;
    world_say(world, "nothing goes wrong from here on");
    world->calm = true;
    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        struct host *host = &world->hosts[i];

        if (plan_has(&world->plan, FAULT_DRAIN))
            drain_over(world, host, 0);
        if (host->small)
            size_over(world, host, 0);
        if (plan_has(&world->plan, FAULT_REVOKE) && host->principal != 0)
            revoke_over(world, host, 0);
        else
            cut_over(world, host, 0);
    }
}

/* Most of them early, while there is much to break. */
static uint64_t some_time(struct world *world)
{
    uint64_t most = world->plan.faults_until_us >> (2 * rng_next_below(world->striking, 4));

    return rng_between(world->striking, 2000, most > 4000 ? most : 4000);
}

void faults_start(struct world *world)
{
    const struct plan *plan = &world->plan;

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        uint64_t times = 0;

        world->striking = &world->troubles[fault];
        if (plan_has(plan, (enum fault)fault))
            times = rng_between(world->striking, 1, 8);

        for (uint64_t i = 0; i < times; i++)
            world_after(world, some_time(world), strike, NULL, (uint64_t)fault);
    }
    /* Behind what the last of them set in motion. */
    if (plan->faults != 0)
        world_after(world, plan->faults_until_us + 2 * plan->lost_us + 6000000, calm, NULL, 0);
}
