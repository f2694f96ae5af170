/* search_first.h - the points of an experiment that are tried first (points_to_evaluate), in front
 * of any searcher.
 *
 * As in Tune a point is one of the num_samples: where it leaves grids open, all their combinations
 * are tried with it. What else it leaves open is drawn as the searcher draws (search.h: draw).
 *
 * To the searcher each point is a sample like another, of which somebody else took care: its own
 * numbers count every sample whole, so that it begins the grids where a sample begins, also where a
 * point names a value of one and is fewer trials than a sample. Outside, trials are counted as they
 * are. What the searcher is told it is told by its own numbers. */
#ifndef CORE_SEARCH_FIRST_H
#define CORE_SEARCH_FIRST_H

#include "head/core/search.h"

/* In front of a searcher of the table by the spec; the one proposes ahead, the other does not. */
extern const struct search_ops search_first_ahead;
extern const struct search_ops search_first;

/* In front of this one. */
void *search_first_new(const struct spec *spec, uint64_t seed, const struct search_ops *ops);

#endif
