#include "common/counters.h"

static const struct field counters_fields[] = {
    FIELD(counters, training_iteration, FIELD_I64, 0),
    FIELD(counters, time_total_s, FIELD_F64, 0),
    FIELD(counters, has_timesteps, FIELD_BOOL, 0),
    FIELD(counters, has_episodes, FIELD_BOOL, 0),
    FIELD(counters, timesteps_total, FIELD_I64, 0),
    FIELD(counters, episodes_total, FIELD_I64, 0),
};

const struct schema counters_schema = SCHEMA(counters, 0, counters_fields);
