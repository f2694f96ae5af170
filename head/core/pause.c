/* Trials that are to wait with their checkpoint and without a lease, and go on later. */
#include "head/core/attempt.h"
#include "head/core/rest.h"
#include "head/core/state.h"
#include "head/core/suggest.h"

void attempt_pause(struct step *step, struct trial *trial, enum pause_by by)
{
    if (trial->closed || trial->state == TRIAL_STOPPING)
        return;
    trial->pause |= (uint32_t)by;
    if (trial->state == TRIAL_PAUSED || trial->state == TRIAL_PAUSING)
        return;
    if (trial->state == TRIAL_PENDING && !queue_remove(&trial->experiment->pending, trial->number))
        (void)rest_cancel(trial->experiment, trial);
    trial_order(trial, TRIAL_PAUSE);
    if (trial->node != NULL)
        attempt_verdict(step, trial);
    trial_tell(trial, false, 0, (struct span){0}, step->effects);
}

/* It has its turn before those that never began. */
static void go_on(struct step *step, struct trial *trial)
{
    trial_order(trial, TRIAL_RESUME);
    queue_push_front(&trial->experiment->pending, trial->number);
    step->core->wants_place = true;
}

void attempt_suspend(struct step *step, struct trial *trial)
{
    trial_order(trial, TRIAL_SUSPENDED);
    step->core->wants_place = true;
    exploit_suspended(step, trial);
    if (trial->pause == 0 && trial->state == TRIAL_PAUSED)
        go_on(step, trial); /* it was called back while it was on its way */
}

void attempt_resume(struct step *step, struct trial *trial, enum pause_by by)
{
    trial->pause &= ~(uint32_t)by;
    step->core->wants_place = true; /* where its scheduler waits, too, it may be chosen now */
    if (trial->pause != 0 || trial->state != TRIAL_PAUSED)
        return;
    go_on(step, trial);
    trial_tell(trial, false, 0, (struct span){0}, step->effects);
}

/* Whether all that is left of it waits, and for nobody but its scheduler. */
static bool waits_for_itself(const struct experiment *experiment)
{
    uint32_t paused = experiment->counts[TRIAL_PAUSED];

    if (paused == 0 || paused < experiment->unended || experiment->paused ||
        experiment->recalled > 0 || suggest_may_come(experiment) ||
        !(experiment->search_done || experiment->search_waits))
        return false;
    for (const struct trial *trial = experiment->first; trial != NULL; trial = trial->next)
        if (!experiment_may_choose(trial))
            return false;
    return true;
}

void experiment_rouse(struct step *step, struct experiment *experiment)
{
    struct sched_candidates candidates;
    struct trial *next;
    uint32_t number;

    if (!waits_for_itself(experiment))
        return;
    candidates = experiment_candidates(experiment);
    number = experiment->sched->choose(experiment->scheduler, &candidates);
    if (number != NUMBER_NONE) {
        attempt_resume(step, experiment_trial(experiment, number), PAUSE_BY_SCHEDULER);
        return;
    }
    for (struct trial *trial = experiment->first; trial != NULL; trial = next) {
        next = trial->next;
        attempt_stop(step, trial, CAUSE_SCHEDULER);
    }
}
