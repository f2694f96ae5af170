/* Nodes come, come back, go and are drained. */
#include "head/core/attempt.h"
#include "head/core/state.h"

/* The lease that an attempt on a node is, or NULL. */
static struct trial *lease_of(const struct core *core, const struct node *node,
                              const struct held_attempt *held)
{
    const struct experiment *experiment = core_experiment(core, held->experiment);
    struct trial *trial = experiment != NULL ? experiment_trial(experiment, held->trial) : NULL;

    return trial != NULL && trial->node == node && trial->attempt == held->attempt ? trial : NULL;
}

static void fence(struct step *step, const struct node *node, uint32_t experiment, uint32_t trial,
                  uint32_t attempt)
{
    struct effect_verdict *verdict = &effects_add(step->effects, EFFECT_VERDICT)->verdict;

    verdict->node = node->number;
    verdict->experiment = experiment;
    verdict->trial = trial;
    verdict->attempt = attempt;
    verdict->action = ACTION_FENCED;
}

static void mark_held(struct step *step, const struct node *node,
                      const struct event_node_back *back)
{
    const struct held_attempt *held = back->held.items;

    for (uint32_t i = 0; i < back->held.count; i++) {
        struct trial *trial = lease_of(step->core, node, &held[i]);

        if (trial != NULL)
            trial->held = true;
        else
            fence(step, node, held[i].experiment, held[i].trial, held[i].attempt);
    }
}

static bool has_devices(const struct trial *trial, uint32_t count)
{
    for (uint32_t i = 0; i < trial->gpus.count; i++)
        if (trial->gpus.device[i] >= count)
            return false;
    return true;
}

/* Whether one that was not begun can be there at all. */
static bool could_hold(const struct event_node_back *back, const struct trial *trial)
{
    const struct resources nothing = {0};
    const struct gpu_pool devices = {.count = back->gpus};

    return resources_fit(&back->capacity, &nothing, &devices, &trial->experiment->spec.resources);
}

/* A worker that only was cut off lists whatever reached it: what it does not list and nobody heard
 * begin never came there. One that was started anew may have lost what it was given: it may have
 * begun all the same, so its number is spent. */
static const char *why_gone(const struct node *node, const struct event_node_back *back,
                            const struct trial *trial)
{
    if (!has_devices(trial, back->gpus))
        return "its node came back without its gpu";
    if (trial->held)
        return NULL;
    if (trial->state != TRIAL_STARTING || trial->hw > 0 || node->incarnation != back->incarnation)
        return "its node came back without it";
    return could_hold(back, trial) ? NULL : "its node came back too small for it";
}

/* From the last to the first, as each goes to the front of its queue. */
static void drop_gone(struct step *step, const struct node *node,
                      const struct event_node_back *back)
{
    struct trial *previous;

    for (struct trial *trial = node->last; trial != NULL; trial = previous) {
        const char *why = why_gone(node, back, trial);
        struct record_end end = {.reason = END_NODE_LOST, .text = span_text(why)};

        previous = trial->lease_previous;
        if (why == NULL)
            continue;
        if (trial->held)
            fence(step, node, trial->experiment->number, trial->number, trial->attempt);
        trial->held = false;
        attempt_end(step, trial, &end);
    }
}

static void tell_leases(struct step *step, const struct node *node)
{
    for (struct trial *trial = node->first; trial != NULL; trial = trial->lease_next) {
        if (trial->held)
            attempt_verdict(step, trial);
        else
            attempt_launch_again(step, trial);
        trial->held = false;
    }
}

/* Sums and differences of amounts that are not negative do not overflow. */
static bool is_sound(const struct resources *capacity)
{
    const struct resource_custom *custom = capacity->custom.items;
    bool sound = capacity->cpu >= 0 && capacity->gpu >= 0 && capacity->memory_bytes >= 0;

    for (uint32_t i = 0; i < capacity->custom.count; i++)
        sound = sound && custom[i].amount >= 0;
    return sound;
}

enum core_answer on_node_back(struct step *step, const struct event_node_back *back)
{
    struct core *core = step->core;
    struct node *node;

    if (core_role(core, back->principal) != ROLE_WORKER) {
        step_refuse(step, REPLY_DENIED, "node", "this key's role is not worker",
                    "join with a token of role worker");
        return CORE_REFUSED;
    }
    if (back->gpus > LIMIT_GPUS || !is_sound(&back->capacity)) {
        step_refuse(step, REPLY_INVALID, "node", "it says of itself what no node can have",
                    "the same version of assay on head and workers");
        return CORE_REFUSED;
    }
    step_reply(step, REPLY_OK, back->principal, ROLE_WORKER);
    node = core_node(core, back->principal);
    if (node == NULL)
        node = core_add_node(core, back->principal);
    node->lost = false;
    mark_held(step, node, back);
    drop_gone(step, node, back);
    node_describe(node, back);
    tell_leases(step, node);
    core_node_changed(core, node);
    core_node_fresh(core, node);
    return CORE_ADMITTED;
}

enum core_answer on_node_lost(struct step *step, const struct event_node_lost *lost)
{
    struct node *node = core_node(step->core, lost->node);
    struct record_end end = {.reason = END_NODE_LOST, .text = lost->reason};

    if (node == NULL || node->lost)
        return CORE_REFUSED;
    node->lost = true;
    while (node->last != NULL)
        attempt_end(step, node->last, &end);
    core_node_changed(step->core, node);
    return CORE_ADMITTED;
}

enum core_answer on_node_disk(struct step *step, const struct event_node_disk *disk)
{
    struct node *node = core_node(step->core, disk->node);

    if (node == NULL || node->lost || node->full == disk->full)
        return CORE_REFUSED;
    node->full = disk->full;
    core_node_changed(step->core, node);
    core_node_fresh(step->core, node);
    return CORE_ADMITTED;
}

enum core_answer on_drain(struct step *step, const struct event_drain *drain)
{
    struct node *node = core_node(step->core, drain->node);

    if (node == NULL) {
        step_refuse(step, REPLY_NOT_FOUND, "node", "there is none of this number",
                    "see: assay nodes");
        return CORE_REFUSED;
    }
    step_reply(step, REPLY_OK, node->number, ROLE_NONE);
    if (node->draining == drain->on)
        return CORE_REFUSED;
    node->draining = drain->on;
    core_node_changed(step->core, node);
    core_node_fresh(step->core, node);
    return CORE_ADMITTED;
}
