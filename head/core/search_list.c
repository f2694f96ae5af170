/* Configurations that somebody wrote down, in their order, num_samples times over.
 *
 * A point is laid over the experiment's configuration: what it does not name stays as written
 * there. Domains that it leaves open are treated as random treats them: drawn, and every
 * combination of the grids tried before the next point. */
#include <assert.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/search_common.h"

struct list {
    const struct spec *spec; /* borrowed */
    uint64_t seed;
    uint64_t *ends; /* owned: the trials of a round up to and with each point */
    uint32_t count; /* points */
    uint32_t total;
};

static bool is_plain_map(const struct value *value)
{
    struct space_error error;
    struct domain domain;

    return value->type == VALUE_MAP && domain_parse(value, &domain, &error) == 0;
}

/* Maps are laid over one another key by key, anything else replaces what was there. */
static struct value overlay(const struct value *under, const struct value *over,
                            struct arena *arena)
{
    struct value_builder builder;

    if (over->type != VALUE_MAP || !is_plain_map(under))
        return *over;
    value_builder_map(&builder, arena);
    for (uint32_t i = 0; i < under->count; i++) {
        const struct member *member = &under->members[i];
        const struct value *given = value_get(over, member->key);

        value_builder_append(&builder, member->key,
                             given != NULL ? overlay(&member->value, given, arena) : member->value);
    }
    for (uint32_t i = 0; i < over->count; i++)
        if (value_get(under, over->members[i].key) == NULL)
            value_builder_append(&builder, over->members[i].key, over->members[i].value);
    return value_builder_done(&builder);
}

static uint64_t round_size(const struct list *list)
{
    return list->count > 0 ? list->ends[list->count - 1] : 0;
}

static void *list_new(const struct spec *spec, uint64_t seed)
{
    struct list *list = xcalloc(1, sizeof(*list));
    struct arena arena = {0};
    uint64_t end = 0, total;

    list->spec = spec;
    list->seed = seed;
    list->count = spec->search.points != NULL ? spec->search.points->count : 0;
    list->ends = xcalloc((size_t)list->count + 1, sizeof(*list->ends));
    for (uint32_t i = 0; i < list->count; i++) {
        struct value space = overlay(&spec->config, &spec->search.points->items[i], &arena);
        uint64_t points = space_points(&space);

        end += points < LIMIT_SAMPLES ? points : LIMIT_SAMPLES;
        end = end < LIMIT_SAMPLES ? end : LIMIT_SAMPLES;
        list->ends[i] = end;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    total = round_size(list) * spec->num_samples;
    list->total = total < LIMIT_SAMPLES ? (uint32_t)total : LIMIT_SAMPLES;
    return list;
}

static void list_free(void *self)
{
    struct list *list = self;

    if (list == NULL)
        return;
    free(list->ends);
    free(list);
}

static uint32_t list_total(const void *self)
{
    const struct list *list = self;

    return list->total;
}

/* The first point whose end is behind place. */
static uint32_t point_at(const struct list *list, uint64_t place)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (list->ends[middle] > place)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static enum search_answer list_propose(void *self, uint32_t trial, struct arena *arena,
                                       struct proposal *out)
{
    const struct list *list = self;
    struct rng rng = {.seed = list->seed, .stream = trial};
    struct value space, config;
    const char *vars;
    uint64_t place;
    uint32_t at;
    int err;

    if (trial >= list->total)
        return SEARCH_DONE;
    place = trial % round_size(list);
    at = point_at(list, place);
    space = overlay(&list->spec->config, &list->spec->search.points->items[at], arena);
    err = space_variant(&space, place - (at > 0 ? list->ends[at - 1] : 0), &rng, arena, &config,
                        &vars);
    assert(err == 0); /* the place is within the point's combinations */
    vars = space_tag(&list->spec->config, &config, arena);
    *out = search_proposal(trial, &config, vars, arena);
    return SEARCH_PROPOSED;
}

const struct search_ops search_list = {
    .name = "list",
    .new = list_new,
    .free = list_free,
    .total = list_total,
    .ahead = true,
    .propose = list_propose,
};
