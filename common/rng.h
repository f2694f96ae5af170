/* rng.h - random draws that are counted, not stored.
 *
 * A draw is a function of (seed, stream, index) and of nothing else: no state to save or to lose,
 * and trial 17's configuration is the same whoever asks, in whatever order. Philox4x32-10
 * (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011). */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <stdint.h>

/* One block of the generator, for its published test vectors. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* 64 random bits. stream: a trial's number, or a purpose; index: the how-manieth draw. */
uint64_t rng_u64(uint64_t seed, uint64_t stream, uint64_t index);

/* In [0, 1), 53 bits. */
double rng_unit(uint64_t seed, uint64_t stream, uint64_t index);

/* In [0, bound), without bias; bound > 0. */
uint64_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound);

/* A draw counter for code that takes several in a row. */
struct rng {
    uint64_t seed;
    uint64_t stream;
    uint64_t index; /* of the next draw */
};

uint64_t rng_next(struct rng *rng);
double rng_next_unit(struct rng *rng);
uint64_t rng_next_below(struct rng *rng, uint64_t bound);

#endif
