/* options.h - a command's flags as a table: read by getopt_long, printed as help.
 *
 * Values go into a struct of the command's, at each row's offset; texts are borrowed from argv. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"

#define OPTIONS_MOST 40u

enum option_kind {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char *: the last one counts */
    OPTION_TEXTS,    /* struct option_texts: each adds one */
    OPTION_NUMBER,   /* struct option_number */
    OPTION_DURATION, /* struct option_number: ms */
    OPTION_ORDERED   /* struct option_texts: "name=value", with other rows of the same offset in
                        the order in which they were given */
};

struct option_texts {
    const char **items; /* in the arena */
    uint32_t count;
};

struct option_number {
    bool given;
    uint64_t value;
};

struct option_row {
    const char *name; /* long; NULL: only a letter */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t offset;
    /* What help calls its value; NULL for a flag. FILE and DIR are paths; words with | between them
     * are all that there is to choose from. */
    const char *argument;
    const char *help;
    /* The i-th word to choose, where the list has another home; answers NULL behind the last. */
    const char *(*choice)(size_t i);
};

struct option_table {
    const struct option_row *rows;
    uint32_t count;
};

#define OPTION(of, member, name, letter, kind, argument, help)                                     \
    {                                                                                              \
        name, letter, kind, offsetof(struct of, member), argument, help, NULL                      \
    }

#define OPTION_CHOICE(of, member, name, letter, kind, argument, choice, help)                      \
    {                                                                                              \
        name, letter, kind, offsetof(struct of, member), argument, help, choice                    \
    }

/* What an error is about, for the one line that people see. */
struct option_error {
    char what[128];
    char why[256];
    char mend[128];
};

/* Read argv[1..]; flags may stand behind operands. values was zeroed by the caller. *operands is
 * where in argv, now sorted, they begin. 0, or ERR_MALFORMED with *error filled. */
int options_read(const struct option_table *tables, uint32_t table_count, int argc, char **argv,
                 void *values, struct arena *arena, int *operands, struct option_error *error);

/* The i-th word that a row's value may be, in arena; NULL where there are no more, or any will do.
 */
const char *option_choice(const struct option_row *row, size_t i, struct arena *arena);

/* A line for each row, as help shows it. */
void options_help(const struct option_table *table, struct buf *out);

#endif
