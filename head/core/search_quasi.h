/* search_quasi.h - a point of the unit cube made a configuration: what the searchers share that
 * go through a sequence of low discrepancy.
 *
 * Every domain that draws is a dimension: the how-manieth it is in the file, those inside the
 * values of others counted with them. So a domain has the same dimension whatever else was chosen,
 * and one inside a value that was not chosen leaves its coordinate unused. A coordinate becomes a
 * value by the domain's quantile function (domain_at).
 *
 * Grids are walked as random walks them. All trials of a sample have the same place in the
 * sequence, and every combination of the grids has a variation of its own of it: were the trials
 * themselves counted, values of a grid would fall together with halves of a domain. */
#ifndef CORE_SEARCH_QUASI_H
#define CORE_SEARCH_QUASI_H

#include "head/core/search.h"

/* A coordinate, above 0 and below 1. */
typedef double quasi_coordinate(const void *sequence, uint32_t dimension, uint32_t index,
                                uint64_t variation);

struct quasi {
    const struct spec *spec; /* borrowed */
    quasi_coordinate *coordinate;
    const void *sequence;          /* borrowed: what coordinate is handed */
    struct arena arena;            /* of markers */
    const struct member **markers; /* of the domains that draw, by dimension */
    uint32_t dimensions;
    uint64_t points; /* combinations of the grids */
    uint32_t total;
};

/* The spec has at most LIMIT_DIMENSIONS domains that draw (spec_parse). coordinate and sequence are
 * for the caller to set before it proposes. */
void quasi_init(struct quasi *quasi, const struct spec *spec);
void quasi_fini(struct quasi *quasi);

/* As search_ops has them. */
enum search_answer quasi_propose(const struct quasi *quasi, uint32_t trial, struct arena *arena,
                                 struct proposal *out);
struct value quasi_draw(const struct quasi *quasi, uint32_t trial, const struct domain *domain);

#endif
