/* halton.h - Halton's sequence, its digits permuted at random.
 *
 * Coordinate j of point i is i written in the j-th prime, mirrored at the point: of b^m points in a
 * row that begin at a multiple of it, each of the b^m intervals of that length has one. What is bad
 * about it, that coordinates of large bases go hand in hand for long, is mended by permuting the
 * digits: each place of each base by a permutation of its own, uniform among all of them, those of
 * the zeros behind a number's last digit, too (Owen: A randomized Halton algorithm in R; 2017). */
#ifndef CORE_HALTON_H
#define CORE_HALTON_H

#include <stdint.h>

struct halton;

/* So many dimensions, at most LIMIT_DIMENSIONS. The permutations of one hang on the seed and on its
 * number, not on how many there are. */
struct halton *halton_new(uint32_t dimensions, uint64_t seed);
void halton_free(struct halton *halton);

/* A coordinate, above 0 and below 1, in the middle of an interval that is shorter than 2^-32.
 * variation: another one is another sequence, whose digits are shifted besides, each place by a
 * draw of its own; 0 is none. */
double halton_at(const struct halton *halton, uint32_t dimension, uint32_t index,
                 uint64_t variation);

/* The prime of a dimension, and its coordinate with all digits as they are, in [0, 1). */
uint32_t halton_base(const struct halton *halton, uint32_t dimension);
double halton_plain(const struct halton *halton, uint32_t dimension, uint32_t index);

#endif
