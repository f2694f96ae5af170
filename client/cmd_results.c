/* `assay results`: lines of result.json, of a trial or of a whole experiment. */
#include <stdio.h>

#include "client/command.h"
#include "client/out.h"
#include "client/source.h"

#define WAIT_MS 20000u

struct values {
    struct common_flags common;
    bool follow;
};

static int print_lines(struct source *source, uint32_t experiment, uint32_t trial, bool follow)
{
    struct msg_lines lines = {0};
    struct arena arena = {0};
    int rc = 0;

    while (rc == 0) {
        arena_reset(&arena);
        rc = source_lines(source, experiment, trial, lines.cursor, follow ? WAIT_MS : 0, &arena,
                          &lines);
        if (rc != 0 || (lines.lines.size == 0 && (lines.ended || !follow)))
            break;
        out_write(lines.lines);
        if (follow)
            rc = out_flush();
        if (lines.ended && trial == MSG_ALL && source_connection(source) != NULL)
            break;
    }
    arena_fini(&arena);
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    const char *selects = invocation->operands[0];
    struct source *source;
    struct pick pick;
    int rc = source_open(values->common.address, values->common.token_file, selects, &source);

    if (rc != 0)
        return rc;
    rc = source_pick(source, selects, invocation->arena, &pick);
    if (rc == 0 && !pick.has_trials)
        rc = print_lines(source, pick.experiment.experiment, MSG_ALL, values->follow);
    for (uint32_t i = 0; rc == 0 && pick.has_trials && i < pick.count; i++)
        rc = print_lines(source, pick.experiment.experiment, pick.trials[i], values->follow);
    source_close(source);
    return rc;
}

static const struct option_row options[] = {
    OPTION(values, follow, "follow", 'f', OPTION_FLAG, NULL, "wait for more, until the end"),
};

const struct command command_results = {
    .name = "results",
    .operands = "[EXP-or-TRIAL]",
    .help = "Print what trials reported, a line of JSON each",
    .about = "The lines are those of the trials' files result.json, with Tune's fields. Of "
             "a whole experiment: those of all its trials.",
    .example = "assay results 3/17 -f",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .options = options,
    .option_count = 1,
    .values_size = sizeof(struct values),
    .operand = OPERAND_EITHER,
    .run = run,
};
