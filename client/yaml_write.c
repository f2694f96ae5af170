#include "client/yaml_write.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/yaml.h"
#include "common/number.h"
#include "common/xalloc.h"

#define WIDTH 80u /* a text is folded at a space behind this column */
#define STEP  2u  /* of indentation */

struct writer {
    struct buf *out; /* borrowed */
    size_t line;     /* where in out the current line begins */
    bool sorted;
    bool file; /* to be read again: yaml_write_file */
};

static size_t column(const struct writer *writer)
{
    return writer->out->size - writer->line;
}

static void new_line(struct writer *writer, size_t indent)
{
    buf_append_char(writer->out, '\n');
    writer->line = writer->out->size;
    for (size_t i = 0; i < indent; i++)
        buf_append_char(writer->out, ' ');
}

/* One space between words, where the line is long enough already: the line ends there instead. */
static bool fold(struct writer *writer, size_t run, size_t indent, bool may)
{
    if (!may || run != 1 || column(writer) <= WIDTH)
        return false;
    new_line(writer, indent);
    return true;
}

static void write_plain(struct writer *writer, struct span text, size_t indent, bool key)
{
    const char *bytes = text.data;
    size_t at = 0;

    while (at < text.size) {
        size_t run = 0;

        while (at + run < text.size && bytes[at + run] == ' ')
            run++;
        if (run > 0) {
            if (!fold(writer, run, indent, !key))
                buf_append(writer->out, bytes + at, run);
            at += run;
            continue;
        }
        while (at + run < text.size && bytes[at + run] != ' ')
            run++;
        buf_append(writer->out, bytes + at, run);
        at += run;
    }
}

static void write_single_breaks(struct writer *writer, size_t run, size_t indent)
{
    for (size_t i = 0; i <= run; i++) {
        buf_append_char(writer->out, '\n');
        writer->line = writer->out->size;
    }
    writer->out->size--; /* the last one is new_line's */
    new_line(writer, indent);
}

static void write_single(struct writer *writer, struct span text, size_t indent, bool key)
{
    const char *bytes = text.data;
    size_t at = 0;

    buf_append_char(writer->out, '\'');
    while (at < text.size) {
        char c = bytes[at];
        size_t run = 1;

        while ((c == ' ' || c == '\n') && at + run < text.size && bytes[at + run] == c)
            run++;
        if (c == '\n') {
            write_single_breaks(writer, run, indent);
        } else if (c == ' ') {
            if (!fold(writer, run, indent, !key && at > 0 && at + run < text.size))
                buf_append(writer->out, bytes + at, run);
        } else {
            if (c == '\'')
                buf_append_char(writer->out, '\'');
            buf_append_char(writer->out, c);
        }
        at += run;
    }
    buf_append_char(writer->out, '\'');
}

/* The code point at the beginning of a text, and how many bytes it has. A byte that begins none
 * (files may be called anything) stands for U+FFFD. */
static uint32_t code_point(const unsigned char *at, size_t left, size_t *size)
{
    uint32_t code = at[0];

    *size = code < 0x80 ? 1 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
    if (*size == 1)
        return code;
    if (*size > left || !cursor_text_is_utf8(span_of(at, *size))) {
        *size = 1;
        return 0xfffd;
    }
    code &= 0x7fu >> *size;
    for (size_t i = 1; i < *size; i++)
        code = code << 6 | (at[i] & 0x3fu);
    return code;
}

static void write_escape(struct buf *out, uint32_t code)
{
    static const struct {
        uint32_t code;
        char letter;
    } letters[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                   {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                   {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].code == code) {
            buf_printf(out, "\\%c", letters[i].letter);
            return;
        }
    }
    if (code <= 0xff)
        buf_printf(out, "\\x%02X", code);
    else if (code <= 0xffff)
        buf_printf(out, "\\u%04X", code);
    else
        buf_printf(out, "\\U%08X", code);
}

/* Folded with a backslash at the line's end: before a space, before what follows an escape, and
 * behind an escape that reaches one column further. Never at the text's own ends. */
static void write_double(struct writer *writer, struct span text, size_t indent, bool key)
{
    const unsigned char *bytes = text.data;
    bool escaped = false; /* the one before was */
    size_t size;

    buf_append_char(writer->out, '"');
    for (size_t at = 0; at < text.size; at += size) {
        uint32_t code = code_point(bytes + at, text.size - at, &size);
        bool escape = code < 0x20 || code > 0x7e || code == '"' || code == '\\';
        bool may = !key && at > 0 && at + size < text.size;

        if (!escape && may && (escaped || code == ' ') && column(writer) > WIDTH) {
            buf_append_char(writer->out, '\\');
            new_line(writer, indent);
            if (code == ' ')
                buf_append_char(writer->out, '\\');
        }
        if (escape)
            write_escape(writer->out, code);
        else
            buf_append_char(writer->out, (char)code);
        if (escape && may && column(writer) > WIDTH + 1) {
            buf_append_char(writer->out, '\\');
            new_line(writer, indent);
            if (bytes[at + size] == ' ')
                buf_append_char(writer->out, '\\');
        }
        escaped = escape;
    }
    buf_append_char(writer->out, '"');
}

/* Whether yaml_read would take the plain text for what it is: its schema has more numbers than the
 * one that results are written for. */
static bool reads_as_text(struct span text)
{
    struct arena scratch = {0};
    struct value value;
    bool is_text = yaml_scalar(arena_text(&scratch, text), &scratch, &value) == NULL &&
                   value.type == VALUE_TEXT;

    arena_fini(&scratch);
    return is_text;
}

static void write_text(struct writer *writer, struct span text, size_t indent, bool key)
{
    enum yaml_style style = yaml_style_of(text, key);

    if (writer->file && (style == YAML_SINGLE || (!key && !reads_as_text(text))))
        style = YAML_DOUBLE;
    key |= writer->file; /* neither is folded */
    switch (style) {
    case YAML_PLAIN:
        write_plain(writer, text, indent, key);
        break;
    case YAML_SINGLE:
        write_single(writer, text, indent, key);
        break;
    case YAML_DOUBLE:
        write_double(writer, text, indent, key);
        break;
    }
}

static void write_double_number(double number, struct buf *out)
{
    char text[NUMBER_BYTES];
    size_t size;
    char *e;

    if (number != number) {
        buf_append_text(out, ".nan");
        return;
    }
    if (number - number != 0) {
        buf_append_text(out, number > 0 ? ".inf" : "-.inf");
        return;
    }
    size = number_repr(number, text);
    e = memchr(text, 'e', size);
    if (e != NULL && memchr(text, '.', size) == NULL) {
        /* Without a point it would be read back as a text. */
        buf_append(out, text, (size_t)(e - text));
        buf_append_text(out, ".0");
        buf_append(out, e, size - (size_t)(e - text));
        return;
    }
    buf_append(out, text, size);
}

static void write_leaf(struct writer *writer, const struct value *value, size_t indent)
{
    switch (value->type) {
    case VALUE_NULL:
        buf_append_text(writer->out, "null");
        break;
    case VALUE_BOOL:
        buf_append_text(writer->out, value->boolean ? "true" : "false");
        break;
    case VALUE_INT:
        buf_printf(writer->out, "%lld", (long long)value->integer);
        break;
    case VALUE_DOUBLE:
        write_double_number(value->number, writer->out);
        break;
    case VALUE_TEXT:
        write_text(writer, span_of(value->text, value->count), indent, false);
        break;
    case VALUE_LIST:
        buf_append_text(writer->out, "[]");
        break;
    case VALUE_MAP:
        buf_append_text(writer->out, "{}");
        break;
    }
}

static bool is_block(const struct value *value)
{
    return (value->type == VALUE_LIST || value->type == VALUE_MAP) && value->count > 0;
}

static void write_block(struct writer *writer, const struct value *value, size_t indent);

static int key_compare(const void *a, const void *b)
{
    const struct member *const *left = a;
    const struct member *const *right = b;

    return strcmp((*left)->key, (*right)->key);
}

static void write_map(struct writer *writer, const struct value *map, size_t indent)
{
    const struct member **order = xcalloc(map->count, sizeof(*order));

    for (uint32_t i = 0; i < map->count; i++)
        order[i] = &map->members[i];
    if (writer->sorted)
        qsort(order, map->count, sizeof(*order), key_compare);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct value *value = &order[i]->value;

        if (i > 0)
            new_line(writer, indent);
        write_text(writer, span_text(order[i]->key), indent, true);
        buf_append_char(writer->out, ':');
        if (is_block(value)) {
            /* A list's dashes stand under the key that it belongs to. */
            size_t below = value->type == VALUE_LIST ? indent : indent + STEP;

            new_line(writer, below);
            write_block(writer, value, below);
        } else {
            buf_append_char(writer->out, ' ');
            write_leaf(writer, value, indent + STEP);
        }
    }
    free(order);
}

static void write_list(struct writer *writer, const struct value *list, size_t indent)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            new_line(writer, indent);
        buf_append_text(writer->out, "- ");
        if (is_block(&list->items[i]))
            write_block(writer, &list->items[i], indent + STEP);
        else
            write_leaf(writer, &list->items[i], indent + STEP);
    }
}

static void write_block(struct writer *writer, const struct value *value, size_t indent)
{
    if (value->type == VALUE_MAP)
        write_map(writer, value, indent);
    else
        write_list(writer, value, indent);
}

static void write_whole(struct writer *writer, const struct value *value)
{
    if (is_block(value))
        write_block(writer, value, 0);
    else
        write_leaf(writer, value, STEP);
    buf_append_char(writer->out, '\n');
}

void yaml_write(const struct value *value, bool sorted, struct buf *out)
{
    struct writer writer = {.out = out, .line = out->size, .sorted = sorted};

    write_whole(&writer, value);
}

void yaml_write_file(const struct value *value, struct buf *out)
{
    struct writer writer = {.out = out, .line = out->size, .file = true};

    write_whole(&writer, value);
}
