/* links: proto */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "proto/messages.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/filled_record.h"

static struct buf frame, again, text;

static void setup(void)
{
    arena_init(&arena);
    frame = again = text = (struct buf){0};
    turn = 1;
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&frame);
    buf_fini(&again);
    buf_fini(&text);
}

/* All of them, whatever their number. */
static const struct schema *const all[] = {
#define MESSAGE(name, number, ...) &msg_##name##_schema,
#include "proto/messages.def"
#undef MESSAGE
};

#define ALL_COUNT (sizeof(all) / sizeof(all[0]))

START_TEST(every_number_has_its_table)
{
    uint32_t found = 0;

    for (size_t i = 0; i < ALL_COUNT; i++) {
        ck_assert_ptr_eq(message_schema(all[i]->type), all[i]);
        ck_assert_ptr_nonnull(all[i]->name);
    }
    for (uint32_t type = 0; type < 1000; type++)
        found += message_schema(type) != NULL;
    ck_assert_uint_eq(found, ALL_COUNT);
    ck_assert_ptr_null(message_schema(0));
    ck_assert_ptr_null(message_schema(UINT32_MAX));
}
END_TEST

static size_t kind_size(const struct field *field)
{
    switch (field->kind) {
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_U32:
        return sizeof(uint32_t);
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_F64:
        return 8;
    case FIELD_RECORD:
        return field->item->size;
    case FIELD_LIST:
        return sizeof(struct record_list);
    default:
        return sizeof(struct span);
    }
}

/* Rows in the order of the struct, none forgotten: between two there is only padding. Everything
 * that can grow has a limit. */
static void check_table(const struct schema *schema)
{
    size_t end = 0;

    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        bool grows = field->kind == FIELD_TEXT || field->kind == FIELD_BYTES ||
                     field->kind == FIELD_PACKED || field->kind == FIELD_LIST;

        ck_assert_msg(field->offset >= end && field->offset - end < 8, "%s.%s is out of place",
                      schema->name, field->name);
        ck_assert_msg(!grows || field->limit > 0, "%s.%s has no limit", schema->name, field->name);
        if (field->item != NULL)
            check_table(field->item);
        end = field->offset + kind_size(field);
    }
    ck_assert_msg(schema->size >= end && schema->size - end < 8, "%s lacks a row", schema->name);
}

START_TEST(tables_match_their_structs)
{
    check_table(all[_i]);
}
END_TEST

START_TEST(comes_back_as_it_went)
{
    const struct schema *schema = all[_i];
    struct schema_error error = {0};
    struct message message;
    void *body = filled(schema);

    message_pack((enum msg_type)schema->type, 77, body, &frame);
    ck_assert_msg(message_unpack(buf_span(&frame), &arena, &message, &error) == 0, "%s %s: %s",
                  schema->name, error.field, error.what);
    ck_assert_uint_eq(message.type, schema->type);
    ck_assert_uint_eq(message.request, 77);
    check_equal(schema, body, message.body);
    message_pack(message.type, message.request, message.body, &again);
    ck_assert(span_equal(buf_span(&frame), buf_span(&again)));
    message_print(&message, &text);
    ck_assert(strncmp(buf_text(&text), "77 msg_", 7) == 0);
}
END_TEST

/* Each cut in memory of its own, so that a sanitizer sees a read past its end. */
START_TEST(every_cut_is_refused)
{
    const struct schema *schema = all[_i];

    message_pack((enum msg_type)schema->type, 5, filled(schema), &frame);
    for (size_t size = 0; size < frame.size; size++) {
        struct message message;
        struct schema_error error = {0};
        uint8_t *cut = malloc(size > 0 ? size : 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, frame.data, size);
        ck_assert_int_eq(message_unpack(span_of(cut, size), &arena, &message, &error),
                         ERR_MALFORMED);
        ck_assert_ptr_nonnull(error.field);
        ck_assert_ptr_null(message.body);
        free(cut);
    }
}
END_TEST

/* Any byte changed to any of some values: refused or taken, never worse. */
START_TEST(changed_bytes_do_no_harm)
{
    static const uint8_t values[] = {0x00, 0x7f, 0x81, 0x9f, 0xc0, 0xc1, 0xc6,
                                     0xcb, 0xcf, 0xd3, 0xdb, 0xdd, 0xdf, 0xff};
    const struct schema *schema = all[_i];

    message_pack((enum msg_type)schema->type, 5, filled(schema), &frame);
    for (size_t at = 0; at < frame.size; at++) {
        uint8_t before = frame.data[at];

        for (size_t i = 0; i < sizeof(values); i++) {
            struct message message;

            arena_reset(&arena);
            frame.data[at] = values[i];
            if (message_unpack(buf_span(&frame), &arena, &message, NULL) == 0) {
                message_pack(message.type, message.request, message.body, &again);
                buf_reset(&text);
                message_print(&message, &text);
            }
        }
        frame.data[at] = before;
    }
}
END_TEST

/* A frame of a schema whose packer writes one field in another way. */
struct odd {
    const struct field *field; /* the one */
    void (*write)(const struct field *field, struct buf *out);
};

static void odd_record(const struct odd *odd, const struct schema *schema, const char *record,
                       struct buf *out);

static void odd_field(const struct odd *odd, const struct field *field, const char *at,
                      struct buf *out)
{
    const struct record_list *list = (const void *)at;
    struct schema one = {.name = "one", .fields = field, .field_count = 1};

    if (field == odd->field) {
        odd->write(field, out);
    } else if (field->kind == FIELD_RECORD) {
        pack_list(out, (uint32_t)field->item->field_count);
        odd_record(odd, field->item, at, out);
    } else if (field->kind == FIELD_LIST) {
        pack_list(out, list->count);
        for (uint32_t i = 0; i < list->count; i++) {
            pack_list(out, (uint32_t)field->item->field_count);
            odd_record(odd, field->item, (const char *)list->items + i * field->item->size, out);
        }
    } else {
        schema_pack_fields(&one, at - field->offset, out);
    }
}

static void odd_record(const struct odd *odd, const struct schema *schema, const char *record,
                       struct buf *out)
{
    for (size_t i = 0; i < schema->field_count; i++)
        odd_field(odd, &schema->fields[i], record + schema->fields[i].offset, out);
}

static int odd_unpack(const struct odd *odd, const struct schema *schema, const void *body,
                      struct schema_error *error)
{
    struct message message;
    int err;

    buf_reset(&frame);
    pack_list(&frame, (uint32_t)schema->field_count + 3);
    pack_uint(&frame, PROTOCOL_VERSION);
    pack_uint(&frame, schema->type);
    pack_uint(&frame, 9);
    odd_record(odd, schema, body, &frame);
    err = message_unpack(buf_span(&frame), &arena, &message, error);
    ck_assert_uint_eq(message.request, 9);
    return err;
}

/* For every field of a message, and of the records in it. */
static void each_field(const struct schema *schema, const struct schema *inside, const void *body,
                       void (*check)(const struct schema *schema, const struct field *field,
                                     const void *body))
{
    for (size_t i = 0; i < inside->field_count; i++) {
        const struct field *field = &inside->fields[i];

        check(schema, field, body);
        if (field->item != NULL)
            each_field(schema, field->item, body, check);
    }
}

static void write_repeated(uint8_t byte, size_t size, struct buf *out)
{
    memset(buf_reserve(out, size), byte, size);
    out->size += size;
}

/* A field at its limit and `above` more. */
static void write_amount(const struct field *field, uint32_t above, struct buf *out)
{
    uint32_t amount = field->limit + above;

    switch (field->kind) {
    case FIELD_U32:
        pack_uint(out, amount);
        break;
    case FIELD_TEXT:
    case FIELD_BYTES: {
        struct buf bytes = {0};

        write_repeated('a', amount, &bytes);
        if (field->kind == FIELD_TEXT)
            pack_string(out, buf_span(&bytes));
        else
            pack_bytes(out, buf_span(&bytes));
        buf_fini(&bytes);
        break;
    }
    case FIELD_PACKED: /* a byte string of amount bytes with its own head of 5 */
        ck_assert_uint_gt(amount, UINT16_MAX + 5u);
        buf_append(out, "\xc6", 1);
        for (int shift = 24; shift >= 0; shift -= 8)
            buf_append_char(out, (char)((amount - 5) >> shift));
        write_repeated('a', amount - 5, out);
        break;
    case FIELD_LIST: {
        /* The smallest record: zero in every field. */
        char *zero = arena_zalloc(&arena, field->item->size);
        struct buf item = {0};

        schema_pack(field->item, zero, &item);
        pack_list(out, amount);
        for (uint32_t i = 0; i < amount; i++)
            buf_append_span(out, buf_span(&item));
        buf_fini(&item);
        break;
    }
    default:
        ck_abort_msg("no limit");
    }
}

static void write_at_limit(const struct field *field, struct buf *out)
{
    write_amount(field, 0, out);
}

static void write_over_limit(const struct field *field, struct buf *out)
{
    write_amount(field, 1, out);
}

static void check_limit(const struct schema *schema, const struct field *field, const void *body)
{
    struct odd at = {field, write_at_limit}, over = {field, write_over_limit};
    struct schema_error error = {0};
    int err;

    if (field->limit == 0)
        return;
    err = odd_unpack(&at, schema, body, &error);
    ck_assert_msg(err == 0, "%s.%s at its limit: %s %s", schema->name, field->name, error.field,
                  error.what);
    err = odd_unpack(&over, schema, body, &error);
    ck_assert_msg(err == ERR_TOO_BIG, "%s.%s over its limit: %s", schema->name, field->name,
                  err_text(err));
    ck_assert_str_eq(error.field, field->name);
    buf_reset(&frame);
}

START_TEST(limits_are_kept)
{
    each_field(all[_i], all[_i], filled(all[_i]), check_limit);
}
END_TEST

static void write_other_type(const struct field *field, struct buf *out)
{
    if (field->kind == FIELD_PACKED) /* takes any item: one that is none */
        buf_append(out, "\xc1", 1);
    else if (field->kind == FIELD_LIST || field->kind == FIELD_RECORD)
        pack_map(out, 0);
    else
        pack_list(out, 0);
}

static void write_nil(const struct field *field, struct buf *out)
{
    (void)field;
    pack_nil(out);
}

static void check_type(const struct schema *schema, const struct field *field, const void *body)
{
    struct odd other = {field, write_other_type}, nil = {field, write_nil};
    struct schema_error error = {0};

    ck_assert_int_eq(odd_unpack(&other, schema, body, &error), ERR_MALFORMED);
    ck_assert_ptr_nonnull(error.what);
    ck_assert_int_eq(odd_unpack(&nil, schema, body, &error),
                     field->kind == FIELD_PACKED ? 0 : ERR_MALFORMED);
}

START_TEST(other_types_are_refused)
{
    each_field(all[_i], all[_i], filled(all[_i]), check_type);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("messages");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 50);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_number_has_its_table);
    tcase_add_loop_test(tc, tables_match_their_structs, 0, ALL_COUNT);
    tcase_add_loop_test(tc, comes_back_as_it_went, 0, ALL_COUNT);
    tcase_add_loop_test(tc, every_cut_is_refused, 0, ALL_COUNT);
    tcase_add_loop_test(tc, changed_bytes_do_no_harm, 0, ALL_COUNT);
    tcase_add_loop_test(tc, limits_are_kept, 0, ALL_COUNT);
    tcase_add_loop_test(tc, other_types_are_refused, 0, ALL_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
