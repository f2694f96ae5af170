#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/number.h"
#include "common/schema.h"

/* A text that can stand without quotes: what names, ids and paths are made of. */
static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_-./:+@%,~#*", c) != NULL);
}

static void print_text(struct span text, struct buf *out)
{
    const char *bytes = text.data;
    bool bare = text.size > 0;

    for (size_t i = 0; i < text.size && bare; i++)
        bare = is_bare(bytes[i]);
    if (bare)
        buf_append_span(out, text);
    else
        json_write_text(text, out);
}

static void print_bytes(struct span bytes, struct buf *out)
{
    const uint8_t *data = bytes.data;

    if (bytes.size == 0)
        buf_append_text(out, "\"\"");
    for (size_t i = 0; i < bytes.size; i++)
        buf_printf(out, "%02x", data[i]);
}

static void print_packed(struct span packed, struct buf *out)
{
    struct cursor cursor;

    cursor_init(&cursor, packed);
    if (packed.size == 0 || !json_write_packed(&cursor, out))
        buf_append_text(out, "null");
}

static void print_fields(const struct schema *schema, const char *record, struct buf *out);

static void print_list(const struct schema *item, const struct record_list *list, struct buf *out)
{
    buf_append_char(out, '[');
    for (uint32_t i = 0; i < list->count; i++) {
        buf_append_text(out, i > 0 ? " {" : "{");
        print_fields(item, (const char *)list->items + i * item->size, out);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

static void print_number(size_t (*print)(double number, char *out), double number, struct buf *out)
{
    out->size += print(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

static void print_field(const struct field *field, const void *at, struct buf *out)
{
    switch (field->kind) {
    case FIELD_BOOL:
        buf_append_text(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_U32:
        buf_printf(out, "%u", *(const uint32_t *)at);
        break;
    case FIELD_U64:
        out->size += number_uint(*(const uint64_t *)at, (char *)buf_reserve(out, NUMBER_BYTES));
        break;
    case FIELD_I64:
        out->size += number_int(*(const int64_t *)at, (char *)buf_reserve(out, NUMBER_BYTES));
        break;
    case FIELD_F64:
        print_number(number_repr, *(const double *)at, out);
        break;
    case FIELD_TEXT:
        print_text(*(const struct span *)at, out);
        break;
    case FIELD_BYTES:
        print_bytes(*(const struct span *)at, out);
        break;
    case FIELD_PACKED:
        print_packed(*(const struct span *)at, out);
        break;
    case FIELD_RECORD:
        buf_append_char(out, '{');
        print_fields(field->item, at, out);
        buf_append_char(out, '}');
        break;
    case FIELD_LIST:
        print_list(field->item, at, out);
        break;
    }
}

static void print_fields(const struct schema *schema, const char *record, struct buf *out)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];

        if (i > 0)
            buf_append_char(out, ' ');
        buf_append_text(out, field->name);
        buf_append_char(out, '=');
        print_field(field, record + field->offset, out);
    }
}

void schema_print(const struct schema *schema, const void *record, struct buf *out)
{
    buf_append_text(out, schema->name);
    if (schema->field_count > 0)
        buf_append_char(out, ' ');
    print_fields(schema, record, out);
}

/* What is left of the line. */
struct parser {
    const char *at;
    struct arena *arena;        /* borrowed */
    struct schema_error *error; /* borrowed; may be NULL */
};

static int refuse(struct parser *parser, const char *field, const char *what)
{
    if (parser->error != NULL)
        *parser->error = (struct schema_error){.field = field, .what = what};
    return ERR_MALFORMED;
}

static void pass_blanks(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t')
        parser->at++;
}

static bool pass(struct parser *parser, char c)
{
    if (*parser->at != c)
        return false;
    parser->at++;
    return true;
}

/* A bare word, maybe empty. */
static struct span parse_word(struct parser *parser)
{
    const char *start = parser->at;

    while (is_bare(*parser->at))
        parser->at++;
    return span_of(start, (size_t)(parser->at - start));
}

static bool parse_json(struct parser *parser, struct value *out)
{
    struct span rest = span_text(parser->at);
    struct json_error error;

    if (json_read_item(&rest, parser->arena, out, &error) < 0)
        return false;
    parser->at = rest.data;
    return true;
}

static bool parse_text(struct parser *parser, struct span *out)
{
    struct value value;
    struct span word;

    if (*parser->at == '"') {
        if (!parse_json(parser, &value))
            return false;
        *out = span_of(value.text, value.count);
        return true;
    }
    word = parse_word(parser);
    if (word.size == 0)
        return false;
    *out = span_of(arena_text(parser->arena, word), word.size);
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_bytes(struct parser *parser, struct span *out)
{
    struct span word;
    const char *text;
    uint8_t *bytes;

    if (!parse_text(parser, &word) || word.size % 2 != 0)
        return false;
    text = word.data;
    bytes = arena_alloc(parser->arena, word.size / 2);
    for (size_t i = 0; i < word.size / 2; i++) {
        int high = hex_digit(text[i * 2]);
        int low = hex_digit(text[i * 2 + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = span_of(bytes, word.size / 2);
    return true;
}

/* JSON into msgpack; null is none, as in a packed record. */
static bool parse_packed(struct parser *parser, struct span *out)
{
    struct buf packed = {0};
    struct value value;

    if (!parse_json(parser, &value))
        return false;
    if (value.type == VALUE_NULL) {
        *out = (struct span){0};
        return true;
    }
    value_pack(&value, &packed);
    *out = arena_copy(parser->arena, buf_span(&packed));
    buf_fini(&packed);
    return true;
}

static bool parse_bool(struct parser *parser, bool *out)
{
    struct span word = parse_word(parser);

    if (!span_is(word, "true") && !span_is(word, "false"))
        return false;
    *out = span_is(word, "true");
    return true;
}

static bool parse_natural(struct parser *parser, uint64_t most, uint64_t *out)
{
    struct span word = parse_word(parser);
    const char *digits = word.data;
    uint64_t number = 0;

    for (size_t i = 0; i < word.size; i++) {
        if (digits[i] < '0' || digits[i] > '9' ||
            __builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(digits[i] - '0'), &number))
            return false;
    }
    if (word.size == 0 || number > most)
        return false;
    *out = number;
    return true;
}

static bool parse_i64(struct parser *parser, int64_t *out)
{
    bool negative = pass(parser, '-');
    uint64_t number;

    if (!parse_natural(parser, (uint64_t)INT64_MAX + negative, &number))
        return false;
    *out = (int64_t)(negative ? -number : number);
    return true;
}

static int parse_record(struct parser *parser, const struct schema *schema, char close,
                        void *record);

static int parse_list(struct parser *parser, const struct field *field, struct record_list *out)
{
    const struct schema *item = field->item;
    struct buf items = {0};
    uint32_t count = 0;
    int err = 0;

    if (!pass(parser, '['))
        return refuse(parser, field->name, "'[' expected");
    for (pass_blanks(parser); !pass(parser, ']'); pass_blanks(parser)) {
        if (!pass(parser, '{')) {
            err = refuse(parser, field->name, "'{' or ']' expected");
            goto out;
        }
        err = parse_record(parser, item, '}', buf_reserve(&items, item->size));
        if (err < 0)
            goto out;
        items.size += item->size;
        count++;
    }
    if (field->limit != 0 && count > field->limit) {
        err = refuse(parser, field->name, "too many of them");
        goto out;
    }
    out->items = arena_alloc(parser->arena, items.size);
    if (count > 0)
        memcpy(out->items, items.data, items.size);
    out->count = count;
out:
    buf_fini(&items);
    return err;
}

/* A field of one value; *size gets what its limit counts. */
static bool parse_simple(struct parser *parser, enum field_kind kind, void *at, uint64_t *size)
{
    struct span *span = at;
    uint64_t natural = 0;
    bool good = false;

    switch (kind) {
    case FIELD_BOOL:
        return parse_bool(parser, at);
    case FIELD_U32:
        good = parse_natural(parser, UINT32_MAX, &natural);
        if (good)
            *(uint32_t *)at = (uint32_t)natural;
        *size = natural;
        return good;
    case FIELD_U64:
        return parse_natural(parser, UINT64_MAX, at);
    case FIELD_I64:
        return parse_i64(parser, at);
    case FIELD_F64:
        return number_parse(parse_word(parser), at);
    case FIELD_TEXT:
        good = parse_text(parser, span);
        break;
    case FIELD_BYTES:
        good = parse_bytes(parser, span);
        break;
    case FIELD_PACKED:
        good = parse_packed(parser, span);
        break;
    case FIELD_RECORD:
    case FIELD_LIST:
        return false;
    }
    if (good)
        *size = span->size;
    return good;
}

static int parse_field(struct parser *parser, const struct field *field, void *at)
{
    uint64_t size = 0;

    if (field->kind == FIELD_LIST)
        return parse_list(parser, field, at);
    if (field->kind == FIELD_RECORD) {
        if (!pass(parser, '{'))
            return refuse(parser, field->name, "'{' expected");
        return parse_record(parser, field->item, '}', at);
    }
    if (!parse_simple(parser, field->kind, at, &size))
        return refuse(parser, field->name, "cannot be read");
    if (field->limit != 0 && size > field->limit)
        return refuse(parser, field->name, "over its limit");
    return 0;
}

static const struct field *field_named(const struct schema *schema, struct span name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (span_is(name, schema->fields[i].name))
            return &schema->fields[i];
    }
    return NULL;
}

/* Fields up to the closing character, which is passed if it is not the line's end. */
static int parse_record(struct parser *parser, const struct schema *schema, char close,
                        void *record)
{
    memset(record, 0, schema->size);
    for (pass_blanks(parser); *parser->at != close; pass_blanks(parser)) {
        struct span name = parse_word(parser);
        const struct field *field = field_named(schema, name);
        int err;

        if (field == NULL)
            return refuse(parser, name.size > 0 ? arena_text(parser->arena, name) : schema->name,
                          "no such field");
        if (!pass(parser, '='))
            return refuse(parser, field->name, "'=' expected");
        err = parse_field(parser, field, (char *)record + field->offset);
        if (err < 0)
            return err;
        if (*parser->at != ' ' && *parser->at != '\t' && *parser->at != close)
            return refuse(parser, field->name, "cannot be read to its end");
    }
    if (close != '\0')
        parser->at++;
    return 0;
}

int schema_parse(const struct schema *schema, const char *text, struct arena *arena, void *record,
                 struct schema_error *error)
{
    struct parser parser = {.at = text, .arena = arena, .error = error};

    return parse_record(&parser, schema, '\0', record);
}
