/* A head sends whole lines; a piece of a file may end within one. */
#include "client/results_each.h"

#include <string.h>

#include "client/say.h"
#include "common/json.h"
#include "common/limits.h"

#define LINE_MOST (2u * LIMIT_DICT_BYTES) /* one line always fits */

struct reader {
    struct buf line; /* the beginning of one */
    bool overlong;   /* what comes up to the next newline is no result of ours */
    struct arena arena;
    uint64_t most;
    uint64_t count;
    bool (*visit)(const struct value *result, void *context);
    void *context;
};

/* One whole line; false where no more are wanted. */
static bool take_line(struct reader *reader, struct span line)
{
    struct json_error error;
    struct value result;

    if (reader->count >= reader->most)
        return false;
    arena_reset(&reader->arena);
    if (json_read(line, &reader->arena, &result, &error) != 0 || result.type != VALUE_MAP)
        return true;
    reader->count++;
    return reader->visit(&result, reader->context);
}

static bool take_piece(struct reader *reader, struct span piece)
{
    const char *at = piece.data;
    const char *end = at + piece.size;
    bool more = true;

    while (more && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop != NULL ? stop : end) - at);

        if (reader->line.size + size > LINE_MOST)
            reader->overlong = true;
        if (!reader->overlong)
            buf_append(&reader->line, at, size);
        if (stop == NULL)
            break;
        if (!reader->overlong && reader->line.size > 0)
            more = take_line(reader, buf_span(&reader->line));
        buf_reset(&reader->line);
        reader->overlong = false;
        at = stop + 1;
    }
    return more;
}

int results_each(struct source *source, uint32_t experiment, uint32_t trial, uint64_t most,
                 bool (*visit)(const struct value *result, void *context), void *context,
                 uint64_t *count)
{
    struct reader reader = {.most = most, .visit = visit, .context = context};
    struct msg_lines lines = {0};
    struct arena arena = {0};
    bool more = most > 0;
    int rc = 0;

    while (more) {
        arena_reset(&arena);
        rc = source_lines(source, experiment, trial, lines.cursor, 0, &arena, &lines);
        more = rc == 0 && lines.lines.size > 0 && take_piece(&reader, lines.lines);
    }
    *count = reader.count;
    buf_fini(&reader.line);
    arena_fini(&reader.arena);
    arena_fini(&arena);
    return rc;
}
