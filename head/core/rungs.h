/* rungs.h - the brackets of ASHA and what was recorded at their rungs.
 *
 * Milestone k is grace_period * reduction_factor^k, for k from 0 up to max_t; bracket b has the
 * rungs from b on, each with its own values. A rung keeps values, not whose they are: 8 bytes a
 * value, and its cut-off is always at hand. */
#ifndef CORE_RUNGS_H
#define CORE_RUNGS_H

#include "common/spec.h"
#include "head/core/tape.h"

struct rungs;

struct rungs_keys {
    double max_t;
    double grace_period;     /* above 0, at most max_t */
    double reduction_factor; /* above 1 */
    uint32_t brackets;       /* 1 to LIMIT_BRACKETS */
    enum semantics semantics;
};

void rungs_read_keys(const struct spec_scheduler *scheduler, struct rungs_keys *out);

/* keys is borrowed for life, the tape for the call. What libm has a say in (how many rungs, their
 * milestones, the chances of the brackets) goes over the tape. */
struct rungs *rungs_new(const struct rungs_keys *keys, struct tape *tape);

/* Accepts NULL. */
void rungs_free(struct rungs *rungs);

/* Of bracket 0; bracket b has indexes b to this, less one. */
uint32_t rungs_count(const struct rungs *rungs);

double rungs_milestone(const struct rungs *rungs, uint32_t rung);

/* Of a trial to come into a bracket. */
double rungs_chance(const struct rungs *rungs, uint32_t bracket);

/* Which bracket a draw in [0, 1) chooses: those with more rungs are likelier, as e to their count.
 */
uint32_t rungs_bracket(const struct rungs *rungs, double draw);

/* The percentile that lets the best 1/reduction_factor of the rung's values pass. False while it
 * has no values. */
bool rungs_cutoff(const struct rungs *rungs, uint32_t bracket, uint32_t rung, double *out);

/* A NaN makes Tune 0.7's cut-off NaN, which stops nobody; else it stays out. */
void rungs_record(struct rungs *rungs, uint32_t bracket, uint32_t rung, double reward);

/* All of them in the order of rungs_print, NaN where a rung has no values; in arena. */
double *rungs_cutoffs(const struct rungs *rungs, struct arena *arena, uint32_t *count);

/* "Bracket: Iter 40.000: None | Iter 10.000: 0.5", a line a bracket. */
void rungs_print(const struct rungs *rungs, struct buf *out);

/* Three packed items, the plan among them: a load must not ask libm again. False where they do not
 * go with the keys. */
void rungs_save(const struct rungs *rungs, struct buf *out);
bool rungs_load(struct rungs *rungs, struct cursor *in);

#define RUNGS_SAVED_ITEMS 3

#endif
