#include "head/core/hand.h"

#include <assert.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/tag.h"
#include "head/core/attempt.h"
#include "head/core/state.h"

static struct step begin(struct core *core, uint64_t now_ms, struct tape *tape,
                         struct effects *effects)
{
    arena_reset(&core->scratch);
    return (struct step){.core = core,
                         .now_ms = now_ms,
                         .scratch = &core->scratch,
                         .tape = tape,
                         .effects = effects};
}

enum core_asked core_ask(struct core *core, const struct core_ask *ask, uint64_t now_ms,
                         struct tape *tape, struct effects *effects)
{
    struct step step = begin(core, now_ms, tape, effects);
    struct experiment *experiment = core_experiment(core, ask->experiment);
    struct node *node = core_node(core, ask->node);
    struct trial *trial = NULL;

    assert(experiment != NULL && node != NULL);
    experiment_fill(&step, experiment);
    if (ask->unfit_count == 0)
        experiment_rouse(&step, experiment);
    budget_enforce(&step);
    if (ask->unfit_count > 1)
        qsort(ask->unfit, ask->unfit_count, sizeof(*ask->unfit), trial_number_order);
    experiment->unfit = ask->unfit;
    experiment->unfit_count = ask->unfit_count;
    if (experiment->state != EXPERIMENT_DONE && experiment_wants(experiment) &&
        node_has_room(node, &experiment->spec.resources))
        trial = experiment_next(&step, experiment);
    experiment->unfit = NULL;
    experiment->unfit_count = 0;
    if (trial == NULL)
        return experiment->state == EXPERIMENT_DONE ? ASKED_DONE : ASKED_NONE;
    attempt_launch(&step, trial, node, false);
    experiment_fill(&step, experiment);
    return ASKED_TRIAL;
}

void core_take(struct core *core, uint32_t experiment, uint32_t trial, uint32_t node,
               uint64_t now_ms, struct tape *tape, struct effects *effects)
{
    struct step step = begin(core, now_ms, tape, effects);

    attempt_launch(&step, experiment_trial(core_experiment(core, experiment), trial),
                   core_node(core, node), false);
}

/* One that is done has a trial again. */
static void revive(struct core *core, struct experiment *experiment, uint64_t now_ms)
{
    if (experiment->state != EXPERIMENT_DONE)
        return;
    budget_go_on(experiment, now_ms);
    experiment->state = EXPERIMENT_RUNNING;
    experiment->ended_ms = 0;
    experiment->blocked = false;
    core_revive_experiment(core, experiment);
}

enum core_added core_add(struct core *core, const struct core_add *add, uint64_t now_ms,
                         struct tape *tape, struct effects *effects)
{
    struct step step = begin(core, now_ms, tape, effects);
    struct experiment *experiment = core_experiment(core, add->experiment);
    const struct sched_ops *sched = experiment->sched;
    uint32_t number = experiment->created;
    enum core_added answer = ADD_DONE;
    struct buf config = {0};
    const char *vars;

    if (number >= LIMIT_SAMPLES)
        return ADD_TOO_MANY;
    if (budget_is_spent(experiment))
        return ADD_OVER_BUDGET;
    value_pack(add->config, &config);
    if (config.size > LIMIT_CONFIG_BYTES)
        answer = ADD_TOO_BIG;
    else if (add->has_bracket && sched->add_in == NULL)
        answer = ADD_DRAWS_NONE;
    else if (add->has_bracket && !sched->add_in(experiment->scheduler, number, add->bracket))
        answer = ADD_NO_BRACKET;
    if (answer == ADD_DONE) {
        vars = space_tag(&experiment->spec.config, add->config, step.scratch);
        revive(core, experiment, now_ms);
        (void)experiment_add(
            &step, experiment, buf_span(&config),
            arena_printf(step.scratch, "%u%s%s", number, *vars != '\0' ? "_" : "", vars));
        if (!add->has_bracket)
            sched->add(experiment->scheduler, number);
    }
    buf_fini(&config);
    return answer;
}

static struct trial *running(const struct core *core, uint32_t experiment, uint32_t number)
{
    struct trial *trial = experiment_trial(core_experiment(core, experiment), number);

    assert(trial != NULL && trial->state == TRIAL_RUNNING && trial->node != NULL);
    return trial;
}

void core_fail(struct core *core, uint32_t experiment, uint32_t trial, uint64_t now_ms,
               struct tape *tape, struct effects *effects)
{
    struct step step = begin(core, now_ms, tape, effects);

    attempt_fail(&step, running(core, experiment, trial), (struct span){0});
    budget_enforce(&step);
}

void core_requeue(struct core *core, uint32_t experiment, uint32_t trial, uint64_t now_ms,
                  struct tape *tape, struct effects *effects)
{
    struct step step = begin(core, now_ms, tape, effects);

    attempt_requeue(&step, running(core, experiment, trial));
}

void core_figures(const struct core *core, uint32_t number, struct arena *arena,
                  struct sched_figures *out)
{
    const struct experiment *experiment = core_experiment(core, number);

    *out = (struct sched_figures){0};
    if (experiment->sched->figures != NULL)
        experiment->sched->figures(experiment->scheduler, arena, out);
}
