/* spec_search.c - the searcher's section of an experiment, and what it needs of the rest. */
#include <string.h>

#include "common/limits.h"
#include "common/spec_read.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int read_count(struct spec_reader *reader, const struct value *value, uint32_t most,
                      uint32_t *out)
{
    int64_t number;
    int err = spec_read_int(reader, value, 1, most, &number);

    if (err < 0)
        return err;
    *out = (uint32_t)number;
    reader->has_tpe_key = true;
    return 0;
}

static int read_startup(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, LIMIT_SAMPLES, &reader->spec->search.startup);
}

static int read_candidates(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, LIMIT_CANDIDATES, &reader->spec->search.candidates);
}

static int read_timeout(struct spec_reader *reader, const struct value *value)
{
    uint64_t *timeout_ms = &reader->spec->search.timeout_ms;

    reader->has_timeout = true;
    *timeout_ms = 0;
    if (value->type == VALUE_INT && value->integer == 0)
        return 0;
    *timeout_ms = TIMEOUT_NEVER;
    if (value->type == VALUE_TEXT && strcmp(value->text, "never") == 0)
        return 0;
    return spec_read_duration(reader, value, timeout_ms);
}

static int read_open(struct spec_reader *reader, const struct value *value)
{
    reader->has_open = true;
    if (value->type != VALUE_BOOL)
        return spec_refuse(reader, "write true or false", "must be true or false");
    reader->spec->search.open = value->boolean;
    return 0;
}

static const char *const search_types[] = {"random", "grid", "list",    "halton",
                                           "sobol",  "tpe",  "external"};

const char *search_type_name(size_t i)
{
    return i < COUNT(search_types) ? search_types[i] : NULL;
}

static int read_search_type(struct spec_reader *reader, const struct value *value)
{
    uint32_t index;
    int err = spec_read_word(reader, value, search_types, COUNT(search_types), &index);

    if (err == 0)
        reader->spec->search.type = search_types[index];
    return err;
}

static int read_seed(struct spec_reader *reader, const struct value *value)
{
    int64_t seed;
    int err = spec_read_int(reader, value, 0, INT64_MAX, &seed);

    if (err < 0)
        return err;
    reader->spec->search.seed = (uint64_t)seed;
    reader->spec->search.has_seed = true;
    return 0;
}

static int read_point(struct spec_reader *reader, const struct value *point)
{
    struct space_error error = {0};
    struct variable *variables;
    uint32_t count;

    if (point->type != VALUE_MAP)
        return spec_refuse(reader, "", "must be a map of configuration values");
    if (space_variables(point, reader->path, reader->arena, &variables, &count, &error) < 0)
        return spec_refuse_space(reader, &error);
    if (count > 0)
        return spec_refuse(reader, "write the value itself", "has something left to choose");
    return 0;
}

static int read_points(struct spec_reader *reader, const struct value *value)
{
    if (value->type != VALUE_LIST || value->count == 0)
        return spec_refuse(reader, "write [{lr: 0.1}, {lr: 0.2}]",
                           "must be a list of configurations");
    reader->spec->search.points = value;
    return spec_read_list(reader, value, read_point);
}

int spec_read_search(struct spec_reader *reader, const struct value *value)
{
    static const struct spec_key keys[] = {{"type", read_search_type},
                                           {"seed", read_seed},
                                           {"points", read_points},
                                           {"startup", read_startup},
                                           {"candidates", read_candidates},
                                           {"timeout", read_timeout},
                                           {"open", read_open}};
    const struct spec_search *search = &reader->spec->search;
    bool list;
    int err;

    if (value->type == VALUE_TEXT)
        err = read_search_type(reader, value);
    else
        err = spec_read_map(reader, value, "search", keys, COUNT(keys));
    if (err < 0)
        return err;
    list = strcmp(search->type, "list") == 0;
    if (list && search->points == NULL)
        return spec_refuse(reader, "write {type: list, points: [...]}", "list needs points");
    if (!list && search->points != NULL)
        return spec_refuse(reader, "write type: list", "%s takes no points", search->type);
    if (reader->has_tpe_key && strcmp(search->type, "tpe") != 0)
        return spec_refuse(reader, "write type: tpe", "%s takes no startup and no candidates",
                           search->type);
    if (reader->has_timeout && strcmp(search->type, "external") != 0)
        return spec_refuse(reader, "write type: external", "%s takes no timeout", search->type);
    if (reader->has_open && strcmp(search->type, "external") != 0)
        return spec_refuse(reader, "write type: external", "%s takes no open", search->type);
    return 0;
}

int spec_finish_search(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    size_t size;

    if (strcmp(spec->search.type, "tpe") != 0)
        return 0;
    size = spec_enter(reader, "search");
    if (spec->metric == NULL && !spec->scheduler.type->judges)
        return spec_refuse(reader, "write metric: NAME and mode: max or min",
                           "tpe needs a metric to learn from");
    if (spec->metric != NULL && !reader->has_mode)
        return spec_refuse(reader, "write mode: max or mode: min beside metric",
                           "tpe has to know whether %s is to grow or to shrink", spec->metric);
    if (space_domains(&spec->config) > LIMIT_MODELLED)
        return spec_refuse(reader, "write search: random",
                           "tpe learns of at most %u domains and grids", LIMIT_MODELLED);
    spec_leave(reader, size);
    return 0;
}
