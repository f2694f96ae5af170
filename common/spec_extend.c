/* A spec with more samples and other stop rules: the value tree is laid anew, spec_parse judges it.
 */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec.h"

static int refuse(struct spec_error *error, const char *path, const char *what, const char *mend)
{
    *error = (struct spec_error){0};
    (void)snprintf(error->path, sizeof(error->path), "%s", path);
    (void)snprintf(error->what, sizeof(error->what), "%s", what);
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend);
    return ERR_MALFORMED;
}

static int unpack(struct span packed, struct arena *arena, struct value *out)
{
    struct cursor cursor;

    cursor_init(&cursor, packed);
    return value_unpack(&cursor, arena, out);
}

/* The rules of both; where both bound a metric, the later one's. */
static struct value both(const struct value *before, const struct value *later, struct arena *arena)
{
    struct value_builder map;

    value_builder_map(&map, arena);
    for (uint32_t i = 0; before != NULL && before->type == VALUE_MAP && i < before->count; i++)
        value_builder_append(&map, before->members[i].key, before->members[i].value);
    for (uint32_t i = 0; i < later->count; i++)
        value_builder_set(&map, later->members[i].key, later->members[i].value);
    return value_builder_done(&map);
}

int spec_extend(struct span packed, uint32_t samples, struct span stop, struct arena *arena,
                struct buf *out, struct spec_error *error)
{
    const struct value *number;
    struct value spec, rules;
    int64_t before;
    int err = 0;

    if (unpack(packed, arena, &spec) < 0 || spec.type != VALUE_MAP)
        return refuse(error, "", "is no map", "");
    if (samples > 0) {
        number = value_get(&spec, "num_samples");
        before = number != NULL && number->type == VALUE_INT ? number->integer : 1;
        err = value_set_path(&spec, "num_samples", value_int(before + samples), arena, &spec);
    }
    if (err == 0 && stop.size > 0) {
        if (unpack(stop, arena, &rules) < 0 || rules.type != VALUE_MAP)
            return refuse(error, "stop", "must be a map of metrics and bounds",
                          "write {training_iteration: 100}");
        rules = both(value_get(&spec, "stop"), &rules, arena);
        err = value_set_path(&spec, "stop", rules, arena, &spec);
    }
    if (err < 0)
        return refuse(error, "", "cannot be extended", "");
    value_pack(&spec, out);
    if (out->size > LIMIT_SPEC_BYTES)
        return refuse(error, "", "is too large with what is to be added", "");
    return 0;
}

/* Every member of one but those that extending changes is in the other. */
static bool holds(const struct value *one, const struct value *other)
{
    for (uint32_t i = 0; i < one->count; i++) {
        const struct member *member = &one->members[i];
        const struct value *there = value_get(other, member->key);

        if (strcmp(member->key, "num_samples") == 0 || strcmp(member->key, "stop") == 0)
            continue;
        if (there == NULL || !value_equal(&member->value, there))
            return false;
    }
    return true;
}

bool spec_same_but_extended(const struct value *one, const struct value *other)
{
    return one->type == VALUE_MAP && other->type == VALUE_MAP && holds(one, other) &&
           holds(other, one);
}
