/* `assay nodes`: the workers. */
#include "client/command.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/source.h"
#include "common/units.h"

static void print_json(const struct msg_node_rows *nodes, struct arena *arena)
{
    const struct msg_node_row *rows = nodes->rows.items;
    struct value_builder items;
    struct value_builder map;
    struct value whole;

    value_builder_list(&items, arena);
    for (uint32_t i = 0; i < nodes->rows.count; i++)
        value_builder_add(&items, rows_node(&rows[i], arena));
    value_builder_map(&map, arena);
    value_builder_set(&map, "nodes", value_builder_done(&items));
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
}

static const char *custom_text(const struct msg_node_row *row, struct arena *arena)
{
    const struct resource_custom *custom = row->capacity.custom.items;
    const char *text = "";

    for (uint32_t i = 0; i < row->capacity.custom.count; i++)
        text = arena_printf(arena, "%s%s%.*s=%g", text, i > 0 ? "," : "", SPAN(custom[i].name),
                            (double)custom[i].amount / RESOURCE_ONE);
    return text;
}

static void print_table(const struct msg_node_rows *nodes, bool verbose, struct arena *arena)
{
    static const char *const columns[] = {"NODE",    "NAME",  "STATE", "CPUS", "GPUS", "MEMORY",
                                          "RUNNING", "AHEAD", "HEARD", "HOST", "IP",   "OTHER"};
    static const bool numbers[] = {true, false, false, true,  true,  true,
                                   true, true,  true,  false, false, false};
    const struct msg_node_row *rows = nodes->rows.items;
    struct table_out *table = table_out_new(columns, numbers, verbose ? 12 : 9);

    for (uint32_t i = 0; i < nodes->rows.count; i++) {
        const struct msg_node_row *row = &rows[i];

        table_out_row(table);
        table_out_cellf(table, "%u", row->node);
        table_out_cell_span(table, row->name);
        table_out_cell_span(table, row->state);
        table_out_cellf(table, "%g/%g", (double)row->used.cpu / RESOURCE_ONE,
                        (double)row->capacity.cpu / RESOURCE_ONE);
        table_out_cellf(table, "%g/%u", (double)row->used.gpu / RESOURCE_ONE, row->gpus);
        table_out_cell(table, row->capacity.memory_bytes > 0
                                  ? size_text((uint64_t)row->capacity.memory_bytes, arena)
                                  : "");
        table_out_cellf(table, "%u", row->running);
        table_out_cellf(table, "%u", row->ahead);
        table_out_cellf(table, "%s ago", duration_text(row->heard_ms_ago, arena));
        if (!verbose)
            continue;
        table_out_cell_span(table, row->hostname);
        table_out_cell_span(table, row->node_ip);
        table_out_cell(table, custom_text(row, arena));
    }
    table_out_print(table);
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    const struct msg_nodes ask = {.verbose = flags->verbose};
    struct connection *connection;
    void *reply;
    int rc = connection_open_head(flags->address, flags->token_file, &connection);

    if (rc != 0)
        return rc;
    rc = connection_ask(connection, MSG_NODES, &ask, 0, MSG_NODE_ROWS, invocation->arena, &reply);
    if (rc == 0 && flags->json)
        print_json(reply, invocation->arena);
    else if (rc == 0)
        print_table(reply, flags->verbose, invocation->arena);
    connection_close(connection);
    return rc;
}

const struct command command_nodes = {
    .name = "nodes",
    .operands = "",
    .help = "List the workers",
    .about = "Each line is a worker: its number and name, whether it is up, what it lends "
             "and how much of that is in use, how many trials run there and how many are "
             "queued ahead. With -v also its host.",
    .example = "assay nodes -v",
    .takes = TAKES_HEAD | TAKES_JSON,
    .run = run,
};
