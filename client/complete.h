/* complete.h - what may stand at the cursor of a command line: the part that needs no head.
 *
 * The words are those behind `assay`, as the shell splits them, up to the cursor; the last one is
 * the one that is being written, and may be empty. Some shells give `--mode=max` as three words. */
#ifndef CLIENT_COMPLETE_H
#define CLIENT_COMPLETE_H

#include "client/command.h"

enum complete_want {
    COMPLETE_NOTHING,
    COMPLETE_VERB,
    COMPLETE_FLAG,
    COMPLETE_VALUE,   /* of the flag in row */
    COMPLETE_OPERAND, /* of the command */
    COMPLETE_PROGRAM  /* words of a trial's program */
};

struct completion {
    enum complete_want want;
    const struct command *command; /* NULL before there is one */
    const struct option_row *row;
    const char *written; /* what candidates begin with */
    const char *lead;    /* stands before each in the same word: "--mode="; else "" */
    const char *address; /* the head's, where the line names one; else NULL */
    const char *first;   /* operand, where it is complete; else NULL */
    int operands;        /* complete ones */
};

/* The command that a line names; NULL where it is at none, or none is called so. */
const struct command *complete_command(char *const *words, int count);

/* What is being written; the tables are those of the command's flags. Texts live in arena, or are
 * the words. count is at least 1. */
void complete_look(char *const *words, int count, const struct option_table *tables,
                   uint32_t table_count, struct arena *arena, struct completion *out);

/* A candidate: a line with a tab before what is said of it, if it begins as what is written does.
 * What has control characters in it is left out. */
void complete_offer(const struct completion *completion, const char *word, const char *help,
                    struct buf *out);

/* The first line, which says whether paths are candidates too (words, files or folders), and all
 * candidates that the tables know. */
void complete_print(const struct completion *completion, const struct option_table *tables,
                    uint32_t table_count, struct arena *arena, struct buf *out);

/* What only a head can name; OPERAND_OTHER where it is not needed. */
enum operand_kind complete_needs(const struct completion *completion);

#endif
