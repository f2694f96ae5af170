/* `assay head`, `assay worker`, `assay replay`: other programs of ours, with all their flags. */
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/process.h"
#include "client/say.h"

static int become(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    const char *path = process_program(command->program, invocation->arena);
    size_t count = (size_t)invocation->argc;
    char **argv = arena_alloc(invocation->arena, (count + 2) * sizeof(*argv));
    size_t at = 0;

    argv[at++] = arena_strdup(invocation->arena, command->program);
    if (command->program_verb != NULL)
        argv[at++] = arena_strdup(invocation->arena, command->program_verb);
    for (size_t i = 1; i < count; i++)
        argv[at++] = invocation->argv[i];
    argv[at] = NULL;
    (void)execvp(path, argv);
    return say_errno(EXIT_OURS, command->program, "install it beside `assay`");
}

const struct command command_head = {
    .name = "head",
    .operands = "",
    .help = "Run a head in the foreground: it decides what runs where",
    .about =
        "On its first start it makes its keys and a key for this user, and prints the lines "
        "with which others join. Everything that it acknowledges is in Redis, and on disk, "
        "first: one that was killed is started again with the same --data-dir and goes on; "
        "running trials do not notice.\n\n"
        "SIGINT or SIGTERM ends it in order; trials go on and hand in their results when it "
        "is there again.\n\n"
        "With --standby it follows another head that keeps its log in the same Redis, with the "
        "same keys, and leads when that one has fallen silent; one that was only stopped then "
        "ends with status 75.",
    .example = "assay head --port 7420",
    .takes = TAKES_ALL,
    .program = "assay-head",
    .run = become,
};

const struct command command_worker = {
    .name = "worker",
    .operands = "",
    .help = "Run a worker in the foreground: it lends this machine to trials",
    .about = "The token is shown once; the worker has its own key from then on. While the head is "
             "away, trials go on and their results are kept. SIGTERM ends the trials first, then "
             "the worker.",
    .example = "assay worker --address HOST:7420 --token-file worker.token",
    .takes = TAKES_ALL,
    .program = "assay-worker",
    .run = become,
};

const struct command command_replay = {
    .name = "replay",
    .operands = "[DATA-DIR]",
    .help = "Decide a head's log again, offline, and compare",
    .about = "The log below DATA-DIR is read from a copy, each turn is decided again from the "
             "same events, and what comes out is compared with what stands there. A difference "
             "is printed with its place in the log.\n\n"
             "It begins with the newest image, as what came before was cut off the log; with "
             "--archive it begins with the beginning: what assay head --log-archive DIR kept "
             "comes first, and the log of DATA-DIR, where that is named, behind it. Entries are "
             "decided again by the version that decided them: one with other rules says so.",
    .example = "assay replay ~/.assay/heads/default",
    .takes = TAKES_ALL,
    .operand = OPERAND_FOLDER,
    .program = "assay-head",
    .program_verb = "replay",
    .run = become,
};
