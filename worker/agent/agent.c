#include "worker/agent/agent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/action.h"
#include "common/buf.h"
#include "common/record.h"
#include "common/table.h"
#include "common/xalloc.h"

struct lease {
    struct agent_attempt who;
    struct lease *previous;
    struct lease *next;
    struct arena arena; /* of need's names */
    struct resources need;
    struct gpu_share gpus;
    struct buf payload; /* until its executor is known to have it */
    bool waiting;
    bool known; /* its executor has spoken of it */
    bool named; /* FOUND, since the last ALL */
    bool vacated;
    bool fenced;
    uint64_t seen;
    uint64_t acked;
};

struct agent {
    struct arena arena; /* of the custom names in capacity and used */
    struct resources capacity;
    struct resources used;
    struct gpu_pool gpus;
    struct lease *first; /* in the order of arrival */
    struct lease *last;
    struct lease *waiting; /* the first that waits */
    struct table *leases;  /* by agent_attempt */
    struct table *running; /* the lease of a trial whose processes may be there, by trial_key */
    struct table *counts;  /* leases of an experiment; the number itself is the value */
    uint32_t running_count;
    struct agent_effect *effects;
    uint32_t effect_count;
    uint32_t effect_room;
};

static struct span key_of(const struct agent_attempt *who)
{
    _Static_assert(sizeof(*who) == 12, "no holes");
    return span_of(who, sizeof(*who));
}

static uint64_t trial_key(const struct agent_attempt *who)
{
    return (uint64_t)who->experiment << 32 | who->trial;
}

struct agent *agent_new(const struct resources *capacity, uint32_t gpus)
{
    struct agent *agent = xcalloc(1, sizeof(*agent));

    assert(gpus <= LIMIT_GPUS);
    arena_init(&agent->arena);
    agent->capacity = resources_copy(capacity, &agent->arena);
    agent->gpus.count = gpus;
    agent->leases = table_new();
    agent->running = table_new();
    agent->counts = table_new();
    return agent;
}

static void lease_free(struct lease *lease)
{
    arena_fini(&lease->arena);
    buf_fini(&lease->payload);
    free(lease);
}

void agent_free(struct agent *agent)
{
    if (agent == NULL)
        return;
    while (agent->first != NULL) {
        struct lease *lease = agent->first;

        agent->first = lease->next;
        lease_free(lease);
    }
    table_free(agent->leases);
    table_free(agent->running);
    table_free(agent->counts);
    arena_fini(&agent->arena);
    free(agent->effects);
    free(agent);
}

static struct agent_effect *effect_add(struct agent *agent, enum agent_effect_type type,
                                       const struct agent_attempt *who)
{
    struct agent_effect *effect;

    if (agent->effect_count == agent->effect_room) {
        agent->effect_room = agent->effect_room > 0 ? agent->effect_room * 2 : 16;
        agent->effects = xrealloc(agent->effects, agent->effect_room, sizeof(*effect));
    }
    effect = &agent->effects[agent->effect_count++];
    *effect = (struct agent_effect){.type = type, .who = *who};
    return effect;
}

static void effect_end(struct agent *agent, const struct agent_attempt *who, uint64_t seq,
                       enum end_reason reason)
{
    struct agent_effect *effect = effect_add(agent, AGENT_END, who);

    effect->seq = seq;
    effect->reason = reason;
}

static void effect_start(struct agent *agent, const struct lease *lease)
{
    effect_add(agent, AGENT_START, &lease->who)->payload = buf_span(&lease->payload);
}

/* ---- the list ---- */

static void count_change(struct agent *agent, uint32_t experiment, int by)
{
    uintptr_t count = (uintptr_t)table_get_u64(agent->counts, experiment) + (uintptr_t)by;

    if (count == 0)
        (void)table_remove_u64(agent->counts, experiment);
    else
        (void)table_put_u64(agent->counts, experiment, (void *)count);
}

static struct lease *lease_add(struct agent *agent, const struct agent_event *event)
{
    struct lease *lease = xcalloc(1, sizeof(*lease));

    lease->who = event->who;
    arena_init(&lease->arena);
    buf_init(&lease->payload);
    if (event->need != NULL)
        lease->need = resources_copy(event->need, &lease->arena);
    lease->previous = agent->last;
    if (agent->last != NULL)
        agent->last->next = lease;
    else
        agent->first = lease;
    agent->last = lease;
    (void)table_put(agent->leases, key_of(&lease->who), lease);
    count_change(agent, lease->who.experiment, 1);
    return lease;
}

/* Its executor speaks of it: it need not be handed over again. */
static void learn(struct lease *lease)
{
    lease->known = true;
    buf_fini(&lease->payload);
    buf_init(&lease->payload);
}

static void run(struct agent *agent, struct lease *lease)
{
    lease->waiting = false;
    resources_add(&agent->used, &lease->need, &agent->arena);
    for (uint32_t i = 0; i < lease->gpus.count; i++)
        agent->gpus.used[lease->gpus.device[i]] += lease->gpus.amount;
    (void)table_put_u64(agent->running, trial_key(&lease->who), lease);
    agent->running_count++;
}

/* Its processes are gone: what it held is free. */
static void vacate(struct agent *agent, struct lease *lease)
{
    if (lease->vacated || lease->waiting)
        return;
    lease->vacated = true;
    resources_subtract(&agent->used, &lease->need);
    gpu_give(&agent->gpus, &lease->gpus);
    if (table_get_u64(agent->running, trial_key(&lease->who)) == lease)
        (void)table_remove_u64(agent->running, trial_key(&lease->who));
    agent->running_count--;
}

/* Within a step nothing is forgotten that was started in it: no payload is lent twice. */
static void forget(struct agent *agent, struct lease *lease)
{
    vacate(agent, lease);
    if (agent->waiting == lease)
        agent->waiting = lease->next;
    if (lease->previous != NULL)
        lease->previous->next = lease->next;
    else
        agent->first = lease->next;
    if (lease->next != NULL)
        lease->next->previous = lease->previous;
    else
        agent->last = lease->previous;
    (void)table_remove(agent->leases, key_of(&lease->who));
    count_change(agent, lease->who.experiment, -1);
    lease_free(lease);
}

/* Behind the first of the list that waits there may be some that run: those that were found. */
static void waiting_find(struct agent *agent)
{
    while (agent->waiting != NULL && !agent->waiting->waiting)
        agent->waiting = agent->waiting->next;
}

static bool devices_free(const struct agent *agent, const struct lease *lease)
{
    for (uint32_t i = 0; i < lease->gpus.count; i++)
        if (agent->gpus.used[lease->gpus.device[i]] + lease->gpus.amount > RESOURCE_ONE)
            return false;
    return true;
}

static bool fits(const struct agent *agent, const struct lease *lease)
{
    const struct gpu_pool none = {0};
    struct resources need = lease->need;

    need.gpu = 0; /* the devices are named */
    return resources_fit(&agent->capacity, &agent->used, &none, &need) &&
           devices_free(agent, lease) &&
           table_get_u64(agent->running, trial_key(&lease->who)) == NULL;
}

/* Start from the front of the queue while it fits. */
static void advance(struct agent *agent)
{
    for (waiting_find(agent); agent->waiting != NULL; waiting_find(agent)) {
        struct lease *lease = agent->waiting;

        if (!fits(agent, lease))
            return;
        run(agent, lease);
        effect_start(agent, lease);
    }
}

/* ---- events ---- */

/* Whether it could ever run here, if it were alone. */
static bool is_possible(const struct agent *agent, const struct agent_event *event)
{
    const struct resources nothing = {0};
    const struct gpu_pool none = {0};
    struct resources need = *event->need;

    if (event->device_count > LIMIT_GPUS)
        return false;
    for (uint32_t i = 0; i < event->device_count; i++)
        if (event->devices[i] >= agent->gpus.count)
            return false;
    need.gpu = 0;
    return resources_fit(&agent->capacity, &nothing, &none, &need);
}

/* All of a device where it is not known how much. A device that this node lends no more, which one
 * that was found may have, is nobody's. */
static void gpus_take(const struct agent *agent, struct lease *lease,
                      const struct agent_event *event)
{
    bool part = event->need != NULL && event->need->gpu > 0 && event->need->gpu < RESOURCE_ONE;

    lease->gpus.amount = part ? (int32_t)event->need->gpu : RESOURCE_ONE;
    for (uint32_t i = 0; i < event->device_count && lease->gpus.count < LIMIT_GPUS; i++)
        if (event->devices[i] < agent->gpus.count)
            lease->gpus.device[lease->gpus.count++] = event->devices[i];
}

static void on_launch(struct agent *agent, const struct agent_event *event)
{
    struct lease *lease;

    if (table_get(agent->leases, key_of(&event->who)) != NULL)
        return;
    if (!is_possible(agent, event)) {
        effect_end(agent, &event->who, 1, END_START);
        return;
    }
    lease = lease_add(agent, event);
    gpus_take(agent, lease, event);
    lease->waiting = true;
    buf_append_span(&lease->payload, event->payload);
    if (agent->waiting == NULL)
        agent->waiting = lease;
    advance(agent);
}

static void on_found(struct agent *agent, const struct agent_event *event)
{
    struct lease *lease = table_get(agent->leases, key_of(&event->who));

    if (lease == NULL) {
        lease = lease_add(agent, event);
        gpus_take(agent, lease, event);
        run(agent, lease);
    } else if (lease->waiting) {
        run(agent, lease); /* the order to start it is late */
    }
    lease->named = true;
    learn(lease);
    if (event->seq > lease->seen)
        lease->seen = event->seq;
}

/* Over and acknowledged: nobody speaks of it any more. */
static void forget_if_over(struct agent *agent, struct lease *lease)
{
    if (!lease->vacated)
        return;
    if (lease->fenced || (lease->acked >= lease->seen && lease->seen > 0))
        forget(agent, lease);
}

/* An executor keeps an attempt until its end is acknowledged and its processes are gone. */
static void on_all(struct agent *agent, const struct agent_event *event)
{
    struct lease *next;

    for (struct lease *lease = agent->first; lease != NULL; lease = next) {
        bool named = lease->named;

        next = lease->next;
        if (lease->who.experiment != event->who.experiment || lease->waiting)
            continue;
        lease->named = false;
        if (named || lease->vacated)
            continue;
        if (!lease->known && !lease->fenced) {
            effect_start(agent, lease);
            continue;
        }
        vacate(agent, lease);
        forget_if_over(agent, lease);
    }
    advance(agent);
}

static void on_seen(struct agent *agent, const struct agent_event *event)
{
    struct lease *lease = table_get(agent->leases, key_of(&event->who));

    if (lease == NULL) {
        /* Over, as it seemed; but there is more to be said. */
        lease = lease_add(agent, event);
        run(agent, lease);
        vacate(agent, lease);
    } else if (lease->waiting) {
        run(agent, lease);
    }
    learn(lease);
    if (event->seq > lease->seen)
        lease->seen = event->seq;
}

static void on_verdict(struct agent *agent, const struct agent_event *event)
{
    struct lease *lease = table_get(agent->leases, key_of(&event->who));

    if (lease == NULL || !lease->waiting) {
        (void)effect_add(agent, AGENT_FORWARD, &event->who);
        if (lease == NULL)
            return;
        lease->fenced = lease->fenced || event->action == ACTION_FENCED;
        if (event->seq > lease->acked)
            lease->acked = event->seq;
        else if (event->action == ACTION_RESEND && event->seq < lease->acked)
            lease->acked = lease->seen = event->seq; /* its log has lost the rest */
        forget_if_over(agent, lease);
        return;
    }
    if (event->action != ACTION_STOP && event->action != ACTION_PAUSE &&
        event->action != ACTION_FENCED)
        return; /* it has not begun: there is nothing to judge */
    if (event->action != ACTION_FENCED)
        effect_end(agent, &event->who, 1, END_STOPPED);
    forget(agent, lease);
    advance(agent);
}

static void on_vacated(struct agent *agent, const struct agent_event *event)
{
    struct lease *lease = table_get(agent->leases, key_of(&event->who));

    if (lease == NULL || lease->waiting)
        return;
    vacate(agent, lease);
    learn(lease);
    if (event->seq > lease->seen)
        lease->seen = event->seq;
    forget_if_over(agent, lease);
    advance(agent);
}

/* All leases of an experiment that no executor will speak for. */
static void on_lost(struct agent *agent, const struct agent_event *event)
{
    struct lease *next;

    for (struct lease *lease = agent->first; lease != NULL; lease = next) {
        next = lease->next;
        if (lease->who.experiment != event->who.experiment)
            continue;
        if (event->type != AGENT_REFUSE && lease->waiting)
            continue;
        if (event->type == AGENT_LEFT && !lease->known)
            continue;
        if (!lease->fenced)
            effect_end(agent, &lease->who, lease->seen + 1,
                       event->type == AGENT_REFUSE ? END_START : END_EXECUTOR_LOST);
        forget(agent, lease);
    }
    advance(agent);
}

const struct agent_effect *agent_step(struct agent *agent, const struct agent_event *event,
                                      uint32_t *count)
{
    static void (*const handlers[])(struct agent *, const struct agent_event *) = {
        [AGENT_LAUNCH] = on_launch, [AGENT_FOUND] = on_found,     [AGENT_ALL] = on_all,
        [AGENT_SEEN] = on_seen,     [AGENT_VERDICT] = on_verdict, [AGENT_VACATED] = on_vacated,
        [AGENT_LOST] = on_lost,     [AGENT_LEFT] = on_lost,       [AGENT_REFUSE] = on_lost,
    };

    agent->effect_count = 0;
    handlers[event->type](agent, event);
    *count = agent->effect_count;
    return agent->effects;
}

/* ---- looking ---- */

bool agent_next(const struct agent *agent, const void **at, struct agent_row *row)
{
    const struct lease *lease = *at == NULL ? agent->first : ((const struct lease *)*at)->next;

    if (lease == NULL)
        return false;
    *row = (struct agent_row){.who = lease->who,
                              .waiting = lease->waiting,
                              .vacated = lease->vacated,
                              .seen = lease->seen,
                              .acked = lease->acked};
    *at = lease;
    return true;
}

uint32_t agent_count(const struct agent *agent, uint32_t experiment)
{
    return (uint32_t)(uintptr_t)table_get_u64(agent->counts, experiment);
}

uint32_t agent_running(const struct agent *agent)
{
    return agent->running_count;
}

const struct resources *agent_used(const struct agent *agent)
{
    return &agent->used;
}
