#include "head/core/search_quasi.h"

#include <assert.h>

#include "common/limits.h"
#include "head/core/search_common.h"

void quasi_init(struct quasi *quasi, const struct spec *spec)
{
    struct space_error error;
    int err;

    *quasi = (struct quasi){.spec = spec};
    err = space_markers(&spec->config, "config", LIMIT_DIMENSIONS, &quasi->arena, &quasi->markers,
                        &quasi->dimensions, &error);
    assert(err == 0); /* spec_parse has seen it */
    quasi->total = search_total(spec, &quasi->points);
}

void quasi_fini(struct quasi *quasi)
{
    arena_fini(&quasi->arena);
}

static uint32_t dimension_of(const struct quasi *quasi, const struct domain *domain)
{
    uint32_t dimension = 0;

    while (dimension < quasi->dimensions && quasi->markers[dimension] != domain->marker)
        dimension++;
    assert(dimension < quasi->dimensions);
    return dimension;
}

struct value quasi_draw(const struct quasi *quasi, uint32_t trial, const struct domain *domain)
{
    double share = quasi->coordinate(quasi->sequence, dimension_of(quasi, domain),
                                     (uint32_t)(trial / quasi->points), trial % quasi->points);

    return domain_at(domain, share);
}

struct drawing {
    const struct quasi *quasi;
    uint32_t trial;
};

static struct value draw(void *context, const struct domain *domain, struct arena *arena)
{
    const struct drawing *drawing = context;

    (void)arena;
    return quasi_draw(drawing->quasi, drawing->trial, domain);
}

enum search_answer quasi_propose(const struct quasi *quasi, uint32_t trial, struct arena *arena,
                                 struct proposal *out)
{
    struct drawing drawing = {quasi, trial};
    const struct space_source source = {draw, &drawing};
    struct value config;
    const char *vars;
    int err;

    if (trial >= quasi->total)
        return SEARCH_DONE;
    err = space_variant_from(&quasi->spec->config, NULL, trial % quasi->points, &source, arena,
                             &config, &vars);
    assert(err == 0); /* the point is within the combinations */
    *out = search_proposal(trial, &config, vars, arena);
    return SEARCH_PROPOSED;
}
