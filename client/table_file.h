/* table_file.h - a table that somebody else has made: CSV with a line of names, or a JSON object a
 * line. Which of them it is, its first byte says.
 *
 * A cell of CSV is read as a plain scalar of an experiment's file is: 0.1 and 1e-3 are numbers,
 * true is a boolean, nothing is null, all else text. CSV is read by libcsv. */
#ifndef CLIENT_TABLE_FILE_H
#define CLIENT_TABLE_FILE_H

#include "common/trouble.h"
#include "common/value.h"

struct table_file {
    const char **names; /* of the columns, in the order of their first mention */
    uint32_t column_count;
    uint32_t row_count;
    struct value *cells; /* owned; row by row; null where a row has none */
};

/* Texts and names live in arena. A column that is named twice, a row of more cells than there are
 * names, what is neither number nor text, and a table over LIMIT_TABLE_CELLS are refused: 0, or
 * ERR_IO, ERR_NOT_FOUND, ERR_MALFORMED, ERR_TOO_BIG with *trouble filled, which names the line. */
int table_file_read(const char *path, struct arena *arena, struct table_file *out,
                    struct trouble *trouble);

/* The same of a text, which must not be empty; name: what errors call it. */
int table_file_parse(struct span text, const char *name, struct arena *arena,
                     struct table_file *out, struct trouble *trouble);

void table_file_fini(struct table_file *table);

/* The column of a name, NUMBER_NONE where there is none. */
uint32_t table_file_column(const struct table_file *table, const char *name);

/* The column of a key, "model/size", as tables have it: by its name, or as our own tables write
 * those of a part ("config"): config/model/size, config.model.size. */
uint32_t table_file_find(const struct table_file *table, const char *part, const char *key);

const struct value *table_file_cell(const struct table_file *table, uint32_t row, uint32_t column);

#endif
