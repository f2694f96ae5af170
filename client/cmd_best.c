/* `assay best`: the trials that went furthest, and with one its configuration. */
#include "client/best.h"
#include "client/command.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/source.h"
#include "client/trial_table.h"

struct values {
    struct common_flags common;
    struct option_number count;
};

static void print_json(const struct msg_trial_rows *best,
                       const struct msg_experiment_row *experiment, struct arena *arena)
{
    struct value_builder map;
    struct value whole;

    value_builder_map(&map, arena);
    value_builder_set(&map, "metric", value_text(arena, arena_text(arena, experiment->metric)));
    value_builder_set(&map, "mode", value_text(arena, rows_mode(experiment->mode)));
    value_builder_set(&map, "trials", rows_trials(best->rows.items, best->rows.count, arena));
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    const char *selects = invocation->operands[0];
    struct arena *arena = invocation->arena;
    uint32_t count = values->count.given ? (uint32_t)values->count.value : 1;
    struct msg_trial_rows best;
    struct source *source;
    struct pick pick;
    int rc;

    if (count == 0)
        return say(EXIT_USAGE, "-n", "assay best -n 5", "none are asked for");
    rc = source_open(values->common.address, values->common.token_file, selects, &source);
    if (rc != 0)
        return rc;
    rc = source_pick_experiment(source, selects, arena, &pick);
    if (rc == 0)
        rc = source_best(source, pick.experiment.experiment, count, arena, &best);
    if (rc == 0 && best.rows.count == 0)
        rc = say(EXIT_REFUSED, "best", "metric: ..., in the file",
                 "no trial has reported a number called %.*s", SPAN(pick.experiment.metric));
    if (rc == 0 && values->common.json)
        print_json(&best, &pick.experiment, arena);
    else if (rc == 0 && count == 1)
        best_print(best.rows.items, &pick.experiment, arena);
    else if (rc == 0)
        trial_table_print(best.rows.items, best.rows.count, &pick.experiment, arena);
    source_close(source);
    return rc;
}

static const struct option_row options[] = {
    OPTION(values, count, NULL, 'n', OPTION_NUMBER, "N", "how many (1, with its configuration)"),
};

const struct command command_best = {
    .name = "best",
    .operands = "[EXP]",
    .help = "Show an experiment's best trials",
    .about = "What is best is judged by the experiment's metric and mode. With -n, a line "
             "for each of the best trials.",
    .example = "assay best last -n 5",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .options = options,
    .option_count = 1,
    .values_size = sizeof(struct values),
    .operand = OPERAND_EXPERIMENT,
    .run = run,
};
