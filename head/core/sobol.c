#include "head/core/sobol.h"

#include <assert.h>

#include "common/limits.h"
#include "common/rng.h"
#include "head/core/streams.h"

#define BITS   32u
#define DEGREE 11u /* the most of sobol.def */

struct row {
    uint32_t degree;
    uint32_t inner; /* coefficients of the polynomial between its first and its last, as bits */
    uint32_t first[DEGREE];
};

static const struct row rows[] = {
    {0},
#define SOBOL(degree, inner, ...) {degree, inner, {__VA_ARGS__}},
#include "head/core/sobol.def"
#undef SOBOL
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == LIMIT_DIMENSIONS, "a row a dimension");

/* The direction numbers of a dimension, m_k in the bits behind the point: equations 2 and 3 of Joe
 * and Kuo (2008). In the first dimension every m_k is 1. */
static void directions_make(uint32_t dimension, uint32_t count, uint32_t out[BITS])
{
    const struct row *row = &rows[dimension];
    uint32_t s = row->degree;

    for (uint32_t k = 0; k < count; k++) {
        if (s == 0 || k < s) {
            out[k] = (s == 0 ? 1 : row->first[k]) << (BITS - 1 - k);
            continue;
        }
        out[k] = out[k - s] ^ out[k - s] >> s;
        for (uint32_t i = 1; i < s; i++)
            if (row->inner >> (s - 1 - i) & 1)
                out[k] ^= out[k - i];
    }
}

static uint32_t bit_count(uint32_t number)
{
    uint32_t count = 0;

    for (; number != 0; number >>= 1)
        count++;
    return count;
}

uint32_t sobol_bits(uint32_t dimension, uint32_t index)
{
    uint32_t gray = index ^ index >> 1;
    uint32_t count = bit_count(gray);
    uint32_t directions[BITS];
    uint32_t bits = 0;

    assert(dimension < LIMIT_DIMENSIONS);
    directions_make(dimension, count, directions);
    for (uint32_t k = 0; k < count; k++)
        if (gray >> k & 1)
            bits ^= directions[k];
    return bits;
}

/* The draw of a bit is named by the bits before it, with a 1 in front that says how many they are.
 */
uint32_t sobol_scramble(uint32_t bits, uint64_t seed, uint32_t dimension)
{
    uint32_t out = bits;

    for (uint32_t k = 0; k < BITS; k++) {
        uint64_t before = ((uint64_t)1 << BITS | bits) >> (BITS - k);

        out ^= (uint32_t)(rng_u64(seed, STREAM_SCRAMBLE + dimension, before) & 1) << (BITS - 1 - k);
    }
    return out;
}
