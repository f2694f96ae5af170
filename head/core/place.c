/* Waiting trials onto nodes with room.
 *
 * All trials of an experiment need the same, so whether one of them fits somewhere is asked once,
 * and remembered: an experiment is `blocked` when no node but the fresh ones, which have got room
 * since, can take it. So an end of a trial makes placement look at one node, however many there
 * are. */
#include <assert.h>
#include <stdlib.h>

#include "head/core/attempt.h"
#include "head/core/state.h"

/* How much work may wait on a node, so that it does not wait for the head. */
#define AHEAD_MS 50.0

/* One placement. */
struct placing {
    struct step step;
    struct core *core;
    struct experiment *turns[LIMIT_EXPERIMENTS]; /* a heap of those that want: the next on top */
    uint32_t turn_count;
    struct experiment *held_back[LIMIT_EXPERIMENTS]; /* wait, and cannot be leased ahead */
    uint32_t held_back_count;
};

typedef bool node_test(const struct placing *placing, const struct experiment *experiment,
                       const struct node *node);

static int by_index(const void *a, const void *b)
{
    const struct node *left = *(struct node *const *)a;
    const struct node *right = *(struct node *const *)b;

    return left->index < right->index ? -1 : left->index > right->index;
}

/* The first place in the list at or behind the node to try first. */
static uint32_t start_of(const struct core *core, struct node *const *nodes, uint32_t count)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (nodes[middle]->index < core->next_index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct node *find_node(const struct placing *placing, const struct experiment *experiment,
                              node_test *test)
{
    const struct core *core = placing->core;
    struct node *const *nodes = experiment->blocked ? core->fresh : core->nodes;
    uint32_t count = experiment->blocked ? core->fresh_count : core->node_count;
    uint32_t start = start_of(core, nodes, count);

    for (uint32_t i = 0; i < count; i++) {
        struct node *node = nodes[start + i < count ? start + i : start + i - count];

        if (test(placing, experiment, node))
            return node;
    }
    return NULL;
}

static bool has_room(const struct placing *placing, const struct experiment *experiment,
                     const struct node *node)
{
    (void)placing;
    return node_has_room(node, &experiment->spec.resources);
}

/* How many of its trials run there now. Those that wait are the end of the list. */
static uint32_t running_on(const struct experiment *experiment, const struct node *node)
{
    uint32_t running = 0;

    for (const struct trial *trial = node->first; trial != node->waiting; trial = trial->lease_next)
        running += trial->experiment == experiment;
    return running;
}

/* How many of its trials may wait on a node: about AHEAD_MS of work for the slots that its trials
 * have there. Behind others, who may take long, none waits. */
static uint32_t depth_on(const struct experiment *experiment, const struct node *node)
{
    double work_ms = running_on(experiment, node) * AHEAD_MS;

    if (work_ms >= experiment->mean_ms * LIMIT_LEASES_AHEAD)
        return work_ms > 0 ? LIMIT_LEASES_AHEAD : 0;
    return (uint32_t)(work_ms / experiment->mean_ms);
}

/* Room to wait there. Whoever comes before and cannot wait on a node would never get its turn if
 * others queued there. */
static bool has_room_ahead(const struct placing *placing, const struct experiment *experiment,
                           const struct node *node)
{
    if (!node_is_open(node) || !node_could_fit(node, &experiment->spec.resources) ||
        node->ahead >= depth_on(experiment, node))
        return false;
    for (uint32_t i = 0; i < placing->held_back_count; i++)
        if (node_could_fit(node, &placing->held_back[i]->spec.resources))
            return false;
    return true;
}

static bool comes_before(const struct experiment *a, const struct experiment *b)
{
    if (a->spec.priority != b->spec.priority)
        return a->spec.priority > b->spec.priority;
    if (a->leases != b->leases)
        return a->leases < b->leases;
    return a->number < b->number;
}

static void turns_push(struct placing *placing, struct experiment *experiment)
{
    struct experiment **turns = placing->turns;
    uint32_t at = placing->turn_count++;

    assert(at < LIMIT_EXPERIMENTS);
    while (at > 0 && comes_before(experiment, turns[(at - 1) / 2])) {
        turns[at] = turns[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    turns[at] = experiment;
}

/* Whose turn it is, taken off; NULL when nobody is left. */
static struct experiment *turns_pop(struct placing *placing)
{
    struct experiment **turns = placing->turns;
    struct experiment *top;
    uint32_t at = 0;
    uint32_t count;

    if (placing->turn_count == 0)
        return NULL;
    top = turns[0];
    count = --placing->turn_count;
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < count && comes_before(turns[child + 1], turns[child]))
            child++;
        if (child >= count || !comes_before(turns[child], turns[count]))
            break;
        turns[at] = turns[child];
        at = child;
    }
    turns[at] = turns[count];
    return top;
}

/* Start one of its trials on a node, or let it wait there; then it may come again. */
static void place_one(struct placing *placing, struct experiment *experiment, struct node *node,
                      bool ahead)
{
    struct trial *trial;

    arena_reset(placing->step.scratch);
    trial = experiment_next(&placing->step, experiment);
    if (trial == NULL) {
        experiment->unwilling = experiment->state != EXPERIMENT_DONE;
        return;
    }
    attempt_launch(&placing->step, trial, node, ahead);
    placing->core->next_index = node->index + 1;
    experiment_fill(&placing->step, experiment);
    if (experiment_wants(experiment))
        turns_push(placing, experiment);
}

/* Room only gets less here: whoever finds none now need not be asked in its turn. */
static void place_now(struct placing *placing)
{
    const struct core *core = placing->core;
    struct experiment *experiment;

    for (uint32_t i = 0; i < core->running_count; i++)
        if (experiment_wants(core->running[i]) &&
            find_node(placing, core->running[i], has_room) != NULL)
            turns_push(placing, core->running[i]);
    while ((experiment = turns_pop(placing)) != NULL) {
        struct node *node = find_node(placing, experiment, has_room);

        if (node != NULL)
            place_one(placing, experiment, node, false);
    }
}

/* Whether one of its trials may wait on any node, if all that it has were there. Where trials are
 * suggested none is made to wait: by the time that its place is free there may be a better one. */
static bool may_wait(const struct experiment *experiment)
{
    return experiment->spec.resources.gpu == 0 && experiment->has_mean &&
           experiment->leases * AHEAD_MS >= experiment->mean_ms &&
           (experiment->search->suggest == NULL || experiment->pending.count > 0);
}

static void place_ahead(struct placing *placing)
{
    const struct core *core = placing->core;
    struct experiment *experiment;
    bool anybody = false;

    for (uint32_t i = 0; i < core->running_count; i++) {
        experiment = core->running[i];
        if (experiment->unwilling || !experiment_wants(experiment))
            continue;
        turns_push(placing, experiment);
        anybody = anybody || may_wait(experiment);
    }
    while (anybody && (experiment = turns_pop(placing)) != NULL) {
        struct node *node = NULL;

        if (may_wait(experiment))
            node = find_node(placing, experiment, has_room_ahead);
        if (node != NULL)
            place_one(placing, experiment, node, true);
        else
            placing->held_back[placing->held_back_count++] = experiment;
    }
}

static void fill_all(struct placing *placing)
{
    const struct core *core = placing->core;
    uint32_t i = 0;

    while (i < core->running_count) {
        struct experiment *experiment = core->running[i];

        arena_reset(placing->step.scratch);
        experiment_fill(&placing->step, experiment);
        experiment_rouse(&placing->step, experiment);
        /* One that turns out to be done leaves the list. */
        if (i < core->running_count && core->running[i] == experiment)
            i++;
    }
}

/* Every node has been looked at for those that still wait. */
static void settle(struct core *core)
{
    for (uint32_t i = 0; i < core->running_count; i++) {
        struct experiment *experiment = core->running[i];

        experiment->blocked = experiment_wants(experiment) && !experiment->unwilling;
        experiment->unwilling = false;
    }
    for (uint32_t i = 0; i < core->fresh_count; i++)
        core->fresh[i]->fresh = false;
    core->fresh_count = 0;
    core->wants_place = false;
}

/* Rows change with every trial's move; they are told once a turn. */
static void tell_rows(struct core *core, struct effects *effects)
{
    if (core->changed_count > 1)
        qsort(core->changed, core->changed_count, sizeof(struct node *), by_index);
    for (uint32_t i = 0; i < core->changed_count; i++) {
        core->changed[i]->changed = false;
        node_tell(core->changed[i], effects);
    }
    core->changed_count = 0;
    for (uint32_t i = 0; i < core->running_count; i++) {
        if (core->running[i]->changed)
            experiment_tell(core->running[i], false, effects);
        core->running[i]->changed = false;
    }
}

static void place_all(struct core *core, uint64_t now_ms, struct tape *tape,
                      struct effects *effects)
{
    struct placing placing;

    placing.step = (struct step){.core = core,
                                 .now_ms = now_ms,
                                 .scratch = &core->scratch,
                                 .tape = tape,
                                 .effects = effects};
    placing.core = core;
    placing.turn_count = placing.held_back_count = 0;
    if (core->fresh_count > 1)
        qsort(core->fresh, core->fresh_count, sizeof(struct node *), by_index);
    fill_all(&placing);
    budget_enforce(&placing.step);
    place_now(&placing);
    place_ahead(&placing);
    budget_enforce(&placing.step); /* a searcher's last proposal may be a trial that failed */
    settle(core);
}

void core_place(struct core *core, uint64_t now_ms, struct tape *tape, struct effects *effects)
{
    if (core->wants_place)
        place_all(core, now_ms, tape, effects);
    tell_rows(core, effects);
}
