#include "client/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/spec.h"
#include "common/units.h"

#define FIRST_CODE 1000 /* what getopt_long answers for row 0 */
#define HELP_WIDTH 26

/* All rows of all tables, and what getopt wants of them. */
struct reader {
    const struct option_row *rows[OPTIONS_MOST];
    struct option longs[OPTIONS_MOST + 1];
    char shorts[2 * OPTIONS_MOST + 3];
    uint32_t count;
};

static void reader_fill(struct reader *reader, const struct option_table *tables, uint32_t count)
{
    size_t at = 0;
    uint32_t longs = 0;

    memset(reader, 0, sizeof(*reader));
    reader->shorts[at++] = ':'; /* a missing value is told from an unknown flag */
    for (uint32_t t = 0; t < count; t++) {
        for (uint32_t i = 0; i < tables[t].count; i++) {
            const struct option_row *row = &tables[t].rows[i];
            int takes = row->kind == OPTION_FLAG ? no_argument : required_argument;

            assert(reader->count < OPTIONS_MOST);
            if (row->name != NULL)
                reader->longs[longs++] =
                    (struct option){row->name, takes, NULL, FIRST_CODE + (int)reader->count};
            if (row->letter != '\0') {
                reader->shorts[at++] = row->letter;
                if (takes == required_argument)
                    reader->shorts[at++] = ':';
            }
            reader->rows[reader->count++] = row;
        }
    }
}

static const struct option_row *row_of(const struct reader *reader, int code)
{
    if (code >= FIRST_CODE)
        return reader->rows[code - FIRST_CODE];
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->rows[i]->letter == code)
            return reader->rows[i];
    return NULL;
}

static int refuse(struct option_error *error, const char *what, const char *why, const char *mend)
{
    (void)snprintf(error->what, sizeof(error->what), "%s", what);
    (void)snprintf(error->why, sizeof(error->why), "%s", why);
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend);
    return ERR_MALFORMED;
}

static void texts_add(struct option_texts *texts, const char *text, struct arena *arena)
{
    const char **items = arena_alloc(arena, (texts->count + 1) * sizeof(*items));

    if (texts->count > 0)
        memcpy(items, texts->items, texts->count * sizeof(*items));
    items[texts->count++] = text;
    texts->items = items;
}

static int row_take(const struct option_row *row, const char *text, void *values,
                    struct arena *arena, struct option_error *error)
{
    void *place = (char *)values + row->offset;
    struct option_number *number = place;
    char name[64];

    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)place = text;
        return 0;
    case OPTION_TEXTS:
        texts_add(place, text, arena);
        return 0;
    case OPTION_ORDERED:
        texts_add(place, arena_printf(arena, "%s=%s", row->name, text), arena);
        return 0;
    case OPTION_NUMBER:
    case OPTION_DURATION:
        break;
    }
    (void)snprintf(name, sizeof(name), "%s%s", row->name != NULL ? "--" : "-",
                   row->name != NULL ? row->name : (const char[]){row->letter, '\0'});
    if (row->kind == OPTION_DURATION ? !duration_parse(text, &number->value)
                                     : !number_read(text, UINT32_MAX, &number->value))
        return refuse(error, name,
                      row->kind == OPTION_DURATION ? "takes a duration" : "takes a whole number",
                      row->kind == OPTION_DURATION ? "90s, 10m or 1h30m" : "");
    number->given = true;
    return 0;
}

/* What getopt_long did not know: the argument it stands in, and the flag it may have been. */
static int unknown(const struct reader *reader, const char *argument, struct option_error *error)
{
    const char *names[OPTIONS_MOST];
    const char *nearest;
    char what[64];
    char mend[128] = "";
    uint32_t count = 0;
    size_t size = strcspn(argument, "=");

    if (argument[0] != '-' || argument[1] != '-') {
        (void)snprintf(what, sizeof(what), "-%c", optopt);
        return refuse(error, what, "there is no such flag", "");
    }
    (void)snprintf(what, sizeof(what), "%.*s", (int)size, argument);
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->rows[i]->name != NULL)
            names[count++] = reader->rows[i]->name;
    for (uint32_t i = 0; i < count && argument[size] == '='; i++)
        if (strcmp(what + 2, names[i]) == 0)
            return refuse(error, what, "takes no value", what);
    nearest = spec_nearest(what + 2, names, count);
    if (nearest != NULL)
        (void)snprintf(mend, sizeof(mend), "--%s", nearest);
    return refuse(error, what, "there is no such flag", mend);
}

int options_read(const struct option_table *tables, uint32_t table_count, int argc, char **argv,
                 void *values, struct arena *arena, int *operands, struct option_error *error)
{
    struct reader reader;
    int code;

    reader_fill(&reader, tables, table_count);
    opterr = 0;
    optind = 0; /* start anew: a GNU extension */
    for (;;) {
        int before = optind > 0 ? optind : 1;
        const struct option_row *row;
        int err;

        code = getopt_long(argc, argv, reader.shorts, reader.longs, NULL);
        if (code == -1)
            break;
        if (code == '?')
            return unknown(&reader, argv[optind > before ? optind - 1 : before], error);
        if (code == ':')
            return refuse(error, argv[optind - 1], "needs a value behind it", "");
        row = row_of(&reader, code);
        assert(row != NULL);
        err = row_take(row, optarg, values, arena, error);
        if (err != 0)
            return err;
    }
    *operands = optind;
    return 0;
}

const char *option_choice(const struct option_row *row, size_t i, struct arena *arena)
{
    const char *at = row->argument;

    if (row->choice != NULL)
        return row->choice(i);
    if (at == NULL || strchr(at, '|') == NULL)
        return NULL;
    for (; i > 0; i--) {
        at += strcspn(at, "|");
        if (*at++ == '\0')
            return NULL;
    }
    return arena_text(arena, span_of(at, strcspn(at, "|")));
}

void options_help(const struct option_table *table, struct buf *out)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        size_t start = out->size;

        if (row->letter != '\0' && row->name != NULL)
            buf_printf(out, "  -%c, --%s", row->letter, row->name);
        else if (row->letter != '\0')
            buf_printf(out, "  -%c", row->letter);
        else
            buf_printf(out, "      --%s", row->name);
        if (row->argument != NULL)
            buf_printf(out, " %s", row->argument);
        if (out->size - start > HELP_WIDTH)
            buf_printf(out, "\n%*s", HELP_WIDTH + 2, "");
        else
            buf_printf(out, "%*s", (int)(HELP_WIDTH + 2 - (out->size - start)), "");
        buf_printf(out, "%s\n", row->help);
    }
}
