#include "client/flat.h"

#include <string.h>

void flat_walk(const struct value *map, const char *prefix, struct arena *arena,
               void (*visit)(const char *path, const struct value *value, void *context),
               void *context)
{
    if (map->type != VALUE_MAP)
        return;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct member *member = &map->members[i];
        const char *path =
            prefix[0] != '\0' ? arena_printf(arena, "%s.%s", prefix, member->key) : member->key;

        if (member->value.type == VALUE_MAP)
            flat_walk(&member->value, path, arena, visit, context);
        else
            visit(path, &member->value, context);
    }
}

/* The member whose key is the first size bytes of name. */
static const struct value *member_of(const struct value *map, const char *name, size_t size)
{
    for (uint32_t i = 0; map->type == VALUE_MAP && i < map->count; i++)
        if (span_equal(span_text(map->members[i].key), span_of(name, size)))
            return &map->members[i].value;
    return NULL;
}

static const struct value *find(const struct value *map, const char *name)
{
    const struct value *found = value_get(map, name);

    for (size_t i = 0; found == NULL && name[i] != '\0'; i++) {
        const struct value *inside =
            name[i] == '/' || name[i] == '.' ? member_of(map, name, i) : NULL;

        if (inside != NULL)
            found = find(inside, name + i + 1);
    }
    return found;
}

bool flat_number(const struct value *result, const char *name, double *out)
{
    const struct value *found = find(result, name);

    if (found != NULL && found->type == VALUE_BOOL)
        *out = found->boolean ? 1 : 0;
    else if (found != NULL && value_is_number(found))
        *out = value_number(found);
    else
        return false;
    return true;
}
