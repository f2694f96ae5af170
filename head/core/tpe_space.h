/* tpe_space.h - a search space as a list of dimensions, and configurations as rows of numbers.
 *
 * Every domain and every grid is a dimension, wherever it stands. One that stands in a value of a
 * choice or grid is there only when that value is chosen: the space is a tree (Bergstra, Bardenet,
 * Bengio, Kegl: Algorithms for hyper-parameter optimization; NIPS 2011, section 2).
 *
 * A row has a number a dimension: what the configuration has there, as it is written in it; of a
 * choice or grid the place of the chosen value; NaN where the dimension is not there. */
#ifndef CORE_TPE_SPACE_H
#define CORE_TPE_SPACE_H

#include "common/space.h"
#include "head/core/event.h"
#include "head/core/tpe_number.h"

/* Of domains of so many values there are tables of what each is worth to each. */
#define TPE_FEW 64u

enum tpe_kind {
    TPE_NUMBER,
    TPE_CHOICE,
    TPE_GRID /* its values are walked, not chosen: they are given */
};

struct tpe_dimension {
    enum tpe_kind kind;
    uint32_t parent; /* the dimension in one of whose values it stands; NUMBER_NONE: none */
    uint32_t branch; /* and in which one */
    uint32_t count;  /* of values of a choice or grid */
    struct domain domain;
    double prior_other;     /* of a choice or grid: logarithm of what the prior gives a value */
    struct tpe_scale scale; /* of a number */
    struct tpe_bell prior;
    bool few;       /* its values go in steps, and are at most TPE_FEW */
    double *priors; /* owned; of few: logarithm of what the prior gives each */
};

struct tpe_space {
    const struct value *config;       /* borrowed */
    struct tpe_dimension *dimensions; /* owned; whatever one stands in comes before it */
    uint32_t count;
    uint32_t together;       /* the most of them, without grids, that one configuration has */
    bool finite;             /* none of them is continuous */
    struct table *by_marker; /* owned */
};

void tpe_space_init(struct tpe_space *space, const struct value *config);
void tpe_space_fini(struct tpe_space *space);

/* Whether a row that is known up to dimension i has it. */
static inline bool tpe_space_has(const struct tpe_space *space, const double *row, uint32_t i)
{
    const struct tpe_dimension *dimension = &space->dimensions[i];

    return dimension->parent == NUMBER_NONE || row[dimension->parent] == (double)dimension->branch;
}

/* A configuration as a row. Where values of a choice look alike, it is the first that fits; what
 * fits nowhere is not there. */
void tpe_space_read(const struct tpe_space *space, const struct value *config, double *row);

/* The dimension of a domain. */
uint32_t tpe_space_find(const struct tpe_space *space, const struct domain *domain);

/* What a row has in a dimension, as a configuration has it. */
struct value tpe_space_value(const struct tpe_space *space, const double *row, uint32_t i);

#endif
