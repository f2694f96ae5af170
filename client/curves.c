/* curves.c - what both kinds have in common. */
#include <string.h>

#include "client/curves_inside.h"
#include "common/space.h"

void curves_free(struct curves *curves)
{
    if (curves != NULL)
        curves->ops->destroy(curves);
}

void curves_begin(struct curves *curves, uint64_t seed)
{
    curves->ops->begin(curves, seed);
}

void curves_give(struct curves *curves, uint32_t trial, const struct value *config)
{
    curves->ops->give(curves, trial, config);
}

bool curves_seconds(struct curves *curves, uint32_t trial, int64_t past, double *out)
{
    return curves->ops->seconds(curves, trial, past, out);
}

void curves_step(struct curves *curves, uint32_t trial, int64_t past, struct arena *arena,
                 struct curve_step *out)
{
    curves->ops->step(curves, trial, past, arena, out);
}

int64_t curves_longest(const struct curves *curves)
{
    return curves->ops->longest(curves);
}

void curves_describe(const struct curves *curves, struct buf *out)
{
    curves->ops->describe(curves, out);
}

struct walk {
    struct arena *arena;
    struct curve_key *keys;
    uint32_t count;
    uint32_t most;
};

static void find_keys(const struct value *value, const char *path, struct walk *walk)
{
    if (value->type == VALUE_MAP && value->count > 0 && !domain_is_marker(value)) {
        for (uint32_t i = 0; i < value->count; i++) {
            const struct member *member = &value->members[i];

            find_keys(&member->value,
                      *path == '\0' ? member->key
                                    : arena_printf(walk->arena, "%s/%s", path, member->key),
                      walk);
        }
        return;
    }
    if (*path != '\0' && walk->count < walk->most)
        walk->keys[walk->count++] = (struct curve_key){path, value};
}

uint32_t curve_keys(const struct value *space, struct arena *arena, struct curve_key *keys,
                    uint32_t most)
{
    struct walk walk = {.arena = arena, .keys = keys, .most = most};

    find_keys(space, "", &walk);
    return walk.count;
}

const struct value *curve_key_value(const struct value *config, const char *name)
{
    const struct value *value = config;

    while (value != NULL) {
        const char *slash = strchr(name, '/');
        size_t size = slash != NULL ? (size_t)(slash - name) : strlen(name);
        const struct value *next = NULL;

        for (uint32_t i = 0; value->type == VALUE_MAP && i < value->count && next == NULL; i++)
            if (strlen(value->members[i].key) == size &&
                memcmp(value->members[i].key, name, size) == 0)
                next = &value->members[i].value;
        if (slash == NULL || next == NULL)
            return next;
        value = next;
        name = slash + 1;
    }
    return NULL;
}
