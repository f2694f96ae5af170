#include "worker/executor/tagged.h"

#include <string.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/value.h"

#define TAG      "assay: "
#define TAG_SIZE (sizeof(TAG) - 1)

void tagged_init(struct tagged *tagged)
{
    *tagged = (struct tagged){0};
}

void tagged_fini(struct tagged *tagged)
{
    buf_fini(&tagged->line);
}

static bool may_be_tag(struct span begin)
{
    return memcmp(begin.data, TAG, begin.size < TAG_SIZE ? begin.size : TAG_SIZE) == 0;
}

static struct span behind_tag(struct span line)
{
    size_t size = line.size - TAG_SIZE;
    const char *data = (const char *)line.data + TAG_SIZE;

    if (size > 0 && data[size - 1] == '\r')
        size--;
    return span_of(data, size);
}

static void input_skip(struct span *input, size_t size)
{
    *input = span_of((const char *)input->data + size, input->size - size);
}

/* Pass lines that are no reports, as fast as they can be looked through. */
static bool pass_by(struct tagged *tagged, struct span *input)
{
    while (input->size > 0) {
        const char *end;

        if (!tagged->passing) {
            if (tagged->line.size > 0 || may_be_tag(*input))
                return true;
            tagged->passing = true;
        }
        end = memchr(input->data, '\n', input->size);
        if (end == NULL) {
            input_skip(input, input->size);
            return false;
        }
        input_skip(input, (size_t)(end + 1 - (const char *)input->data));
        tagged->passing = false;
    }
    return false;
}

static enum tagged_found line_done(struct span line, struct span *report)
{
    if (line.size < TAG_SIZE || !may_be_tag(line))
        return TAGGED_NONE;
    if (line.size > TAG_SIZE + LIMIT_LINE_BYTES)
        return TAGGED_TOO_LONG;
    *report = behind_tag(line);
    return TAGGED_LINE;
}

enum tagged_found tagged_next(struct tagged *tagged, struct span *input, struct span *report)
{
    enum tagged_found found = TAGGED_NONE;

    while (found == TAGGED_NONE && pass_by(tagged, input)) {
        const char *begin = input->data;
        const char *end = memchr(begin, '\n', input->size);
        size_t size = end == NULL ? input->size : (size_t)(end - begin);

        input_skip(input, end == NULL ? size : size + 1);
        if (tagged->line.size == 0 && end != NULL) {
            found = line_done(span_of(begin, size), report);
            continue;
        }
        buf_append(&tagged->line, begin, size);
        if (tagged->line.size > TAG_SIZE + LIMIT_LINE_BYTES)
            return TAGGED_TOO_LONG;
        if (!may_be_tag(buf_span(&tagged->line))) {
            buf_reset(&tagged->line);
            tagged->passing = end == NULL;
        } else if (end != NULL) {
            found = line_done(buf_span(&tagged->line), report);
            buf_reset(&tagged->line); /* keeps the bytes where *report points */
        }
    }
    return found;
}

enum tagged_found tagged_end(struct tagged *tagged, struct span *report)
{
    enum tagged_found found = line_done(buf_span(&tagged->line), report);

    buf_reset(&tagged->line);
    return found;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* VALUE of KEY=VALUE: JSON where the whole word is JSON, else the word as text. */
static int value_take(struct span *text, struct arena *arena, struct value *out)
{
    struct span rest = *text;
    struct json_error error;
    const char *begin = text->data;
    size_t size = 0;

    if (rest.size > 0 && !is_blank(*begin) && json_read_item(&rest, arena, out, &error) == 0 &&
        (rest.size == 0 || is_blank(*(const char *)rest.data))) {
        *text = rest;
        return 0;
    }
    while (size < text->size && !is_blank(begin[size]))
        size++;
    if (!cursor_text_is_utf8(span_of(begin, size)) || memchr(begin, 0, size) != NULL)
        return ERR_MALFORMED;
    *out = value_text(arena, arena_text(arena, span_of(begin, size)));
    input_skip(text, size);
    return 0;
}

/* A word KEY=VALUE off the front of *text, which begins with no blank. */
static int pair_take(struct span *text, struct arena *arena, struct value_builder *builder,
                     const char **why)
{
    const char *begin = text->data;
    const char *equals = memchr(begin, '=', text->size);
    struct value value;
    struct span key;

    key = span_of(begin, equals == NULL ? 0 : (size_t)(equals - begin));
    if (key.size == 0 || memchr(key.data, ' ', key.size) != NULL ||
        memchr(key.data, '\t', key.size) != NULL || memchr(key.data, 0, key.size) != NULL ||
        !cursor_text_is_utf8(key)) {
        *why = "a report is a JSON object or words KEY=VALUE";
        return ERR_MALFORMED;
    }
    input_skip(text, key.size + 1);
    if (value_take(text, arena, &value) < 0) {
        *why = arena_printf(arena, "the value of %.*s is no UTF-8 text", SPAN(key));
        return ERR_MALFORMED;
    }
    value_builder_set(builder, arena_text(arena, key), value);
    return 0;
}

static int pairs_read(struct span text, struct arena *arena, struct value *out, const char **why)
{
    struct value_builder builder;

    value_builder_map(&builder, arena);
    *why = "it has no values";
    for (;;) {
        int err;

        while (text.size > 0 && is_blank(*(const char *)text.data))
            input_skip(&text, 1);
        if (text.size == 0)
            break;
        err = pair_take(&text, arena, &builder, why);
        if (err < 0)
            return err;
    }
    *out = value_builder_done(&builder);
    return out->count > 0 ? 0 : ERR_MALFORMED;
}

static int json_report_read(struct span text, struct arena *arena, struct value *out,
                            const char **why)
{
    struct json_error error;
    int err = json_read(text, arena, out, &error);

    if (err < 0)
        *why = arena_printf(arena, "column %u: %s", error.column, error.what);
    return err;
}

int tagged_read(struct span report, struct arena *arena, struct buf *out, const char **why)
{
    struct value value;
    bool json;
    int err;

    while (report.size > 0 && is_blank(*(const char *)report.data))
        input_skip(&report, 1);
    if (report.size > LIMIT_LINE_BYTES) {
        *why = "a report is at most 64 KiB";
        return ERR_TOO_BIG;
    }
    json = report.size > 0 && *(const char *)report.data == '{';
    err = json ? json_report_read(report, arena, &value, why)
               : pairs_read(report, arena, &value, why);
    if (err < 0)
        return err;
    buf_reset(out);
    value_pack(&value, out);
    return 0;
}
