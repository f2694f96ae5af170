#include "head/sink/csv.h"

#include <string.h>

#include "common/number.h"
#include "common/pack.h"

#define PYTHON_DEPTH 32 /* of lists and maps in one field; results have at most 8 */

static const char *const own_names[4] = {"timesteps_total", "episodes_total", "training_iteration",
                                         "neg_mean_loss"};

void csv_init(struct csv *csv)
{
    memset(csv, 0, sizeof(*csv));
}

void csv_fini(struct csv *csv)
{
    buf_fini(&csv->names);
    buf_fini(&csv->config);
}

void csv_reset(struct csv *csv)
{
    buf_reset(&csv->names);
    buf_reset(&csv->config);
    csv->name_count = 0;
    csv->begun = false;
    csv->has_neg_mean_loss = false;
    memset(csv->own_done, 0, sizeof(csv->own_done));
}

static void append_int(struct buf *out, int64_t number)
{
    out->size += number_int(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

static void append_double(struct buf *out, double number)
{
    out->size += number_repr(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

/* A text inside a list or map, as repr() quotes it. */
static void python_text(struct span text, struct buf *out)
{
    const char *bytes = text.data;
    char quote = memchr(bytes, '\'', text.size) != NULL && memchr(bytes, '"', text.size) == NULL
                     ? '"'
                     : '\'';

    buf_append_char(out, quote);
    for (size_t i = 0; i < text.size; i++) {
        if (bytes[i] == '\n')
            buf_append_text(out, "\\n");
        else if (bytes[i] == '\r')
            buf_append_text(out, "\\r");
        else if (bytes[i] == '\t')
            buf_append_text(out, "\\t");
        else if (bytes[i] == quote || bytes[i] == '\\')
            buf_printf(out, "\\%c", bytes[i]);
        else
            buf_append_char(out, bytes[i]);
    }
    buf_append_char(out, quote);
}

/* What one level of a list or map still has to come. */
struct level {
    uint32_t left;
    bool map;
    bool key; /* the next item is a key */
    bool any; /* something stands before the next item */
};

static bool python_scalar(struct cursor *cursor, bool inside, struct buf *out)
{
    struct span text = {0};
    uint64_t above = 0;
    int64_t integer = 0;
    double number = 0;
    bool boolean = false;

    switch (cursor_peek(cursor)) {
    case CURSOR_NIL:
        if (inside)
            buf_append_text(out, "None");
        return cursor_nil(cursor);
    case CURSOR_BOOL:
        (void)cursor_bool(cursor, &boolean);
        buf_append_text(out, boolean ? "True" : "False");
        return true;
    case CURSOR_INT:
        (void)cursor_int(cursor, &integer);
        append_int(out, integer);
        return true;
    case CURSOR_UINT:
        (void)cursor_uint(cursor, &above);
        buf_printf(out, "%llu", (unsigned long long)above);
        return true;
    case CURSOR_DOUBLE:
        (void)cursor_double(cursor, &number);
        append_double(out, number);
        return true;
    case CURSOR_TEXT:
        (void)cursor_text(cursor, &text);
        if (inside)
            python_text(text, out);
        else
            buf_append_span(out, text);
        return true;
    case CURSOR_BYTES:
    case CURSOR_LIST:
    case CURSOR_MAP:
    case CURSOR_END:
        break;
    }
    return cursor_skip(cursor, NULL);
}

/* What has to stand before the next item of a level. */
static void python_separator(struct level *level, struct buf *out)
{
    if (level->map && !level->key)
        buf_append_text(out, ": ");
    else if (level->any)
        buf_append_text(out, ", ");
    level->any = true;
    level->key = level->map && !level->key;
    level->left--;
}

/* str() of one value: lists and maps as repr(). */
static void python_value(struct cursor *cursor, struct buf *out)
{
    struct level levels[PYTHON_DEPTH];
    uint32_t depth = 0;

    do {
        enum cursor_type type = cursor_peek(cursor);
        uint32_t count = 0;

        if (depth > 0 && levels[depth - 1].left == 0) {
            buf_append_char(out, levels[--depth].map ? '}' : ']');
            continue;
        }
        if (depth > 0)
            python_separator(&levels[depth - 1], out);
        if (type != CURSOR_LIST && type != CURSOR_MAP) {
            if (!python_scalar(cursor, depth > 0, out))
                return;
            continue;
        }
        if (depth == PYTHON_DEPTH)
            return;
        if (type == CURSOR_LIST ? !cursor_list(cursor, &count) : !cursor_map(cursor, &count))
            return;
        buf_append_char(out, type == CURSOR_MAP ? '{' : '[');
        levels[depth++] = (struct level){.left = type == CURSOR_MAP ? count * 2 : count,
                                         .map = type == CURSOR_MAP,
                                         .key = type == CURSOR_MAP};
    } while (depth > 0);
}

/* Quotes what was written from start on, if it has to be. */
static void quote_field(struct buf *out, size_t start)
{
    size_t size = out->size - start;
    size_t quotes = 0;
    bool needed = false;
    uint8_t *at;
    size_t to;

    for (size_t i = start; i < out->size; i++) {
        uint8_t c = out->data[i];

        quotes += c == '"';
        needed |= c == '"' || c == ',' || c == '\n' || c == '\r';
    }
    if (!needed)
        return;
    (void)buf_reserve(out, quotes + 2);
    at = out->data + start;
    to = size + quotes + 1;
    at[to] = '"';
    for (size_t from = size; from > 0; from--) {
        at[--to] = at[from - 1];
        if (at[to] == '"')
            at[--to] = '"';
    }
    at[0] = '"';
    out->size += quotes + 2;
}

static void field_value(struct cursor *cursor, struct buf *out)
{
    size_t start = out->size;

    python_value(cursor, out);
    quote_field(out, start);
}

static void field_text(struct span text, struct buf *out)
{
    size_t start = out->size;

    buf_append_span(out, text);
    quote_field(out, start);
}

/* The columns of a file, from its first result. */
static void columns(struct csv *csv, const struct result *result)
{
    struct cursor cursor;
    uint32_t count = 0;
    double ignored;

    cursor_init(&cursor, result->metrics);
    (void)cursor_map(&cursor, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct span key;

        if (!cursor_text(&cursor, &key) || !cursor_skip(&cursor, NULL))
            break;
        pack_string(&csv->names, key);
        csv->name_count++;
        for (size_t k = 0; k < 4; k++)
            csv->own_done[k] |= span_is(key, own_names[k]);
    }
    csv->has_neg_mean_loss = !csv->own_done[3] && result_number(result, "neg_mean_loss", &ignored);
    csv->begun = true;
}

static void header_line(const struct csv *csv, struct buf *out)
{
    struct cursor names;
    struct span name;

    cursor_init(&names, buf_span(&csv->names));
    for (uint32_t i = 0; i < csv->name_count && cursor_text(&names, &name); i++) {
        field_text(name, out);
        buf_append_char(out, ',');
    }
    buf_append_text(out, "done,");
    for (size_t k = 0; k < 3; k++)
        if (!csv->own_done[k])
            buf_printf(out, "%s,", own_names[k]);
    if (csv->has_neg_mean_loss)
        buf_append_text(out, "neg_mean_loss,");
    buf_append_text(out, "experiment_id,date,timestamp,time_this_iter_s,time_total_s,pid,hostname,"
                         "node_ip,config,time_since_restore,timesteps_since_restore,"
                         "iterations_since_restore\r\n");
}

/* The value of one of the program's own keys, wherever it stands in this result. */
static void own_field(const struct result *result, struct span name, struct buf *out)
{
    struct cursor cursor;
    uint32_t count = 0;
    struct span key;

    cursor_init(&cursor, result->metrics);
    (void)cursor_map(&cursor, &count);
    for (uint32_t i = 0; i < count && cursor_text(&cursor, &key); i++) {
        if (span_equal(key, name)) {
            field_value(&cursor, out);
            return;
        }
        (void)cursor_skip(&cursor, NULL);
    }
}

/* Results nearly always have the keys of the first one in its order: then one pass does. */
static void own_fields(const struct csv *csv, const struct result *result, struct buf *out)
{
    struct cursor names;
    struct cursor cursor;
    uint32_t count = 0;
    bool alike = true;

    cursor_init(&names, buf_span(&csv->names));
    cursor_init(&cursor, result->metrics);
    (void)cursor_map(&cursor, &count);
    for (uint32_t i = 0; i < csv->name_count; i++) {
        struct span name = {0};
        struct span key = {0};

        (void)cursor_text(&names, &name);
        if (alike && i < count && cursor_text(&cursor, &key) && span_equal(key, name)) {
            field_value(&cursor, out);
        } else {
            alike = false;
            own_field(result, name, out);
        }
        buf_append_char(out, ',');
    }
}

static void config_field(struct csv *csv, struct span config)
{
    struct cursor cursor;

    if (csv->config.size > 0)
        return;
    cursor_init(&cursor, config);
    field_value(&cursor, &csv->config);
}

static void filled_fields(const struct csv *csv, const struct result *result,
                          const struct result_constants *constants, bool final, struct buf *out)
{
    double neg = 0;

    buf_append_text(out, result->done || final ? "True," : "False,");
    if (!csv->own_done[0]) {
        if (result->has_timesteps)
            append_int(out, result->timesteps_total);
        buf_append_char(out, ',');
    }
    if (!csv->own_done[1]) {
        if (result->has_episodes)
            append_int(out, result->episodes_total);
        buf_append_char(out, ',');
    }
    if (!csv->own_done[2]) {
        append_int(out, result->training_iteration);
        buf_append_char(out, ',');
    }
    if (csv->has_neg_mean_loss) {
        if (result_number(result, "neg_mean_loss", &neg))
            append_double(out, neg);
        buf_append_char(out, ',');
    }
    field_text(constants->experiment_id, out);
    buf_append_char(out, ',');
}

void csv_row(struct csv *csv, const struct result *result, const struct result_constants *constants,
             bool final, bool header, struct buf *out)
{
    if (!csv->begun) {
        columns(csv, result);
        if (header)
            header_line(csv, out);
    }
    config_field(csv, constants->config);
    own_fields(csv, result, out);
    filled_fields(csv, result, constants, final, out);
    buf_append(out, result_date_text(result->timestamp), 19);
    buf_append_char(out, ',');
    append_int(out, result->timestamp);
    buf_append_char(out, ',');
    append_double(out, result->time_this_iter_s);
    buf_append_char(out, ',');
    append_double(out, result->time_total_s);
    buf_append_char(out, ',');
    append_int(out, constants->pid);
    buf_append_char(out, ',');
    field_text(constants->hostname, out);
    buf_append_char(out, ',');
    field_text(constants->node_ip, out);
    buf_append_char(out, ',');
    buf_append_span(out, buf_span(&csv->config));
    buf_append_char(out, ',');
    append_double(out, result->time_since_restore);
    buf_append_char(out, ',');
    append_int(out, result->timesteps_since_restore);
    buf_append_char(out, ',');
    append_int(out, result->iterations_since_restore);
    buf_append(out, "\r\n", 2);
}
