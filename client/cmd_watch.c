/* `assay watch` and `assay wait`: until an experiment ends, with or without looking on. */
#include <signal.h>

#include "client/command.h"
#include "client/finish.h"
#include "client/live.h"
#include "client/out.h"
#include "client/say.h"
#include "client/source.h"
#include "common/sys/clock.h"
#include "common/sys/sig.h"

struct values {
    struct common_flags common;
    struct option_number timeout;
};

static int needs_head(void)
{
    return say(EXIT_NO_HEAD, "no head", "assay status shows what is saved of the last run",
               "an experiment without one has ended");
}

static int look_on(struct source *source, const struct pick *pick, bool json, bool quiet,
                   uint64_t timeout_ms, struct arena *arena)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    struct live_options options = {
        .connection = source_connection(source),
        .experiment = pick->experiment.experiment,
        .signals = sig_open(signals),
        .json = json,
        .quiet = quiet,
        .redraw = !quiet && !json && out_is_terminal(),
        .until_ms = timeout_ms > 0 ? clock_ms() + timeout_ms : 0,
    };
    struct live_outcome outcome;
    int rc;

    connection_watch_signals(options.connection, options.signals);
    rc = live_show(&options, &outcome);

    if (rc == EXIT_TIMED_OUT && timeout_ms > 0 && clock_ms() >= options.until_ms)
        return say(EXIT_TIMED_OUT, "wait", "a longer --timeout", "the experiment has not ended");
    if (rc != 0)
        return rc;
    if (outcome.signal != 0)
        return 128 + outcome.signal;
    return finish_status(source, options.experiment, arena);
}

static int run(const struct invocation *invocation, bool quiet, uint64_t timeout_ms)
{
    const struct common_flags *flags = invocation->flags;
    const char *selects = invocation->operands[0];
    struct source *source;
    struct pick pick;
    int rc = source_open(flags->address, flags->token_file, selects, &source);

    if (rc != 0)
        return rc;
    if (source_connection(source) == NULL)
        rc = needs_head();
    if (rc == 0)
        rc = source_pick_experiment(source, selects, invocation->arena, &pick);
    if (rc == 0)
        rc = look_on(source, &pick, flags->json, quiet, timeout_ms, invocation->arena);
    source_close(source);
    return rc;
}

static int run_watch(const struct invocation *invocation)
{
    return run(invocation, false, 0);
}

static int run_wait(const struct invocation *invocation)
{
    const struct values *values = invocation->values;

    return run(invocation, true, values->timeout.given ? values->timeout.value + 1 : 0);
}

static const struct option_row wait_options[] = {
    OPTION(values, timeout, "timeout", 0, OPTION_DURATION, "D", "give up after so long"),
};

const struct command command_watch = {
    .name = "watch",
    .operands = "[EXP]",
    .help = "Show how an experiment is doing until it ends",
    .about = "The status block is drawn anew as results come in, on a terminal; on a pipe "
             "it is printed now and then. It ends when the experiment has ended. Ctrl-C "
             "ends the looking on, not the experiment.",
    .example = "assay watch last",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .operand = OPERAND_EXPERIMENT,
    .run = run_watch,
};

const struct command command_wait = {
    .name = "wait",
    .operands = "[EXP]",
    .help = "Wait until an experiment ends",
    .about = "Prints nothing. The exit status says how it ended: 0 all is well, 1 trials "
             "have failed, 5 the experiment has not ended in time.",
    .example = "assay wait last --timeout 1h",
    .takes = TAKES_HEAD,
    .most = 1,
    .options = wait_options,
    .option_count = 1,
    .values_size = sizeof(struct values),
    .operand = OPERAND_EXPERIMENT,
    .run = run_wait,
};
