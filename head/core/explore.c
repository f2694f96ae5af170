#include "head/core/explore.h"

#include <assert.h>
#include <string.h>

#include "common/tag.h"

#define FACTOR_UP   1.2
#define FACTOR_DOWN 0.8

/* Which item of a list it is; count where it is none. */
static uint32_t place_in(const struct value *list, const struct value *value)
{
    uint32_t place = 0;

    while (place < list->count && !value_equal(&list->items[place], value))
        place++;
    return place;
}

static struct value explore_list(const struct value *list, const struct value *value, bool resample,
                                 struct rng *rng)
{
    uint32_t place = place_in(list, value);

    if (resample || place == list->count)
        return list->items[rng_next_below(rng, list->count)];
    if (rng_next_unit(rng) > 0.5)
        return list->items[place > 0 ? place - 1 : 0];
    return list->items[place + 1 < list->count ? place + 1 : place];
}

static struct value explore_number(const struct domain *domain, const struct value *value,
                                   bool resample, struct rng *rng, struct arena *arena)
{
    double number;

    if (resample || !value_is_number(value))
        return domain_draw(domain, rng, arena);
    number = value_number(value) * (rng_next_unit(rng) > 0.5 ? FACTOR_UP : FACTOR_DOWN);
    if (number != number)
        return domain_draw(domain, rng, arena);
    return domain_nearest(domain, number, value->type == VALUE_INT);
}

/* A copy of a map with the value at the end of a path in place of what is there. */
static struct value put(const struct value *map, const struct path_part *path, uint32_t length,
                        const struct value *value, struct arena *arena)
{
    struct member *members = arena_alloc(arena, map->count * sizeof(*members));
    struct value out = *map;

    memcpy(members, map->members, map->count * sizeof(*members));
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(members[i].key, path[0].key) == 0)
            members[i].value =
                length == 1 ? *value : put(&members[i].value, path + 1, length - 1, value, arena);
    out.members = members;
    return out;
}

struct value explore(const struct spec_scheduler *scheduler, const struct value *config,
                     struct rng *rng, struct arena *arena)
{
    double chance = spec_scheduler_number(scheduler, "resample_probability");
    struct value out = *config;

    for (uint32_t i = 0; i < scheduler->mutation_count; i++) {
        const struct mutation *mutation = &scheduler->mutations[i];
        const struct tag_path path = {mutation->path, mutation->path_length};
        const struct value *value = tag_path_value(config, &path);
        bool resample = rng_next_unit(rng) < chance;
        struct value next;

        if (value == NULL)
            continue; /* a path through a choice that was made otherwise */
        if (mutation->domain.choices != NULL)
            next = explore_list(mutation->domain.choices, value, resample, rng);
        else
            next = explore_number(&mutation->domain, value, resample, rng, arena);
        out = put(&out, path.parts, path.length, &next, arena);
    }
    return out;
}

const char *explore_tag(const struct spec_scheduler *scheduler, const struct value *config,
                        struct arena *arena)
{
    struct tag_path *paths = arena_alloc(arena, scheduler->mutation_count * sizeof(*paths));

    for (uint32_t i = 0; i < scheduler->mutation_count; i++)
        paths[i] =
            (struct tag_path){scheduler->mutations[i].path, scheduler->mutations[i].path_length};
    return arena_printf(arena, "@perturbed[%s]",
                        tag_write(config, paths, scheduler->mutation_count, arena));
}
