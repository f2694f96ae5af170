/* yaml_bytes.c - what a text is before it is parsed, and what a value weighs. */
#include <stdio.h>
#include <string.h>

#include "client/yaml.h"
#include "common/err.h"
#include "common/limits.h"

/* The byte at `at` is the culprit. */
static int refuse(struct yaml_error *error, int err, struct span text, size_t at, const char *what)
{
    const unsigned char *data = text.data;

    *error = (struct yaml_error){.line = 1, .column = 1};
    for (size_t i = 0; i < at; i++) {
        if (data[i] == '\n') {
            error->line++;
            error->column = 1;
        } else if ((data[i] & 0xc0) != 0x80) {
            error->column++;
        }
    }
    (void)snprintf(error->what, sizeof(error->what), "%s", what);
    return err;
}

/* Where the first character is that is none: what is before it is sound, with it it is not. */
static size_t unsound_find(struct span text)
{
    const unsigned char *data = text.data;
    size_t good = 0, bad = text.size;

    while (good + 1 < bad) {
        size_t middle = good + (bad - good) / 2;
        size_t whole = middle;

        while (whole > good && (data[whole] & 0xc0) == 0x80)
            whole--;
        if (cursor_text_is_utf8(span_of(data, whole)))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

int yaml_check_bytes(struct span text, struct yaml_error *error)
{
    const char *zero;

    if (text.size == 0)
        return 0;
    if (text.size > LIMIT_SPEC_BYTES)
        return refuse(error, ERR_TOO_BIG, text, 0, "it is longer than 1 MiB");
    zero = memchr(text.data, 0, text.size);
    if (zero != NULL)
        return refuse(error, ERR_MALFORMED, text, (size_t)(zero - (const char *)text.data),
                      "there is a zero byte in it");
    if (!cursor_text_is_utf8(text))
        return refuse(error, ERR_MALFORMED, text, unsound_find(text), "this is not UTF-8");
    return 0;
}

void yaml_measure(const struct value *value, uint64_t *items, uint64_t *bytes, uint32_t depth,
                  uint32_t *deepest)
{
    *items += 1;
    if ((value->type == VALUE_LIST || value->type == VALUE_MAP) && depth > *deepest)
        *deepest = depth;
    if (value->type == VALUE_TEXT)
        *bytes += value->count;
    for (uint32_t i = 0; value->type == VALUE_LIST && i < value->count; i++)
        yaml_measure(&value->items[i], items, bytes, depth + 1, deepest);
    for (uint32_t i = 0; value->type == VALUE_MAP && i < value->count; i++) {
        *items += 1;
        *bytes += strlen(value->members[i].key);
        yaml_measure(&value->members[i].value, items, bytes, depth + 1, deepest);
    }
}
