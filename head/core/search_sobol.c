/* Sobol' sequence, scrambled by the seed (sobol.h, search_quasi.h). */
#include <stdlib.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/search_quasi.h"
#include "head/core/sobol.h"
#include "head/core/streams.h"

struct search_sobol {
    struct quasi quasi;
    uint64_t seed;
};

/* In the middle of the interval of its 32 bits. */
static double coordinate(const void *sequence, uint32_t dimension, uint32_t index,
                         uint64_t variation)
{
    const struct search_sobol *search = sequence;
    uint64_t seed =
        variation > 0 ? rng_u64(search->seed, STREAM_VARIATION, variation) : search->seed;

    return (sobol_scramble(sobol_bits(dimension, index), seed, dimension) + 0.5) * 0x1p-32;
}

static void *sobol_new(const struct spec *spec, uint64_t seed)
{
    struct search_sobol *search = xcalloc(1, sizeof(*search));

    quasi_init(&search->quasi, spec);
    search->seed = seed;
    search->quasi.coordinate = coordinate;
    search->quasi.sequence = search;
    return search;
}

static void sobol_free(void *self)
{
    struct search_sobol *search = self;

    if (search == NULL)
        return;
    quasi_fini(&search->quasi);
    free(search);
}

static uint32_t sobol_total(const void *self)
{
    const struct search_sobol *search = self;

    return search->quasi.total;
}

static enum search_answer sobol_propose(void *self, uint32_t trial, struct arena *arena,
                                        struct proposal *out)
{
    const struct search_sobol *search = self;

    return quasi_propose(&search->quasi, trial, arena, out);
}

static struct value sobol_draw(void *self, uint32_t trial, const struct domain *domain)
{
    const struct search_sobol *search = self;

    return quasi_draw(&search->quasi, trial, domain);
}

const struct search_ops search_sobol = {
    .name = "sobol",
    .new = sobol_new,
    .free = sobol_free,
    .total = sobol_total,
    .ahead = true,
    .propose = sobol_propose,
    .draw = sobol_draw,
};
