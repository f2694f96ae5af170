/* An experiment comes in. */
#include <stdio.h>
#include <string.h>

#include "common/rng.h"
#include "head/core/state.h"
#include "head/core/streams.h"

static bool same_code(const struct experiment *experiment, struct span code)
{
    return span_equal(span_of(experiment->code, experiment->code_size), code);
}

/* Whether this spec was handed in for it; it may have been extended since. */
static bool same_spec(struct step *step, const struct experiment *experiment, struct span spec)
{
    struct value ours, theirs;
    struct cursor cursor;

    if (!experiment->extended)
        return span_equal(experiment->packed, spec);
    cursor_init(&cursor, experiment->packed);
    if (value_unpack(&cursor, step->scratch, &ours) < 0)
        return false;
    cursor_init(&cursor, spec);
    return value_unpack(&cursor, step->scratch, &theirs) == 0 &&
           spec_same_but_extended(&ours, &theirs);
}

/* The same submission again: its client did not hear the answer. */
static enum core_answer submitted_before(struct step *step, const struct experiment *experiment,
                                         const struct event_submit *submit)
{
    if (same_spec(step, experiment, submit->spec) && same_code(experiment, submit->code) &&
        experiment->principal == submit->principal)
        step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    else
        step_refuse(step, REPLY_CONFLICT, "submission", "its id was used for another experiment",
                    "submit it with a new id");
    return CORE_REFUSED;
}

static bool may_submit(struct step *step, const struct event_submit *submit)
{
    enum role role = core_role(step->core, submit->principal);

    if (role != ROLE_SUBMIT && role != ROLE_ADMIN) {
        step_refuse(step, REPLY_DENIED, "submit", "this key's role is not submit or admin",
                    "join with a token of role submit");
        return false;
    }
    if (submit->submission.size != SUBMISSION_BYTES ||
        (submit->code.size != 0 && submit->code.size != CODE_BYTES) ||
        submit->spec.size > LIMIT_SPEC_BYTES) {
        step_refuse(step, REPLY_INVALID, "submit", "its id or hash is of a wrong size", "");
        return false;
    }
    return true;
}

static void refuse_spec(struct step *step, const struct spec_error *error)
{
    step_refuse(step, REPLY_INVALID, error->path[0] != '\0' ? error->path : "experiment",
                error->what, error->mend);
}

/* Nothing would ever run. */
static bool is_empty(const struct experiment *experiment, const struct event_submit *submit,
                     struct spec_error *error)
{
    if (experiment->spec.num_samples > 0 || submit->by_hand)
        return false;
    *error = (struct spec_error){0};
    (void)snprintf(error->path, sizeof(error->path), "num_samples");
    (void)snprintf(error->what, sizeof(error->what), "must be from 1 to %u", LIMIT_SAMPLES);
    return true;
}

static void begin(struct step *step, struct experiment *experiment,
                  const struct event_submit *submit)
{
    const struct spec_search *search = &experiment->spec.search;

    memcpy(experiment->submission, submit->submission.data, SUBMISSION_BYTES);
    experiment->code_size = (uint32_t)submit->code.size;
    if (submit->code.size > 0)
        memcpy(experiment->code, submit->code.data, CODE_BYTES);
    experiment->principal = submit->principal;
    experiment->submitted_ms = step->now_ms;
    experiment->seed = search->has_seed
                           ? search->seed
                           : rng_u64(step->now_ms, STREAM_SEED + experiment->number, 0);
    experiment_start(experiment, step->tape);
}

enum core_answer on_submit(struct step *step, const struct event_submit *submit)
{
    struct core *core = step->core;
    struct experiment *experiment;
    struct spec_error error = {0};

    if (!may_submit(step, submit))
        return CORE_REFUSED;
    experiment = table_get(core->by_submission, submit->submission);
    if (experiment != NULL)
        return submitted_before(step, experiment, submit);
    if (core->running_count >= LIMIT_EXPERIMENTS || core->last_number == NUMBER_NONE - 1) {
        step_refuse(step, REPLY_LIMIT, "experiments", "there are as many running as can be",
                    "stop one, or wait until one has ended");
        return CORE_REFUSED;
    }
    experiment = experiment_new(core->last_number + 1, submit->spec, &error);
    if (experiment == NULL || is_empty(experiment, submit, &error)) {
        experiment_free(experiment);
        refuse_spec(step, &error);
        return CORE_REFUSED;
    }
    core->last_number++;
    begin(step, experiment, submit);
    core_keep_experiment(core, experiment);
    step_reply(step, REPLY_OK, experiment->number, ROLE_NONE);
    experiment_tell(experiment, true, step->effects);
    experiment_fill(step, experiment);
    core->wants_place = true;
    return CORE_ADMITTED;
}
