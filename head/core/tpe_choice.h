/* tpe_choice.h - the kernel of a choice: most of the probability on the value that was seen, the
 * rest on all alike.
 *
 * Aitchison and Aitken's, with a share that shrinks as there are more kernels (Watanabe:
 * Tree-structured Parzen estimator, understanding its algorithm components; 2023, section 3.3). */
#ifndef CORE_TPE_CHOICE_H
#define CORE_TPE_CHOICE_H

#include "common/rng.h"

/* Of a kernel, and of its every value the same for all kernels of a side. */
struct tpe_pick {
    double count; /* of values */
    double same;  /* probability of the one that was seen */
    double other; /* of each other one */
};

/* Among so many kernels that know the choice. */
struct tpe_pick tpe_pick_of(uint32_t values, uint32_t kernels);

double tpe_pick_probability(const struct tpe_pick *pick, uint32_t seen, uint32_t value);

uint32_t tpe_pick_draw(const struct tpe_pick *pick, uint32_t seen, struct rng *rng);

#endif
