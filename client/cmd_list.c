/* `assay list`: all experiments. */
#include "client/command.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/source.h"
#include "common/sys/clock.h"
#include "common/units.h"

static void print_json(const struct msg_experiments *list, struct arena *arena)
{
    const struct msg_experiment_row *rows = list->rows.items;
    struct value_builder items;
    struct value_builder map;
    struct value whole;

    value_builder_list(&items, arena);
    for (uint32_t i = 0; i < list->rows.count; i++)
        value_builder_add(&items, rows_experiment(&rows[i], arena));
    value_builder_map(&map, arena);
    value_builder_set(&map, "experiments", value_builder_done(&items));
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
}

static void print_table(const struct msg_experiments *list, struct arena *arena)
{
    static const char *const columns[] = {"EXP",  "NAME",  "STATE",   "TRIALS", "RUNNING",
                                          "DONE", "ERROR", "RESULTS", "AGE",    "OWNER"};
    static const bool numbers[] = {true, false, false, true, true, true, true, true, true, false};
    const struct msg_experiment_row *rows = list->rows.items;
    struct table_out *table = table_out_new(columns, numbers, 10);
    uint64_t now = clock_unix_ms();

    for (uint32_t i = 0; i < list->rows.count; i++) {
        const struct msg_experiment_row *row = &rows[i];

        table_out_row(table);
        table_out_cellf(table, "%u", row->experiment);
        table_out_cell_span(table, row->name);
        table_out_cell_span(table, row->state);
        if (row->total == UINT32_MAX)
            table_out_cell(table, "-");
        else
            table_out_cellf(table, "%u", row->total);
        table_out_cellf(table, "%u", row->running);
        table_out_cellf(table, "%u", row->terminated);
        table_out_cellf(table, "%u", row->error);
        table_out_cellf(table, "%llu", (unsigned long long)row->results);
        table_out_cell(table, row->submitted_ms > 0 && now > row->submitted_ms
                                  ? duration_text(now - row->submitted_ms, arena)
                                  : "");
        table_out_cell_span(table, row->owner);
    }
    table_out_print(table);
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    struct msg_experiments list;
    struct source *source;
    int rc = source_open(flags->address, flags->token_file, NULL, &source);

    if (rc != 0)
        return rc;
    rc = source_list(source, invocation->arena, &list);
    if (rc == 0 && flags->json)
        print_json(&list, invocation->arena);
    else if (rc == 0)
        print_table(&list, invocation->arena);
    source_close(source);
    return rc;
}

const struct command command_list = {
    .name = "list",
    .operands = "",
    .help = "List all experiments",
    .about = "Each line has the experiment's number, by which other commands find it, its "
             "name and state, how many of its trials run, are done and have failed, and "
             "whose it is.",
    .example = "assay list",
    .takes = TAKES_HEAD | TAKES_JSON,
    .run = run,
};
