#include "common/tag.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/number.h"

int tag_path_compare(const struct tag_path *a, const struct tag_path *b)
{
    uint32_t length = a->length < b->length ? a->length : b->length;

    for (uint32_t i = 0; i < length; i++) {
        const struct path_part *x = &a->parts[i];
        const struct path_part *y = &b->parts[i];
        int order;

        if (x->key == NULL || y->key == NULL) {
            if ((x->key == NULL) != (y->key == NULL))
                return x->key == NULL ? -1 : 1;
            order = (x->index > y->index) - (x->index < y->index);
        } else {
            order = strcmp(x->key, y->key);
        }
        if (order != 0)
            return order;
    }
    return (a->length > b->length) - (a->length < b->length);
}

const struct value *tag_path_value(const struct value *config, const struct tag_path *path)
{
    const struct value *at = config;

    for (uint32_t i = 0; i < path->length && at != NULL; i++) {
        const struct path_part *part = &path->parts[i];

        if (part->key != NULL)
            at = value_get(at, part->key);
        else
            at = at->type == VALUE_LIST && part->index < at->count ? &at->items[part->index] : NULL;
    }
    return at;
}

size_t tag_cut(const char *text, size_t size, size_t limit)
{
    if (size <= limit)
        return size;
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

static void number_write(double number, size_t (*print)(double, char *), struct buf *out)
{
    out->size += print(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

/* As Python's repr(): single quotes, unless only the other kind can be had without escapes. */
static void text_repr(const char *text, struct buf *out)
{
    char quote = strchr(text, '\'') != NULL && strchr(text, '"') == NULL ? '"' : '\'';

    buf_append_char(out, quote);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if (*at == quote || *at == '\\')
            buf_append_char(out, '\\');
        if (c == '\n')
            buf_append_text(out, "\\n");
        else if (c == '\r')
            buf_append_text(out, "\\r");
        else if (c == '\t')
            buf_append_text(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_append_char(out, *at);
    }
    buf_append_char(out, quote);
}

static void value_repr(const struct value *value, struct buf *out)
{
    switch (value->type) {
    case VALUE_NULL:
        buf_append_text(out, "None");
        break;
    case VALUE_BOOL:
        buf_append_text(out, value->boolean ? "True" : "False");
        break;
    case VALUE_INT:
        out->size += number_int(value->integer, (char *)buf_reserve(out, NUMBER_BYTES));
        break;
    case VALUE_DOUBLE:
        number_write(value->number, number_repr, out);
        break;
    case VALUE_TEXT:
        text_repr(value->text, out);
        break;
    case VALUE_LIST:
        buf_append_char(out, '[');
        for (uint32_t i = 0; i < value->count; i++) {
            if (i > 0)
                buf_append_text(out, ", ");
            value_repr(&value->items[i], out);
        }
        buf_append_char(out, ']');
        break;
    case VALUE_MAP:
        buf_append_char(out, '{');
        for (uint32_t i = 0; i < value->count; i++) {
            if (i > 0)
                buf_append_text(out, ", ");
            text_repr(value->members[i].key, out);
            buf_append_text(out, ": ");
            value_repr(&value->members[i].value, out);
        }
        buf_append_char(out, '}');
        break;
    }
}

/* From byte at on. */
static void clean(struct buf *out, size_t at)
{
    for (; at < out->size; at++)
        if (out->data[at] == '/' || out->data[at] < 0x20 || out->data[at] == 0x7f)
            out->data[at] = '_';
}

static void name_write(const struct tag_path *path, struct buf *out)
{
    uint32_t last = path->length; /* the last name; none where the configuration is the marker */
    bool first = true;

    for (uint32_t i = 0; i < path->length; i++)
        if (path->parts[i].key != NULL)
            last = i;
    if (last == path->length) {
        buf_append_text(out, "config");
        first = false;
    }
    for (uint32_t i = 0; i < path->length; i++) {
        if (path->parts[i].key != NULL && i != last)
            continue;
        if (!first)
            buf_append_char(out, '_');
        first = false;
        if (path->parts[i].key != NULL)
            buf_append_text(out, path->parts[i].key);
        else
            buf_printf(out, "%u", path->parts[i].index);
    }
}

static void item_write(const struct tag_path *path, const struct value *value, struct buf *out)
{
    size_t begin = out->size;

    name_write(path, out);
    buf_append_char(out, '=');
    if (value->type == VALUE_DOUBLE)
        number_write(value->number, number_tag, out);
    else if (value->type == VALUE_TEXT)
        buf_append_text(out, value->text);
    else
        value_repr(value, out);
    clean(out, begin);
}

static int path_order(const void *a, const void *b)
{
    return tag_path_compare(a, b);
}

const char *tag_write(const struct value *config, struct tag_path *paths, uint32_t count,
                      struct arena *arena)
{
    struct buf out = {0};
    const char *text;

    if (count > 1)
        qsort(paths, count, sizeof(*paths), path_order);
    for (uint32_t i = 0; i < count && out.size <= LIMIT_TAG_BYTES; i++) {
        const struct value *value = tag_path_value(config, &paths[i]);

        if (value == NULL || (i > 0 && tag_path_compare(&paths[i - 1], &paths[i]) == 0))
            continue;
        if (out.size > 0)
            buf_append_char(&out, ',');
        item_write(&paths[i], value, &out);
    }
    text = arena_text(
        arena, span_of(buf_text(&out), tag_cut((const char *)out.data, out.size, LIMIT_TAG_BYTES)));
    buf_fini(&out);
    return text;
}
