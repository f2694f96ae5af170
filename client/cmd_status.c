/* `assay status`: Tune's status block, once. */
#include "client/command.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/source.h"
#include "client/status_block.h"

static int print(struct source *source, uint32_t experiment, bool json, struct arena *arena)
{
    struct msg_status_reply status;
    struct buf text = {0};
    struct value value;
    int rc = source_status(source, experiment, false, arena, &status);

    if (rc != 0)
        return rc;
    if (json) {
        value = rows_status(&status, arena);
        out_json(&value, true, arena);
        return 0;
    }
    status_block(&status, arena, &text);
    out_text(&text);
    return 0;
}

/* Those that run; where none does, the last. */
static int print_running(struct source *source, bool json, struct arena *arena)
{
    struct msg_experiments list;
    const struct msg_experiment_row *rows;
    bool any = false;
    int rc = source_list(source, arena, &list);

    if (rc != 0)
        return rc;
    if (list.rows.count == 0)
        return say(EXIT_REFUSED, "status", "assay submit FILE", "there are no experiments");
    rows = list.rows.items;
    for (uint32_t i = 0; rc == 0 && i < list.rows.count; i++) {
        if (!span_is(rows[i].state, "RUNNING") && !span_is(rows[i].state, "PAUSED"))
            continue;
        any = true;
        rc = print(source, rows[i].experiment, json, arena);
    }
    return rc != 0 || any ? rc : print(source, rows[list.rows.count - 1].experiment, json, arena);
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    const char *selects = invocation->operands[0];
    struct source *source;
    struct pick pick;
    int rc = source_open(flags->address, flags->token_file, selects, &source);

    if (rc != 0)
        return rc;
    if (selects == NULL) {
        rc = print_running(source, flags->json, invocation->arena);
    } else {
        rc = source_pick_experiment(source, selects, invocation->arena, &pick);
        if (rc == 0)
            rc = print(source, pick.experiment.experiment, flags->json, invocation->arena);
    }
    source_close(source);
    return rc;
}

const struct command command_status = {
    .name = "status",
    .operands = "[EXP]",
    .help = "Show how an experiment is doing, once",
    .about = "Prints Tune's status block: the scheduler's state, the resources in use, and "
             "the trials by their state. Without EXP it is the last experiment.",
    .example = "assay status last",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .operand = OPERAND_EXPERIMENT,
    .run = run,
};
