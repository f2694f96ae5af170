#include "common/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/number.h"

#define WRITE_DEPTH 64u /* of packed data that nobody scanned */

static const char hex[] = "0123456789abcdef";

static uint8_t *put_unit(uint8_t *at, uint32_t unit)
{
    *at++ = '\\';
    *at++ = 'u';
    *at++ = (uint8_t)hex[unit >> 12 & 0xf];
    *at++ = (uint8_t)hex[unit >> 8 & 0xf];
    *at++ = (uint8_t)hex[unit >> 4 & 0xf];
    *at++ = (uint8_t)hex[unit & 0xf];
    return at;
}

/* The character at `at`, which begins with a byte above 0x7f; *length gets its bytes. What is no
 * UTF-8 (only possible in data that was not scanned) counts as U+FFFD, a byte each. */
static uint32_t decode(const uint8_t *at, size_t left, size_t *length)
{
    size_t size = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t point = at[0] & (0x7fu >> size);

    *length = 1;
    if (left < size || !cursor_text_is_utf8(span_of(at, size)))
        return 0xfffd;
    for (size_t i = 1; i < size; i++)
        point = point << 6 | (at[i] & 0x3fu);
    *length = size;
    return point;
}

/* Write the one character at `at`, which cannot stand in a string as it is; returns its bytes. */
static size_t put_escaped(uint8_t **out, const uint8_t *at, size_t left)
{
    static const char from[] = "\"\\\n\r\t\b\f";
    static const char to[] = "\"\\nrtbf";
    const char *simple = *at != 0 ? strchr(from, *at) : NULL;
    size_t length = 1;
    uint32_t point = *at;

    if (simple != NULL) {
        *(*out)++ = '\\';
        *(*out)++ = (uint8_t)to[simple - from];
        return 1;
    }
    if (point >= 0x80)
        point = decode(at, left, &length);
    if (point >= 0x10000) {
        *out = put_unit(*out, 0xd800 + ((point - 0x10000) >> 10));
        *out = put_unit(*out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
        *out = put_unit(*out, point);
    }
    return length;
}

/* Whether one of eight bytes is '"', '\\', below a blank, or above '~'. A zero byte of x shows as
 * the top bit of (x - 0x01..) & ~x; a borrow can only come from such a byte, so no answer is
 * wrong for the whole word. */
static bool word_is_special(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"');
    uint64_t slash = word ^ (ones * '\\');
    uint64_t found = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                     ((word - ones * 0x20) & ~word) | (word + ones) | word;

    return (found & tops) != 0;
}

static bool is_special(uint8_t c)
{
    return c < 0x20 || c > 0x7e || c == '"' || c == '\\';
}

/* Copy the plain bytes at the front of the text; returns how many. */
static size_t put_plain(uint8_t *at, const uint8_t *text, size_t size)
{
    uint64_t word;
    size_t done = 0;

    if (size < sizeof(word)) {
        for (; done < size && !is_special(text[done]); done++)
            at[done] = text[done];
        return done;
    }
    for (; size - done >= sizeof(word); done += sizeof(word)) {
        memcpy(&word, text + done, sizeof(word));
        if (word_is_special(word))
            break;
        memcpy(at + done, &word, sizeof(word));
    }
    if (size - done < sizeof(word)) {
        /* The last word again, over bytes that are done: quicker than what is left one by one. */
        memcpy(&word, text + size - sizeof(word), sizeof(word));
        if (!word_is_special(word)) {
            memcpy(at + size - sizeof(word), &word, sizeof(word));
            return size;
        }
    }
    for (; done < size && !is_special(text[done]); done++)
        at[done] = text[done];
    return done;
}

/* The text in quotes at `at`, where at least size * 6 + 2 bytes are free. */
static uint8_t *put_text(uint8_t *at, const uint8_t *text, size_t size)
{
    *at++ = '"';
    while (size > 0) {
        size_t length = put_plain(at, text, size);

        at += length;
        text += length;
        size -= length;
        if (size > 0) {
            length = put_escaped(&at, text, size);
            text += length;
            size -= length;
        }
    }
    *at++ = '"';
    return at;
}

void json_write_text(struct span text, struct buf *out)
{
    uint8_t *start = buf_reserve(out, text.size * 6 + 2);
    uint8_t *end = put_text(start, text.data, text.size);

    out->size += (size_t)(end - start);
}

static void write_hex(struct span bytes, struct buf *out)
{
    uint8_t *at = buf_reserve(out, bytes.size * 2 + 2);
    const uint8_t *data = bytes.data;

    *at++ = '"';
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = (uint8_t)hex[data[i] >> 4];
        *at++ = (uint8_t)hex[data[i] & 0xf];
    }
    *at = '"';
    out->size += bytes.size * 2 + 2;
}

static void write_double(double number, struct buf *out)
{
    if (isfinite(number))
        out->size += number_repr(number, (char *)buf_reserve(out, NUMBER_BYTES));
    else
        buf_append_text(out, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

static void write_int(int64_t number, struct buf *out)
{
    out->size += number_int(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

static void write_bool(bool boolean, struct buf *out)
{
    if (boolean)
        buf_append(out, "true", 4);
    else
        buf_append(out, "false", 5);
}

static bool write_packed(struct cursor *cursor, struct buf *out, unsigned depth);

static bool write_packed_list(struct cursor *cursor, struct buf *out, unsigned depth)
{
    uint32_t count;

    if (depth == 0 || !cursor_list(cursor, &count))
        return false;
    buf_append_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append(out, ", ", 2);
        if (!write_packed(cursor, out, depth - 1))
            return false;
    }
    buf_append_char(out, ']');
    return true;
}

static bool write_packed_map(struct cursor *cursor, struct buf *out, unsigned depth)
{
    uint32_t pairs;
    struct span key;
    uint8_t *start, *at;

    if (depth == 0 || !cursor_map(cursor, &pairs))
        return false;
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < pairs; i++) {
        if (!cursor_text(cursor, &key))
            return false;
        at = start = buf_reserve(out, key.size * 6 + 6);
        if (i > 0) {
            *at++ = ',';
            *at++ = ' ';
        }
        at = put_text(at, key.data, key.size);
        *at++ = ':';
        *at++ = ' ';
        out->size += (size_t)(at - start);
        if (!write_packed(cursor, out, depth - 1))
            return false;
    }
    buf_append_char(out, '}');
    return true;
}

/* Peek has checked the item, so the reads of scalars below cannot fail. */
static bool write_packed(struct cursor *cursor, struct buf *out, unsigned depth)
{
    int64_t integer = 0;
    uint64_t natural = 0;
    double number = 0;
    bool boolean = false;
    struct span text = {0};

    switch (cursor_peek(cursor)) {
    case CURSOR_NIL:
        buf_append(out, "null", 4);
        return cursor_nil(cursor);
    case CURSOR_BOOL:
        (void)cursor_bool(cursor, &boolean);
        write_bool(boolean, out);
        return true;
    case CURSOR_INT:
        (void)cursor_int(cursor, &integer);
        write_int(integer, out);
        return true;
    case CURSOR_UINT:
        (void)cursor_uint(cursor, &natural);
        out->size += number_uint(natural, (char *)buf_reserve(out, NUMBER_BYTES));
        return true;
    case CURSOR_DOUBLE:
        (void)cursor_double(cursor, &number);
        write_double(number, out);
        return true;
    case CURSOR_TEXT:
        (void)cursor_text(cursor, &text);
        json_write_text(text, out);
        return true;
    case CURSOR_BYTES:
        (void)cursor_bytes(cursor, &text);
        write_hex(text, out);
        return true;
    case CURSOR_LIST:
        return write_packed_list(cursor, out, depth);
    case CURSOR_MAP:
        return write_packed_map(cursor, out, depth);
    case CURSOR_END:
        break;
    }
    return false;
}

bool json_write_packed(struct cursor *cursor, struct buf *out)
{
    size_t size = out->size;

    if (write_packed(cursor, out, WRITE_DEPTH))
        return true;
    out->size = size;
    return false;
}

static void write_value(const struct value *value, enum json_style style, unsigned indent,
                        struct buf *out);

static void write_break(enum json_style style, unsigned indent, struct buf *out)
{
    if (style != JSON_INDENT)
        return;
    buf_append_char(out, '\n');
    for (unsigned i = 0; i < indent; i++)
        buf_append(out, "  ", 2);
}

static void write_comma(enum json_style style, struct buf *out)
{
    buf_append(out, ", ", style == JSON_LINE ? 2 : 1);
}

static int member_compare(const void *a, const void *b)
{
    const struct member *const *left = a;
    const struct member *const *right = b;

    return strcmp((*left)->key, (*right)->key);
}

static void write_map(const struct value *map, enum json_style style, unsigned indent,
                      struct buf *out)
{
    struct arena arena = {0};
    const struct member **order = arena_alloc(&arena, map->count * sizeof(struct member *));

    for (uint32_t i = 0; i < map->count; i++)
        order[i] = &map->members[i];
    if (style == JSON_INDENT && map->count > 1)
        qsort(order, map->count, sizeof(struct member *), member_compare);
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < map->count; i++) {
        if (i > 0)
            write_comma(style, out);
        write_break(style, indent + 1, out);
        json_write_text(span_text(order[i]->key), out);
        buf_append(out, ": ", style == JSON_COMPACT ? 1 : 2);
        write_value(&order[i]->value, style, indent + 1, out);
    }
    if (map->count > 0)
        write_break(style, indent, out);
    buf_append_char(out, '}');
    arena_fini(&arena);
}

static void write_list(const struct value *list, enum json_style style, unsigned indent,
                       struct buf *out)
{
    buf_append_char(out, '[');
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            write_comma(style, out);
        write_break(style, indent + 1, out);
        write_value(&list->items[i], style, indent + 1, out);
    }
    if (list->count > 0)
        write_break(style, indent, out);
    buf_append_char(out, ']');
}

static void write_value(const struct value *value, enum json_style style, unsigned indent,
                        struct buf *out)
{
    switch (value->type) {
    case VALUE_NULL:
        buf_append(out, "null", 4);
        break;
    case VALUE_BOOL:
        write_bool(value->boolean, out);
        break;
    case VALUE_INT:
        write_int(value->integer, out);
        break;
    case VALUE_DOUBLE:
        write_double(value->number, out);
        break;
    case VALUE_TEXT:
        json_write_text(span_of(value->text, value->count), out);
        break;
    case VALUE_LIST:
        write_list(value, style, indent, out);
        break;
    case VALUE_MAP:
        write_map(value, style, indent, out);
        break;
    }
}

void json_write(const struct value *value, enum json_style style, struct buf *out)
{
    write_value(value, style, 0, out);
}

struct value json_writable(const struct value *value, struct arena *arena)
{
    struct value_builder builder;

    if (value->type == VALUE_DOUBLE && value->number - value->number != 0)
        return value_null();
    if (value->type == VALUE_LIST) {
        value_builder_list(&builder, arena);
        for (uint32_t i = 0; i < value->count; i++)
            value_builder_add(&builder, json_writable(&value->items[i], arena));
        return value_builder_done(&builder);
    }
    if (value->type != VALUE_MAP)
        return *value;
    value_builder_map(&builder, arena);
    for (uint32_t i = 0; i < value->count; i++)
        value_builder_append(&builder, value->members[i].key,
                             json_writable(&value->members[i].value, arena));
    return value_builder_done(&builder);
}
