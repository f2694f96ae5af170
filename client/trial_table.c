#include "client/trial_table.h"

#include "client/flat.h"
#include "client/out.h"
#include "client/rows.h"
#include "common/json.h"
#include "common/number.h"
#include "common/sys/clock.h"
#include "common/units.h"

#define CONFIG_SHOWN 60 /* bytes of a configuration in a table */

void trial_value_text(const struct value *value, struct buf *out)
{
    if (value->type == VALUE_DOUBLE)
        out->size += number_tag(value->number, (char *)buf_reserve(out, NUMBER_BYTES));
    else if (value->type == VALUE_TEXT)
        buf_append(out, value->text, value->count);
    else
        json_write(value, JSON_COMPACT, out);
}

static void append_leaf(const char *path, const struct value *value, void *context)
{
    struct buf *out = context;

    if (out->size > 0)
        buf_append_char(out, ',');
    buf_printf(out, "%s=", path);
    trial_value_text(value, out);
}

const char *trial_config_value_text(const struct value *config, struct arena *arena)
{
    struct buf text = {0};
    const char *out;

    flat_walk(config, "", arena, append_leaf, &text);
    out = arena_strdup(arena, buf_text(&text));
    buf_fini(&text);
    return out;
}

const char *trial_config_text(struct span config, struct arena *arena)
{
    struct value value = rows_unpacked(config, arena);

    return trial_config_value_text(&value, arena);
}

static const char *run_time(const struct msg_trial_row *row, struct arena *arena)
{
    uint64_t end = row->ended_ms > 0 ? row->ended_ms : clock_unix_ms();

    return row->started_ms > 0 && end >= row->started_ms
               ? duration_text(end - row->started_ms, arena)
               : "";
}

static void put_best(struct table_out *table, const struct msg_trial_row *row)
{
    char text[NUMBER_BYTES];

    if (row->has_best)
        table_out_cell_span(table, span_of(text, number_tag(row->best, text)));
    else
        table_out_cell(table, "-");
}

void trial_table_print(const struct msg_trial_row *rows, uint32_t count,
                       const struct msg_experiment_row *experiment, struct arena *arena)
{
    const char *metric =
        experiment->metric.size > 0 ? arena_text(arena, experiment->metric) : "BEST";
    const char *columns[] = {"TRIAL",   "ID",   "STATE", "NODE",   "TIME",
                             "RESULTS", metric, "AT",    "REASON", "CONFIG"};
    static const bool numbers[] = {true, false, false, false, true, true, true, true, false, false};
    struct table_out *table = table_out_new(columns, numbers, 10);

    for (uint32_t i = 0; i < count; i++) {
        const struct msg_trial_row *row = &rows[i];

        table_out_row(table);
        table_out_cellf(table, "%u", row->trial);
        table_out_cell_span(table, row->id);
        table_out_cell_span(table, row->state);
        table_out_cell_span(table, row->node.size > 0 ? row->node : row->hostname);
        table_out_cell(table, run_time(row, arena));
        table_out_cellf(table, "%llu", (unsigned long long)row->results);
        put_best(table, row);
        if (row->has_best)
            table_out_cellf(table, "%lld", (long long)row->best_at);
        else
            table_out_cell(table, "-");
        table_out_cell_span(table, row->reason);
        table_out_cellf(table, "%.*s", CONFIG_SHOWN, trial_config_text(row->config, arena));
    }
    table_out_print(table);
}
