#include "common/space.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/space_inside.h"

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

    /* Where they are wanted: all markers of what draws, in the order of writing. */
    const struct member **markers;
    uint32_t marker_count;
    uint32_t marker_most;
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
    if (walk->markers != NULL && domain->kind != DOMAIN_GRID) {
        if (walk->marker_count == walk->marker_most)
            return walk_refuse(walk, ERR_TOO_BIG, "too many domains", "");
        walk->markers[walk->marker_count++] = domain->marker;
    }
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

void space_level(const struct value *config, struct arena *arena, struct variable **variables,
                 uint32_t *count)
{
    struct space_error error;
    struct walk walk = {.arena = arena, .error = &error};
    int err = walk_value(&walk, config);

    assert(err == 0); /* space_variables has seen it */
    *variables = walk.variables;
    *count = walk.count;
}

int space_markers(const struct value *config, const char *prefix, uint32_t most,
                  struct arena *arena, const struct member ***markers, uint32_t *count,
                  struct space_error *error)
{
    struct walk walk = {.arena = arena, .deep = true, .error = error, .marker_most = most};
    int err;

    walk.markers = arena_alloc(arena, most * sizeof(*walk.markers));
    err = walk_value(&walk, config);
    if (err < 0) {
        error_path(&walk, prefix, error);
        return err;
    }
    *markers = walk.markers;
    *count = walk.marker_count;
    return 0;
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
