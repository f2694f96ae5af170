/* spec_mutations.c - hyperparam_mutations: what is explored while trials run, and from what.
 *
 * A map in the shape of config: where it says a list or a domain, that hyperparameter is explored;
 * where it says another map, it goes on inside. */
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec_read.h"

/* A walk over the map. */
struct mutations {
    struct mutation items[LIMIT_MUTATIONS];
    uint32_t count;
    struct path_part path[LIMIT_VALUE_DEPTH];
    uint32_t length;
};

static int read_map(struct spec_reader *reader, const struct value *map, struct mutations *out);

static int add(struct spec_reader *reader, const struct domain *domain, struct mutations *out)
{
    struct mutation *mutation;

    if (out->count == LIMIT_MUTATIONS)
        return spec_refuse(reader, "", "explores more than %u hyperparameters", LIMIT_MUTATIONS);
    mutation = &out->items[out->count++];
    mutation->path = arena_alloc(reader->arena, out->length * sizeof(*mutation->path));
    memcpy(mutation->path, out->path, out->length * sizeof(*mutation->path));
    mutation->path_length = out->length;
    mutation->domain = *domain;
    return 0;
}

/* Values that are plain, at least one. */
static int read_list(struct spec_reader *reader, const struct value *list, struct mutations *out)
{
    const struct domain domain = {.kind = DOMAIN_CHOICE, .choices = list};
    struct space_error error;
    struct variable *variables;
    uint32_t count;

    if (list->count == 0)
        return spec_refuse(reader, "", "needs at least one value");
    if (space_variables(list, "", reader->arena, &variables, &count, &error) < 0 || count > 0)
        return spec_refuse(reader, "write the values themselves",
                           "a list to choose from has plain values only");
    return add(reader, &domain, out);
}

static int read_one(struct spec_reader *reader, const struct value *value, struct mutations *out)
{
    struct space_error error = {0};
    struct domain domain;
    int found = domain_parse(value, &domain, &error);

    if (found < 0)
        return spec_refuse(reader, error.mend, "%s", error.what);
    if (found == 1 && domain.kind == DOMAIN_GRID)
        return spec_refuse(reader, "write the list alone", "nothing is searched as a grid here");
    if (found == 1)
        return domain.choices != NULL ? read_list(reader, domain.choices, out)
                                      : add(reader, &domain, out);
    if (value->type == VALUE_LIST)
        return read_list(reader, value, out);
    if (value->type == VALUE_MAP)
        return read_map(reader, value, out);
    return spec_refuse(reader, "write it like [1, 2, 3] or {uniform: [0, 1]}",
                       "must be a list of values, a domain, or a map of these");
}

static int read_map(struct spec_reader *reader, const struct value *map, struct mutations *out)
{
    for (uint32_t i = 0; i < map->count; i++) {
        size_t size = spec_enter(reader, map->members[i].key);
        int err;

        if (out->length == LIMIT_VALUE_DEPTH)
            return spec_refuse(reader, "", "too many things inside one another");
        out->path[out->length++] = (struct path_part){.key = map->members[i].key};
        err = read_one(reader, &map->members[i].value, out);
        if (err < 0)
            return err;
        out->length--;
        spec_leave(reader, size);
    }
    return 0;
}

int spec_read_mutations(struct spec_reader *reader, const struct value *value)
{
    struct mutations *mutations = arena_zalloc(reader->arena, sizeof(*mutations));
    int err;

    if (value->type != VALUE_MAP || domain_is_marker(value))
        return spec_refuse(reader,
                           "write it like {lr: {loguniform: [0.0001, 1]}, act: [relu, elu]}",
                           "must be a map of hyperparameters");
    err = read_map(reader, value, mutations);
    if (err < 0)
        return err;
    reader->spec->scheduler.mutations = mutations->items;
    reader->spec->scheduler.mutation_count = mutations->count;
    return 0;
}

/* A value to begin with stands in config, and not inside a domain. */
static bool config_has(const struct value *config, const struct mutation *mutation)
{
    const struct value *at = config;

    for (uint32_t i = 0; i < mutation->path_length && at != NULL; i++)
        at = domain_is_marker(at) ? NULL : value_get(at, mutation->path[i].key);
    return at != NULL;
}

/* The most bytes of a value that may come to stand there. */
static uint64_t bytes_most(const struct mutation *mutation)
{
    const struct value *choices = mutation->domain.choices;
    uint64_t most = 9; /* a number */

    for (uint32_t i = 0; choices != NULL && i < choices->count; i++) {
        uint64_t bytes = space_bytes_most(&choices->items[i]);

        most = bytes > most ? bytes : most;
    }
    return most;
}

int spec_check_mutations(struct spec_reader *reader, const struct spec_scheduler *scheduler)
{
    size_t size = spec_enter(reader, "hyperparam_mutations");
    uint64_t bytes = space_bytes_most(&reader->spec->config);

    if (scheduler->mutation_count == 0)
        return spec_refuse(reader, "write it like {lr: {loguniform: [0.0001, 1]}}",
                           "must name the hyperparameters to explore");
    for (uint32_t i = 0; i < scheduler->mutation_count; i++) {
        const struct mutation *mutation = &scheduler->mutations[i];

        bytes += bytes_most(mutation);
        if (config_has(&reader->spec->config, mutation))
            continue;
        for (uint32_t k = 0; k < mutation->path_length; k++)
            (void)spec_enter(reader, mutation->path[k].key);
        return spec_refuse(reader, "give it a value to begin with in config",
                           "config has no such hyperparameter");
    }
    if (bytes > LIMIT_CONFIG_BYTES)
        return spec_refuse(reader, "", "one trial's configuration can have more than %u bytes",
                           LIMIT_CONFIG_BYTES);
    spec_leave(reader, size);
    return 0;
}
