#include "client/csv_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/number.h"
#include "common/table.h"
#include "common/xalloc.h"

struct column {
    char *name;      /* owned */
    struct buf cell; /* of the row at hand */
    bool has;
};

struct csv_table {
    struct table *by_name;   /* struct column */
    struct column **columns; /* owned, and what they point to */
    uint32_t count;
    uint32_t room;
};

struct csv_table *csv_table_new(void)
{
    struct csv_table *table = xcalloc(1, sizeof(*table));

    table->by_name = table_new();
    return table;
}

void csv_table_free(struct csv_table *table)
{
    if (table == NULL)
        return;
    for (uint32_t i = 0; i < table->count; i++) {
        free(table->columns[i]->name);
        buf_fini(&table->columns[i]->cell);
        free(table->columns[i]);
    }
    free(table->columns);
    table_free(table->by_name);
    free(table);
}

bool csv_table_column(struct csv_table *table, const char *name)
{
    struct column *column;

    if (table_get(table->by_name, span_text(name)) != NULL)
        return true;
    if (table->count >= LIMIT_EXPORT_COLUMNS)
        return false;
    if (table->count == table->room) {
        table->room = table->room > 0 ? table->room * 2 : 64;
        table->columns = xrealloc(table->columns, table->room, sizeof(struct column *));
    }
    column = xcalloc(1, sizeof(*column));
    column->name = xstrdup(name);
    (void)table_put(table->by_name, span_text(name), column);
    table->columns[table->count++] = column;
    return true;
}

void csv_text(struct span text, struct buf *out)
{
    const char *bytes = text.data;
    bool quoted = false;

    for (size_t i = 0; i < text.size && !quoted; i++)
        quoted = strchr(",\"\r\n", bytes[i]) != NULL; /* and a NUL, which no text of ours has */
    /* Blanks at the ends are dropped by some readers where there are no quotes. */
    quoted |= text.size > 0 && (bytes[0] == ' ' || bytes[text.size - 1] == ' ');
    if (!quoted) {
        buf_append_span(out, text);
        return;
    }
    buf_append_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (bytes[i] == '"')
            buf_append_char(out, '"');
        buf_append_char(out, bytes[i]);
    }
    buf_append_char(out, '"');
}

void csv_table_head(const struct csv_table *table, struct buf *out)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (i > 0)
            buf_append_char(out, ',');
        csv_text(span_text(table->columns[i]->name), out);
    }
    buf_append_char(out, '\n');
}

static void put_value(const struct value *value, struct buf *out)
{
    struct buf text = {0};

    switch (value->type) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        buf_append_text(out, value->boolean ? "true" : "false");
        break;
    case VALUE_INT:
        out->size += number_int(value->integer, (char *)buf_reserve(out, NUMBER_BYTES));
        break;
    case VALUE_DOUBLE:
        out->size += number_repr(value->number, (char *)buf_reserve(out, NUMBER_BYTES));
        break;
    case VALUE_TEXT:
        csv_text(span_of(value->text, value->count), out);
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        json_write(value, JSON_COMPACT, &text);
        csv_text(buf_span(&text), out);
        buf_fini(&text);
        break;
    }
}

bool csv_table_cell(struct csv_table *table, const char *name, const struct value *value)
{
    struct column *column = table_get(table->by_name, span_text(name));

    if (column == NULL)
        return false;
    if (!column->has)
        put_value(value, &column->cell);
    column->has = true;
    return true;
}

void csv_table_row(struct csv_table *table, struct buf *out)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct column *column = table->columns[i];

        if (i > 0)
            buf_append_char(out, ',');
        buf_append_span(out, buf_span(&column->cell));
        buf_reset(&column->cell);
        column->has = false;
    }
    buf_append_char(out, '\n');
}
