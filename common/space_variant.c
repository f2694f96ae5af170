/* space_variant.c - how many variants a space has, and each of them. The rest of space.h is in
 * space.c, domain.c and space_given.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/space_inside.h"
#include "common/tag.h"

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply_saturated(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t points_count(const struct value *value, const struct value *given);

/* A grid below a grid's value adds its combinations to that value's. */
static uint64_t grid_points(const struct given_choices *of)
{
    uint64_t points = 0;

    for (uint32_t i = 0; i < of->choices->count; i++)
        if (given_allows(of, i))
            points = add_saturated(points, points_count(&of->choices->items[i], of->given));
    return points;
}

/* given: what is said about value; NULL: nothing. UINT64_MAX: too many. */
static uint64_t points_count(const struct value *value, const struct value *given)
{
    struct space_error error;
    struct domain domain;
    uint64_t points = 1;
    int found = domain_parse(value, &domain, &error);

    if (found < 0)
        return 0;
    if (found == 1 && domain.kind != DOMAIN_GRID)
        return 1;
    if (found == 1) {
        struct given_choices of = given_choices(domain.choices, given);

        return grid_points(&of);
    }
    if (value->type != VALUE_LIST && value->type != VALUE_MAP)
        return 1;
    for (uint32_t i = 0; i < value->count; i++) {
        bool list = value->type == VALUE_LIST;
        const struct value *item = list ? &value->items[i] : &value->members[i].value;
        const struct value *said = given_part(given, list ? NULL : value->members[i].key, i);

        points = multiply_saturated(points, points_count(item, said));
    }
    return points;
}

uint64_t space_points(const struct value *config)
{
    return space_points_given(config, NULL);
}

uint64_t space_points_given(const struct value *config, const struct value *given)
{
    uint64_t points = points_count(config, given);

    return points > LIMIT_SAMPLES ? UINT64_MAX : points;
}

/* A variant under construction. Markers may hold markers, so it takes several levels: on each, all
 * that stand open now are replaced at once. */
struct variant {
    struct arena *arena;       /* borrowed */
    const struct value *given; /* borrowed; NULL: nothing */
    const struct space_source *source;
    struct tag_path *paths; /* of everything chosen, on all levels */
    uint32_t count;
    uint32_t capacity;
};

/* The values that take the places of a level's markers, in the order of the walk. */
struct picks {
    struct arena *arena; /* borrowed */
    const struct value *values;
    uint32_t next;
};

static struct value replace_value(const struct value *value, struct picks *picks);

/* What has no marker in it is shared with the space. */
static struct value replace_list(const struct value *list, struct picks *picks)
{
    struct value *items = NULL;
    struct value out = *list;

    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t before = picks->next;
        struct value item = replace_value(&list->items[i], picks);

        if (picks->next == before)
            continue;
        if (items == NULL) {
            items = arena_alloc(picks->arena, list->count * sizeof(*items));
            memcpy(items, list->items, list->count * sizeof(*items));
            out.items = items;
        }
        items[i] = item;
    }
    return out;
}

static struct value replace_map(const struct value *map, struct picks *picks)
{
    struct member *members = NULL;
    struct value out = *map;

    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t before = picks->next;
        struct value item = replace_value(&map->members[i].value, picks);

        if (picks->next == before)
            continue;
        if (members == NULL) {
            members = arena_alloc(picks->arena, map->count * sizeof(*members));
            memcpy(members, map->members, map->count * sizeof(*members));
            out.members = members;
        }
        members[i].value = item;
    }
    return out;
}

static struct value replace_value(const struct value *value, struct picks *picks)
{
    if (domain_is_marker(value))
        return picks->values[picks->next++];
    if (value->type == VALUE_LIST)
        return replace_list(value, picks);
    return value->type == VALUE_MAP ? replace_map(value, picks) : *value;
}

static void variant_note(struct variant *variant, const struct variable *variable)
{
    if (variant->count == variant->capacity) {
        uint32_t capacity = variant->capacity ? variant->capacity * 2 : 8;
        struct tag_path *grown = arena_alloc(variant->arena, capacity * sizeof(*grown));

        if (variant->count > 0)
            memcpy(grown, variant->paths, variant->count * sizeof(*grown));
        variant->paths = grown;
        variant->capacity = capacity;
    }
    variant->paths[variant->count++] = (struct tag_path){variable->path, variable->path_length};
}

/* A grid of a level: where it is among the level's variables, and its combinations with all that
 * is below its values. */
struct axis {
    struct tag_path path;
    uint32_t variable;
    struct given_choices of;
    uint64_t points;
    uint64_t lower; /* combinations of the axes before it */
};

static int axis_order(const void *a, const void *b)
{
    return tag_path_compare(&((const struct axis *)a)->path, &((const struct axis *)b)->path);
}

/* What is said about a variable. */
static const struct value *variable_given(const struct variant *variant,
                                          const struct variable *variable)
{
    const struct tag_path path = {variable->path, variable->path_length};

    return variant->given != NULL ? tag_path_value(variant->given, &path) : NULL;
}

static uint32_t axes_find(const struct variant *variant, const struct variable *variables,
                          uint32_t variable_count, struct axis *axes)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < variable_count; i++) {
        const struct variable *variable = &variables[i];
        struct axis *axis = &axes[count];

        if (variable->domain.kind != DOMAIN_GRID)
            continue;
        count++;
        *axis = (struct axis){
            .path = {variable->path, variable->path_length},
            .variable = i,
            .of = given_choices(variable->domain.choices, variable_given(variant, variable))};
        axis->points = grid_points(&axis->of);
    }
    if (count > 1)
        qsort(axes, count, sizeof(*axes), axis_order);
    for (uint32_t i = 0; i < count; i++)
        axes[i].lower = i > 0 ? multiply_saturated(axes[i - 1].lower, axes[i - 1].points) : 1;
    return count;
}

/* Which value of each grid the how-manieth combination has. The first axis varies fastest; a value
 * with grids of its own takes as many places as these have combinations, and what is left of
 * *point counts those. */
static int axes_pick(const struct axis *axes, uint32_t count, uint64_t *point, struct value *picks)
{
    uint64_t inner = 1;

    for (uint32_t i = count; i-- > 0;) {
        const struct given_choices *of = &axes[i].of;
        const struct value *choices = of->choices;
        uint32_t k;

        for (k = 0; k < choices->count; k++) {
            uint64_t below = given_allows(of, k) ? points_count(&choices->items[k], of->given) : 0;
            uint64_t own = multiply_saturated(below, inner);
            uint64_t size = multiply_saturated(own, axes[i].lower);

            if (*point < size) {
                inner = own;
                break;
            }
            *point -= size;
        }
        if (k == choices->count)
            return ERR_NOT_FOUND;
        picks[axes[i].variable] = choices->items[k];
    }
    return *point < inner ? 0 : ERR_NOT_FOUND;
}

/* A domain that draws: what is said of it, or a draw among all that it leaves. */
static struct value variable_draw(const struct variant *variant, const struct variable *variable)
{
    const struct value *given = variable_given(variant, variable);
    struct domain domain = variable->domain;
    struct value choices, value;

    if (given != NULL && domain.choices != NULL) {
        choices = given_left(domain.choices, given, variant->arena);
        if (choices.count == 1)
            return choices.items[0];
        domain.choices = &choices;
    } else if (given != NULL && domain_take(&domain, given, &value, NULL) == 0) {
        return value;
    }
    return variant->source->draw(variant->source->context, &domain, variant->arena);
}

/* One level: 1 where there was something to choose. */
static int variant_level(struct variant *variant, struct value *config, uint64_t *point)
{
    struct picks picks = {.arena = variant->arena};
    struct variable *variables;
    struct value *values;
    struct axis *axes;
    uint32_t count;
    int err;

    space_level(config, variant->arena, &variables, &count);
    if (count == 0)
        return *point == 0 ? 0 : ERR_NOT_FOUND;
    values = arena_alloc(variant->arena, count * sizeof(*values));
    axes = arena_zalloc(variant->arena, count * sizeof(*axes));
    err = axes_pick(axes, axes_find(variant, variables, count, axes), point, values);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < count; i++) {
        if (variables[i].domain.kind != DOMAIN_GRID)
            values[i] = variable_draw(variant, &variables[i]);
        variant_note(variant, &variables[i]);
    }
    picks.values = values;
    *config = replace_value(config, &picks);
    return 1;
}

int space_variant_from(const struct value *config, const struct value *given, uint64_t point,
                       const struct space_source *source, struct arena *arena, struct value *out,
                       const char **vars)
{
    struct variant variant = {.arena = arena, .given = given, .source = source};
    struct value resolved = *config;
    int more;

    do {
        more = variant_level(&variant, &resolved, &point);
    } while (more > 0);
    if (more < 0)
        return more;
    *out = resolved;
    *vars = tag_write(&resolved, variant.paths, variant.count, arena);
    return 0;
}

static struct value draw_random(void *rng, const struct domain *domain, struct arena *arena)
{
    return domain_draw(domain, rng, arena);
}

int space_variant(const struct value *config, uint64_t point, struct rng *rng, struct arena *arena,
                  struct value *out, const char **vars)
{
    const struct space_source source = {draw_random, rng};

    return space_variant_from(config, NULL, point, &source, arena, out, vars);
}

const char *space_tag(const struct value *space, const struct value *config, struct arena *arena)
{
    struct variant variant = {.arena = arena};
    struct variable *variables;
    uint32_t count;

    space_level(space, arena, &variables, &count);
    for (uint32_t i = 0; i < count; i++)
        variant_note(&variant, &variables[i]);
    return tag_write(config, variant.paths, variant.count, arena);
}
