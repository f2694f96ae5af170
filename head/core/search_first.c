#include "head/core/search_first.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/event.h"
#include "head/core/search_common.h"

struct first {
    const struct spec *spec; /* borrowed */
    uint64_t seed;
    const struct search_ops *ops; /* of the searcher */
    void *searcher;               /* owned */
    uint32_t points;
    uint32_t *ends;  /* owned: the trials up to and with each point */
    uint32_t sample; /* trials of a sample */
};

void *search_first_new(const struct spec *spec, uint64_t seed, const struct search_ops *ops)
{
    struct first *first = xcalloc(1, sizeof(*first));
    uint32_t end = 0;

    first->spec = spec;
    first->seed = seed;
    first->ops = ops;
    first->searcher = first->ops->new (spec, seed);
    first->points = spec->first_points->count;
    first->ends = xcalloc(first->points, sizeof(*first->ends));
    for (uint32_t i = 0; i < first->points; i++) {
        end += (uint32_t)space_points_given(&spec->config, &spec->first_points->items[i]);
        first->ends[i] = end;
    }
    assert(end == spec->first_trials);
    first->sample = (uint32_t)space_points(&spec->config);
    return first;
}

static void *first_new(const struct spec *spec, uint64_t seed)
{
    return search_first_new(spec, seed, search_find(spec->search.type));
}

static void first_free(void *self)
{
    struct first *first = self;

    if (first == NULL)
        return;
    first->ops->free(first->searcher);
    free(first->ends);
    free(first);
}

/* The point of one of the first trials, and the how-manieth of that point's it is. */
static uint32_t point_of(const struct first *first, uint32_t trial, uint32_t *place)
{
    uint32_t point = 0;

    while (first->ends[point] <= trial)
        point++;
    *place = trial - (point > 0 ? first->ends[point - 1] : 0);
    return point;
}

/* A trial's number to the searcher. */
static uint32_t inner_number(const struct first *first, uint32_t trial)
{
    uint32_t place;

    if (trial >= first->spec->first_trials)
        return first->points * first->sample + (trial - first->spec->first_trials);
    return point_of(first, trial, &place) * first->sample + place;
}

static uint32_t first_total(const void *self)
{
    const struct first *first = self;
    uint32_t total = first->ops->total(first->searcher);

    if (total == NUMBER_NONE)
        return NUMBER_NONE;
    return total - first->points * first->sample + first->spec->first_trials;
}

struct drawing {
    const struct first *first;
    uint32_t number; /* to the searcher */
    struct rng rng;
};

static struct value draw(void *context, const struct domain *domain, struct arena *arena)
{
    struct drawing *drawing = context;
    const struct first *first = drawing->first;

    if (first->ops->draw != NULL)
        return first->ops->draw(first->searcher, drawing->number, domain);
    return domain_draw(domain, &drawing->rng, arena);
}

static void propose_point(const struct first *first, uint32_t trial, struct arena *arena,
                          struct proposal *out)
{
    uint32_t number = inner_number(first, trial);
    struct drawing drawing = {
        .first = first,
        .number = number,
        .rng = {.seed = first->seed, .stream = number},
    };
    const struct space_source source = {draw, &drawing};
    struct value config;
    const char *vars;
    uint32_t place;
    uint32_t point = point_of(first, trial, &place);
    int err = space_variant_from(&first->spec->config, &first->spec->first_points->items[point],
                                 place, &source, arena, &config, &vars);

    assert(err == 0); /* the place is within the point's combinations */
    *out = search_proposal(trial, &config, vars, arena);
}

static enum search_answer first_propose(void *self, uint32_t trial, struct arena *arena,
                                        struct proposal *out)
{
    const struct first *first = self;
    enum search_answer answer;

    if (trial < first->spec->first_trials) {
        propose_point(first, trial, arena, out);
        return SEARCH_PROPOSED;
    }
    if (trial >= first_total(first))
        return SEARCH_DONE;
    answer = first->ops->propose(first->searcher, inner_number(first, trial), arena, out);
    if (answer == SEARCH_PROPOSED) /* its tag begins with its own number */
        out->tag = arena_printf(arena, "%u%s", trial, out->tag + strspn(out->tag, "0123456789"));
    return answer;
}

static void first_suggest(void *self, const struct value *config)
{
    const struct first *first = self;

    if (first->ops->suggest != NULL)
        first->ops->suggest(first->searcher, config);
}

static void first_pending(void *self, uint32_t trial, struct span config)
{
    const struct first *first = self;

    if (first->ops->pending != NULL)
        first->ops->pending(first->searcher, inner_number(first, trial), config);
}

static void first_observe(void *self, uint32_t trial, const struct observation *observation)
{
    const struct first *first = self;

    if (first->ops->observe != NULL)
        first->ops->observe(first->searcher, inner_number(first, trial), observation);
}

static void first_error(void *self, uint32_t trial)
{
    const struct first *first = self;

    if (first->ops->error != NULL)
        first->ops->error(first->searcher, inner_number(first, trial));
}

static void first_save(const void *self, struct buf *out)
{
    const struct first *first = self;

    if (first->ops->save != NULL)
        first->ops->save(first->searcher, out);
}

static bool first_load(void *self, struct cursor *in)
{
    const struct first *first = self;

    return first->ops->load == NULL || first->ops->load(first->searcher, in);
}

#define OPS(proposes_ahead)                                                                        \
    {                                                                                              \
        .name = "points_to_evaluate", .new = first_new, .free = first_free, .total = first_total,  \
        .ahead = (proposes_ahead), .propose = first_propose, .suggest = first_suggest,             \
        .pending = first_pending, .observe = first_observe, .error = first_error,                  \
        .save = first_save, .load = first_load,                                                    \
    }

const struct search_ops search_first_ahead = OPS(true);
const struct search_ops search_first = OPS(false);

const struct search_ops *search_of(const struct spec *spec)
{
    const struct search_ops *ops = search_find(spec->search.type);

    if (ops == NULL || spec->first_points == NULL)
        return ops;
    return ops->ahead ? &search_first_ahead : &search_first;
}
