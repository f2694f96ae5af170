/* curves.h - what the trials of a simulation report, and how long each step takes them: from a
 * table of what was measured once (curve_table.c), or from formulas (curve_formula.c).
 *
 * A table has a row a result. Columns that are called like a part of the configuration ("lr",
 * "model/size", "config.lr") say whose it is, and so do `trial`, `trial_id` and `trial_name`;
 * `training_iteration` says which one (else they are counted), `time_this_iter_s` or `time_total_s`
 * how long it took (else a second). All other numbers are metrics. A trial takes the curve of its
 * own configuration or, where there is none, of the one that is nearest: each number counts by its
 * distance as a part of what lies between the table's smallest and largest, all else that differs
 * as 1. Where no column is a part of the configuration, trials take the curves in an order that the
 * seed draws, each once before any comes again.
 *
 * A formula is NAME=EXPRESSION as muParser reads it: + - * / ^, comparisons, c ? a : b, exp, ln,
 * sqrt, sin, min, max and so on. It knows the numbers of the configuration (model/size as
 * model_size), training_iteration, `luck` (of a trial, uniform in [0, 1)) and `noise` (of a result,
 * standard normal). One of the name time_this_iter_s says how long a step takes. */
#ifndef CLIENT_CURVES_H
#define CLIENT_CURVES_H

#include "client/table_file.h"
#include "common/rng.h"

struct curves;

struct curve_step {
    struct value metrics; /* a map, in the arena of the call; training_iteration is in it */
    bool last;            /* the curve ends here */
};

/* The columns of a table that say whose a row is are found by the space: a configuration with its
 * markers. NULL, with *trouble filled, where the table cannot be one of curves. table is borrowed;
 * path: what it is called. */
struct curves *curves_of_table(const struct table_file *table, const struct value *space,
                               const char *path, struct trouble *trouble);

/* texts: "NAME=EXPRESSION". NULL, with *trouble filled, where one is none. */
struct curves *curves_of_formulas(const char *const *texts, uint32_t count,
                                  const struct value *space, struct trouble *trouble);

/* Accepts NULL. */
void curves_free(struct curves *curves);

/* Before trials of another run: what they are given and what they draw goes by this seed. */
void curves_begin(struct curves *curves, uint64_t seed);

/* A trial begins, or goes on, with this configuration. */
void curves_give(struct curves *curves, uint32_t trial, const struct value *config);

/* Its first step past an iteration: how long it takes, at least 0. False where its curve has ended.
 */
bool curves_seconds(struct curves *curves, uint32_t trial, int64_t past, double *out);

/* And what it reports; there must be one. */
void curves_step(struct curves *curves, uint32_t trial, int64_t past, struct arena *arena,
                 struct curve_step *out);

/* The last iteration of the longest; 0: they go on for ever. */
int64_t curves_longest(const struct curves *curves);

/* "1,000 curves of 1 to 51 steps from FILE"; and a sentence more where trials had to take the curve
 * of another configuration. */
void curves_describe(const struct curves *curves, struct buf *out);

#endif
