#include "head/core/search_common.h"

#include "common/limits.h"

uint32_t search_total(const struct spec *spec, uint64_t *points)
{
    uint64_t combinations = space_points(&spec->config);
    uint64_t total;

    if (combinations > LIMIT_SAMPLES)
        combinations = LIMIT_SAMPLES;
    *points = combinations;
    total = combinations * spec->num_samples;
    return total < LIMIT_SAMPLES ? (uint32_t)total : LIMIT_SAMPLES;
}

struct proposal search_proposal(uint32_t trial, const struct value *config, const char *vars,
                                struct arena *arena)
{
    return (struct proposal){
        .config = *config,
        .tag = arena_printf(arena, "%u%s%s", trial, *vars != '\0' ? "_" : "", vars),
    };
}
