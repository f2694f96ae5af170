/* minimise.h - what of a seed's plan it takes for the seed to fail.
 *
 * Fault classes are left out first, then hosts, experiments and trials, as long as the seed still
 * fails in the same invariant. Each try is a process of its own: some failures end theirs. */
#ifndef SIM_MINIMISE_H
#define SIM_MINIMISE_H

#include "tests/sim/plan.h"

/* Prints what it finds, last the command that runs it. False where the seed does not fail. */
bool minimise(uint64_t seed, const struct plan_limits *from);

/* The words that make limits of them again, a blank before each. */
void limits_print(const struct plan_limits *limits, struct buf *out);

#endif
