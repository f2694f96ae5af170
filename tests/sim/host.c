#include "tests/sim/host.h"

#include <stdlib.h>
#include <string.h>

#include "common/action.h"
#include "common/xalloc.h"
#include "tests/sim/head.h"
#include "tests/sim/people.h"
#include "tests/sim/run.h"

struct host *hosts_new(struct world *world)
{
    struct host *hosts = xcalloc(world->plan.host_count, sizeof(*hosts));

    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        hosts[i].index = i;
        memset(hosts[i].key, (int)(16 + i), sizeof(hosts[i].key));
    }
    return hosts;
}

static void drop_runs(struct host *host)
{
    while (host->runs != NULL) {
        struct run *run = host->runs;

        host->runs = run->next;
        run_free(run);
    }
}

void hosts_free(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        drop_runs(&world->hosts[i]);
        agent_free(world->hosts[i].agent);
    }
    free(world->hosts);
}

struct host *host_at(const struct world *world, uint32_t index)
{
    return &world->hosts[index];
}

uint32_t host_node(const struct world *world, uint32_t index)
{
    uint32_t principal = host_at(world, index)->principal;

    return principal > 0 ? principal : NUMBER_NONE;
}

bool host_is_connected(const struct world *world, uint32_t index, uint32_t connection)
{
    const struct host *host = host_at(world, index);

    return host->linked && host->connection == connection;
}

/* ---- the connection ---- */

static void connect_now(struct world *world, void *subject, uint64_t number)
{
    struct host *host = subject;

    (void)number;
    if (host->linked || host->agent == NULL || host->cut || host->principal == 0 ||
        !head_is_up(world->head))
        return;
    host->linked = true;
    host->connection++;
    host->to_head_us = host->to_host_us = host->unheard_us = world->now_us;
    host->state = HOST_REGISTER;
    world_say(world, "host %u connects", host->index);
    letter_to_head(world, letter_new(world, LETTER_REGISTER, host->index));
}

static void connect_soon(struct world *world, struct host *host, uint64_t most_us)
{
    world_after(world, rng_next_below(&world->net, most_us) + 1, connect_now, host, 0);
}

void host_disconnect(struct world *world, struct host *host, uint64_t away_us)
{
    if (host->linked)
        head_disconnected(world, host->index);
    host->linked = false;
    host->state = HOST_AWAY;
    connect_soon(world, host, away_us);
}

void host_cut(struct world *world, struct host *host, bool cut)
{
    host->cut = cut;
    host_disconnect(world, host, 100000);
}

void host_delay(struct world *world, struct host *host, bool to_head, bool to_host,
                uint64_t while_us)
{
    uint64_t until_us = world->now_us + while_us;

    if (!host->linked)
        return;
    if (to_host && until_us > host->to_host_us)
        host->to_host_us = until_us;
    if (!to_head || until_us <= host->to_head_us)
        return;
    host->to_head_us = host->unheard_us = until_us;
    head_unheard(world, host->index);
}

void host_head_died(struct world *world, uint32_t index)
{
    host_disconnect(world, host_at(world, index), 1000);
}

void hosts_head_up(struct world *world)
{
    for (uint32_t i = 0; world->hosts != NULL && i < world->plan.host_count; i++)
        connect_soon(world, &world->hosts[i], 300000);
}

static void beat(struct world *world, void *subject, uint64_t number)
{
    struct host *host = subject;

    (void)number;
    letter_to_head(world, letter_new(world, LETTER_BEAT, host->index));
}

void host_beat_soon(struct world *world, uint32_t index)
{
    world_after(world, 1000000, beat, host_at(world, index), 0);
}

/* ---- the daemon ---- */

/* Effects are lent until the next step, which doing the first may bring. */
void host_agent(struct world *world, struct host *host, const struct agent_event *event)
{
    const struct agent_effect *lent;
    struct agent_effect *effects;
    uint32_t count;

    if (host->agent == NULL)
        return;
    lent = agent_step(host->agent, event, &count);
    effects = arena_alloc(&world->arena, count * sizeof(*effects));
    for (uint32_t i = 0; i < count; i++) {
        effects[i] = lent[i];
        effects[i].payload = arena_copy(&world->arena, lent[i].payload);
    }
    for (uint32_t i = 0; i < count && host->agent != NULL; i++) {
        const struct whose who = {effects[i].who.experiment, effects[i].who.trial,
                                  effects[i].who.attempt};

        if (effects[i].type == AGENT_END)
            host_end_add(world, host, &effects[i]);
        else if (effects[i].type == AGENT_START && !(host->deaf && who.experiment > host->hears))
            run_start(world, host, &who, effects[i].payload.data);
    }
}

static void on_launch(struct world *world, struct host *host, const struct effect_launch *launch)
{
    struct run_order order = {.horizon = launch->horizon,
                              .device_count = launch->gpus.count,
                              .restores = launch->checkpoint.size > 0,
                              .counters = launch->counters};
    struct agent_event event = {
        .type = AGENT_LAUNCH,
        .who = {launch->experiment, launch->trial, launch->attempt},
        .need = &launch->resources,
        .devices = order.devices,
        .device_count = order.device_count,
        .payload = span_of(&order, sizeof(order)),
    };

    for (uint32_t i = 0; i < order.device_count && i < 8; i++)
        order.devices[i] = ((const struct gpu_device *)launch->gpus.items)[i].device;
    host_agent(world, host, &event);
}

static void on_verdict(struct world *world, struct host *host, const struct effect_verdict *verdict)
{
    const struct whose who = {verdict->experiment, verdict->trial, verdict->attempt};
    struct agent_event event = {
        .type = AGENT_VERDICT,
        .who = {who.experiment, who.trial, who.attempt},
        .seq = verdict->acked_seq,
        .action = verdict->action,
    };
    struct run *run;

    checker_told(world->checker, &who, verdict->acked_seq);
    if (host_end_verdict(world, host, verdict))
        return;
    host_agent(world, host, &event);
    run = run_find(host, &who);
    if (run != NULL && !host->deaf)
        run_verdict(world, run, verdict);
}

static void on_orders(struct world *world, struct host *host, const struct letter *letter)
{
    for (uint32_t i = 0; i < letter->verdict_count; i++)
        on_verdict(world, host, &letter->verdicts[i]);
    for (uint32_t i = 0; i < letter->launch_count; i++)
        on_launch(world, host, &letter->launches[i]);
}

static void find_run(struct world *world, const struct run *run, enum agent_event_type type)
{
    const struct agent_event event = {
        .type = type,
        .who = {run->who.experiment, run->who.trial, run->who.attempt},
        .need = &world->plan.experiments[run->plan].spec.resources,
        .devices = run->devices,
        .device_count = run->gone ? 0 : run->device_count,
        .seq = run->last,
    };

    host_agent(world, run->host, &event);
}

/* One executor after another says what it has; what is for one that has not yet is lost. */
static void find_runs(struct world *world, struct host *host)
{
    host->deaf = true;
    for (uint32_t i = 1; i <= world->plan.experiment_count; i++) {
        const struct agent_event all = {.type = AGENT_ALL, .who = {.experiment = i}};

        for (const struct run *run = host->runs; run != NULL; run = run->next)
            if (!run->dead && run->who.experiment == i)
                find_run(world, run, AGENT_FOUND);
        host->hears = i;
        host_agent(world, host, &all);
    }
    host->hears = 0;
    host->deaf = false;
    for (const struct run *run = host->runs; run != NULL; run = run->next)
        if (!run->dead && run->vacated)
            find_run(world, run, AGENT_VACATED);
}

static void held_add(struct world *world, struct event_node_back *ready, struct held_attempt held)
{
    struct held_attempt *wider =
        arena_alloc(&world->arena, (ready->held.count + 1) * sizeof(*wider));

    if (ready->held.count > 0)
        memcpy(wider, ready->held.items, ready->held.count * sizeof(*wider));
    wider[ready->held.count++] = held;
    ready->held.items = wider;
}

static void say_ready(struct world *world, struct host *host)
{
    struct letter *letter = letter_new(world, LETTER_READY, host->index);
    const void *at = NULL;
    struct agent_row row;

    if (!host->deaf)
        find_runs(world, host);
    letter->ready = (struct event_node_back){
        .principal = host->principal,
        .name = span_text("host"),
        .hostname = span_text("host.example"),
        .node_ip = span_text("10.0.0.1"),
        .incarnation = host->incarnation,
        .capacity = host->capacity,
        .gpus = host->gpus,
        .credit = world->plan.hosts[host->index].credit,
    };
    while (agent_next(host->agent, &at, &row))
        held_add(world, &letter->ready,
                 (struct held_attempt){row.who.experiment, row.who.trial, row.who.attempt,
                                       row.waiting ? 0 : row.seen});
    for (const struct own_end *end = host->ends; end != NULL; end = end->next)
        held_add(
            world, &letter->ready,
            (struct held_attempt){end->who.experiment, end->who.trial, end->who.attempt, end->seq});
    letter->ready_number = ++host->ready_number;
    host->state = HOST_READYING;
    letter_to_head(world, letter);
}

static void open_up(struct world *world, struct host *host)
{
    host->state = HOST_OPEN;
    for (struct run *run = host->runs; run != NULL; run = run->next)
        run_rewind(world, run);
    for (const struct own_end *end = host->ends; end != NULL; end = end->next)
        host_end_send(world, host, end);
}

void host_letter(struct world *world, const struct letter *letter)
{
    struct host *host = host_at(world, letter->host);

    switch ((int)letter->type) {
    case LETTER_UNKNOWN:
        host->state = HOST_REGISTER;
        letter_to_head(world, letter_new(world, LETTER_REGISTER, host->index));
        return;
    case LETTER_REGISTERED:
        if (letter->node == NUMBER_NONE && host->state == HOST_REGISTER)
            say_ready(world, host);
        else if (letter->node != NUMBER_NONE && host->state == HOST_READYING &&
                 letter->ready_number == host->ready_number)
            open_up(world, host);
        return;
    case LETTER_ORDERS:
        if (host->state == HOST_OPEN) /* else they are from before what READY says */
            on_orders(world, host, letter);
        return;
    default:
        return;
    }
}

void host_send_report(struct world *world, struct host *host, const struct whose *who,
                      uint64_t first_seq, uint32_t count, struct span records)
{
    struct letter *letter;

    if (host->state != HOST_OPEN)
        return;
    letter = letter_new(world, LETTER_REPORTS, host->index);
    letter->report = (struct event_report){
        .experiment = who->experiment,
        .trial = who->trial,
        .attempt = who->attempt,
        .first_seq = first_seq,
        .count = count,
        .records = arena_copy(&world->arena, records),
    };
    letter_to_head(world, letter);
}

/* Connected again: executors say all that they have, and the head is asked to say all again. */
static void talk_again(struct world *world, void *subject, uint64_t number)
{
    struct host *host = subject;

    if (!host->deaf || host->deaf_count != number)
        return;
    host->deaf = false;
    if (host->agent == NULL)
        return;
    world_say(world, "host %u: its daemon and executors hear one another", host->index);
    find_runs(world, host);
    if (host->state != HOST_READYING && host->state != HOST_OPEN)
        return;
    host->state = HOST_REGISTER;
    letter_to_head(world, letter_new(world, LETTER_REGISTER, host->index));
}

void host_talk_breaks(struct world *world, struct host *host, uint64_t while_us)
{
    world_say(world, "host %u: its daemon and executors are cut off", host->index);
    host->deaf = true;
    world_after(world, while_us, talk_again, host, ++host->deaf_count);
}

/* ---- lives ---- */

void host_daemon_start(struct world *world, struct host *host)
{
    const struct plan_host *plan = &world->plan.hosts[host->index];

    if (host->agent != NULL || !host->powered)
        return;
    host->capacity = plan->capacity;
    host->gpus = plan->gpus;
    if (host->small) {
        host->capacity.cpu /= 2;
        host->gpus /= 2;
        host->capacity.gpu = (int64_t)host->gpus * RESOURCE_ONE;
    }
    host->incarnation++;
    host->agent = agent_new(&host->capacity, host->gpus);
    find_runs(world, host);
    world_say(world, "host %u: its daemon begins", host->index);
    connect_soon(world, host, 20000);
}

void host_daemon_stop(struct world *world, struct host *host)
{
    if (host->agent == NULL)
        return;
    world_say(world, "host %u: its daemon dies", host->index);
    host_disconnect(world, host, 1);
    agent_free(host->agent);
    host->agent = NULL;
    host->ends = NULL;
}

void host_executor_dies(struct world *world, struct host *host, uint32_t experiment)
{
    struct agent_event event = {.type = AGENT_LOST, .who = {.experiment = experiment}};

    world_say(world, "host %u: the executor of %u dies", host->index, experiment);
    for (struct run *run = host->runs; run != NULL; run = run->next)
        if (run->who.experiment == experiment)
            run_vanish(world, run);
    host_agent(world, host, &event);
}

void host_machine_dies(struct world *world, struct host *host)
{
    if (!host->powered)
        return;
    world_say(world, "host %u dies", host->index);
    for (struct run *run = host->runs; run != NULL; run = run->next)
        run_vanish(world, run);
    host_daemon_stop(world, host);
    host->powered = false;
}

void host_machine_returns(struct world *world, struct host *host)
{
    host->powered = true;
    host_daemon_start(world, host);
}

void host_joined(struct world *world, uint32_t index, uint32_t principal)
{
    struct host *host = host_at(world, index);

    if (host->principal != 0 && host->principal != principal)
        world_fail(world, "host %u joined as %u and as %u", index, host->principal, principal);
    host->principal = principal;
    connect_soon(world, host, 1000);
}

static void appear(struct world *world, void *subject, uint64_t number)
{
    struct host *host = subject;

    (void)number;
    host_machine_returns(world, host);
    people_join(world, host->index, span_of(host->key, sizeof(host->key)));
}

void hosts_start(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.host_count; i++)
        world_after(world, world->plan.hosts[i].joins_us, appear, &world->hosts[i], 0);
}

void hosts_final(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        const struct host *host = &world->hosts[i];
        const void *at = NULL;
        struct agent_row row;

        if (host->agent == NULL || host->state != HOST_OPEN) {
            world_fail(world, "I7: host %u is not connected when all is over", i);
            return;
        }
        if (agent_next(host->agent, &at, &row))
            world_fail(world, "I6: host %u holds %u/%u attempt %u when all is over", i,
                       row.who.experiment, row.who.trial, row.who.attempt);
        if (agent_running(host->agent) > 0 || host->ends != NULL)
            world_fail(world, "I6: host %u is not empty when all is over", i);
        for (const struct run *run = host->runs; run != NULL; run = run->next)
            if (!run->dead)
                world_fail(world, "I6: host %u keeps %u/%u attempt %u when all is over", i,
                           run->who.experiment, run->who.trial, run->who.attempt);
    }
}
