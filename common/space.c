#include "common/space.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/tag.h"

/* Values are at most LIMIT_VALUE_DEPTH deep; a marker's list adds one part that is no depth. */
#define PATH_MOST (2u * LIMIT_VALUE_DEPTH)

/* A walk over a configuration that lists its markers. */
struct walk {
    struct arena *arena; /* borrowed */
    struct variable *variables;
    uint32_t count;
    uint32_t capacity;
    struct path_part path[PATH_MOST];
    uint32_t length;
    uint32_t inside;    /* how many markers the walk is in: what is there is checked, not listed */
    uint32_t in_choice; /* how many of them are choices */
    bool deep;          /* go into markers at all */
    struct space_error *error;
};

static int walk_value(struct walk *walk, const struct value *value);

static int walk_refuse(struct walk *walk, int err, const char *what, const char *mend)
{
    (void)snprintf(walk->error->what, sizeof(walk->error->what), "%s", what);
    (void)snprintf(walk->error->mend, sizeof(walk->error->mend), "%s", mend);
    return err;
}

static int walk_add(struct walk *walk, const struct domain *domain)
{
    struct variable *variable;

    if (walk->count == LIMIT_VARIABLES)
        return walk_refuse(walk, ERR_TOO_BIG, "too many variables", "");
    if (walk->count == walk->capacity) {
        uint32_t capacity = walk->capacity ? walk->capacity * 2 : 8;
        struct variable *grown = arena_alloc(walk->arena, capacity * sizeof(*grown));

        if (walk->count > 0)
            memcpy(grown, walk->variables, walk->count * sizeof(*grown));
        walk->variables = grown;
        walk->capacity = capacity;
    }
    variable = &walk->variables[walk->count++];
    variable->path = arena_alloc(walk->arena, walk->length * sizeof(*variable->path));
    memcpy(variable->path, walk->path, walk->length * sizeof(*variable->path));
    variable->path_length = walk->length;
    variable->domain = *domain;
    return 0;
}

/* The path is left standing on the culprit where a step fails. */
static int walk_step(struct walk *walk, struct path_part part, const struct value *value)
{
    int err;

    if (walk->length == PATH_MOST)
        return walk_refuse(walk, ERR_TOO_BIG, "too many things inside one another", "");
    walk->path[walk->length++] = part;
    err = walk_value(walk, value);
    if (err == 0)
        walk->length--;
    return err;
}

static int walk_list(struct walk *walk, const struct value *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        int err = walk_step(walk, (struct path_part){.index = i}, &list->items[i]);

        if (err < 0)
            return err;
    }
    return 0;
}

static int walk_map(struct walk *walk, const struct value *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct member *member = &map->members[i];
        int err = walk_step(walk, (struct path_part){.key = member->key}, &member->value);

        if (err < 0)
            return err;
    }
    return 0;
}

static int walk_marker(struct walk *walk, const struct value *value, const struct domain *domain)
{
    int err;

    if (domain->kind == DOMAIN_GRID && walk->in_choice > 0)
        return walk_refuse(walk, ERR_MALFORMED, "grid_search inside a choice cannot be counted",
                           "make both of them choice, or both grid_search");
    if (walk->inside == 0) {
        err = walk_add(walk, domain);
        if (err < 0)
            return err;
    }
    if (domain->choices == NULL || !walk->deep)
        return 0;
    walk->inside++;
    walk->in_choice += domain->kind == DOMAIN_CHOICE;
    err = walk_map(walk, value); /* its one member is the list of choices */
    walk->in_choice -= domain->kind == DOMAIN_CHOICE;
    walk->inside--;
    return err;
}

static int walk_value(struct walk *walk, const struct value *value)
{
    struct domain domain;
    int found = domain_parse(value, &domain, walk->error);

    if (found < 0)
        return found;
    if (found == 1)
        return walk_marker(walk, value, &domain);
    if (value->type == VALUE_LIST)
        return walk_list(walk, value);
    return value->type == VALUE_MAP ? walk_map(walk, value) : 0;
}

static void error_path(const struct walk *walk, const char *prefix, struct space_error *error)
{
    struct buf text = {0};

    buf_append_text(&text, prefix);
    for (uint32_t i = 0; i < walk->length; i++) {
        if (text.size > 0)
            buf_append_char(&text, '.');
        if (walk->path[i].key != NULL)
            buf_append_text(&text, walk->path[i].key);
        else
            buf_printf(&text, "%u", walk->path[i].index);
    }
    (void)snprintf(error->path, sizeof(error->path), "%s", buf_text(&text));
    buf_fini(&text);
}

int space_variables(const struct value *config, const char *prefix, struct arena *arena,
                    struct variable **variables, uint32_t *count, struct space_error *error)
{
    struct walk walk = {.arena = arena, .deep = true, .error = error};
    int err = walk_value(&walk, config);

    if (err < 0) {
        error_path(&walk, prefix, error);
        return err;
    }
    *variables = walk.variables;
    *count = walk.count;
    return 0;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply_saturated(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* A grid below a grid's value adds its combinations to that value's; UINT64_MAX: too many. */
static uint64_t points_count(const struct value *value)
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
        points = 0;
        for (uint32_t i = 0; i < domain.choices->count; i++)
            points = add_saturated(points, points_count(&domain.choices->items[i]));
        return points;
    }
    if (value->type != VALUE_LIST && value->type != VALUE_MAP)
        return 1;
    for (uint32_t i = 0; i < value->count; i++) {
        const struct value *item =
            value->type == VALUE_LIST ? &value->items[i] : &value->members[i].value;

        points = multiply_saturated(points, points_count(item));
    }
    return points;
}

uint64_t space_points(const struct value *config)
{
    uint64_t points = points_count(config);

    return points > LIMIT_SAMPLES ? UINT64_MAX : points;
}

uint64_t space_bytes_most(const struct value *config)
{
    struct space_error error;
    struct domain domain;
    uint64_t bytes = 9; /* a number, or the head of anything else */
    int found = domain_parse(config, &domain, &error);

    if (found == 1) {
        for (uint32_t i = 0; domain.choices != NULL && i < domain.choices->count; i++) {
            uint64_t choice = space_bytes_most(&domain.choices->items[i]);

            bytes = choice > bytes ? choice : bytes;
        }
        return bytes;
    }
    if (config->type == VALUE_TEXT)
        bytes += config->count;
    for (uint32_t i = 0; config->type == VALUE_LIST && i < config->count; i++)
        bytes += space_bytes_most(&config->items[i]);
    for (uint32_t i = 0; config->type == VALUE_MAP && i < config->count; i++)
        bytes += 5 + strlen(config->members[i].key) + space_bytes_most(&config->members[i].value);
    return bytes;
}

/* A variant under construction. Markers may hold markers, so it takes several levels: on each, all
 * that stand open now are replaced at once. */
struct variant {
    struct arena *arena;    /* borrowed */
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
    const struct value *choices;
    uint64_t points;
    uint64_t lower; /* combinations of the axes before it */
};

static int axis_order(const void *a, const void *b)
{
    return tag_path_compare(&((const struct axis *)a)->path, &((const struct axis *)b)->path);
}

static uint32_t axes_find(const struct walk *level, struct axis *axes)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < level->count; i++) {
        const struct variable *variable = &level->variables[i];
        struct axis *axis = &axes[count];

        if (variable->domain.kind != DOMAIN_GRID)
            continue;
        count++;
        *axis = (struct axis){.path = {variable->path, variable->path_length},
                              .variable = i,
                              .choices = variable->domain.choices};
        for (uint32_t k = 0; k < axis->choices->count; k++)
            axis->points = add_saturated(axis->points, points_count(&axis->choices->items[k]));
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
        const struct value *choices = axes[i].choices;
        uint32_t k;

        for (k = 0; k < choices->count; k++) {
            uint64_t own = multiply_saturated(points_count(&choices->items[k]), inner);
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

/* One level: true where there was something to choose. */
static int variant_level(struct variant *variant, struct value *config, uint64_t *point,
                         const struct space_source *source)
{
    struct space_error error;
    struct walk level = {.arena = variant->arena, .error = &error};
    struct picks picks = {.arena = variant->arena};
    struct value *values;
    struct axis *axes;
    int err = walk_value(&level, config);

    assert(err == 0); /* space_variables has seen it */
    if (level.count == 0)
        return *point == 0 ? 0 : ERR_NOT_FOUND;
    values = arena_alloc(variant->arena, level.count * sizeof(*values));
    axes = arena_zalloc(variant->arena, level.count * sizeof(*axes));
    err = axes_pick(axes, axes_find(&level, axes), point, values);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < level.count; i++) {
        const struct variable *variable = &level.variables[i];

        if (variable->domain.kind != DOMAIN_GRID)
            values[i] = source->draw(source->context, &variable->domain, variant->arena);
        variant_note(variant, variable);
    }
    picks.values = values;
    *config = replace_value(config, &picks);
    return 1;
}

int space_variant_from(const struct value *config, uint64_t point,
                       const struct space_source *source, struct arena *arena, struct value *out,
                       const char **vars)
{
    struct variant variant = {.arena = arena};
    struct value resolved = *config;
    int more;

    do {
        more = variant_level(&variant, &resolved, &point, source);
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

    return space_variant_from(config, point, &source, arena, out, vars);
}

uint32_t space_domains(const struct value *config)
{
    uint32_t count = domain_is_marker(config);

    if (config->type == VALUE_LIST)
        for (uint32_t i = 0; i < config->count; i++)
            count += space_domains(&config->items[i]);
    else if (config->type == VALUE_MAP)
        for (uint32_t i = 0; i < config->count; i++)
            count += space_domains(&config->members[i].value);
    return count;
}

const char *space_tag(const struct value *space, const struct value *config, struct arena *arena)
{
    struct space_error error;
    struct walk walk = {.arena = arena, .error = &error};
    struct variant variant = {.arena = arena};
    int err = walk_value(&walk, space);

    assert(err == 0); /* space_variables has seen it */
    for (uint32_t i = 0; i < walk.count; i++)
        variant_note(&variant, &walk.variables[i]);
    return tag_write(config, variant.paths, variant.count, arena);
}
