/* command.h - one verb of the tool: its flags, its help, what it does. A row of
 * commands.def, from which help, the manual and the completion of shells are made. */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include "client/options.h"

/* What many verbs take: first member of each command's values. */
struct common_flags {
    const char *address;
    const char *token_file;
    bool verbose;
    bool json;
    bool help;
};

/* Which of them a verb takes, besides -v and --help. */
enum command_takes {
    TAKES_HEAD = 1,    /* --address, --token-file */
    TAKES_JSON = 2,    /* --json */
    TAKES_PROGRAM = 4, /* `-- CMD ...` */
    TAKES_ALL = 8      /* the rest of the command line is another program's */
};

/* What the operands of a verb are. */
enum operand_kind {
    OPERAND_OTHER, /* nothing that a shell could offer */
    OPERAND_FILE,
    OPERAND_FOLDER,
    OPERAND_EXPERIMENT,
    OPERAND_TRIAL,
    OPERAND_EITHER, /* an experiment or a trial */
    OPERAND_ANY,    /* these, or `all` */
    OPERAND_TOKEN   /* a token's id, behind the word that revokes it */
};

struct invocation {
    const struct command *command;
    const struct common_flags *flags;
    const void *values; /* of the command's own struct */
    char **operands;    /* ends with NULL */
    int operand_count;
    char **program; /* behind `--`; NULL: there was none */
    int argc;       /* TAKES_ALL: what follows the verb, argv[0] being the verb */
    char **argv;
    struct arena *arena;
};

struct command {
    const char *name;
    const char *operands; /* as help shows them */
    const char *help;     /* one line */
    const char *about;    /* what the manual adds: paragraphs, with an empty line between them */
    const char *example;
    unsigned takes; /* enum command_takes, or-ed */
    bool hidden;    /* for our own scripts: not listed, and in no manual */
    enum operand_kind operand;
    const char *const *words; /* all that the first operand may be; ends with NULL */
    const char *program;      /* TAKES_ALL: which of ours it is; NULL: none */
    const char *program_verb; /* its first argument; NULL: none */
    int least;                /* operands */
    int most;
    const struct option_row *options;
    uint32_t option_count;
    size_t values_size; /* of the struct that options fill; 0: struct common_flags */
    int (*run)(const struct invocation *invocation);
};

#define COMMAND(name) extern const struct command command_##name;
#include "client/commands.def"
#undef COMMAND

/* All rows, in the order in which help lists them; constant. */
const struct command *const *commands_all(size_t *count);

/* NULL where there is none of that name. */
const struct command *command_find(const char *name);

#define COMMAND_TABLES 4u

/* The tables of the flags that a command reads itself; returns how many. */
uint32_t command_tables(const struct command *command, struct option_table tables[COMMAND_TABLES]);

#endif
