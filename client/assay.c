/* assay.c - the program `assay`: finds the verb, reads its flags, runs it. */
#include <assert.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/out.h"
#include "client/say.h"
#include "common/err.h"
#include "common/result.h"
#include "common/spec.h"
#include "common/sys/clock.h"
#include "proto/key.h"

#define COMMANDS_MOST 64u

static int command_unknown(const char *name)
{
    const char *names[COMMANDS_MOST];
    const char *nearest;
    char mend[64] = "assay --help";
    uint32_t shown = 0;
    size_t count;
    const struct command *const *commands = commands_all(&count);

    assert(count <= COMMANDS_MOST);
    for (size_t i = 0; i < count; i++)
        if (!commands[i]->hidden)
            names[shown++] = commands[i]->name;
    nearest = spec_nearest(name, names, shown);
    if (nearest != NULL)
        (void)snprintf(mend, sizeof(mend), "assay %s", nearest);
    return say(EXIT_USAGE, name, mend, "there is no such command");
}

static int print_commands(void)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);

    (void)printf("usage: assay COMMAND [...]\n\n"
                 "Hyperparameter experiments on one machine or many.\n\n");
    for (size_t i = 0; i < count; i++)
        if (!commands[i]->hidden)
            (void)printf("  %-10s %s\n", commands[i]->name, commands[i]->help);
    (void)printf("\nassay COMMAND --help tells more; assay --version says which this is.\n"
                 "EXP is an experiment's number, the beginning of its name, `last`, or the path of "
                 "its folder;\na trial is EXP/NUMBER, or the beginning of its id.\n");
    return out_flush();
}

static int print_help(const struct command *command)
{
    struct option_table tables[COMMAND_TABLES];
    uint32_t count = command_tables(command, tables);
    struct buf text = {0};

    buf_printf(&text, "usage: assay %s%s%s [options]\n", command->name,
               command->operands[0] != '\0' ? " " : "", command->operands);
    if (command->takes & TAKES_PROGRAM)
        buf_printf(&text, "       assay %s [options] -- COMMAND ...\n", command->name);
    buf_printf(&text, "\n%s.\n\n", command->help);
    for (uint32_t i = 0; i < count; i++)
        options_help(&tables[i], &text);
    buf_printf(&text, "\nexample: %s\n", command->example);
    out_write(buf_span(&text));
    buf_fini(&text);
    return out_flush();
}

static int wrong_operands(const struct command *command, const char *why)
{
    char what[64];
    char mend[64];

    (void)snprintf(what, sizeof(what), "assay %s", command->name);
    (void)snprintf(mend, sizeof(mend), "assay %s --help", command->name);
    return say(EXIT_USAGE, what, mend, "%s", why);
}

static int check_operands(const struct command *command, const struct invocation *invocation)
{
    bool program = invocation->program != NULL;

    if (program && !(command->takes & TAKES_PROGRAM))
        return wrong_operands(command, "it takes no `-- COMMAND`");
    if (program && invocation->program[0] == NULL)
        return wrong_operands(command, "no command stands behind `--`");
    if (program && invocation->operand_count > 0)
        return wrong_operands(command, "it takes a FILE or `-- COMMAND`, not both");
    if (!program && invocation->operand_count < command->least)
        return wrong_operands(command, command->takes & TAKES_PROGRAM
                                           ? "it needs a FILE or `-- COMMAND`"
                                           : "an operand is missing");
    if (invocation->operand_count > command->most)
        return wrong_operands(command, "there are too many operands");
    return 0;
}

/* Takes off what stands behind the first `--`. */
static char **take_program(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        *argc = i;
        argv[i] = NULL;
        return &argv[i + 1];
    }
    return NULL;
}

static int command_start(const struct command *command, int argc, char **argv, struct arena *arena)
{
    size_t size = command->values_size > 0 ? command->values_size : sizeof(struct common_flags);
    struct common_flags *flags = arena_zalloc(arena, size);
    struct invocation invocation = {
        .command = command, .flags = flags, .values = flags, .arena = arena};
    struct option_table tables[COMMAND_TABLES];
    struct option_error error;
    int first;
    int rc;

    if (command->takes & TAKES_ALL) {
        invocation.argc = argc;
        invocation.argv = argv;
        return command->run(&invocation);
    }
    invocation.program = take_program(&argc, argv);
    if (options_read(tables, command_tables(command, tables), argc, argv, flags, arena, &first,
                     &error) != 0)
        return say(EXIT_USAGE, error.what,
                   error.mend[0] != '\0' ? error.mend
                                         : arena_printf(arena, "assay %s --help", command->name),
                   "%s", error.why);
    if (flags->help)
        return print_help(command);
    say_set_verbose(flags->verbose);
    invocation.operands = argv + first;
    invocation.operand_count = argc - first;
    rc = check_operands(command, &invocation);
    return rc != 0 ? rc : command->run(&invocation);
}

static int help(int argc, char **argv, struct arena *arena)
{
    const struct command *command;
    char *all[] = {NULL, "--help", NULL};

    if (argc < 2)
        return print_commands();
    command = command_find(argv[1]);
    if (command == NULL)
        return command_unknown(argv[1]);
    all[0] = argv[1];
    return command_start(command, 2, all, arena);
}

static int start(int argc, char **argv, struct arena *arena)
{
    const struct command *command;

    if (argc < 2) {
        (void)print_commands();
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_commands();
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1, arena);
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("assay %s\n", ASSAY_VERSION);
        return out_flush();
    }
    command = command_find(argv[1]);
    return command == NULL ? command_unknown(argv[1])
                           : command_start(command, argc - 1, argv + 1, arena);
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    int status;
    int flushed;

    /* What is printed is UTF-8 wherever it goes; numbers and messages stay as they are. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    key_library_init();
    result_set_utc_offset(clock_utc_offset_s());
    status = start(argc, argv, &arena);
    flushed = out_flush();
    arena_fini(&arena);
    return status == 0 ? flushed : status;
}
