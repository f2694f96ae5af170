/* The same walk as random's, under the name that people look for when a space has only grids: Tune
 * has one generator for both. Random domains beside the grids are drawn. */
#include "head/core/search.h"

static void *grid_new(const struct spec *spec, uint64_t seed)
{
    return search_random.new(spec, seed);
}

static void grid_free(void *self)
{
    search_random.free(self);
}

static uint32_t grid_total(const void *self)
{
    return search_random.total(self);
}

static enum search_answer grid_propose(void *self, uint32_t trial, struct arena *arena,
                                       struct proposal *out)
{
    return search_random.propose(self, trial, arena, out);
}

const struct search_ops search_grid = {
    .name = "grid",
    .new = grid_new,
    .free = grid_free,
    .total = grid_total,
    .ahead = true,
    .propose = grid_propose,
};
