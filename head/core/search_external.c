/* Configurations that another program suggests, one by one, while the experiment runs (suggest.h).
 *
 * Between a suggestion and its proposal nothing is kept here. What it leaves out is drawn as random
 * draws, of grids it leaves open all combinations are gone through, trial by trial; so where it
 * says nothing at all, the trial is the one that random would have proposed. */
#include <assert.h>
#include <stdlib.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/search_common.h"

struct external {
    const struct spec *spec; /* borrowed */
    uint64_t seed;
    uint32_t total;
    const struct value *suggested; /* borrowed; NULL: nothing */
};

static void *external_new(const struct spec *spec, uint64_t seed)
{
    struct external *external = xcalloc(1, sizeof(*external));
    uint64_t points;

    external->spec = spec;
    external->seed = seed;
    external->total = search_total(spec, &points);
    return external;
}

static void external_free(void *self)
{
    free(self);
}

static uint32_t external_total(const void *self)
{
    const struct external *external = self;

    return external->total;
}

static void external_suggest(void *self, const struct value *config)
{
    struct external *external = self;

    external->suggested = config;
}

static struct value draw(void *context, const struct domain *domain, struct arena *arena)
{
    return domain_draw(domain, context, arena);
}

static enum search_answer external_propose(void *self, uint32_t trial, struct arena *arena,
                                           struct proposal *out)
{
    struct external *external = self;
    struct rng rng = {.seed = external->seed, .stream = trial};
    const struct space_source source = {draw, &rng};
    struct value space = external->spec->config;
    const struct value *suggested = external->suggested;
    struct space_error error;
    struct value config;
    const char *vars;
    int err;

    external->suggested = NULL;
    if (trial >= external->total)
        return SEARCH_DONE;
    if (suggested == NULL)
        return SEARCH_WAIT;
    if (external->spec->search.open) {
        err = space_widen(&external->spec->config, suggested, "", arena, &space, &error);
        assert(err == 0); /* it was looked at before it was admitted */
    }
    err = space_variant_from(&space, suggested, trial % space_points_given(&space, suggested),
                             &source, arena, &config, &vars);
    assert(err == 0); /* the point is within the combinations that are left */
    *out = search_proposal(trial, &config, vars, arena);
    return SEARCH_PROPOSED;
}

const struct search_ops search_external = {
    .name = "external",
    .new = external_new,
    .free = external_free,
    .total = external_total,
    .propose = external_propose,
    .suggest = external_suggest,
};
