/* counters.h - what a trial has counted so far: what a checkpoint carries, so that an attempt that
 * goes on from it goes on counting. */
#ifndef COMMON_COUNTERS_H
#define COMMON_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/schema.h"

struct counters {
    int64_t training_iteration;
    double time_total_s;
    bool has_timesteps;
    bool has_episodes;
    int64_t timesteps_total;
    int64_t episodes_total;
};

extern const struct schema counters_schema;

#endif
