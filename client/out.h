/* out.h - what goes to standard output: tables for people, JSON for programs. */
#ifndef CLIENT_OUT_H
#define CLIENT_OUT_H

#include <stdbool.h>

#include "common/value.h"

/* A table under construction; columns are set once, then cells row by row. */
struct table_out;

/* numbers: for each column, whether it holds numbers, which stand to the right. */
struct table_out *table_out_new(const char *const *columns, const bool *numbers, size_t count);
void table_out_row(struct table_out *table);
void table_out_cell(struct table_out *table, const char *text);
void table_out_cell_span(struct table_out *table, struct span text);
void table_out_cellf(struct table_out *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints it, and frees it. */
void table_out_print(struct table_out *table);

/* One document or line of JSON. Fields that are not finite numbers are null, as JSON has no such
 * numbers. */
void out_json(const struct value *value, bool line, struct arena *arena);

/* One value of a document that is written in parts: as out_json does, with nothing behind it. */
void out_json_part(const struct value *value, struct arena *arena);

void out_write(struct span bytes);

/* Text for people, which may have something of a trial's or a peer's in it: tamed and written, and
 * the buffer freed. */
void out_text(struct buf *text);

/* Whether standard output is a terminal that may be drawn on (and NO_COLOR is not set). */
bool out_is_terminal(void);

/* What was printed leaves now; out_flush tells of failures. */
void out_push(void);

/* Whether something of it could not leave: there is no use in printing more. */
bool out_failed(void);

/* All that was printed has left; else it is said why not, once, and EXIT_OURS is returned. Nothing
 * is said where nobody reads any more: as if SIGPIPE had ended us, which some callers ignore. */
int out_flush(void);

#endif
