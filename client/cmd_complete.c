/* `assay complete -- WORD...`: what the scripts of `assay completion` ask at each press of the key.
 * It is quick or silent: a shell waits for it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "client/complete.h"
#include "client/daemon_flags.h"
#include "client/out.h"
#include "client/say.h"
#include "client/source.h"

#define HEAD_MS   500u /* for all that a head is asked */
#define ROWS_MOST 1000u

/* Candidates from a head. */
struct offers {
    const struct completion *completion;
    const char *experiment; /* as it is written before the / */
    struct buf lines;
    uint32_t count;
    struct arena *arena;
};

static void offer_experiments(struct offers *offers, const struct msg_experiments *list,
                              const char *behind)
{
    const struct msg_experiment_row *rows = list->rows.items;
    struct arena *arena = offers->arena;

    for (uint32_t i = list->rows.count; i-- > 0 && offers->count < ROWS_MOST; offers->count++) {
        const char *name = arena_text(arena, rows[i].name);

        complete_offer(offers->completion, arena_printf(arena, "%u%s", rows[i].experiment, behind),
                       arena_printf(arena, "%s, %.*s", name, SPAN(rows[i].state)), &offers->lines);
        /* A name with a / would be taken for a trial's. */
        if (strchr(name, '/') == NULL)
            complete_offer(offers->completion, arena_printf(arena, "%s%s", name, behind),
                           arena_printf(arena, "experiment %u", rows[i].experiment),
                           &offers->lines);
    }
}

static bool offer_trial(const struct msg_trial_row *row, void *context)
{
    struct offers *offers = context;
    struct arena *arena = offers->arena;

    complete_offer(offers->completion, arena_printf(arena, "%s/%u", offers->experiment, row->trial),
                   arena_printf(arena, "%.*s, %.*s", SPAN(row->name), SPAN(row->state)),
                   &offers->lines);
    return ++offers->count < ROWS_MOST;
}

static void offer_tokens(struct offers *offers, struct connection *connection)
{
    const struct msg_token_list ask = {.limit = LIMIT_ROWS_REPLY};
    const struct msg_token_rows *tokens;
    const struct msg_token_row *rows;
    void *reply;

    if (connection_ask(connection, MSG_TOKEN_LIST, &ask, 0, MSG_TOKEN_ROWS, offers->arena,
                       &reply) != 0)
        return;
    tokens = reply;
    rows = tokens->rows.items;
    for (uint32_t i = 0; i < tokens->rows.count; i++)
        if (!rows[i].revoked)
            complete_offer(offers->completion, arena_text(offers->arena, rows[i].id),
                           arena_text(offers->arena, rows[i].role), &offers->lines);
}

static void offer_selectors(struct offers *offers, struct connection *connection,
                            enum operand_kind kind)
{
    const char *written = offers->completion->written;
    const char *slash = strchr(written, '/');
    struct source *source = source_of_connection(connection);
    struct msg_experiments list;
    struct pick pick;

    if (slash == NULL) {
        if (source_list(source, offers->arena, &list) == 0)
            offer_experiments(offers, &list, kind == OPERAND_TRIAL ? "/" : "");
    } else if (kind != OPERAND_EXPERIMENT) {
        offers->experiment = arena_text(offers->arena, span_of(written, (size_t)(slash - written)));
        if (source_pick_experiment(source, offers->experiment, offers->arena, &pick) == 0)
            (void)source_each_trial(source, pick.experiment.experiment, offer_trial, offers);
    }
    source_close(source);
}

/* The shell has waited long enough: what was printed before has to do. */
static void give_up(int number)
{
    (void)number;
    _exit(0);
}

static bool limit_time(void)
{
    const struct itimerval timer = {.it_value.tv_usec = HEAD_MS * 1000};
    struct sigaction action = {.sa_handler = give_up};

    return sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

/* Nothing is said, and nothing done that was not asked for: a token would be used up. */
static void ask_head(const struct completion *completion, enum operand_kind kind,
                     struct arena *arena)
{
    struct offers offers = {.completion = completion, .arena = arena};
    struct connection *connection;
    struct where where;

    (void)unsetenv("ASSAY_TOKEN_FILE");
    if (freopen("/dev/null", "w", stderr) == NULL || !limit_time())
        return;
    if (where_find(completion->address, NULL, true, &where) != 0 ||
        connection_open(&where, HEAD_MS, true, &connection) != 0)
        return;
    if (kind == OPERAND_TOKEN)
        offer_tokens(&offers, connection);
    else
        offer_selectors(&offers, connection, kind);
    out_write(buf_span(&offers.lines));
    buf_fini(&offers.lines);
    out_push(); /* what closing takes is not waited for */
    connection_close(connection);
}

static int run(const struct invocation *invocation)
{
    struct option_table tables[COMMAND_TABLES];
    const struct command *command;
    char **words = invocation->argv + 1;
    int count = invocation->argc - 1;
    struct completion completion;
    struct buf text = {0};
    uint32_t table_count = 0;

    if (count > 0 && strcmp(words[0], "--") == 0) {
        words++;
        count--;
    }
    if (count == 0)
        return say(EXIT_USAGE, "assay complete", "assay completion bash", "there are no words");
    command = complete_command(words, count);
    if (command != NULL && command->program == NULL)
        table_count = command_tables(command, tables);
    else if (command != NULL && daemon_flags_read(command, invocation->arena, &tables[0]) == 0)
        table_count = 1;
    complete_look(words, count, tables, table_count, invocation->arena, &completion);
    complete_print(&completion, tables, table_count, invocation->arena, &text);
    out_write(buf_span(&text));
    buf_fini(&text);
    out_push();
    if (complete_needs(&completion) != OPERAND_OTHER)
        ask_head(&completion, complete_needs(&completion), invocation->arena);
    return 0;
}

const struct command command_complete = {
    .name = "complete",
    .operands = "-- WORD...",
    .help = "What may stand at the end of a command line, for the scripts of `completion`",
    .takes = TAKES_ALL,
    .hidden = true,
    .run = run,
};
