/* command.h - one verb of the tool: its flags, its help, what it does. A row of the table in
 * assay.c. */
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

struct invocation {
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
    const char *example;
    unsigned takes; /* enum command_takes, or-ed */
    int least;      /* operands */
    int most;
    const struct option_row *options;
    uint32_t option_count;
    size_t values_size; /* of the struct that options fill; 0: struct common_flags */
    int (*run)(const struct invocation *invocation);
};

extern const struct command command_head, command_worker, command_replay, command_run,
    command_submit, command_status, command_watch, command_list, command_trials, command_show,
    command_results, command_logs, command_best, command_stop, command_rm, command_wait,
    command_nodes, command_explain, command_token, command_report;

#endif
