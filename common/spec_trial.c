/* spec_trial.c - what an experiment gives to each of its trials: resources and an environment. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/number.h"
#include "common/spec_read.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Past what any machine has; sums of it stay far from overflow. */
#define MEMORY_MOST 1e15

static int read_amount(struct spec_reader *reader, const struct value *value, int64_t *out)
{
    double units;
    int err = spec_read_number(reader, value, &units);

    if (err < 0)
        return err;
    if (!resource_amount(units, out))
        return spec_refuse(reader, "", "must be from 0 to 1e9");
    if (units > 0 && *out == 0)
        return spec_refuse(reader, "", "is less than 0.0001, the smallest amount");
    return 0;
}

static int read_cpu(struct spec_reader *reader, const struct value *value)
{
    return read_amount(reader, value, &reader->spec->resources.cpu);
}

static int read_gpu(struct spec_reader *reader, const struct value *value)
{
    int64_t *gpu = &reader->spec->resources.gpu;
    int err = read_amount(reader, value, gpu);

    if (err < 0)
        return err;
    if (*gpu > RESOURCE_ONE && *gpu % RESOURCE_ONE != 0)
        return spec_refuse(reader, "write a whole number, or a fraction below 1",
                           "cannot be some devices and a part of another");
    if (*gpu > (int64_t)LIMIT_GPUS * RESOURCE_ONE)
        return spec_refuse(reader, "", "must be at most %u", LIMIT_GPUS);
    return 0;
}

static int read_memory(struct spec_reader *reader, const struct value *value)
{
    double bytes;

    if (value->type == VALUE_TEXT) {
        if (!number_size(value->text, &bytes))
            return spec_refuse(reader, "write bytes, or 512M, 2G", "'%s' is no amount of memory",
                               value->text);
    } else {
        int err = spec_read_number(reader, value, &bytes);

        if (err < 0)
            return err;
    }
    if (!(bytes >= 0 && bytes <= MEMORY_MOST))
        return spec_refuse(reader, "", "must be from 0 to 1e15 bytes");
    reader->spec->resources.memory_bytes = (int64_t)bytes;
    return 0;
}

static int custom_order(const void *a, const void *b)
{
    const struct resource_custom *x = a;
    const struct resource_custom *y = b;

    return strcmp(x->name.data, y->name.data); /* members' keys: zero-terminated */
}

static int read_custom(struct spec_reader *reader, const struct value *value)
{
    struct resource_custom *items;

    if (value->type != VALUE_MAP)
        return spec_refuse(reader, "write {licence: 1}", "must be a map of names and amounts");
    if (value->count > LIMIT_CUSTOM)
        return spec_refuse(reader, "", "has more than %u names", LIMIT_CUSTOM);
    items = arena_alloc(reader->arena, value->count * sizeof(*items));
    for (uint32_t i = 0; i < value->count; i++) {
        const struct member *member = &value->members[i];
        struct value name = {
            .type = VALUE_TEXT, .count = (uint32_t)strlen(member->key), .text = member->key};
        size_t size = spec_enter(reader, member->key);
        const char *checked;
        int err = spec_read_name(reader, &name, &checked);

        if (err == 0)
            err = read_amount(reader, &member->value, &items[i].amount);
        if (err < 0)
            return err;
        items[i].name = span_text(checked);
        spec_leave(reader, size);
    }
    if (value->count > 1)
        qsort(items, value->count, sizeof(*items), custom_order);
    reader->spec->resources.custom = (struct record_list){items, value->count};
    return 0;
}

int spec_read_resources(struct spec_reader *reader, const struct value *value)
{
    static const struct spec_key keys[] = {{"cpu", read_cpu},
                                           {"gpu", read_gpu},
                                           {"memory", read_memory},
                                           {"custom_resources", read_custom}};

    return spec_read_map(reader, value, "resources_per_trial", keys, COUNT(keys));
}

static bool env_name_is_sound(const char *name)
{
    size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

    return size > 0 && size <= LIMIT_NAME_BYTES && name[size] == '\0' &&
           !(name[0] >= '0' && name[0] <= '9');
}

/* Texts as they are, and numbers as they are read; a bool has no one spelling. */
static int env_value(struct spec_reader *reader, const struct value *value, const char **out)
{
    char digits[NUMBER_BYTES];

    switch (value->type) {
    case VALUE_TEXT:
        if (value->count > LIMIT_TEXT_BYTES)
            return spec_refuse(reader, "", "is longer than %u bytes", LIMIT_TEXT_BYTES);
        *out = value->text;
        return 0;
    case VALUE_INT:
        *out = arena_text(reader->arena, span_of(digits, number_int(value->integer, digits)));
        return 0;
    case VALUE_DOUBLE:
        *out = arena_text(reader->arena, span_of(digits, number_repr(value->number, digits)));
        return 0;
    default:
        return spec_refuse(reader, "put it in quotes", "must be a text, not %s",
                           value_type_name(value->type));
    }
}

int spec_read_env(struct spec_reader *reader, const struct value *value)
{
    struct spec_env *env;

    if (value->type != VALUE_MAP)
        return spec_refuse(reader, "write {NAME: \"value\"}", "must be a map of names and texts");
    if (value->count > LIMIT_ENV)
        return spec_refuse(reader, "", "has more than %u names", LIMIT_ENV);
    env = arena_alloc(reader->arena, value->count * sizeof(*env));
    for (uint32_t i = 0; i < value->count; i++) {
        const char *name = value->members[i].key;
        size_t size = spec_enter(reader, name);
        int err;

        if (!env_name_is_sound(name))
            return spec_refuse(reader, "letters, digits and _ only",
                               "'%s' is no name of an environment variable", name);
        if (strncmp(name, "ASSAY_", 6) == 0)
            return spec_refuse(reader, "choose another name", "names in ASSAY_ are set by Assay");
        env[i].name = name;
        err = env_value(reader, &value->members[i].value, &env[i].value);
        if (err < 0)
            return err;
        spec_leave(reader, size);
    }
    reader->spec->env = env;
    reader->spec->env_count = value->count;
    return 0;
}
