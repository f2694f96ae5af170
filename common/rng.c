#include "common/rng.h"

#include <assert.h>
#include <string.h>

#define ROUNDS 10

static uint32_t multiply(uint32_t a, uint32_t b, uint32_t *high)
{
    uint64_t product = (uint64_t)a * b;

    *high = (uint32_t)(product >> 32);
    return (uint32_t)product;
}

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k[2] = {key[0], key[1]};

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t high0, high1;
        uint32_t low0 = multiply(0xd2511f53u, c[0], &high0);
        uint32_t low1 = multiply(0xcd9e8d57u, c[2], &high1);

        c[0] = high1 ^ c[1] ^ k[0];
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ k[1];
        c[3] = low0;
        k[0] += 0x9e3779b9u;
        k[1] += 0xbb67ae85u;
    }
    memcpy(out, c, sizeof(c));
}

static void draw_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};

    rng_philox(counter, key, out);
}

static uint64_t join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

uint64_t rng_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t block[4];

    draw_block(seed, stream, index, block);
    return join(block[0], block[1]);
}

double rng_unit(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(rng_u64(seed, stream, index) >> 11) * 0x1p-53;
}

/* The high half of draw * bound is the answer; low halves below 2^64 mod bound would favour some
 * answers and are drawn again (Lemire 2019), from the block that follows from this one, so that a
 * draw stays one index. */
uint64_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint64_t unfair;
    uint32_t block[4];

    assert(bound > 0);
    unfair = -bound % bound;
    draw_block(seed, stream, index, block);
    for (;;) {
        __extension__ unsigned __int128 product =
            (unsigned __int128)join(block[0], block[1]) * bound;

        if ((uint64_t)product >= unfair)
            return (uint64_t)(product >> 64);
        rng_philox(block, key, block);
    }
}

uint64_t rng_next(struct rng *rng)
{
    return rng_u64(rng->seed, rng->stream, rng->index++);
}

double rng_next_unit(struct rng *rng)
{
    return rng_unit(rng->seed, rng->stream, rng->index++);
}

uint64_t rng_next_below(struct rng *rng, uint64_t bound)
{
    return rng_below(rng->seed, rng->stream, rng->index++, bound);
}
