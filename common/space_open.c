/* space_open.c - a space made wider by what a configuration in part has besides. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/space_inside.h"

/* A walk over a space and what is said, side by side. */
struct widening {
    struct space_error *error; /* its path is where the walk is */
    struct arena *arena;
    size_t size;    /* of the path */
    uint32_t added; /* keys that the space did not have */
};

static int widen(struct widening *widening, const struct value *space, const struct value *given,
                 struct value *out);

static int refuse(struct widening *widening, const char *what, const char *mend)
{
    (void)snprintf(widening->error->what, sizeof(widening->error->what), "%s", what);
    (void)snprintf(widening->error->mend, sizeof(widening->error->mend), "%s", mend);
    return ERR_MALFORMED;
}

/* One member of what is said; the path is left standing on the culprit. */
static int widen_member(struct widening *widening, const struct value *space,
                        const struct member *member, struct value *out)
{
    static const struct value nothing = {.type = VALUE_MAP};
    char *path = widening->error->path;
    size_t size = widening->size, room = sizeof(widening->error->path) - size;
    int written = snprintf(path + size, room, ".%s", member->key);
    int err;

    if (space == NULL && ++widening->added > LIMIT_ADDED_KEYS)
        return refuse(widening, "it adds more keys to config than it may",
                      "put them into one list, or into config itself");
    if (written > 0)
        widening->size += (size_t)written < room ? (size_t)written : room - 1;
    if (space == NULL && member->value.type == VALUE_MAP && member->value.count > 0)
        space = &nothing;
    err = widen(widening, space, &member->value, out);
    if (err == 0) {
        path[size] = '\0';
        widening->size = size;
    }
    return err;
}

static int widen_map(struct widening *widening, const struct value *space,
                     const struct value *given, struct value *out)
{
    struct member *members =
        arena_alloc(widening->arena, ((size_t)space->count + given->count) * sizeof(*members));
    uint32_t count = space->count, from = 0;

    if (space->count > 0)
        memcpy(members, space->members, space->count * sizeof(*members));
    for (uint32_t i = 0; i < given->count; i++) {
        const struct member *member = &given->members[i];
        const struct value *part =
            space->count > 0 ? space_member(space, member->key, &from) : NULL;
        struct member *place = part != NULL ? &members[from - 1] : &members[count++];
        int err = widen_member(widening, part, member, &place->value);

        if (err < 0)
            return err;
        place->key = member->key;
    }
    *out = *space;
    out->members = members;
    out->count = count;
    return 0;
}

/* A choice of one, so that it is chosen, and a tag names it. */
static struct value only(struct widening *widening, const struct value *given)
{
    struct value_builder list, map;

    value_builder_list(&list, widening->arena);
    value_builder_add(&list, *given);
    value_builder_map(&map, widening->arena);
    value_builder_set(&map, "choice", value_builder_done(&list));
    return value_builder_done(&map);
}

/* space: NULL where there is none. */
static int widen(struct widening *widening, const struct value *space, const struct value *given,
                 struct value *out)
{
    struct space_error inside = {0};

    if (space != NULL && space->type == VALUE_MAP && given->type == VALUE_MAP &&
        !domain_is_marker(space))
        return widen_map(widening, space, given, out);
    *out = space != NULL ? *space : *given;
    if (space != NULL && space_check_given(space, given, widening->error->path, &inside) == 0)
        return 0;
    if (space != NULL && space_domains(space) > 0) {
        *widening->error = inside;
        return ERR_MALFORMED;
    }
    *out = only(widening, given);
    return 0;
}

int space_widen(const struct value *config, const struct value *given, const char *prefix,
                struct arena *arena, struct value *out, struct space_error *error)
{
    struct widening widening = {.error = error, .arena = arena};
    struct variable *variables;
    uint32_t count;
    int err = space_variables(given, prefix, arena, &variables, &count, error);

    if (err < 0)
        return err;
    (void)snprintf(error->path, sizeof(error->path), "%s", prefix);
    widening.size = strlen(error->path);
    if (count > 0)
        return refuse(&widening, "has something left to choose", "suggest the value itself");
    return widen(&widening, config, given, out);
}
