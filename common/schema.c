#include "common/schema.h"

#include <assert.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/pack.h"

static const char *const kind_names[] = {
    [FIELD_BOOL] = "bool",   [FIELD_U32] = "u32",       [FIELD_U64] = "u64",
    [FIELD_I64] = "i64",     [FIELD_F64] = "f64",       [FIELD_TEXT] = "text",
    [FIELD_BYTES] = "bytes", [FIELD_PACKED] = "packed", [FIELD_RECORD] = "record",
    [FIELD_LIST] = "list"};

static int refuse(struct schema_error *error, int err, const char *field, const char *what)
{
    if (error != NULL)
        *error = (struct schema_error){.field = field, .what = what};
    return err;
}

static bool over_limit(const struct field *field, uint64_t amount)
{
    return field->limit != 0 && amount > field->limit;
}

static void pack_field(const struct field *field, const void *at, struct buf *out)
{
    const struct span *span = at;
    const struct record_list *list = at;

    switch (field->kind) {
    case FIELD_BOOL:
        pack_bool(out, *(const bool *)at);
        break;
    case FIELD_U32:
        assert(!over_limit(field, *(const uint32_t *)at));
        pack_uint(out, *(const uint32_t *)at);
        break;
    case FIELD_U64:
        pack_uint(out, *(const uint64_t *)at);
        break;
    case FIELD_I64:
        pack_int(out, *(const int64_t *)at);
        break;
    case FIELD_F64:
        pack_double(out, *(const double *)at);
        break;
    case FIELD_TEXT:
        assert(!over_limit(field, span->size));
        pack_string(out, *span);
        break;
    case FIELD_BYTES:
        assert(!over_limit(field, span->size));
        pack_bytes(out, *span);
        break;
    case FIELD_PACKED:
        assert(!over_limit(field, span->size));
        if (span->size > 0)
            buf_append_span(out, *span);
        else
            pack_nil(out);
        break;
    case FIELD_RECORD:
        schema_pack(field->item, at, out);
        break;
    case FIELD_LIST:
        assert(!over_limit(field, list->count));
        pack_list(out, list->count);
        for (uint32_t i = 0; i < list->count; i++)
            schema_pack(field->item, (const char *)list->items + i * field->item->size, out);
        break;
    }
}

void schema_pack_fields(const struct schema *schema, const void *record, struct buf *out)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];

        pack_field(field, (const char *)record + field->offset, out);
    }
}

void schema_pack(const struct schema *schema, const void *record, struct buf *out)
{
    assert(schema->field_count <= UINT32_MAX);
    pack_list(out, (uint32_t)schema->field_count);
    schema_pack_fields(schema, record, out);
}

/* The fewest bytes that a record takes packed: what a claimed count is measured by. */
static size_t packed_least(const struct schema *schema)
{
    size_t least = 1;

    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];

        if (field->optional)
            continue;
        least += field->kind == FIELD_RECORD ? packed_least(field->item) : 1;
    }
    return least;
}

static int unpack_list(const struct field *field, struct cursor *cursor, struct arena *arena,
                       struct record_list *list, struct schema_error *error)
{
    const struct schema *item = field->item;
    uint32_t count;
    char *items;

    if (!cursor_list(cursor, &count))
        return refuse(error, ERR_MALFORMED, field->name, "not a list");
    if (over_limit(field, count))
        return refuse(error, ERR_TOO_BIG, field->name, "too many of them");
    if (count > (size_t)(cursor->end - cursor->at) / packed_least(item))
        return refuse(error, ERR_MALFORMED, field->name, "claims more than is there");
    items = arena_zalloc(arena, (size_t)count * item->size);
    for (uint32_t i = 0; i < count; i++) {
        int err = schema_unpack(item, cursor, arena, items + i * item->size, error);

        if (err < 0)
            return err;
    }
    *list = (struct record_list){.items = items, .count = count};
    return 0;
}

/* One item as it stands; nil stands for none. */
static bool unpack_packed(struct cursor *cursor, struct span *out)
{
    if (cursor_peek(cursor) != CURSOR_NIL)
        return cursor_skip(cursor, out);
    *out = (struct span){0};
    return cursor_nil(cursor);
}

static int unpack_field(const struct field *field, struct cursor *cursor, struct arena *arena,
                        void *at, struct schema_error *error)
{
    struct span *span = at;
    bool good = false;
    bool big = false;

    switch (field->kind) {
    case FIELD_BOOL:
        good = cursor_bool(cursor, at);
        break;
    case FIELD_U32:
        good = cursor_u32(cursor, at);
        big = good && over_limit(field, *(uint32_t *)at);
        break;
    case FIELD_U64:
        good = cursor_uint(cursor, at);
        break;
    case FIELD_I64:
        good = cursor_int(cursor, at);
        break;
    case FIELD_F64:
        good = cursor_double(cursor, at);
        break;
    case FIELD_TEXT:
        good = cursor_text(cursor, span);
        big = good && over_limit(field, span->size);
        break;
    case FIELD_BYTES:
        good = cursor_bytes(cursor, span);
        big = good && over_limit(field, span->size);
        break;
    case FIELD_PACKED:
        good = unpack_packed(cursor, span);
        big = good && over_limit(field, span->size);
        break;
    case FIELD_RECORD:
        return schema_unpack(field->item, cursor, arena, at, error);
    case FIELD_LIST:
        return unpack_list(field, cursor, arena, at, error);
    }
    if (!good)
        return refuse(error, ERR_MALFORMED, field->name, "another type than it should be");
    if (big)
        return refuse(error, ERR_TOO_BIG, field->name, "over its limit");
    return 0;
}

int schema_unpack_fields(const struct schema *schema, struct cursor *cursor, uint32_t count,
                         struct arena *arena, void *record, struct schema_error *error)
{
    memset(record, 0, schema->size);
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        int err;

        if (i >= count) {
            if (!field->optional)
                return refuse(error, ERR_MALFORMED, field->name, "missing");
            continue;
        }
        err = unpack_field(field, cursor, arena, (char *)record + field->offset, error);
        if (err < 0)
            return err;
    }
    for (size_t i = schema->field_count; i < count; i++) {
        if (!cursor_skip(cursor, NULL))
            return refuse(error, ERR_MALFORMED, schema->name, "cut off");
    }
    return 0;
}

int schema_unpack(const struct schema *schema, struct cursor *cursor, struct arena *arena,
                  void *record, struct schema_error *error)
{
    uint32_t count;

    if (!cursor_list(cursor, &count))
        return refuse(error, ERR_MALFORMED, schema->name, "not a list");
    return schema_unpack_fields(schema, cursor, count, arena, record, error);
}

static void describe_field(const struct field *field, struct buf *out)
{
    buf_append_text(out, "{\"name\": ");
    json_write_text(span_text(field->name), out);
    buf_printf(out, ", \"kind\": \"%s\", \"limit\": %u, \"optional\": %s", kind_names[field->kind],
               field->limit, field->optional ? "true" : "false");
    if (field->item != NULL) {
        buf_append_text(out, ", \"item\": ");
        schema_describe(field->item, out);
    }
    buf_append_char(out, '}');
}

void schema_describe(const struct schema *schema, struct buf *out)
{
    buf_append_text(out, "{\"name\": ");
    json_write_text(span_text(schema->name), out);
    buf_printf(out, ", \"type\": %u, \"fields\": [", schema->type);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (i > 0)
            buf_append_text(out, ", ");
        describe_field(&schema->fields[i], out);
    }
    buf_append_text(out, "]}");
}
