#include "client/out.h"

#include <assert.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/say.h"
#include "client/tame.h"
#include "common/json.h"
#include "common/xalloc.h"

/* Of the first write that failed: what goes wrong later says less. */
static int first_errno;

static void note(bool failed)
{
    if (failed && first_errno == 0)
        first_errno = errno;
}

struct table_out {
    struct libscols_table *table; /* owned */
    struct libscols_line *line;   /* of the row at hand; the table's */
    size_t column;
    size_t columns;
};

struct table_out *table_out_new(const char *const *columns, const bool *numbers, size_t count)
{
    struct table_out *out = xcalloc(1, sizeof(*out));

    out->table = scols_new_table();
    assert(out->table != NULL);
    out->columns = count;
    for (size_t i = 0; i < count; i++) {
        const struct libscols_column *column =
            scols_table_new_column(out->table, columns[i], 0, numbers[i] ? SCOLS_FL_RIGHT : 0);

        assert(column != NULL);
    }
    /* Lines are never cut: who pipes them wants all of it, and a terminal folds. */
    (void)scols_table_enable_maxout(out->table, 0);
    (void)scols_table_set_termforce(out->table, SCOLS_TERMFORCE_NEVER);
    return out;
}

void table_out_row(struct table_out *table)
{
    assert(table->line == NULL || table->column == table->columns);
    table->line = scols_table_new_line(table->table, NULL);
    assert(table->line != NULL);
    table->column = 0;
}

void table_out_cell(struct table_out *table, const char *text)
{
    int rc;

    assert(table->line != NULL && table->column < table->columns);
    rc = scols_line_set_data(table->line, table->column++, text[0] != '\0' ? text : "-");
    assert(rc == 0);
}

void table_out_cell_span(struct table_out *table, struct span text)
{
    char *copy = xstrndup(text.data != NULL ? text.data : "", text.size);

    table_out_cell(table, copy);
    free(copy);
}

void table_out_cellf(struct table_out *table, const char *format, ...)
{
    struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    table_out_cell(table, buf_text(&text));
    buf_fini(&text);
}

void table_out_print(struct table_out *table)
{
    assert(table->line == NULL || table->column == table->columns);
    (void)scols_table_set_stream(table->table, stdout);
    if (table->line != NULL)
        (void)scols_print_table(table->table);
    scols_unref_table(table->table);
    free(table);
}

void out_json_part(const struct value *value, struct arena *arena)
{
    struct value shown = json_writable(value, arena);
    struct buf text = {0};

    json_write(&shown, JSON_LINE, &text);
    out_write(buf_span(&text));
    buf_fini(&text);
}

void out_json(const struct value *value, bool line, struct arena *arena)
{
    out_json_part(value, arena);
    out_write(span_text("\n"));
    if (line)
        out_push();
}

void out_write(struct span bytes)
{
    if (bytes.size > 0)
        note(fwrite(bytes.data, 1, bytes.size, stdout) != bytes.size);
}

void out_text(struct buf *text)
{
    tame(text, true);
    out_write(buf_span(text));
    buf_fini(text);
}

bool out_is_terminal(void)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           term[0] != '\0' && span_is(span_text(term), "dumb") == false;
}

void out_push(void)
{
    note(fflush(stdout) != 0);
}

bool out_failed(void)
{
    return first_errno != 0 || ferror(stdout);
}

int out_flush(void)
{
    static bool said;

    out_push();
    if (first_errno == 0 && ferror(stdout))
        first_errno = EIO; /* why, is lost */
    if (first_errno == 0)
        return 0;
    if (first_errno == EPIPE)
        return 128 + SIGPIPE;
    errno = first_errno;
    if (!said)
        (void)say_errno(EXIT_OURS, "standard output", "make room where it goes");
    said = true;
    return EXIT_OURS;
}
