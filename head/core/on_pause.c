/* A person pauses a trial or an experiment, or lets it go on. */
#include "head/core/attempt.h"
#include "head/core/state.h"
#include "head/core/suggest.h"

/* One that can be paused or resumed; NULL: it was answered. */
static struct trial *own_trial(struct step *step, const struct experiment *experiment,
                               uint32_t number)
{
    struct trial *trial = experiment_trial(experiment, number);

    if (number >= experiment->created)
        (void)step_refuse(step, REPLY_NOT_FOUND, "trial", "there is none of this number",
                          "see: assay trials");
    else if (trial == NULL || trial->closed || trial->state == TRIAL_STOPPING)
        (void)step_refuse(step, REPLY_BUSY, "trial", "it has ended, or is about to",
                          "see: assay explain");
    else
        return trial;
    return NULL;
}

static bool is_paused(const struct trial *trial)
{
    return (trial->pause & PAUSE_BY_PERSON) != 0;
}

static enum core_answer pause_trial(struct step *step, const struct experiment *experiment,
                                    uint32_t number)
{
    struct trial *trial = own_trial(step, experiment, number);

    if (trial == NULL)
        return CORE_REFUSED;
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    if (is_paused(trial))
        return CORE_REFUSED;
    attempt_pause(step, trial, PAUSE_BY_PERSON);
    return CORE_ADMITTED;
}

/* What waits may go on waiting: nothing of it starts. What has a lease gives it back. */
static enum core_answer pause_experiment(struct step *step, struct experiment *experiment)
{
    struct trial *next;

    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    if (experiment->paused)
        return CORE_REFUSED;
    experiment->paused = true;
    budget_halt(experiment, step->now_ms);
    suggest_forget(experiment);
    experiment->changed = true;
    for (struct trial *trial = experiment->first; trial != NULL; trial = next) {
        next = trial->next;
        if (trial->node != NULL)
            attempt_pause(step, trial, PAUSE_BY_PERSON);
    }
    return CORE_ADMITTED;
}

static enum core_answer resume_trial(struct step *step, const struct experiment *experiment,
                                     uint32_t number)
{
    struct trial *trial = own_trial(step, experiment, number);

    if (trial == NULL)
        return CORE_REFUSED;
    if (experiment->paused)
        return step_refuse(step, REPLY_BUSY, "trial", "its whole experiment is paused",
                           "resume the experiment");
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    if (!is_paused(trial))
        return CORE_REFUSED;
    attempt_resume(step, trial, PAUSE_BY_PERSON);
    return CORE_ADMITTED;
}

/* All that people have paused, from the last to the first, as each goes to the front. */
static enum core_answer resume_experiment(struct step *step, struct experiment *experiment)
{
    bool any = experiment->paused;

    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    for (struct trial *trial = experiment->last; trial != NULL; trial = trial->previous) {
        if (!is_paused(trial))
            continue;
        any = true;
        attempt_resume(step, trial, PAUSE_BY_PERSON);
    }
    if (!any)
        return CORE_REFUSED;
    experiment->paused = false;
    budget_go_on(experiment, step->now_ms);
    experiment->changed = true;
    step->core->wants_place = true;
    return CORE_ADMITTED;
}

/* The experiment, where it is this principal's and still runs; NULL: it was answered. */
static struct experiment *own_running(struct step *step, const struct event_pause *pause)
{
    struct experiment *experiment = own_experiment(step, pause->experiment, pause->principal);

    if (experiment == NULL || experiment->state == EXPERIMENT_RUNNING)
        return experiment;
    (void)step_refuse(step, REPLY_BUSY, "experiment", "it has ended, or is being stopped",
                      "see: assay list");
    return NULL;
}

enum core_answer on_pause(struct step *step, const struct event_pause *pause)
{
    struct experiment *experiment = own_running(step, pause);

    if (experiment == NULL)
        return CORE_REFUSED;
    if (pause->trial != NUMBER_NONE)
        return pause_trial(step, experiment, pause->trial);
    return pause_experiment(step, experiment);
}

enum core_answer on_resume(struct step *step, const struct event_pause *resume)
{
    struct experiment *experiment = own_running(step, resume);

    if (experiment == NULL)
        return CORE_REFUSED;
    if (resume->trial != NUMBER_NONE)
        return resume_trial(step, experiment, resume->trial);
    return resume_experiment(step, experiment);
}
