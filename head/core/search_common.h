/* search_common.h - what those searchers share that walk the grids as Tune does. */
#ifndef CORE_SEARCH_COMMON_H
#define CORE_SEARCH_COMMON_H

#include "head/core/search.h"

/* Every combination of the grids, num_samples times: how many trials that makes, at most
 * LIMIT_SAMPLES. points: those of one sample; trial n has combination n % points. */
uint32_t search_total(const struct spec *spec, uint64_t *points);

/* The answer for a trial: its configuration, and what space.h says was chosen in it. */
struct proposal search_proposal(uint32_t trial, const struct value *config, const char *vars,
                                struct arena *arena);

#endif
