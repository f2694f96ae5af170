#include "head/core/suggest.h"

#include "head/core/state.h"

static bool is_external(const struct experiment *experiment)
{
    return experiment->search->suggest != NULL;
}

void suggest_wait(struct step *step, struct experiment *experiment)
{
    uint64_t timeout_ms = experiment->spec.search.timeout_ms;

    if (!is_external(experiment))
        return;
    experiment->changed = true;
    if (experiment->fill_ms == 0 && !experiment->fills && timeout_ms != TIMEOUT_NEVER)
        experiment->fill_ms = step->now_ms + timeout_ms;
}

const struct value *suggest_filling(const struct experiment *experiment)
{
    static const struct value nothing = {.type = VALUE_MAP};

    if (!is_external(experiment) || (!experiment->fills && experiment->spec.search.timeout_ms > 0))
        return NULL;
    return &nothing;
}

bool suggest_wake(struct step *step, struct experiment *experiment)
{
    if (suggest_deadline_ms(experiment) > step->now_ms)
        return false;
    experiment->fill_ms = 0;
    experiment->fills = true;
    experiment->search_waits = false;
    experiment->changed = true;
    step->core->wants_place = true;
    return true;
}

uint64_t suggest_deadline_ms(const struct experiment *experiment)
{
    return experiment->fill_ms > 0 && !experiment->search_done ? experiment->fill_ms
                                                               : DEADLINE_NEVER;
}

void suggest_forget(struct experiment *experiment)
{
    if (!is_external(experiment))
        return;
    experiment->fill_ms = 0;
    experiment->fills = false;
    experiment->search_waits = false;
    experiment->changed = true;
}

uint32_t suggest_wanted(const struct experiment *experiment)
{
    bool waits = experiment->search_waits || experiment->fills;

    /* Where it fills in at once, the next trial is always one that could be a better one. */
    waits |= experiment->spec.search.timeout_ms == 0 && experiment->pending.count == 0;
    return is_external(experiment) && suggest_may_come(experiment) && !experiment->paused && waits;
}

bool suggest_may_come(const struct experiment *experiment)
{
    return is_external(experiment) && experiment->state == EXPERIMENT_RUNNING &&
           !experiment->search_done &&
           experiment->created - experiment->added >= experiment->spec.first_trials;
}
