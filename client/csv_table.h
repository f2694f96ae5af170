/* csv_table.h - rows of named cells as CSV (RFC 4180, but for the ends of lines, which are a
 * newline alone): columns in the order in which they were first named, an empty cell where a row
 * has none.
 *
 * Numbers stand as they read back exactly (nan, inf), booleans as true and false, null as an empty
 * cell, lists as JSON. */
#ifndef CLIENT_CSV_TABLE_H
#define CLIENT_CSV_TABLE_H

#include <stdbool.h>

#include "common/value.h"

struct csv_table;

struct csv_table *csv_table_new(void);
void csv_table_free(struct csv_table *table);

/* False where there are LIMIT_EXPORT_COLUMNS already. One that is there stays. */
bool csv_table_column(struct csv_table *table, const char *name);

/* The line of names. */
void csv_table_head(const struct csv_table *table, struct buf *out);

/* A cell of the row at hand; false where no column has the name. Of two for one column the first
 * counts: a.b may be a key of its own and a path. */
bool csv_table_cell(struct csv_table *table, const char *name, const struct value *value);

/* The row at hand as a line, and the next one begins. */
void csv_table_row(struct csv_table *table, struct buf *out);

/* A text as a cell, in quotes where it needs them. */
void csv_text(struct span text, struct buf *out);

#endif
