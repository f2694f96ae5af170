/* commands.c - the table of all verbs, and the flags that many of them share. */
#include <string.h>

#include "client/command.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "client/commands.def"
#undef COMMAND
};

static const struct option_row basic_rows[] = {
    OPTION(common_flags, verbose, "verbose", 'v', OPTION_FLAG, NULL, "say more on stderr"),
    OPTION(common_flags, help, "help", 'h', OPTION_FLAG, NULL, "this text"),
};

static const struct option_row head_rows[] = {
    OPTION(common_flags, address, "address", 0, OPTION_TEXT, "HOST:PORT",
           "the head, or redis://[user@]host[:port][/NAME]: the one that leads there "
           "($ASSAY_ADDRESS; else the one last started here)"),
    OPTION(common_flags, token_file, "token-file", 0, OPTION_TEXT, "FILE",
           "join with this token, once ($ASSAY_TOKEN_FILE)"),
};

static const struct option_row json_rows[] = {
    OPTION(common_flags, json, "json", 0, OPTION_FLAG, NULL, "JSON for programs"),
};

const struct command *const *commands_all(size_t *count)
{
    *count = COUNT(commands);
    return commands;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

uint32_t command_tables(const struct command *command, struct option_table tables[COMMAND_TABLES])
{
    uint32_t count = 0;

    if (command->option_count > 0)
        tables[count++] = (struct option_table){command->options, command->option_count};
    if (command->takes & TAKES_HEAD)
        tables[count++] = (struct option_table){head_rows, COUNT(head_rows)};
    if (command->takes & TAKES_JSON)
        tables[count++] = (struct option_table){json_rows, COUNT(json_rows)};
    tables[count++] = (struct option_table){basic_rows, COUNT(basic_rows)};
    return count;
}
