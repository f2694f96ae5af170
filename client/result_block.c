#include "client/result_block.h"

#include <string.h>

#include "client/yaml_write.h"

/* Tune's own line breaks stay: each line is moved by two blanks, and so is the empty one behind
 * the last. */
static void append_indented(struct span text, struct buf *out)
{
    const char *bytes = text.data;

    buf_append_text(out, "  ");
    for (size_t i = 0; i < text.size; i++) {
        buf_append_char(out, bytes[i]);
        if (bytes[i] == '\n')
            buf_append_text(out, "  ");
    }
    buf_append_char(out, '\n');
}

void result_block_write(struct span name, const struct value *result, struct arena *arena,
                        struct buf *out)
{
    struct value_builder shown;
    struct value map;
    struct buf body = {0};

    value_builder_map(&shown, arena);
    for (uint32_t i = 0; i < result->count; i++) {
        const struct member *member = &result->members[i];

        if (member->value.type != VALUE_NULL && strcmp(member->key, "config") != 0)
            value_builder_append(&shown, member->key, member->value);
    }
    map = value_builder_done(&shown);
    yaml_write(&map, true, &body);
    buf_printf(out, "Result for %.*s:\n", SPAN(name));
    append_indented(buf_span(&body), out);
    buf_fini(&body);
}

void result_block(const struct msg_trial_row *row, struct arena *arena, struct buf *out)
{
    struct cursor cursor;
    struct value result;

    cursor_init(&cursor, row->last);
    if (row->last.size > 0 && value_unpack(&cursor, arena, &result) == 0 &&
        result.type == VALUE_MAP)
        result_block_write(row->name, &result, arena, out);
}
