/* Trials that are to wait with their checkpoint and without a lease, and go on later. */
#include "head/core/attempt.h"
#include "head/core/rest.h"
#include "head/core/state.h"

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
    if (trial->pause == 0)
        go_on(step, trial); /* it was called back while it was on its way */
}

void attempt_resume(struct step *step, struct trial *trial, enum pause_by by)
{
    trial->pause &= ~(uint32_t)by;
    if (trial->pause != 0 || trial->state != TRIAL_PAUSED)
        return;
    go_on(step, trial);
    trial_tell(trial, false, 0, (struct span){0}, step->effects);
}
