/* Tune's variant generator: every combination of the grids, num_samples times, the random domains
 * drawn anew for each. */
#include <assert.h>
#include <stdlib.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/search_common.h"

struct random {
    const struct spec *spec; /* borrowed */
    uint64_t seed;
    uint64_t points; /* combinations of the grids */
    uint32_t total;
};

static void *random_new(const struct spec *spec, uint64_t seed)
{
    struct random *random = xcalloc(1, sizeof(*random));

    random->spec = spec;
    random->seed = seed;
    random->total = search_total(spec, &random->points);
    return random;
}

static void random_free(void *self)
{
    free(self);
}

static uint32_t random_total(const void *self)
{
    const struct random *random = self;

    return random->total;
}

static enum search_answer random_propose(void *self, uint32_t trial, struct arena *arena,
                                         struct proposal *out)
{
    const struct random *random = self;
    struct rng rng = {.seed = random->seed, .stream = trial};
    struct value config;
    const char *vars;
    int err;

    if (trial >= random->total)
        return SEARCH_DONE;
    err = space_variant(&random->spec->config, trial % random->points, &rng, arena, &config, &vars);
    assert(err == 0); /* the point is within the combinations */
    *out = search_proposal(trial, &config, vars, arena);
    return SEARCH_PROPOSED;
}

const struct search_ops search_random = {
    .name = "random",
    .new = random_new,
    .free = random_free,
    .total = random_total,
    .ahead = true,
    .propose = random_propose,
};
