/* sobol.h - Sobol' sequence, in base 2, with the direction numbers of Joe and Kuo (sobol.def).
 *
 * Of the first 2^m points, counted from 0, every coordinate has one in each of the 2^m intervals of
 * that length, and the points together form a (t, m, s)-net. It is the first point that makes them
 * balanced, so none is dropped (Owen: On dropping the first Sobol' point; 2022). */
#ifndef CORE_SOBOL_H
#define CORE_SOBOL_H

#include <stdint.h>

/* The 32 bits behind the binary point of a coordinate, in the order of Antonov and Saleev (An
 * economic method of computing LP-tau sequences; 1979), which is that of a Gray code. dimension is
 * below LIMIT_DIMENSIONS. */
uint32_t sobol_bits(uint32_t dimension, uint32_t index);

/* Owen's nested uniform scrambling (Randomly permuted (t,m,s)-nets and (t,s)-sequences; 1995): each
 * bit is flipped or not, by a draw of its own for all that stands before it. A net stays one, and
 * each point is uniform. All 32 bits are drawn, by Philox, rather than by a hash of fewer. */
uint32_t sobol_scramble(uint32_t bits, uint64_t seed, uint32_t dimension);

#endif
