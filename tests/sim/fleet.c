/* The sessions of the simulated head: who may report, who hears orders, who has fallen silent. */
#include <string.h>

#include "tests/sim/checker.h"
#include "tests/sim/head_inside.h"
#include "tests/sim/host.h"

void fleet_forget(struct head *head)
{
    memset(head->sessions, 0, sizeof(head->sessions));
    memset(head->orders, 0, sizeof(head->orders));
    for (uint32_t i = 0; i < PLAN_HOSTS; i++)
        head->heard_us[i] = head->world->now_us;
}

/* ---- silence ---- */

static void watch(struct world *world, uint32_t host);

static bool is_heard(const struct world *world, uint32_t host)
{
    const struct session *session = &world->head->sessions[host];

    return session->there && session->node != NUMBER_NONE &&
           host_is_connected(world, host, session->connection) &&
           world->now_us >= host_at(world, host)->unheard_us;
}

/* The tick of the head finds a node that was not heard of. One that is connected beats. */
static void look_for(struct world *world, void *subject, uint64_t life)
{
    struct head *head = world->head;
    uint32_t host = (uint32_t)((struct host *)subject - world->hosts);
    uint32_t node = host_node(world, host);
    struct event event = {.type = EVENT_NODE_LOST};

    if (life != head->life || !head_is_up(head) || head_put_off(world, look_for, subject, life) ||
        is_heard(world, host) || node == NUMBER_NONE || checker_node_lost(world->checker, node))
        return;
    if (world->now_us < head->heard_us[host] + world->plan.lost_us) {
        watch(world, host);
        return;
    }
    event.node_lost = (struct event_node_lost){.node = node, .reason = span_text("not heard of")};
    (void)head_event(world, &event);
    head->sessions[host].there = false;
    host_beat_soon(world, host);
}

static void watch(struct world *world, uint32_t host)
{
    uint64_t due = world->head->heard_us[host] + world->plan.lost_us + 1;
    uint64_t wait = due > world->now_us ? due - world->now_us : 0;

    world_after(world, wait + rng_next_below(&world->net, 1000), look_for, host_at(world, host),
                world->head->life);
}

void fleet_watch_all(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.host_count && world->hosts != NULL; i++)
        watch(world, i);
}

void head_disconnected(struct world *world, uint32_t host)
{
    if (!head_is_up(world->head))
        return;
    world->head->heard_us[host] = world->now_us;
    watch(world, host);
}

void head_unheard(struct world *world, uint32_t host)
{
    head_disconnected(world, host);
}

void head_revoked(struct world *world, uint32_t host)
{
    world->head->sessions[host].there = false;
    head_disconnected(world, host);
}

/* ---- what hosts say ---- */

static void on_register(struct world *world, const struct letter *letter)
{
    struct session *session = &world->head->sessions[letter->host];
    struct letter *answer = letter_new(world, LETTER_REGISTERED, letter->host);

    if (!session->there || session->connection != letter->connection)
        *session = (struct session){.there = true,
                                    .connection = letter->connection,
                                    .node = NUMBER_NONE,
                                    .handle = ORIGIN_FLEET | world->head->next_handle++};
    session->ready = false;
    answer->node = NUMBER_NONE;
    letter_to_host(world, answer);
}

static void on_ready(struct world *world, const struct letter *letter)
{
    struct session *session = &world->head->sessions[letter->host];
    struct event event = {.type = EVENT_NODE_BACK, .origin = session->handle};

    session->ready = true;
    session->readies++;
    session->ready_number = letter->ready_number;
    event.node_back = letter->ready;
    (void)head_event(world, &event);
}

void head_letter(struct world *world, struct letter *letter)
{
    struct head *head = world->head;
    struct session *session = &head->sessions[letter->host];
    struct event event = {.type = EVENT_REPORT};

    if (!head_is_up(head))
        return;
    if (world->now_us < head->paused_until_us) {
        *head->held_end = letter;
        head->held_end = &letter->next;
        return;
    }
    if (letter->type == LETTER_REGISTER) {
        on_register(world, letter);
        return;
    }
    if (!session->there || session->connection != letter->connection) {
        letter_to_host(world, letter_new(world, LETTER_UNKNOWN, letter->host));
        return;
    }
    head->heard_us[letter->host] = world->now_us;
    if (letter->type == LETTER_READY)
        on_ready(world, letter);
    if (letter->type != LETTER_REPORTS || !session->ready || session->node == NUMBER_NONE)
        return;
    event.report = letter->report;
    event.report.node = session->node;
    (void)head_event(world, &event);
}

/* ---- what they are told ---- */

static struct letter *gather(struct world *world, uint32_t node)
{
    struct head *head = world->head;

    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        if (!head->sessions[i].there || head->sessions[i].node != node)
            continue;
        if (head->orders[i] == NULL) {
            head->orders[i] = letter_new(world, LETTER_ORDERS, i);
            head->orders[i]->connection = head->sessions[i].connection;
        }
        return head->orders[i];
    }
    return NULL;
}

/* Room for one more, doubled at powers of two. */
static void *room(struct world *world, void *items, uint32_t count, size_t size)
{
    void *wider;

    if ((count & (count - 1)) != 0)
        return items;
    wider = arena_alloc(&world->arena, (count > 0 ? count * 2 : 1) * size);
    if (count > 0)
        memcpy(wider, items, count * size);
    return wider;
}

static void order_launch(struct world *world, const struct effect_launch *launch)
{
    struct letter *letter = gather(world, launch->node);
    uint32_t plan = checker_plan_of(world->checker, launch->experiment);
    struct effect_launch *copy;
    size_t devices = launch->gpus.count * sizeof(struct gpu_device);

    if (letter == NULL)
        return;
    letter->launches =
        room(world, letter->launches, letter->launch_count, sizeof(*letter->launches));
    copy = &letter->launches[letter->launch_count++];
    *copy = *launch;
    copy->config = (struct span){0};
    copy->trial_id = copy->trial_name = copy->folder = (struct span){0};
    copy->resources = world->plan.experiments[plan].spec.resources;
    copy->gpus.items = arena_alloc(&world->arena, devices);
    if (devices > 0)
        memcpy(copy->gpus.items, launch->gpus.items, devices);
}

static void order_verdict(struct world *world, const struct effect_verdict *verdict)
{
    struct letter *letter = gather(world, verdict->node);

    if (letter == NULL)
        return;
    letter->verdicts =
        room(world, letter->verdicts, letter->verdict_count, sizeof(*letter->verdicts));
    letter->verdicts[letter->verdict_count++] = *verdict;
}

static void on_reply(struct world *world, const struct effect_reply *reply)
{
    struct head *head = world->head;

    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        struct session *session = &head->sessions[i];
        struct letter *letter;

        if (!session->there || session->handle != reply->origin)
            continue;
        session->readies--;
        if (reply->code != REPLY_OK)
            continue;
        session->node = reply->experiment;
        if (session->readies > 0)
            continue; /* the host has said another one since */
        letter = letter_new(world, LETTER_REGISTERED, i);
        letter->connection = session->connection;
        letter->node = session->node;
        letter->ready_number = session->ready_number;
        letter_to_host(world, letter);
    }
}

void fleet_apply(struct world *world, const struct effect *effect)
{
    if (effect->type == EFFECT_LAUNCH)
        order_launch(world, &effect->launch);
    else if (effect->type == EFFECT_VERDICT)
        order_verdict(world, &effect->verdict);
    else if (effect->type == EFFECT_REPLY)
        on_reply(world, &effect->reply);
}

void fleet_flush(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.host_count; i++) {
        struct letter *letter = world->head->orders[i];

        world->head->orders[i] = NULL;
        if (letter != NULL)
            letter_to_host(world, letter);
    }
}
