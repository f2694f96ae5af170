/* `assay stop` and `assay rm`: end trials or experiments; forget one that has ended. */
#include <string.h>

#include "client/order.h"
#include "client/say.h"

static int stop(struct connection *connection, uint32_t experiment, uint32_t trial,
                struct arena *arena)
{
    const struct msg_stop body = {.experiment = experiment, .trial = trial};
    void *reply;

    return connection_ask(connection, MSG_STOP, &body, 0, MSG_OK, arena, &reply);
}

static int stop_all(struct source *source, struct arena *arena)
{
    const struct msg_experiment_row *rows;
    struct msg_experiments list;
    int rc = source_list(source, arena, &list);

    if (rc != 0)
        return rc;
    rows = list.rows.items;
    for (uint32_t i = 0; rc == 0 && i < list.rows.count; i++)
        if (span_is(rows[i].state, "RUNNING") || span_is(rows[i].state, "PAUSED"))
            rc = stop(source_connection(source), rows[i].experiment, MSG_ALL, arena);
    return rc;
}

static int stop_one(struct source *source, const char *selects, struct arena *arena)
{
    return strcmp(selects, "all") == 0 ? stop_all(source, arena)
                                       : order_picked(source, selects, stop, arena);
}

static int remove_one(struct source *source, const char *selects, struct arena *arena)
{
    struct msg_remove body;
    struct pick pick;
    void *reply;
    int rc = source_pick_experiment(source, selects, arena, &pick);

    if (rc != 0)
        return rc;
    body.experiment = pick.experiment.experiment;
    rc = connection_ask(source_connection(source), MSG_REMOVE, &body, 0, MSG_OK, arena, &reply);
    if (rc == 0)
        say_note("its files stay in %.*s", SPAN(pick.experiment.folder));
    return rc;
}

static int run_stop(const struct invocation *invocation)
{
    return order_each(invocation, stop_one);
}

static int run_rm(const struct invocation *invocation)
{
    return order_each(invocation, remove_one);
}

const struct command command_stop = {
    .name = "stop",
    .operands = "EXP-or-TRIAL...",
    .help = "End trials, whole experiments, or `all`",
    .about = "What runs is asked to end, and ended if it does not; what was reported "
             "stays. Trials are named as in 3/17 or 3/1,4-8, an experiment by its number "
             "or the beginning of its name.",
    .example = "assay stop 3/1,4-8",
    .takes = TAKES_HEAD,
    .least = 1,
    .most = 1000,
    .operand = OPERAND_ANY,
    .run = run_stop,
};

const struct command command_rm = {
    .name = "rm",
    .operands = "EXP...",
    .help = "Have the head forget an experiment that has ended; its files stay",
    .about = "An experiment that still runs is refused: assay stop comes first. The result "
             "files are not touched.",
    .example = "assay rm 3",
    .takes = TAKES_HEAD,
    .least = 1,
    .most = 1000,
    .operand = OPERAND_EXPERIMENT,
    .run = run_rm,
};
