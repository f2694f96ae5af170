/* tpe_side.h - a density over a space, made of trials: one kernel for each, and a prior.
 *
 * A kernel is a product over the dimensions that a configuration has, so what goes well together is
 * seen as such; the density is the sum of the kernels by their weights. Where a configuration has a
 * dimension that the kernel's trial had not, the kernel has the prior there.
 *
 * The bandwidth of numbers is, for all kernels of a side, a part of the domain's width that shrinks
 * with their number as Scott's rule has it: n^(-1/(d+4)). It is never below width / min(100, n +
 * 2), which keeps a few trials from being all that there is (Bergstra's, see Watanabe:
 * Tree-structured Parzen estimator, understanding its algorithm components; 2023, section 3.3). */
#ifndef CORE_TPE_SIDE_H
#define CORE_TPE_SIDE_H

#include "head/core/tpe_face.h"

/* A trial as a side wants it: rows are long, and what is computed of them is kept. */
struct tpe_row {
    uint64_t hash;   /* of the numbers */
    uint64_t stamp;  /* of the bandwidths that the masses were computed with; 0: none */
    double *numbers; /* owned: a number a dimension, then as many places, then as many masses */
};

void tpe_row_init(struct tpe_row *row, const struct tpe_space *space, const double *numbers);
void tpe_row_fini(struct tpe_row *row);

/* Of a row of numbers: rows that are the same have the same. */
uint64_t tpe_row_hash(const struct tpe_space *space, const double *numbers);

struct tpe_side {
    const struct tpe_space *space; /* borrowed */
    double part;                   /* of the width */
    uint64_t stamp;                /* of the bandwidths as they are */
    bool made;                     /* there are bandwidths */
    struct tpe_face *faces;        /* owned */
    uint32_t count;                /* of rows */
    uint32_t capacity;
    double *weight; /* owned; logarithms of the kernels' shares; the prior is the last */
    double *base;   /* owned; the same with what plain dimensions sum up to */
    double *chance; /* owned; of the kernels to be drawn from, summed up */
    double *sum;    /* owned; scratch, by kernel */
};

/* part: the bandwidth of a single kernel, as a part of the width. Stamps go up by 2: sides that
 * share rows begin with 1 and 2. */
void tpe_side_init(struct tpe_side *side, const struct tpe_space *space, double part,
                   uint64_t stamp);
void tpe_side_fini(struct tpe_side *side);

/* Rows and their weights; prior: its weight. */
void tpe_side_make(struct tpe_side *side, struct tpe_row *const *rows, const double *weights,
                   uint32_t count, double prior);

/* The logarithm of the density at a row of numbers, as tpe_look_at_row has looked at it. */
double tpe_side_log(struct tpe_side *side, const struct tpe_look *looks);

/* Draw from it where the grids have the values that they have in given: first set that up, then
 * draw as often as wanted. Numbers is filled. */
void tpe_side_give(struct tpe_side *side, const double *given);
void tpe_side_draw(const struct tpe_side *side, const double *given, struct rng *rng,
                   double *numbers);

#endif
