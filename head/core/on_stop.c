/* A person stops a trial or an experiment, or has an ended one forgotten. */
#include "head/core/attempt.h"
#include "head/core/state.h"

struct experiment *own_experiment(struct step *step, uint32_t number, uint32_t principal)
{
    struct experiment *experiment = core_experiment(step->core, number);
    enum role role = core_role(step->core, principal);

    if (role != ROLE_ADMIN && role != ROLE_SUBMIT) {
        step_refuse(step, REPLY_DENIED, "experiment", "this key's role is not submit or admin",
                    "join with a token of role submit");
        return NULL;
    }
    if (experiment == NULL) {
        step_refuse(step, REPLY_NOT_FOUND, "experiment", "there is none of this number",
                    "see: assay list");
        return NULL;
    }
    if (role != ROLE_ADMIN && experiment->principal != principal) {
        step_refuse(step, REPLY_DENIED, "experiment", "it is somebody else's",
                    "ask its owner or an admin");
        return NULL;
    }
    return experiment;
}

static enum core_answer stop_trial(struct step *step, struct experiment *experiment,
                                   uint32_t number)
{
    struct trial *trial = experiment_trial(experiment, number);

    if (number >= experiment->created) {
        step_refuse(step, REPLY_NOT_FOUND, "trial", "there is none of this number",
                    "see: assay trials");
        return CORE_REFUSED;
    }
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    if (trial == NULL || trial->closed || trial->state == TRIAL_STOPPING)
        return CORE_REFUSED;
    attempt_stop(step, trial, CAUSE_PERSON);
    return CORE_ADMITTED;
}

void experiment_stop(struct step *step, struct experiment *experiment,
                     void (*stop)(struct step *step, struct trial *trial))
{
    uint32_t from = experiment->first != NULL ? experiment->first->number : experiment->created;

    if (experiment->state != EXPERIMENT_RUNNING)
        return;
    experiment->state = EXPERIMENT_STOPPING;
    experiment->search_done = true;
    experiment_forget_recalled(experiment);
    experiment->changed = true;
    /* By number, as the scheduler may have others stopped along with one. */
    for (uint32_t i = from; i < experiment->created; i++) {
        struct trial *trial = experiment_trial(experiment, i);

        if (trial != NULL)
            stop(step, trial);
    }
    experiment_settle(step, experiment);
}

static void stop_one(struct step *step, struct trial *trial)
{
    attempt_stop(step, trial, CAUSE_PERSON);
}

static enum core_answer stop_experiment(struct step *step, struct experiment *experiment)
{
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    if (experiment->state != EXPERIMENT_RUNNING)
        return CORE_REFUSED;
    experiment->paused = false;
    experiment_stop(step, experiment, stop_one);
    return CORE_ADMITTED;
}

enum core_answer on_stop(struct step *step, const struct event_stop *stop)
{
    struct experiment *experiment = own_experiment(step, stop->experiment, stop->principal);

    if (experiment == NULL)
        return CORE_REFUSED;
    if (stop->trial != NUMBER_NONE)
        return stop_trial(step, experiment, stop->trial);
    return stop_experiment(step, experiment);
}

enum core_answer on_remove(struct step *step, const struct event_remove *remove)
{
    struct experiment *experiment = own_experiment(step, remove->experiment, remove->principal);
    struct effect_release *release;

    if (experiment == NULL)
        return CORE_REFUSED;
    if (experiment->state != EXPERIMENT_DONE) {
        step_refuse(step, REPLY_BUSY, "experiment", "it has not ended", "stop it first");
        return CORE_REFUSED;
    }
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    release = &effects_add(step->effects, EFFECT_RELEASE)->release;
    release->experiment = experiment->number;
    release->removed = true;
    for (uint32_t i = 0; i < experiment->created; i++)
        if (trial_row_more(&experiment->rows[i]) != NULL)
            checkpoints_tell(&experiment->rows[i].more->checkpoints, experiment->number, i, false,
                             step->effects);
    core_drop_experiment(step->core, experiment);
    return CORE_ADMITTED;
}
