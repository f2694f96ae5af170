#include "head/core/burn.h"

#include "head/core/attempt.h"
#include "head/core/rest.h"
#include "head/core/state.h"

/* What shows at once. Whoever ran for long, or was silent for long, at least began. */
static bool was_at_once(uint32_t reason, uint64_t ran_ms)
{
    return reason != END_TIME_LIMIT && reason != END_REPORT_TIMEOUT && ran_ms <= LIMIT_BURN_MS;
}

/* Nodes that take trials, and could take one of these. */
static uint32_t nodes_for(const struct core *core, const struct experiment *experiment)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < core->node_count; i++) {
        const struct node *node = core->nodes[i];

        count += !node->lost && !node->draining && !node->full &&
                 node_could_fit(node, &experiment->spec.resources);
    }
    return count;
}

/* Where it fails on one node alone, and there are others, it is perhaps the node. */
static bool is_everywhere(const struct core *core, const struct experiment *experiment)
{
    return experiment->burn_nodes > 1 || nodes_for(core, experiment) <= 1;
}

bool burn_has_ended(const struct experiment *experiment)
{
    return experiment->why.size > 0 && experiment->budget.spent == BUDGET_NONE;
}

void burn_forget(struct experiment *experiment)
{
    experiment->burns = 0;
    experiment->burn_nodes = 0;
}

bool burn_add(struct step *step, const struct trial *trial, uint32_t node, uint64_t ran_ms,
              const struct record_end *end)
{
    struct experiment *experiment = trial->experiment;

    if (experiment->results > 0)
        return false;
    if (!was_at_once(end->reason, ran_ms)) {
        burn_forget(experiment);
        return false;
    }
    if (trial->failures > 1 && experiment->spec.max_failures >= 0)
        return false;
    if (experiment->burn_nodes == 0)
        experiment->burn_node = node;
    if (experiment->burn_nodes == 0 || node != experiment->burn_node)
        experiment->burn_nodes++;
    if (++experiment->burns < LIMIT_BURNS || !is_everywhere(step->core, experiment))
        return false;
    experiment->why = span_text(arena_printf(
        &experiment->arena,
        "%u attempts in a row failed as soon as they had started, and no trial has "
        "reported anything; the last one (%s, trial %u): %.*s",
        experiment->burns, end_reason_name(end->reason), trial->number, SPAN(end->text)));
    return true;
}

/* One that has failed and waits for another attempt gets none; one that is paused was stopped. */
static void end_one(struct step *step, struct trial *trial)
{
    if (trial->state != TRIAL_PENDING || trial->failures == 0) {
        attempt_stop(step, trial, CAUSE_BURNT);
        return;
    }
    attempt_give_up(step, trial, (struct span){0});
}

void burn_stop(struct step *step, struct experiment *experiment)
{
    experiment_stop(step, experiment, end_one);
}
