/* spec_search.c - the keys of searchers that learn, or that somebody else does the learning for,
 * and what they need of the rest. */
#include <string.h>

#include "common/limits.h"
#include "common/spec_read.h"

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

int spec_read_startup(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, LIMIT_SAMPLES, &reader->spec->search.startup);
}

int spec_read_candidates(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, LIMIT_CANDIDATES, &reader->spec->search.candidates);
}

int spec_read_timeout(struct spec_reader *reader, const struct value *value)
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
