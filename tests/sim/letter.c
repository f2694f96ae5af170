#include "tests/sim/letter.h"

#include "tests/sim/head.h"
#include "tests/sim/host.h"

struct letter *letter_new(struct world *world, enum letter_type type, uint32_t host)
{
    struct letter *letter = arena_zalloc(&world->arena, sizeof(*letter));

    letter->type = type;
    letter->host = host;
    letter->node = NUMBER_NONE;
    letter->connection = host_at(world, host)->connection;
    return letter;
}

static uint64_t delay(struct world *world)
{
    uint64_t most = world->plan.latency_us * 2;

    if (plan_has(&world->plan, FAULT_JITTER) && !world->calm && rng_chance(&world->net, 10))
        most *= 100;
    return rng_next_below(&world->net, most + 1);
}

/* Behind all that was sent before in the same direction. */
static uint64_t arrival(struct world *world, uint64_t *last_us)
{
    uint64_t at_us = world->now_us + delay(world);

    if (at_us <= *last_us)
        at_us = *last_us + 1;
    *last_us = at_us;
    return at_us - world->now_us;
}

static void reach_head(struct world *world, void *subject, uint64_t number)
{
    struct letter *letter = subject;

    (void)number;
    if (host_is_connected(world, letter->host, letter->connection))
        head_letter(world, letter);
}

static void reach_host(struct world *world, void *subject, uint64_t number)
{
    const struct letter *letter = subject;

    (void)number;
    if (host_is_connected(world, letter->host, letter->connection))
        host_letter(world, letter);
}

void letter_to_head(struct world *world, struct letter *letter)
{
    struct host *host = host_at(world, letter->host);

    if (host_is_connected(world, letter->host, letter->connection))
        world_after(world, arrival(world, &host->to_head_us), reach_head, letter, 0);
}

void letter_to_host(struct world *world, struct letter *letter)
{
    struct host *host = host_at(world, letter->host);

    if (host_is_connected(world, letter->host, letter->connection))
        world_after(world, arrival(world, &host->to_host_us), reach_host, letter, 0);
}
