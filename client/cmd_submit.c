/* `assay submit`: hand in, and perhaps look on. */
#include <signal.h>
#include <stdio.h>

#include "client/command.h"
#include "client/deliver.h"
#include "client/finish.h"
#include "client/live.h"
#include "client/out.h"
#include "client/say.h"
#include "common/sys/sig.h"

struct values {
    struct common_flags common;
    struct draft_flags flags;
    bool wait;
    bool watch;
};

static void print_submitted(const struct delivered *delivered, bool json, struct arena *arena)
{
    struct value_builder map;
    struct value whole;

    if (!json) {
        (void)printf("%u\n", delivered->experiment);
        out_push();
        return;
    }
    value_builder_map(&map, arena);
    value_builder_set(&map, "event", value_text(arena, "submitted"));
    value_builder_set(&map, "experiment", value_int(delivered->experiment));
    value_builder_set(&map, "name", value_text(arena, delivered->name));
    whole = value_builder_done(&map);
    out_json(&whole, true, arena);
}

static int look_on(struct connection *connection, const struct values *values,
                   const struct draft *draft, const char *base, const struct delivered *delivered,
                   int signals, struct arena *arena)
{
    struct live_options options = {
        .connection = connection,
        .experiment = delivered->experiment,
        .on_result = draft->spec.on_result,
        .folder = base,
        .signals = signals,
        .json = values->common.json,
        .quiet = !values->watch,
    };
    struct source *source;
    struct live_outcome outcome;
    int rc = live_show(&options, &outcome);

    if (rc == 0 && outcome.signal != 0) {
        if (!values->common.json)
            (void)printf("The experiment goes on. Look again: assay watch %u; end it: assay stop "
                         "%u\n",
                         delivered->experiment, delivered->experiment);
        return 128 + outcome.signal;
    }
    if (rc != 0)
        return rc;
    source = source_of_connection(connection);
    rc = values->watch ? finish_print(source, options.experiment, values->common.json, arena)
                       : finish_status(source, options.experiment, arena);
    source_close(source);
    return rc == 0 && outcome.callback_status != 0 ? EXIT_TRIALS_FAILED : rc;
}

static int submit_all(struct connection *connection, const struct values *values,
                      struct drafts *drafts, struct arena *arena)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    struct delivered *delivered = arena_zalloc(arena, drafts->count * sizeof(*delivered));
    bool stays = values->watch || values->wait;
    int fd = -1;
    int worst = 0;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < drafts->count; i++) {
        rc = deliver(connection, &drafts->items[i], drafts->base, false, arena, &delivered[i]);
        if (rc != 0)
            return rc;
        print_submitted(&delivered[i], values->common.json, arena);
        if (drafts->items[i].spec.on_result != NULL && !stays)
            say_note("on_result runs beside a client that waits: --watch or --wait");
    }
    if (stays) {
        fd = sig_open(signals);
        connection_watch_signals(connection, fd);
    }
    for (uint32_t i = 0; stays && i < drafts->count; i++) {
        rc = look_on(connection, values, &drafts->items[i], drafts->base, &delivered[i], fd, arena);
        if (rc != 0 && rc != EXIT_TRIALS_FAILED)
            return rc;
        worst = rc != 0 ? rc : worst;
    }
    return worst;
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    struct draft_flags flags = values->flags;
    struct connection *connection;
    struct drafts drafts;
    int rc;

    flags.address = values->common.address;
    flags.token_file = values->common.token_file;
    rc = drafts_read(invocation->operands[0], invocation->program, &flags, invocation->arena,
                     &drafts);
    if (rc != 0 || values->flags.save != NULL)
        return rc;
    rc = connection_open_head(values->common.address, values->common.token_file, &connection);
    if (rc != 0)
        return rc;
    rc = submit_all(connection, values, &drafts, invocation->arena);
    connection_close(connection);
    return rc;
}

static const struct option_row options[] = {
    DRAFT_OPTIONS(values, flags),
    OPTION(values, wait, "wait", 0, OPTION_FLAG, NULL, "return when it has ended"),
    OPTION(values, watch, "watch", 0, OPTION_FLAG, NULL, "show it until it has ended"),
};

const struct command command_submit = {
    .name = "submit",
    .operands = "FILE",
    .help = "Hand an experiment to a head; prints its number",
    .about = "The experiment is checked, the code that it names is shipped to the head, "
             "and its number is printed. It goes on without this command, which returns at "
             "once unless --wait or --watch is given. Files and flags are those of assay "
             "run.",
    .example = "assay submit exp.yaml --set scheduler.max_t=100 --watch",
    .takes = TAKES_HEAD | TAKES_JSON | TAKES_PROGRAM,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .values_size = sizeof(struct values),
    .operand = OPERAND_FILE,
    .run = run,
};
