#include "client/suggest_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/out.h"
#include "client/rows.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/result.h"

static bool refuse(char why[SUGGEST_WHY_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(char why[SUGGEST_WHY_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, SUGGEST_WHY_BYTES, format, args);
    va_end(args);
    return false;
}

bool suggest_line_read(struct span text, struct arena *arena, struct buf *config,
                       char why[SUGGEST_WHY_BYTES])
{
    const struct value *suggested;
    struct json_error error;
    struct value line;

    if (text.size > LIMIT_DRIVE_BYTES)
        return refuse(why, "a line has %u bytes at most", LIMIT_DRIVE_BYTES);
    if (json_read(text, arena, &line, &error) != 0)
        return refuse(why, "column %u: %s", error.column, error.what);
    if (line.type != VALUE_MAP)
        return refuse(why, "a line is a JSON object, not %s", value_type_name(line.type));
    for (uint32_t i = 0; i < line.count; i++)
        if (strcmp(line.members[i].key, "config") != 0)
            return refuse(why, "there is no key '%.64s': {\"config\":{...}}", line.members[i].key);
    suggested = value_get(&line, "config");
    if (suggested == NULL || suggested->type != VALUE_MAP)
        return refuse(why, "the line has no map \"config\": {\"config\":{...}}");
    value_pack(suggested, config);
    return config->size <= LIMIT_CONFIG_BYTES ||
           refuse(why, "a configuration has %u bytes at most", LIMIT_CONFIG_BYTES);
}

static void print(struct value_builder *line, struct arena *arena)
{
    struct value whole = value_builder_done(line);

    out_json(&whole, true, arena);
}

/* A line of one member. */
static void print_one(const char *key, struct value value, struct arena *arena)
{
    struct value_builder line;

    value_builder_map(&line, arena);
    value_builder_append(&line, key, value);
    print(&line, arena);
}

void suggest_line_begin(const struct msg_show_reply *of, struct arena *arena)
{
    const struct msg_experiment_row *row = &of->experiment;
    struct value spec = rows_unpacked(of->spec, arena);
    const struct value *space = value_get(&spec, "config");
    const struct value nothing = {.type = VALUE_MAP};
    struct value_builder line;

    value_builder_map(&line, arena);
    value_builder_append(&line, "experiment", value_int((int64_t)row->experiment));
    value_builder_append(&line, "name", value_text(arena, arena_text(arena, row->name)));
    value_builder_append(&line, "metric", value_text(arena, arena_text(arena, row->metric)));
    value_builder_append(&line, "mode", value_text(arena, rows_mode(row->mode)));
    value_builder_append(&line, "total",
                         row->total != UINT32_MAX ? value_int((int64_t)row->total) : value_null());
    value_builder_append(&line, "space", space != NULL ? *space : nothing);
    print(&line, arena);
}

void suggest_line_want(uint32_t count, struct arena *arena)
{
    print_one("want", value_int((int64_t)count), arena);
}

void suggest_line_taken(uint32_t trial, struct arena *arena)
{
    print_one("suggested", value_int((int64_t)trial), arena);
}

void suggest_line_error(const char *why, const char *mend, bool later, struct arena *arena)
{
    struct value_builder line;

    value_builder_map(&line, arena);
    value_builder_append(&line, "error", value_text(arena, why));
    if (mend[0] != '\0')
        value_builder_append(&line, "try", value_text(arena, mend));
    if (later)
        value_builder_append(&line, "later", value_bool(true));
    print(&line, arena);
}

/* The row's last result is a map with all its fields, which is how a metric of a name in it is
 * found. */
void suggest_line_ended(const struct msg_trial_row *row, struct span metric, struct arena *arena)
{
    const struct result last = {.metrics = row->last};
    struct value_builder line;
    double value;
    bool known = row->last.size > 0 && result_metric(&last, metric, &value);

    value_builder_map(&line, arena);
    value_builder_append(&line, "trial", value_int((int64_t)row->trial));
    value_builder_append(&line, "state", value_text(arena, arena_text(arena, row->state)));
    value_builder_append(&line, "metric", known ? value_double(value) : value_null());
    value_builder_append(&line, "best", row->has_best ? value_double(row->best) : value_null());
    value_builder_append(&line, "results", value_int((int64_t)row->results));
    value_builder_append(&line, "config", rows_unpacked(row->config, arena));
    print(&line, arena);
}

void suggest_line_done(struct arena *arena)
{
    print_one("done", value_bool(true), arena);
}
