/* `assay trials`: an experiment's trials. */
#include <string.h>

#include "client/command.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/source.h"
#include "client/trial_table.h"

struct values {
    struct common_flags common;
    const char *state;
};

static void print_json(const struct msg_trial_row *rows, uint32_t count, struct arena *arena)
{
    struct value_builder map;
    struct value whole;

    value_builder_map(&map, arena);
    value_builder_set(&map, "trials", rows_trials(rows, count, arena));
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
}

static bool is_wanted(const struct msg_trial_row *row, const struct pick *pick, const char *state)
{
    if (state != NULL && !span_is(row->state, state))
        return false;
    for (uint32_t i = 0; i < pick->count; i++)
        if (pick->trials[i] == row->trial)
            return true;
    return !pick->has_trials;
}

static const char *const states[] = {"PENDING",    "RUNNING", "PAUSED",
                                     "TERMINATED", "ERROR",   "UNKNOWN"};

static const char *state_choice(size_t i)
{
    return i < sizeof(states) / sizeof(states[0]) ? states[i] : NULL;
}

/* A word that is no state would look like an experiment without such trials. */
static int check_state(const char *state, struct arena *arena)
{
    const size_t count = sizeof(states) / sizeof(states[0]);
    const char *nearest = "PENDING, RUNNING, PAUSED, TERMINATED or ERROR";

    for (size_t i = 0; state != NULL && i < count; i++) {
        if (strcmp(state, states[i]) == 0)
            return 0;
        if (strcasecmp(state, states[i]) == 0)
            nearest = states[i];
    }
    return state == NULL ? 0
                         : say(EXIT_USAGE, "--state", arena_printf(arena, "--state %s", nearest),
                               "trials have no state '%s'", state);
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    struct arena *arena = invocation->arena;
    const char *selects = invocation->operands[0];
    struct msg_trial_row *rows;
    struct source *source;
    struct pick pick;
    uint32_t count;
    uint32_t kept = 0;
    int rc = check_state(values->state, arena);

    if (rc == 0)
        rc = source_open(values->common.address, values->common.token_file, selects, &source);
    if (rc != 0)
        return rc;
    rc = source_pick(source, selects, arena, &pick);
    if (rc == 0)
        rc = source_trials(source, pick.experiment.experiment, arena, &rows, &count);
    if (rc == 0) {
        for (uint32_t i = 0; i < count; i++)
            if (is_wanted(&rows[i], &pick, values->state))
                rows[kept++] = rows[i];
        if (kept == 0 && pick.has_trials && values->state == NULL)
            rc = say(EXIT_REFUSED, selects, "assay trials", "no trial is called so");
        else if (values->common.json)
            print_json(rows, kept, arena);
        else
            trial_table_print(rows, kept, &pick.experiment, arena);
    }
    source_close(source);
    return rc;
}

static const struct option_row options[] = {
    OPTION_CHOICE(values, state, "state", 0, OPTION_TEXT, "STATE", state_choice,
                  "only these: PENDING, RUNNING, PAUSED, TERMINATED, ERROR"),
};

const struct command command_trials = {
    .name = "trials",
    .operands = "[EXP]",
    .help = "List an experiment's trials",
    .about = "Each line has a trial's number and id, its state, its node, its time, the "
             "metric's value and where it was reached, why it ended, and its "
             "configuration. Without EXP it is the last experiment; where trials are "
             "named, as in 3/1,4-8, it is these.",
    .example = "assay trials last --state ERROR",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .options = options,
    .option_count = 1,
    .values_size = sizeof(struct values),
    .operand = OPERAND_EITHER,
    .run = run,
};
