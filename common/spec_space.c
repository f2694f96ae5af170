/* spec_space.c - what an experiment tries first, and what its search asks of its space. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec_read.h"

int spec_refuse_space(struct spec_reader *reader, const struct space_error *error)
{
    reader->path_size = 0;
    (void)spec_enter(reader, error->path);
    return spec_refuse(reader, error->mend, "%s", error->what);
}

static uint32_t count_values(const struct value *value)
{
    uint32_t count = 1;

    for (uint32_t i = 0; value->type == VALUE_LIST && i < value->count; i++)
        count += count_values(&value->items[i]);
    for (uint32_t i = 0; value->type == VALUE_MAP && i < value->count; i++)
        count += count_values(&value->members[i].value);
    return count;
}

static int read_first_point(struct spec_reader *reader, const struct value *point)
{
    if (point->type != VALUE_MAP)
        return spec_refuse(reader, "", "must be a map of configuration values");
    return 0;
}

/* What they are held against may stand behind them in the file. */
int spec_read_points_to_evaluate(struct spec_reader *reader, const struct value *value)
{
    if (value->type != VALUE_LIST)
        return spec_refuse(reader, "write [{lr: 0.1}, {lr: 0.2}]",
                           "must be a list of configurations");
    if (value->count > LIMIT_FIRST_POINTS || count_values(value) > LIMIT_FIRST_VALUES)
        return spec_refuse(reader, "use search: list",
                           "has more than %u points, or %u values in them", LIMIT_FIRST_POINTS,
                           LIMIT_FIRST_VALUES);
    reader->spec->first_points = value->count > 0 ? value : NULL;
    return spec_read_list(reader, value, read_first_point);
}

static int check_points(struct spec_reader *reader)
{
    struct spec *spec = reader->spec;
    uint32_t count = spec->first_points->count;
    char mend[64];

    (void)spec_enter(reader, "points_to_evaluate");
    if (strcmp(spec->search.type, "list") == 0)
        return spec_refuse(reader, "write them before the others in search.points",
                           "list has points of its own");
    (void)snprintf(mend, sizeof(mend), "set num_samples to %u or more", count);
    if (count > spec->num_samples)
        return spec_refuse(reader, mend, "has %u points, and num_samples, which counts them, is %u",
                           count, spec->num_samples);
    for (uint32_t i = 0; i < count; i++) {
        const struct value *point = &spec->first_points->items[i];
        struct space_error error = {0};
        char prefix[64];

        (void)snprintf(prefix, sizeof(prefix), "points_to_evaluate.%u", i);
        if (space_check_given(&spec->config, point, prefix, &error) < 0)
            return spec_refuse_space(reader, &error);
        spec->first_trials += (uint32_t)space_points_given(&spec->config, point);
    }
    return 0;
}

/* Sequences have only so many dimensions, and a domain takes one. */
static int check_dimensions(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    struct space_error error = {0};
    const struct member **markers;
    uint32_t count;

    if (space_markers(&spec->config, "config", LIMIT_DIMENSIONS, reader->arena, &markers, &count,
                      &error) == 0)
        return 0;
    (void)snprintf(error.what, sizeof(error.what),
                   "%s has %u dimensions, and this domain would be one more", spec->search.type,
                   LIMIT_DIMENSIONS);
    (void)snprintf(error.mend, sizeof(error.mend), "use search: random, or choose less");
    return spec_refuse_space(reader, &error);
}

int spec_finish_space(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    bool sequence =
        strcmp(spec->search.type, "halton") == 0 || strcmp(spec->search.type, "sobol") == 0;
    int err = sequence ? check_dimensions(reader) : 0;

    if (err == 0 && spec->first_points != NULL)
        err = check_points(reader);
    spec_leave(reader, 0);
    return err;
}
