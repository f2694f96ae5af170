#include "head/core/budget.h"

#include "common/number.h"
#include "common/units.h"
#include "head/core/attempt.h"
#include "head/core/state.h"

static const struct spec_budget *bounds(const struct experiment *experiment)
{
    return &experiment->spec.budget;
}

static const char *metric_of(const struct experiment *experiment)
{
    return spec_metric(&experiment->spec);
}

/* A value of the metric, so that higher is better; and the same way back. */
static double turned(const struct experiment *experiment, double value)
{
    return spec_mode(&experiment->spec) == MODE_MIN ? -value : value;
}

static const char *number_text(double number, struct arena *arena)
{
    char digits[NUMBER_BYTES];

    return arena_text(arena, span_of(digits, number_repr(number, digits)));
}

static void spend(struct step *step, struct experiment *experiment, enum budget_part part,
                  const char *why)
{
    experiment->budget.spent = part;
    experiment->why = span_text(why);
    experiment->changed = true;
    step->core->spent = true;
}

/* One that was ended for something, or by somebody, is not ended once more. */
static bool may_spend(const struct experiment *experiment)
{
    return experiment->state == EXPERIMENT_RUNNING && experiment->why.size == 0;
}

uint32_t budget_trials(const struct experiment *experiment, uint32_t total)
{
    uint32_t most = bounds(experiment)->trials;

    return most > 0 && most < total ? most : total;
}

bool budget_is_spent(const struct experiment *experiment)
{
    uint32_t most = bounds(experiment)->trials;

    return experiment->budget.spent != BUDGET_NONE || (most > 0 && experiment->created >= most);
}

void budget_take_result(struct step *step, const struct trial *trial)
{
    struct experiment *experiment = trial->experiment;
    const struct spec_budget *most = bounds(experiment);
    struct budget *budget = &experiment->budget;
    struct arena *arena = &experiment->arena;

    if ((most->no_improvement == 0 && !most->has_target) || !trial->has_sought ||
        trial->sought != trial->sought) /* NaN is no better than nothing */
        return;
    if (!budget->has_best || trial->sought > budget->best) {
        budget->has_best = true;
        budget->best = trial->sought;
        budget->best_trial = trial->number;
        budget->stale = 0;
    }
    if (most->has_target && may_spend(experiment) &&
        trial->sought >= turned(experiment, most->target))
        spend(step, experiment, BUDGET_TARGET,
              arena_printf(arena, "its target is reached: %s is %s in trial %u, %s was asked for",
                           metric_of(experiment),
                           number_text(turned(experiment, trial->sought), arena), trial->number,
                           number_text(most->target, arena)));
}

/* What failed, and what a person stopped, says nothing of the search. */
static bool counts_as_ended(const struct trial *trial)
{
    return trial->state == TRIAL_DONE ||
           (trial->state == TRIAL_STOPPED &&
            (trial->cause == CAUSE_SCHEDULER || trial->cause == CAUSE_PLATEAU));
}

void budget_take_end(struct step *step, const struct trial *trial)
{
    struct experiment *experiment = trial->experiment;
    const struct spec_budget *most = bounds(experiment);
    struct budget *budget = &experiment->budget;
    struct arena *arena = &experiment->arena;
    uint32_t failed = experiment->counts[TRIAL_FAILED];

    if (!may_spend(experiment))
        return;
    if (most->max_failed > 0 && trial->state == TRIAL_FAILED && failed >= most->max_failed) {
        spend(step, experiment, BUDGET_MAX_FAILED,
              arena_printf(arena, "%u of its trials failed (max_failed)", failed));
        return;
    }
    if (most->no_improvement == 0 || !counts_as_ended(trial) ||
        (budget->has_best && budget->best_trial == trial->number))
        return;
    if (++budget->stale >= most->no_improvement)
        spend(step, experiment, BUDGET_NO_IMPROVEMENT,
              budget->has_best
                  ? arena_printf(arena,
                                 "%u trials in a row ended without a better %s than the %s of "
                                 "trial %u (no_improvement)",
                                 budget->stale, metric_of(experiment),
                                 number_text(turned(experiment, budget->best), arena),
                                 budget->best_trial)
                  : arena_printf(arena,
                                 "%u trials ended, and none has reported %s (no_improvement)",
                                 budget->stale, metric_of(experiment)));
}

void budget_halt(struct experiment *experiment, uint64_t now_ms)
{
    if (experiment->budget.idle_from_ms == 0)
        experiment->budget.idle_from_ms = now_ms;
}

void budget_go_on(struct experiment *experiment, uint64_t now_ms)
{
    struct budget *budget = &experiment->budget;

    if (budget->idle_from_ms > 0)
        budget->idle_ms += now_ms - budget->idle_from_ms;
    budget->idle_from_ms = 0;
}

uint64_t budget_deadline_ms(const struct experiment *experiment)
{
    const struct budget *budget = &experiment->budget;

    if (bounds(experiment)->time_ms == 0 || budget->idle_from_ms > 0 || !may_spend(experiment))
        return DEADLINE_NEVER;
    return experiment->submitted_ms + budget->idle_ms + bounds(experiment)->time_ms;
}

bool budget_tick(struct step *step, struct experiment *experiment)
{
    struct arena *arena = &experiment->arena;

    if (budget_deadline_ms(experiment) > step->now_ms)
        return false;
    spend(step, experiment, BUDGET_TIME,
          arena_printf(arena, "its time is over: %s (budget)",
                       duration_text(bounds(experiment)->time_ms, arena)));
    return true;
}

void budget_settle(struct experiment *experiment)
{
    uint32_t most = bounds(experiment)->trials;
    uint32_t proposed = experiment->search->total(experiment->searcher);

    if (most == 0 || !may_spend(experiment) || experiment->created < most ||
        (proposed != NUMBER_NONE && proposed + experiment->added <= most))
        return;
    experiment->budget.spent = BUDGET_TRIALS;
    experiment->why =
        span_text(arena_printf(&experiment->arena, "it has had the %u trials of its budget", most));
}

void budget_extend(struct experiment *experiment, uint64_t now_ms)
{
    budget_go_on(experiment, now_ms);
    if (experiment->budget.spent != BUDGET_TRIALS)
        return;
    experiment->budget.spent = BUDGET_NONE;
    experiment->why = (struct span){0};
}

static void stop_one(struct step *step, struct trial *trial)
{
    attempt_stop(step, trial, CAUSE_BUDGET);
}

void budget_enforce(struct step *step)
{
    const struct core *core = step->core;
    uint32_t i = 0;

    if (!core->spent)
        return;
    step->core->spent = false;
    while (i < core->running_count) {
        struct experiment *experiment = core->running[i];

        if (experiment->budget.spent != BUDGET_NONE)
            experiment_stop(step, experiment, stop_one);
        /* One that is done by this leaves the list. */
        if (i < core->running_count && core->running[i] == experiment)
            i++;
    }
}
