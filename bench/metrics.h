/* metrics.h - what a trial of the benchmark reports: five doubles under short names, some 100
 * bytes.
 *
 * The doubles have all their digits: a number like 0.5 prints several times faster than those that
 * a training makes. The bare chain and the trainables send the same. */
#ifndef BENCH_METRICS_H
#define BENCH_METRICS_H

#include <stdint.h>

#define METRIC_COUNT 5

static const char *const metric_names[METRIC_COUNT] = {"loss", "accuracy", "reward", "grad_norm",
                                                       "lr"};

/* The values of a report, from a state that moves with each (not 0 at first): xorshift64. */
static inline void metrics_next(uint64_t *state, double values[METRIC_COUNT])
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        values[i] = (double)(*state >> 11) * 0x1p-53;
    }
}

#endif
