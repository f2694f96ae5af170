/* `assay suggest`: the pipe of suggest.h. */
#include <signal.h>
#include <string.h>

#include "client/command.h"
#include "client/finish.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/suggest.h"
#include "common/sys/sig.h"

/* Whether its trials are suggested to it at all; else it is said. */
static int check_search(const struct msg_show_reply *of, struct arena *arena)
{
    struct value spec = rows_unpacked(of->spec, arena);
    const struct value *search = value_get(&spec, "search");
    const struct value *type = search;

    if (search != NULL && search->type == VALUE_MAP)
        type = value_get(search, "type");
    if (type != NULL && type->type == VALUE_TEXT && strcmp(type->text, "external") == 0)
        return 0;
    return say(EXIT_REFUSED, "suggest", "submit one with search: external",
               "the searcher of experiment %u makes its trials itself", of->experiment.experiment);
}

static int talk(struct source *source, const char *selects, struct arena *arena)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int signals = sig_open(numbers);
    struct msg_show_reply of;
    struct pick pick;
    bool ended = false;
    int rc;

    connection_watch_signals(source_connection(source), signals);
    rc = source_pick_experiment(source, selects, arena, &pick);
    if (rc == 0)
        rc = source_show(source, pick.experiment.experiment, MSG_ALL, arena, &of);
    if (rc == 0)
        rc = check_search(&of, arena);
    if (rc == 0)
        rc = suggest_talk(source, &of, signals, &ended);
    if (rc == 0)
        rc = out_flush();
    return rc == 0 && ended ? finish_status(source, pick.experiment.experiment, arena) : rc;
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    struct connection *connection;
    struct source *source;
    int rc = connection_open_head(flags->address, flags->token_file, &connection);

    if (rc != 0)
        return rc;
    source = source_of_connection(connection);
    rc = talk(source, invocation->operands[0], invocation->arena);
    source_close(source);
    connection_close(connection);
    return rc;
}

const struct command command_suggest = {
    .name = "suggest",
    .operands = "[EXP]",
    .help = "Let another program suggest an experiment's trials, and tell it how they end",
    .about =
        "For an experiment with search: external. The program at the other end of the pipe reads "
        "one JSON object a line from standard output and writes one a line to standard input.\n\n"
        "{\"want\":1} says that a place is free for a trial; {\"config\":{\"lr\":0.1}} suggests "
        "one, at any time, and is answered with {\"suggested\":4}, the trial's number, or with "
        "{\"error\":\"...\"}, and then nothing has happened. What a suggestion leaves out is "
        "drawn. {\"trial\":4,\"state\":\"TERMINATED\",\"metric\":0.3,...} tells that a trial has "
        "ended, whoever had suggested it, and with what value; docs/SUGGEST.md has all of it.\n\n"
        "A place waits for a suggestion as long as search: {timeout: 10s} says; then trials are "
        "drawn at random until one comes. So the program may be ended and started again: it is "
        "told of all trials that have ended. The command ends with its input, or behind "
        "{\"done\":true} with the experiment.",
    .example = "assay suggest last",
    .takes = TAKES_HEAD,
    .most = 1,
    .operand = OPERAND_EXPERIMENT,
    .run = run,
};
