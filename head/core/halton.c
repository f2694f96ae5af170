#include "head/core/halton.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/streams.h"

#define INTERVALS (UINT64_C(1) << 32) /* at least so many in [0, 1) */

struct base {
    uint32_t prime;
    uint32_t digits;
    uint16_t *permuted; /* owned: of each place, what each digit becomes */
};

struct halton {
    uint64_t seed;
    uint32_t dimensions;
    struct base *bases; /* owned */
};

static bool is_prime(uint32_t number)
{
    for (uint32_t i = 2; i * i <= number; i++)
        if (number % i == 0)
            return false;
    return true;
}

static uint32_t next_prime(uint32_t number)
{
    do {
        number++;
    } while (!is_prime(number));
    return number;
}

/* A permutation of each place, by Durstenfeld's shuffle (Algorithm 235; 1964). */
static void base_permute(struct base *base, struct rng *rng)
{
    uint32_t prime = base->prime;

    base->permuted = xcalloc((size_t)base->digits * prime, sizeof(*base->permuted));
    for (uint32_t k = 0; k < base->digits; k++) {
        uint16_t *place = &base->permuted[k * prime];

        for (uint32_t i = 0; i < prime; i++) {
            uint32_t other = (uint32_t)rng_next_below(rng, i + 1);

            place[i] = place[other];
            place[other] = (uint16_t)i;
        }
    }
}

struct halton *halton_new(uint32_t dimensions, uint64_t seed)
{
    struct halton *halton = xcalloc(1, sizeof(*halton));
    uint32_t prime = 1;

    assert(dimensions <= LIMIT_DIMENSIONS);
    halton->seed = seed;
    halton->dimensions = dimensions;
    halton->bases = xcalloc(dimensions > 0 ? dimensions : 1, sizeof(*halton->bases));
    for (uint32_t i = 0; i < dimensions; i++) {
        struct base *base = &halton->bases[i];
        struct rng rng = {.seed = seed, .stream = STREAM_SCRAMBLE + i};

        prime = next_prime(prime);
        base->prime = prime;
        for (uint64_t intervals = 1; intervals < INTERVALS; intervals *= prime)
            base->digits++;
        base_permute(base, &rng);
    }
    return halton;
}

void halton_free(struct halton *halton)
{
    if (halton == NULL)
        return;
    for (uint32_t i = 0; i < halton->dimensions; i++)
        free(halton->bases[i].permuted);
    free(halton->bases);
    free(halton);
}

double halton_at(const struct halton *halton, uint32_t dimension, uint32_t index,
                 uint64_t variation)
{
    const struct base *base = &halton->bases[dimension];
    struct rng shift = {.seed = rng_u64(halton->seed, STREAM_VARIATION, variation),
                        .stream = STREAM_SCRAMBLE + dimension};
    uint64_t intervals = 1, number = 0;

    assert(dimension < halton->dimensions);
    for (uint32_t k = 0; k < base->digits; k++) {
        uint32_t digit = base->permuted[k * base->prime + index % base->prime];

        if (variation > 0)
            digit = (digit + (uint32_t)rng_next_below(&shift, base->prime)) % base->prime;
        number = number * base->prime + digit;
        intervals *= base->prime;
        index /= base->prime;
    }
    return ((double)number + 0.5) / (double)intervals;
}

uint32_t halton_base(const struct halton *halton, uint32_t dimension)
{
    return halton->bases[dimension].prime;
}

double halton_plain(const struct halton *halton, uint32_t dimension, uint32_t index)
{
    uint32_t prime = halton->bases[dimension].prime;
    uint64_t intervals = 1, number = 0;

    for (; index > 0; index /= prime) {
        number = number * prime + index % prime;
        intervals *= prime;
    }
    return (double)number / (double)intervals;
}
