/* filled_record.h - records of any schema with something in each field, no two alike; and whether
 * two records have the same in each. For unit tests: `arena` and `turn` are set up by them. */
#ifndef TESTS_FILLED_RECORD_H
#define TESTS_FILLED_RECORD_H

#include <check.h>
#include <string.h>

#include "common/arena.h"
#include "common/pack.h"
#include "common/schema.h"

#define LIST_COUNT 2u /* items in each list of a filled record */

static struct arena arena;
static uint64_t turn; /* what the next filled field gets */

/* Fields whose bytes have one size only. */
static inline bool is_exact(const struct field *field)
{
    return field->kind == FIELD_BYTES && field->limit > 0 && field->limit <= LIMIT_HASH_BYTES;
}

static inline struct span fill_bytes(const struct field *field)
{
    size_t size = is_exact(field) ? field->limit : 1 + turn % 7;
    char *bytes = arena_alloc(&arena, size);

    memset(bytes, 'a' + (int)(turn % 26), size);
    return span_of(bytes, size);
}

static inline struct span fill_packed(void)
{
    struct buf packed = {0};
    struct span copy;

    pack_map(&packed, 1);
    pack_text(&packed, "lr");
    pack_double(&packed, 0.5 + (double)turn);
    copy = arena_copy(&arena, buf_span(&packed));
    buf_fini(&packed);
    return copy;
}

static inline void fill_field(const struct field *field, void *at);

static inline void fill(const struct schema *schema, void *record)
{
    memset(record, 0, schema->size);
    for (size_t i = 0; i < schema->field_count; i++, turn++)
        fill_field(&schema->fields[i], (char *)record + schema->fields[i].offset);
}

static inline uint32_t list_count(const struct field *field)
{
    return field->limit < LIST_COUNT ? field->limit : LIST_COUNT;
}

static inline void fill_field(const struct field *field, void *at)
{
    struct record_list *list = at;

    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)at = true;
        break;
    case FIELD_U32:
        *(uint32_t *)at = field->limit != 0 ? field->limit : UINT32_MAX - (uint32_t)turn;
        break;
    case FIELD_U64:
        *(uint64_t *)at = UINT64_MAX - turn;
        break;
    case FIELD_I64:
        *(int64_t *)at = -(int64_t)turn * 1000000007;
        break;
    case FIELD_F64:
        *(double *)at = turn % 2 == 0 ? INFINITY : (double)turn / 3;
        break;
    case FIELD_TEXT:
    case FIELD_BYTES:
        *(struct span *)at = fill_bytes(field);
        break;
    case FIELD_PACKED:
        *(struct span *)at = fill_packed();
        break;
    case FIELD_RECORD:
        fill(field->item, at);
        break;
    case FIELD_LIST:
        list->count = list_count(field);
        list->items = arena_zalloc(&arena, list->count * field->item->size);
        for (uint32_t i = 0; i < list->count; i++)
            fill(field->item, (char *)list->items + i * field->item->size);
        break;
    }
}

static inline void *filled(const struct schema *schema)
{
    void *body = arena_alloc(&arena, schema->size);

    fill(schema, body);
    return body;
}

static inline void check_equal(const struct schema *schema, const void *a, const void *b);

static inline void check_field(const struct field *field, const void *a, const void *b)
{
    const struct record_list *lists[] = {a, b};

    switch (field->kind) {
    case FIELD_BOOL:
        ck_assert_int_eq(*(const bool *)a, *(const bool *)b);
        break;
    case FIELD_U32:
        ck_assert_uint_eq(*(const uint32_t *)a, *(const uint32_t *)b);
        break;
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_F64:
        ck_assert_mem_eq(a, b, 8);
        break;
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_PACKED:
        ck_assert(span_equal(*(const struct span *)a, *(const struct span *)b));
        break;
    case FIELD_RECORD:
        check_equal(field->item, a, b);
        break;
    case FIELD_LIST:
        ck_assert_uint_eq(lists[0]->count, lists[1]->count);
        for (uint32_t i = 0; i < lists[0]->count; i++)
            check_equal(field->item, (const char *)lists[0]->items + i * field->item->size,
                        (const char *)lists[1]->items + i * field->item->size);
        break;
    }
}

static inline void check_equal(const struct schema *schema, const void *a, const void *b)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        size_t offset = schema->fields[i].offset;

        check_field(&schema->fields[i], (const char *)a + offset, (const char *)b + offset);
    }
}

#endif
