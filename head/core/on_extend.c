/* A person wants more of an experiment: more samples, or its trials to go on beyond their stop
 * rules.
 *
 * The second takes two steps, as the core keeps a few bytes of an ended trial and no more. EXTEND
 * marks those that a rule has ended; whoever drives the core is told of them one by one
 * (core_recall), and hands in what the trial was: RECALL. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "head/core/burn.h"
#include "head/core/state.h"
#include "head/core/suggest.h"

/* A rule, and neither its program's own word nor anybody else. */
static bool ended_by_rule(const struct trial_row *row)
{
    return row->state == TRIAL_DONE && row->reason == END_STOPPED && row->cause == CAUSE_NONE;
}

static uint32_t count_ended_by_rule(const struct experiment *experiment)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < experiment->created; i++)
        count += ended_by_rule(&experiment->rows[i]);
    return count;
}

static void mark_ended_by_rule(struct experiment *experiment)
{
    for (uint32_t i = 0; i < experiment->created; i++) {
        if (!ended_by_rule(&experiment->rows[i]))
            continue;
        experiment->rows[i].cause = CAUSE_RECALLED;
        experiment->recalled++;
    }
    experiment->recall_from = 0;
}

/* What stands against it before the new spec is looked at. */
static enum core_answer check_order(struct step *step, const struct experiment *experiment,
                                    const struct event_extend *extend)
{
    bool done = experiment->state == EXPERIMENT_DONE;

    if (extend->samples == 0 && extend->stop.size == 0)
        return step_refuse(step, REPLY_INVALID, "extend", "there is nothing to extend it by",
                           "give -n or --stop");
    if (experiment->budget.spent != BUDGET_NONE && experiment->budget.spent != BUDGET_TRIALS)
        return step_refuse(step, REPLY_CONFLICT, "experiment",
                           "its budget has ended it, and extending adds nothing to that",
                           "submit it anew with a larger budget");
    if (extend->samples > 0 && experiment_total(experiment) == experiment->spec.budget.trials)
        return step_refuse(step, REPLY_CONFLICT, "experiment",
                           "its budget has no more trials than it is to have already",
                           "submit it anew with a larger budget");
    if (burn_has_ended(experiment))
        return step_refuse(step, REPLY_CONFLICT, "experiment",
                           "it was ended because all of it failed",
                           "submit it anew when that is mended");
    if (experiment->state == EXPERIMENT_STOPPING)
        return step_refuse(step, REPLY_BUSY, "experiment", "it is being stopped",
                           "wait until it has ended: assay wait");
    if (extend->stop.size > 0 && !done)
        return step_refuse(step, REPLY_BUSY, "experiment",
                           "trials of it still run by its stop rules",
                           "wait until it has ended, or give -n alone");
    if (extend->stop.size > 0 && extend->samples == 0 && count_ended_by_rule(experiment) == 0)
        return step_refuse(step, REPLY_CONFLICT, "experiment",
                           "none of its trials was ended by a stop rule", "see: assay explain");
    if (done && step->core->running_count >= LIMIT_EXPERIMENTS)
        return step_refuse(step, REPLY_LIMIT, "experiments", "there are as many running as can be",
                           "stop one, or wait until one has ended");
    return CORE_ADMITTED;
}

static void go_on(struct step *step, struct experiment *experiment,
                  const struct event_extend *extend)
{
    if (experiment->state == EXPERIMENT_DONE) {
        budget_extend(experiment, step->now_ms);
        experiment->state = EXPERIMENT_RUNNING;
        experiment->ended_ms = 0;
        experiment->paused = false;  /* which held nothing back any more */
        experiment->blocked = false; /* nobody has looked for room since */
        core_revive_experiment(step->core, experiment);
    }
    experiment->extended = true;
    /* One that a person stopped before it had all its trials gets the rest of them, too. */
    if (extend->samples > 0)
        experiment->search_done = experiment->created >= experiment_total(experiment);
    experiment->search_waits = false;
    suggest_forget(experiment);
    if (extend->stop.size > 0)
        mark_ended_by_rule(experiment);
    step->core->wants_place = true;
}

/* Trials that there would be without a budget. */
static uint32_t proposed(const struct experiment *experiment)
{
    return experiment->search->total(experiment->searcher);
}

/* Trials of a sample; those that were named to be tried first are not like the others. */
static uint64_t sample_size(const struct experiment *experiment)
{
    const struct spec *spec = &experiment->spec;
    uint32_t points = spec->first_points != NULL ? spec->first_points->count : 0;
    uint32_t samples = spec->num_samples - points;

    return samples > 0 ? (proposed(experiment) - spec->first_trials) / samples : 0;
}

/* The same order again, whose answer was lost: the client had seen `total` before it. */
static bool was_done(const struct experiment *experiment, const struct event_extend *extend)
{
    uint64_t size = sample_size(experiment);
    uint64_t then = extend->total + size * extend->samples;
    uint32_t most = experiment->spec.budget.trials;

    if (most > 0 && then > most)
        then = most;
    return size > 0 && extend->total < then && then == experiment_total(experiment);
}

enum core_answer on_extend(struct step *step, const struct event_extend *extend)
{
    struct experiment *experiment = own_experiment(step, extend->experiment, extend->principal);
    struct spec_error error = {0};
    uint32_t before;

    if (experiment == NULL)
        return CORE_REFUSED;
    before = experiment_total(experiment);
    if (extend->samples > 0 && extend->total != before) {
        if (!was_done(experiment, extend))
            return step_refuse(step, REPLY_CONFLICT, "experiment",
                               "somebody else has extended it meanwhile",
                               "look at it, and ask again");
        step_reply(step, REPLY_OK, experiment->number, ROLE_NONE); /* it was done already */
        return CORE_REFUSED;
    }
    if (check_order(step, experiment, extend) != CORE_ADMITTED)
        return CORE_REFUSED;
    if (experiment_respec(experiment, extend->samples, extend->stop, &error) < 0)
        return step_refuse(step, REPLY_INVALID, error.path[0] != '\0' ? error.path : "experiment",
                           error.what, error.mend);
    go_on(step, experiment, extend);
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    experiment_tell(experiment, true, step->effects);
    experiment_fill(step, experiment);
    return CORE_ADMITTED;
}

/* ---- the trials ---- */

bool core_recall(struct core *core, uint32_t *number, uint32_t *trial)
{
    for (uint32_t i = 0; i < core->running_count; i++) {
        struct experiment *experiment = core->running[i];
        uint32_t *at = &experiment->recall_from;

        if (experiment->recalled == 0 || experiment->pending.count >= LIMIT_TRIALS_AHEAD)
            continue;
        while (*at < experiment->created && experiment->rows[*at].cause != CAUSE_RECALLED)
            ++*at;
        if (*at == experiment->created) { /* one before it was asked for and has not come */
            *at = 0;
            continue;
        }
        *number = experiment->number;
        *trial = (*at)++;
        return true;
    }
    return false;
}

void experiment_forget_recalled(struct experiment *experiment)
{
    for (uint32_t i = 0; i < experiment->created && experiment->recalled > 0; i++) {
        if (experiment->rows[i].cause != CAUSE_RECALLED)
            continue;
        experiment->rows[i].cause = CAUSE_NONE;
        experiment->recalled--;
    }
}

/* The new rules may be met already. */
static bool is_over(const struct experiment *experiment, struct span last)
{
    struct cursor cursor;
    struct result result;
    struct span missing;

    cursor_init(&cursor, last);
    if (last.size == 0 || result_unpack(&cursor, &result) < 0)
        return false;
    result.done = false; /* by the old rules it was */
    return stop_check(experiment->spec.stop, experiment->spec.stop_count, &result, &missing) ==
           STOP_YES;
}

/* Its only attempt until now, of which the core kept nothing beside the row. */
static void remember_only(struct trial *trial, const struct event_recall *recall)
{
    const struct past past = {
        .attempt = trial->attempt,
        .reason = trial->reason,
        .status = trial->status,
        .node = NUMBER_NONE,
        .results = recall->results,
    };

    past_add(&trial->past, &past);
}

/* It is where it was when it ended; its next attempt begins at its latest checkpoint. */
static void revive(struct step *step, struct experiment *experiment,
                   const struct event_recall *recall)
{
    const struct trial_row *row = &experiment->rows[recall->trial];
    struct trial *trial = trial_new(experiment, recall->trial);

    experiment->counts[row->state]--;
    experiment_trial_id(experiment, trial->number, trial->id);
    trial->name = xstrndup(recall->name.data, recall->name.size);
    trial->tag = xstrndup(recall->tag.data, recall->tag.size);
    if (recall->folder.size > 0)
        trial->folder = xstrndup(recall->folder.data, recall->folder.size);
    buf_append_span(&trial->config, recall->config);
    buf_append_span(&trial->last_result, recall->last);
    trial->attempt = row->attempt;
    trial->hw = row->hw;
    trial->failures = row->failures;
    trial->reason = row->reason;
    trial->status = recall->status;
    trial->begun = true;
    trial->rows = recall->results;
    trial->has_best = recall->has_best;
    trial->best = recall->best;
    trial->best_at = recall->best_at;
    if (row->more != NULL) {
        trial->past = row->more->past;
        trial->checkpoints = row->more->checkpoints;
        free(row->more);
        experiment->mores--;
    }
    if (trial->past.count == 0 && trial->attempt == 1)
        remember_only(trial, recall);
    experiment_adopt(experiment, trial);
    experiment->changed = true;
    queue_push(&experiment->pending, trial->number);
    experiment->sched->add(experiment->scheduler, trial->number);
    trial_tell(trial, true, 0, (struct span){0}, step->effects);
    step->core->wants_place = true;
}

enum core_answer on_recall(struct step *step, const struct event_recall *recall)
{
    struct experiment *experiment = core_experiment(step->core, recall->experiment);

    if (experiment == NULL || recall->trial >= experiment->created ||
        experiment->rows[recall->trial].cause != CAUSE_RECALLED)
        return CORE_REFUSED; /* it was stopped meanwhile */
    experiment->rows[recall->trial].cause = CAUSE_NONE;
    experiment->recalled--;
    if (recall->name.size > 0 && !is_over(experiment, recall->last))
        revive(step, experiment, recall);
    experiment_settle(step, experiment);
    return CORE_ADMITTED;
}
