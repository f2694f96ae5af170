/* `assay head`, `assay worker`, `assay replay`: other programs of ours, with all their flags. */
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/process.h"
#include "client/say.h"

static int become(const struct invocation *invocation, const char *program, const char *verb)
{
    const char *path = process_program(program, invocation->arena);
    size_t count = (size_t)invocation->argc;
    char **argv = arena_alloc(invocation->arena, (count + 2) * sizeof(*argv));
    size_t at = 0;

    argv[at++] = arena_strdup(invocation->arena, program);
    if (verb != NULL)
        argv[at++] = arena_strdup(invocation->arena, verb);
    for (size_t i = 1; i < count; i++)
        argv[at++] = invocation->argv[i];
    argv[at] = NULL;
    (void)execvp(path, argv);
    return say_errno(EXIT_OURS, program, "install it beside `assay`");
}

static int run_head(const struct invocation *invocation)
{
    return become(invocation, "assay-head", NULL);
}

static int run_worker(const struct invocation *invocation)
{
    return become(invocation, "assay-worker", NULL);
}

static int run_replay(const struct invocation *invocation)
{
    return become(invocation, "assay-head", "replay");
}

const struct command command_head = {
    .name = "head",
    .operands = "",
    .help = "Run a head in the foreground: it decides what runs where",
    .example = "assay head --port 7420",
    .takes = TAKES_ALL,
    .run = run_head,
};

const struct command command_worker = {
    .name = "worker",
    .operands = "",
    .help = "Run a worker in the foreground: it lends this machine to trials",
    .example = "assay worker --address HOST:7420 --token-file worker.token",
    .takes = TAKES_ALL,
    .run = run_worker,
};

const struct command command_replay = {
    .name = "replay",
    .operands = "DATA-DIR",
    .help = "Decide a head's log again, offline, and compare",
    .example = "assay replay ~/.assay/heads/default",
    .takes = TAKES_ALL,
    .run = run_replay,
};
