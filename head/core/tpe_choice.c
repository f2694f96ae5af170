#include "head/core/tpe_choice.h"

/* What every value gets beside the one that was seen, which gets 1, of a single kernel. A half
 * finds a little more where all choices are seen soon, and is stuck more often in the wrong one of
 * those that others hang on. */
#define SHARE 1.0

struct tpe_pick tpe_pick_of(uint32_t values, uint32_t kernels)
{
    double share = SHARE / ((double)kernels + 1);
    double all = 1 + share * values;

    return (struct tpe_pick){.count = values, .same = (1 + share) / all, .other = share / all};
}

double tpe_pick_probability(const struct tpe_pick *pick, uint32_t seen, uint32_t value)
{
    return seen == value ? pick->same : pick->other;
}

uint32_t tpe_pick_draw(const struct tpe_pick *pick, uint32_t seen, struct rng *rng)
{
    /* All alike with what the others have, else the one that was seen. */
    if (rng_next_unit(rng) < pick->other * pick->count)
        return (uint32_t)rng_next_below(rng, (uint64_t)pick->count);
    return seen;
}
