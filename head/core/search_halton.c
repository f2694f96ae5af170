/* Halton's sequence, its digits permuted by the seed (halton.h, search_quasi.h). */
#include <stdlib.h>

#include "common/xalloc.h"
#include "head/core/halton.h"
#include "head/core/search_quasi.h"

struct search_halton {
    struct quasi quasi;
    struct halton *halton; /* owned */
};

static double coordinate(const void *sequence, uint32_t dimension, uint32_t index,
                         uint64_t variation)
{
    return halton_at(sequence, dimension, index, variation);
}

static void *halton_search_new(const struct spec *spec, uint64_t seed)
{
    struct search_halton *search = xcalloc(1, sizeof(*search));

    quasi_init(&search->quasi, spec);
    search->halton = halton_new(search->quasi.dimensions, seed);
    search->quasi.coordinate = coordinate;
    search->quasi.sequence = search->halton;
    return search;
}

static void halton_search_free(void *self)
{
    struct search_halton *search = self;

    if (search == NULL)
        return;
    halton_free(search->halton);
    quasi_fini(&search->quasi);
    free(search);
}

static uint32_t halton_search_total(const void *self)
{
    const struct search_halton *search = self;

    return search->quasi.total;
}

static enum search_answer halton_search_propose(void *self, uint32_t trial, struct arena *arena,
                                                struct proposal *out)
{
    const struct search_halton *search = self;

    return quasi_propose(&search->quasi, trial, arena, out);
}

static struct value halton_search_draw(void *self, uint32_t trial, const struct domain *domain)
{
    const struct search_halton *search = self;

    return quasi_draw(&search->quasi, trial, domain);
}

const struct search_ops search_halton = {
    .name = "halton",
    .new = halton_search_new,
    .free = halton_search_free,
    .total = halton_search_total,
    .ahead = true,
    .propose = halton_search_propose,
    .draw = halton_search_draw,
};
