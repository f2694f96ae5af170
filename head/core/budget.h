/* budget.h - what an experiment may cost in all (`budget` of its file).
 *
 * When the first of its bounds is reached the experiment has its reason (`why`), and at the end of
 * that step all that is left of it is stopped. The bound on trials alone stops nobody: there are no
 * more than so many, and the experiment is over when these are.
 *
 * - time: since the submission, less what it was paused for as a whole, and what it had ended for
 *   before it was extended.
 * - no_improvement: trials that ended well or were stopped by a rule or the scheduler, one after
 * the other, while the best stayed the same. A better result of any trial begins the count anew,
 * and the trial that has the best does not count.
 * - target: a result at it, or on its better side.
 * - max_failed: trials that failed and get no other attempt. */
#ifndef CORE_BUDGET_H
#define CORE_BUDGET_H

#include "head/core/step.h"

struct experiment;
struct trial;

/* Numbers stand in images. */
enum budget_part {
    BUDGET_NONE,
    BUDGET_TIME,
    BUDGET_TRIALS,
    BUDGET_NO_IMPROVEMENT,
    BUDGET_TARGET,
    BUDGET_MAX_FAILED,
    BUDGET_PART_COUNT
};

/* Where an experiment is. */
struct budget {
    uint32_t spent;        /* enum budget_part: it was ended for this */
    uint64_t idle_ms;      /* that do not count */
    uint64_t idle_from_ms; /* since when its time does not count; 0: it does */
    bool has_best;
    double best; /* of all results so far; higher is better */
    uint32_t best_trial;
    uint32_t stale; /* trials that ended since, and count */
};

/* How many trials it may have, of so many that there would be. */
uint32_t budget_trials(const struct experiment *experiment, uint32_t total);

/* Whether nothing may be added to it. */
bool budget_is_spent(const struct experiment *experiment);

/* A trial's newest result was taken; a trial came to its end, and is counted in its state. */
void budget_take_result(struct step *step, const struct trial *trial);
void budget_take_end(struct step *step, const struct trial *trial);

/* Its time passes no more, or passes again. */
void budget_halt(struct experiment *experiment, uint64_t now_ms);
void budget_go_on(struct experiment *experiment, uint64_t now_ms);

/* When its time is over; DEADLINE_NEVER. */
uint64_t budget_deadline_ms(const struct experiment *experiment);

/* Whether it was over now. */
bool budget_tick(struct step *step, struct experiment *experiment);

/* It is done: if that is for want of trials it gets its reason. */
void budget_settle(struct experiment *experiment);

/* It was extended: those that it has may go on. */
void budget_extend(struct experiment *experiment, uint64_t now_ms);

/* At the end of a step: stop what is left of those that have reached a bound in it. */
void budget_enforce(struct step *step);

#endif
