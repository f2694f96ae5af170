#include "head/core/rest.h"

#include "head/core/state.h"

#define REST_FIRST_MS 1000u

uint64_t rest_ms(uint32_t times)
{
    uint64_t ms = REST_FIRST_MS;

    if (times < 2)
        return 0;
    for (uint32_t i = 2; i < times && ms < LIMIT_REST_MS; i++)
        ms *= 2;
    return ms < LIMIT_REST_MS ? ms : LIMIT_REST_MS;
}

/* Whose failure is nobody's comes first again. */
static void queue_again(struct experiment *experiment, const struct trial *trial)
{
    if (end_reason_is_infrastructure(trial->reason))
        queue_push_front(&experiment->pending, trial->number);
    else
        queue_push(&experiment->pending, trial->number);
}

static void recount(struct experiment *experiment)
{
    const uint32_t *items = queue_items(&experiment->resting);

    experiment->wake_ms = DEADLINE_NEVER;
    for (uint32_t i = 0; i < experiment->resting.count; i++) {
        const struct trial *trial = experiment_trial(experiment, items[i]);

        if (trial->wake_ms < experiment->wake_ms)
            experiment->wake_ms = trial->wake_ms;
    }
}

void rest_begin(struct step *step, struct trial *trial, uint32_t times)
{
    struct experiment *experiment = trial->experiment;
    uint64_t ms = rest_ms(times);

    step->core->wants_place = true;
    if (ms == 0) {
        queue_again(experiment, trial);
        return;
    }
    trial->wake_ms = step->now_ms + ms;
    queue_push(&experiment->resting, trial->number);
    if (trial->wake_ms < experiment->wake_ms)
        experiment->wake_ms = trial->wake_ms;
}

bool rest_cancel(struct experiment *experiment, struct trial *trial)
{
    if (!queue_remove(&experiment->resting, trial->number))
        return false;
    trial->wake_ms = 0;
    recount(experiment);
    return true;
}

bool rest_wake(struct step *step, struct experiment *experiment)
{
    uint32_t i = 0;

    if (experiment->wake_ms > step->now_ms)
        return false;
    while (i < experiment->resting.count) {
        uint32_t number = queue_items(&experiment->resting)[i];
        struct trial *trial = experiment_trial(experiment, number);

        if (trial->wake_ms > step->now_ms) {
            i++;
            continue;
        }
        (void)queue_remove(&experiment->resting, number);
        trial->wake_ms = 0;
        queue_again(experiment, trial);
    }
    recount(experiment);
    step->core->wants_place = true;
    return true;
}

uint64_t rest_deadline_ms(const struct experiment *experiment)
{
    return experiment->wake_ms;
}
