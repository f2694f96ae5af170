/* explore.h - another configuration out of one that does well.
 *
 * As Tune's explore() (0.7 and 2, schedulers/pbt.py), with values kept within their domains. Each
 * hyperparameter of hyperparam_mutations, in the order of writing: with resample_probability it is
 * drawn anew from its domain; else a number is multiplied by 1.2 or by 0.8, and of a list that has
 * the value a neighbour is taken. A whole number stays one. */
#ifndef CORE_EXPLORE_H
#define CORE_EXPLORE_H

#include "common/spec.h"

/* config is a map; what comes out shares with it, and lives in arena. May call libm. */
struct value explore(const struct spec_scheduler *scheduler, const struct value *config,
                     struct rng *rng, struct arena *arena);

/* "@perturbed[lr=0.1,size=3]": what was explored, as it is in this configuration; in arena. */
const char *explore_tag(const struct spec_scheduler *scheduler, const struct value *config,
                        struct arena *arena);

#endif
