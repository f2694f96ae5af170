#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/number.h"

/* Where a read is; errors are counted from start. */
struct reader {
    const char *start;
    const char *at;
    const char *end;
    struct arena *arena;      /* borrowed */
    struct json_error *error; /* borrowed */
};

static int read_item(struct reader *reader, unsigned depth, struct value *out);

/* Fill in the error, at reader->at; returns err. */
__attribute__((format(printf, 3, 4))) static int refuse(struct reader *reader, int err,
                                                        const char *format, ...)
{
    struct json_error error = {.line = 1, .column = 1};
    va_list args;

    for (const char *at = reader->start; at < reader->at; at++) {
        error.column++;
        if (*at == '\n') {
            error.line++;
            error.column = 1;
        }
    }
    va_start(args, format);
    (void)vsnprintf(error.what, sizeof(error.what), format, args);
    va_end(args);
    *reader->error = error;
    return err;
}

/* Nothing that could garble a terminal comes out of an error. */
static int refuse_here(struct reader *reader, const char *wanted)
{
    if (reader->at == reader->end)
        return refuse(reader, ERR_MALFORMED, "the text ends here; %s expected", wanted);
    if (*reader->at < 0x20 || *reader->at > 0x7e)
        return refuse(reader, ERR_MALFORMED, "%s expected", wanted);
    return refuse(reader, ERR_MALFORMED, "%s expected, not '%c'", wanted, *reader->at);
}

static void pass_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

/* Pass the character if it is the next one. */
static bool pass(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static bool pass_word(struct reader *reader, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

/* The four hex digits behind "\u". */
static bool read_unit(struct reader *reader, uint32_t *out)
{
    uint32_t unit = 0;

    if (reader->end - reader->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = reader->at[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                : 16;

        if (digit == 16)
            return false;
        unit = unit << 4 | digit;
    }
    reader->at += 4;
    *out = unit;
    return true;
}

static char *put_point(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

/* What stands behind "\u": one unit, or two that are one character. */
static int read_point(struct reader *reader, char **out)
{
    uint32_t unit, low;

    if (!read_unit(reader, &unit))
        return refuse_here(reader, "four hex digits");
    if (unit == 0)
        return refuse(reader, ERR_MALFORMED, "a text may hold no NUL");
    if (unit >= 0xd800 && unit < 0xe000) {
        if (unit >= 0xdc00 || !pass_word(reader, "\\u") || !read_unit(reader, &low) ||
            low < 0xdc00 || low >= 0xe000)
            return refuse(reader, ERR_MALFORMED, "half of a surrogate pair");
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = put_point(*out, unit);
    return 0;
}

/* What stands behind a backslash. */
static int read_escape(struct reader *reader, char **out)
{
    static const char from[] = "\"\\/nrtbf";
    static const char to[] = "\"\\/\n\r\t\b\f";
    const char *found;

    if (pass(reader, 'u'))
        return read_point(reader, out);
    found = reader->at < reader->end && *reader->at != '\0' ? strchr(from, *reader->at) : NULL;
    if (found == NULL)
        return refuse_here(reader, "an escape");
    reader->at++;
    *(*out)++ = to[found - from];
    return 0;
}

/* A text, whose quote is passed. No escape makes it longer than it is written. */
static int read_text(struct reader *reader, struct span *out)
{
    const char *close = reader->at;
    char *text, *end;

    while (close < reader->end && *close != '"')
        close += *close == '\\' && close + 1 < reader->end ? 2 : 1;
    if (!cursor_text_is_utf8(span_of(reader->at, (size_t)(close - reader->at))))
        return refuse(reader, ERR_MALFORMED, "this text is not UTF-8");
    text = end = arena_alloc(reader->arena, (size_t)(close - reader->at) + 1);
    while (!pass(reader, '"')) {
        if (reader->at == reader->end)
            return refuse(reader, ERR_MALFORMED, "the text ends inside a string");
        if ((uint8_t)*reader->at < 0x20)
            return refuse(reader, ERR_MALFORMED, "a bare control character in a string");
        if (pass(reader, '\\')) {
            int err = read_escape(reader, &end);

            if (err < 0)
                return err;
        } else {
            *end++ = *reader->at++;
        }
    }
    *end = '\0';
    *out = span_of(text, (size_t)(end - text));
    return 0;
}

static size_t pass_digits(struct reader *reader)
{
    const char *start = reader->at;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (size_t)(reader->at - start);
}

/* False where the digits do not fit. */
static bool read_integer(struct span digits, int64_t *out)
{
    const char *text = digits.data;
    bool negative = text[0] == '-';
    int64_t number = 0;

    for (size_t i = negative ? 1 : 0; i < digits.size; i++) {
        int64_t digit = text[i] - '0';

        if (__builtin_mul_overflow(number, (int64_t)10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return false;
    }
    *out = number;
    return true;
}

static int read_number(struct reader *reader, struct value *out)
{
    const char *start = reader->at;
    bool whole = true;
    struct span text;
    int64_t integer;
    double number;

    (void)pass(reader, '-');
    if (pass_word(reader, "Infinity")) {
        *out = value_double(*start == '-' ? -__builtin_inf() : __builtin_inf());
        return 0;
    }
    if (!pass(reader, '0') && pass_digits(reader) == 0)
        return refuse_here(reader, "a value");
    if (pass(reader, '.')) {
        whole = false;
        if (pass_digits(reader) == 0)
            return refuse_here(reader, "a digit");
    }
    if (pass(reader, 'e') || pass(reader, 'E')) {
        whole = false;
        if (!pass(reader, '+'))
            (void)pass(reader, '-');
        if (pass_digits(reader) == 0)
            return refuse_here(reader, "a digit");
    }
    text = span_of(start, (size_t)(reader->at - start));
    if (whole && read_integer(text, &integer))
        *out = value_int(integer);
    else if (number_parse(text, &number))
        *out = value_double(number);
    else
        return refuse(reader, ERR_MALFORMED, "not a number");
    return 0;
}

static int read_list(struct reader *reader, unsigned depth, struct value *out)
{
    struct value_builder builder;
    struct value item;
    int err;

    value_builder_list(&builder, reader->arena);
    pass_blanks(reader);
    if (!pass(reader, ']')) {
        do {
            err = read_item(reader, depth, &item);
            if (err < 0)
                return err;
            value_builder_add(&builder, item);
            pass_blanks(reader);
        } while (pass(reader, ','));
        if (!pass(reader, ']'))
            return refuse_here(reader, "',' or ']'");
    }
    *out = value_builder_done(&builder);
    return 0;
}

static int read_member(struct reader *reader, unsigned depth, struct value_builder *builder)
{
    struct value value;
    struct span key;
    int err;

    pass_blanks(reader);
    if (!pass(reader, '"'))
        return refuse_here(reader, "a key in quotes");
    err = read_text(reader, &key);
    if (err < 0)
        return err;
    pass_blanks(reader);
    if (!pass(reader, ':'))
        return refuse_here(reader, "':'");
    err = read_item(reader, depth, &value);
    if (err < 0)
        return err;
    value_builder_append(builder, key.data, value);
    pass_blanks(reader);
    return 0;
}

static int read_map(struct reader *reader, unsigned depth, struct value *out)
{
    struct value_builder builder;
    int err;

    value_builder_map(&builder, reader->arena);
    pass_blanks(reader);
    if (!pass(reader, '}')) {
        do {
            err = read_member(reader, depth, &builder);
            if (err < 0)
                return err;
        } while (pass(reader, ','));
        if (!pass(reader, '}'))
            return refuse_here(reader, "',' or '}'");
    }
    if (!value_keys_unique(builder.entries, builder.count, reader->arena))
        return refuse(reader, ERR_MALFORMED, "a key comes twice in the map that ends here");
    *out = value_builder_done(&builder);
    return 0;
}

static int read_item(struct reader *reader, unsigned depth, struct value *out)
{
    struct span text;
    int err;

    pass_blanks(reader);
    if (pass(reader, '"')) {
        err = read_text(reader, &text);
        if (err == 0)
            *out =
                (struct value){.type = VALUE_TEXT, .count = (uint32_t)text.size, .text = text.data};
        return err;
    }
    if (reader->at < reader->end && (*reader->at == '[' || *reader->at == '{')) {
        if (depth == 0)
            return refuse(reader, ERR_TOO_BIG, "more than %u lists and maps inside one another",
                          LIMIT_VALUE_DEPTH);
        return *reader->at++ == '[' ? read_list(reader, depth - 1, out)
                                    : read_map(reader, depth - 1, out);
    }
    if (pass_word(reader, "true"))
        *out = value_bool(true);
    else if (pass_word(reader, "false"))
        *out = value_bool(false);
    else if (pass_word(reader, "null"))
        *out = value_null();
    else if (pass_word(reader, "NaN"))
        *out = value_double(__builtin_nan(""));
    else
        return read_number(reader, out);
    return 0;
}

int json_read_item(struct span *text, struct arena *arena, struct value *out,
                   struct json_error *error)
{
    const char *start = text->size > 0 ? text->data : "";
    struct reader reader = {start, start, start + text->size, arena, error};
    struct value value;
    int err;

    if (text->size > UINT32_MAX)
        return refuse(&reader, ERR_TOO_BIG, "over 4 GiB");
    err = read_item(&reader, LIMIT_VALUE_DEPTH, &value);
    if (err < 0)
        return err;
    *text = span_of(reader.at, (size_t)(reader.end - reader.at));
    *out = value;
    return 0;
}

int json_read(struct span text, struct arena *arena, struct value *out, struct json_error *error)
{
    const char *start = text.size > 0 ? text.data : "";
    struct reader reader = {start, start, start + text.size, arena, error};
    struct span rest = text;
    struct value value;
    int err = json_read_item(&rest, arena, &value, error);

    if (err < 0)
        return err;
    reader.at = reader.end - rest.size;
    pass_blanks(&reader);
    if (reader.at < reader.end)
        return refuse_here(&reader, "the end of the text");
    *out = value;
    return 0;
}
