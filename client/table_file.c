#include "client/table_file.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/yaml.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/xalloc.h"
#include "head/core/event.h"

#define READ_BYTES 65536u

struct reader {
    const char *path;
    struct arena *arena;
    struct arena line_arena;
    struct table_file *table;
    struct trouble *trouble;
    size_t cell_room;
    uint64_t line; /* the one that is being read, from 1 */
    uint32_t at;   /* cells of it that have come */
    int err;       /* the first error; nothing more is taken in */
};

static int fail(struct reader *reader, int err, const char *mend, const char *why, const char *word)
{
    if (reader->err != 0)
        return reader->err;
    reader->err =
        trouble_set(reader->trouble, err, reader->path, mend, "line %llu: %s%s%s",
                    (unsigned long long)reader->line, why, *word != '\0' ? ": " : "", word);
    return reader->err;
}

uint32_t table_file_column(const struct table_file *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->names[i], name) == 0)
            return i;
    return NUMBER_NONE;
}

/* Whether two names are the same, but for a '.' in the place of a '/'. */
static bool is_called(const char *name, const char *key)
{
    for (; *name != '\0' && (*name == *key || (*name == '.' && *key == '/')); name++)
        key++;
    return *name == '\0' && *key == '\0';
}

uint32_t table_file_find(const struct table_file *table, const char *part, const char *key)
{
    size_t size = strlen(part);
    uint32_t found = table_file_column(table, key);

    for (uint32_t i = 0; i < table->column_count && found == NUMBER_NONE; i++) {
        const char *name = table->names[i];

        if (is_called(name, key) ||
            (strncmp(name, part, size) == 0 && (name[size] == '/' || name[size] == '.') &&
             is_called(name + size + 1, key)))
            found = i;
    }
    return found;
}

const struct value *table_file_cell(const struct table_file *table, uint32_t row, uint32_t column)
{
    return &table->cells[(size_t)row * table->column_count + column];
}

void table_file_fini(struct table_file *table)
{
    free(table->names);
    free(table->cells);
    *table = (struct table_file){0};
}

static int add_column(struct reader *reader, const char *name)
{
    struct table_file *table = reader->table;

    if (table->column_count == LIMIT_TABLE_COLUMNS)
        return fail(reader, ERR_TOO_BIG, NULL, "there are too many columns", "");
    if (*name == '\0')
        return fail(reader, ERR_MALFORMED, "name every column in the first line",
                    "a column has no name", "");
    if (table_file_column(table, name) != NUMBER_NONE)
        return fail(reader, ERR_MALFORMED, "give each column a name of its own",
                    "two columns are called the same", name);
    table->names[table->column_count++] = arena_strdup(reader->arena, name);
    return 0;
}

/* Room for a row more, all of it null. */
static int add_row(struct reader *reader)
{
    struct table_file *table = reader->table;
    size_t used = (size_t)table->row_count * table->column_count;
    size_t needed = used + table->column_count;

    if (needed > LIMIT_TABLE_CELLS)
        return fail(reader, ERR_TOO_BIG, "leave out the rows or columns that are not needed",
                    "the table is too large", "");
    if (needed > reader->cell_room) {
        reader->cell_room = needed * 2;
        table->cells = xrealloc(table->cells, reader->cell_room, sizeof(*table->cells));
    }
    for (size_t i = used; i < needed; i++)
        table->cells[i] = value_null();
    table->row_count++;
    return 0;
}

static void put_cell(struct reader *reader, uint32_t column, struct value value)
{
    struct table_file *table = reader->table;

    table->cells[(size_t)(table->row_count - 1) * table->column_count + column] = value;
}

/* ---- CSV ---- */

static void take_field(void *bytes, size_t size, void *context)
{
    struct reader *reader = context;
    const char *text = bytes != NULL ? bytes : "";
    struct value value;

    if (reader->err != 0)
        return;
    if (memchr(text, '\0', size) != NULL || !cursor_text_is_utf8(span_of(text, size))) {
        (void)fail(reader, ERR_MALFORMED, "write it as UTF-8", "a cell is no text", "");
        return;
    }
    if (reader->line == 1) {
        (void)add_column(reader, text);
        return;
    }
    if (reader->at == 0 && add_row(reader) != 0)
        return;
    if (reader->at == reader->table->column_count) {
        (void)fail(reader, ERR_MALFORMED, "quote a cell that has a comma in it",
                   "there are more cells than names of columns", "");
        return;
    }
    if (size == 0)
        value = value_null();
    else if (yaml_scalar(text, reader->arena, &value) != NULL)
        value = value_text(reader->arena, text);
    put_cell(reader, reader->at++, value);
}

static void end_row(int terminator, void *context)
{
    struct reader *reader = context;

    (void)terminator;
    reader->line++;
    reader->at = 0;
}

static int read_csv(struct reader *reader, FILE *file)
{
    char bytes[READ_BYTES];
    struct csv_parser parser;
    size_t got;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
        abort(); /* it allocates nothing */
    while (reader->err == 0 && (got = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        if (csv_parse(&parser, bytes, got, take_field, end_row, reader) != got)
            (void)fail(reader, ERR_MALFORMED, "quote a cell that has a quote in it, and double it",
                       "it is no CSV", csv_strerror(csv_error(&parser)));
        if (csv_get_buffer_size(&parser) > 2 * LIMIT_TABLE_LINE)
            (void)fail(reader, ERR_TOO_BIG, "look for a quote that is not closed",
                       "a cell is too long", "");
    }
    if (reader->err == 0 && csv_fini(&parser, take_field, end_row, reader) != 0)
        (void)fail(reader, ERR_MALFORMED, "close the last quote", "it is no CSV",
                   csv_strerror(csv_error(&parser)));
    csv_free(&parser);
    return reader->err;
}

/* ---- JSON lines ---- */

/* A new column in the middle: rows before it have nothing there. */
static int widen(struct reader *reader, const char *name)
{
    struct table_file *table = reader->table;
    uint32_t old = table->column_count;
    struct value *cells;
    size_t room;

    if (add_column(reader, name) != 0)
        return reader->err;
    room = ((size_t)table->row_count + 1) * table->column_count;
    if (room > LIMIT_TABLE_CELLS)
        return fail(reader, ERR_TOO_BIG, NULL, "the table is too large", "");
    cells = xcalloc(room, sizeof(*cells));
    for (uint32_t row = 0; row < table->row_count && old > 0; row++)
        memcpy(&cells[(size_t)row * table->column_count], &table->cells[(size_t)row * old],
               old * sizeof(*cells));
    free(table->cells);
    table->cells = cells;
    reader->cell_room = room;
    return 0;
}

static int take_members(struct reader *reader, const char *prefix, const struct value *map)
{
    for (uint32_t i = 0; i < map->count && reader->err == 0; i++) {
        const struct member *member = &map->members[i];
        const char *name = *prefix == '\0'
                               ? member->key
                               : arena_printf(&reader->line_arena, "%s/%s", prefix, member->key);
        uint32_t column;

        if (member->value.type == VALUE_MAP) {
            (void)take_members(reader, name, &member->value);
            continue;
        }
        column = table_file_column(reader->table, name);
        if (column == NUMBER_NONE) {
            if (widen(reader, name) != 0)
                break;
            column = reader->table->column_count - 1;
        }
        put_cell(reader, column, value_copy(&member->value, reader->arena));
    }
    return reader->err;
}

static int take_line(struct reader *reader, struct span text)
{
    struct json_error error;
    struct value value;

    if (text.size > LIMIT_TABLE_LINE)
        return fail(reader, ERR_TOO_BIG, NULL, "the line is too long", "");
    arena_reset(&reader->line_arena);
    if (json_read(text, &reader->line_arena, &value, &error) != 0)
        return fail(reader, ERR_MALFORMED, "write one JSON object a line", "it is no JSON",
                    error.what);
    if (value.type != VALUE_MAP)
        return fail(reader, ERR_MALFORMED, "write one JSON object a line", "it is no object", "");
    if (add_row(reader) != 0)
        return reader->err;
    return take_members(reader, "", &value);
}

static int read_lines(struct reader *reader, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    while (reader->err == 0 && (size = getline(&line, &room, file)) >= 0) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        if (size > 0)
            (void)take_line(reader, span_of(line, (size_t)size));
        reader->line++;
    }
    free(line);
    return reader->err;
}

/* ---- either ---- */

/* Behind the mark that some programs begin a file of UTF-8 with. */
static int first_byte(FILE *file)
{
    char mark[3];
    int first;

    if (fread(mark, 1, sizeof(mark), file) != sizeof(mark) || memcmp(mark, "\xef\xbb\xbf", 3) != 0)
        rewind(file);
    first = fgetc(file);
    (void)ungetc(first, file);
    return first;
}

/* Takes the file. */
static int take_file(struct reader *reader, FILE *file)
{
    struct table_file *out = reader->table;
    int first;

    *out = (struct table_file){0};
    out->names = xcalloc(LIMIT_TABLE_COLUMNS, sizeof(*out->names));
    first = first_byte(file);
    if (first == '{')
        (void)read_lines(reader, file);
    else
        (void)read_csv(reader, file);
    if (reader->err == 0 && ferror(file))
        (void)fail(reader, ERR_IO, NULL, "it cannot be read", strerror(errno));
    if (reader->err == 0 && (out->row_count == 0 || out->column_count == 0))
        reader->err = trouble_set(reader->trouble, ERR_MALFORMED, reader->path,
                                  "give names of columns, and rows below them", "it has no rows");
    (void)fclose(file);
    arena_fini(&reader->line_arena);
    if (reader->err != 0)
        table_file_fini(out);
    return reader->err;
}

int table_file_read(const char *path, struct arena *arena, struct table_file *out,
                    struct trouble *trouble)
{
    struct reader reader = {
        .path = path, .arena = arena, .table = out, .trouble = trouble, .line = 1};
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return trouble_set(trouble, err_from_errno(), path, "give the path of a CSV or JSON file",
                           "%s", strerror(errno));
    return take_file(&reader, file);
}

int table_file_parse(struct span text, const char *name, struct arena *arena,
                     struct table_file *out, struct trouble *trouble)
{
    struct reader reader = {
        .path = name, .arena = arena, .table = out, .trouble = trouble, .line = 1};
    FILE *file = fmemopen((void *)(uintptr_t)text.data, text.size, "r"); /* it writes nothing */

    if (file == NULL)
        return trouble_set(trouble, err_from_errno(), name, NULL, "%s", strerror(errno));
    return take_file(&reader, file);
}
