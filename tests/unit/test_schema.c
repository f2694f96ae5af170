/* links: common */
#include <math.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/pack.h"
#include "common/rng.h"
#include "common/schema.h"
#include "tests/lib/run_suite.h"

struct part {
    struct span name;
    int64_t amount;
};

struct whole {
    bool yes;
    uint32_t small;
    uint64_t large;
    int64_t integer;
    double number;
    struct span text;
    struct span bytes;
    struct span packed;
    struct part part;
    struct record_list parts;
    uint64_t later;
};

static const struct field part_fields[] = {
    FIELD(part, name, FIELD_TEXT, 8),
    FIELD(part, amount, FIELD_I64, 0),
};
static const struct schema part_schema = SCHEMA(part, 0, part_fields);

static const struct field whole_fields[] = {
    FIELD(whole, yes, FIELD_BOOL, 0),
    FIELD(whole, small, FIELD_U32, 100),
    FIELD(whole, large, FIELD_U64, 0),
    FIELD(whole, integer, FIELD_I64, 0),
    FIELD(whole, number, FIELD_F64, 0),
    FIELD(whole, text, FIELD_TEXT, 10),
    FIELD(whole, bytes, FIELD_BYTES, 4),
    FIELD(whole, packed, FIELD_PACKED, 20),
    FIELD_OF(whole, part, FIELD_RECORD, 0, part_schema),
    FIELD_OF(whole, parts, FIELD_LIST, 3, part_schema),
    FIELD_LATER(whole, later, FIELD_U64, 0),
};
static const struct schema whole_schema = SCHEMA(whole, 7, whole_fields);

static struct arena arena;
static struct buf buf;

static void setup(void)
{
    arena_init(&arena);
    buf_init(&buf);
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&buf);
}

static struct part parts[2] = {{{"p", 1}, -1}, {{"q r", 3}, 2}};

static struct whole sample(void)
{
    return (struct whole){.yes = true,
                          .small = 100,
                          .large = UINT64_MAX,
                          .integer = INT64_MIN,
                          .number = 0.1,
                          .text = span_text("a/b-c"),
                          .bytes = span_of("\x00\xff", 2),
                          .packed = span_of("\x81\xa1k\x92\x01\xc3", 6),
                          .part = {.name = span_text(""), .amount = 5},
                          .parts = {.items = parts, .count = 2},
                          .later = 9};
}

static const char line[] = "whole yes=true small=100 large=18446744073709551615"
                           " integer=-9223372036854775808 number=0.1 text=a/b-c bytes=00ff"
                           " packed={\"k\": [1, true]} part={name=\"\" amount=5}"
                           " parts=[{name=p amount=-1} {name=\"q r\" amount=2}] later=9";

static int unpack(struct whole *out, struct schema_error *error)
{
    struct cursor cursor;
    int err;

    cursor_init(&cursor, buf_span(&buf));
    err = schema_unpack(&whole_schema, &cursor, &arena, out, error);
    if (err == 0)
        ck_assert_int_eq(cursor_peek(&cursor), CURSOR_END);
    return err;
}

static const char *printed(const struct whole *record)
{
    struct buf out = {0};
    const char *text;

    schema_print(&whole_schema, record, &out);
    text = arena_text(&arena, buf_span(&out));
    buf_fini(&out);
    return text;
}

START_TEST(packed_and_back_prints_the_same)
{
    struct whole record = sample(), back;
    struct schema_error error;

    schema_pack(&whole_schema, &record, &buf);
    ck_assert_int_eq(unpack(&back, &error), 0);
    ck_assert_str_eq(printed(&back), line);
    ck_assert(back.parts.items != parts);
}
END_TEST

START_TEST(text_and_back_packs_the_same)
{
    struct whole record = sample(), back;
    struct schema_error error;
    struct buf again = {0};

    ck_assert_str_eq(printed(&record), line);
    ck_assert_int_eq(schema_parse(&whole_schema, line + 6, &arena, &back, &error), 0);
    schema_pack(&whole_schema, &record, &buf);
    schema_pack(&whole_schema, &back, &again);
    ck_assert(span_equal(buf_span(&buf), buf_span(&again)));
    buf_fini(&again);
}
END_TEST

START_TEST(parse_takes_any_order_and_fills_with_zero)
{
    struct whole record;
    struct part *items;

    ck_assert_int_eq(schema_parse(&whole_schema,
                                  " parts=[{amount=3}  {} ] number=nan  text=\"x y\" small=7 ",
                                  &arena, &record, NULL),
                     0);
    ck_assert(isnan(record.number));
    ck_assert(span_is(record.text, "x y"));
    ck_assert_uint_eq(record.small, 7);
    ck_assert_uint_eq(record.parts.count, 2);
    items = record.parts.items;
    ck_assert_int_eq(items[0].amount, 3);
    ck_assert_int_eq(items[1].amount, 0);
    ck_assert_uint_eq(record.packed.size, 0);
    ck_assert_int_eq(schema_parse(&whole_schema, "", &arena, &record, NULL), 0);
    ck_assert_uint_eq(record.small, 0);
}
END_TEST

START_TEST(parse_keeps_ints_and_doubles_apart)
{
    struct whole record;

    ck_assert_int_eq(schema_parse(&whole_schema, "packed=[1, 1.0]", &arena, &record, NULL), 0);
    pack_list(&buf, 2);
    pack_int(&buf, 1);
    pack_double(&buf, 1);
    ck_assert(span_equal(record.packed, buf_span(&buf)));
}
END_TEST

START_TEST(parse_refuses)
{
    static const struct {
        const char *text;
        const char *field;
    } bad[] = {{"unknown=1", "unknown"},
               {"small=101", "small"},
               {"small=-1", "small"},
               {"small", "small"},
               {"large=18446744073709551616", "large"},
               {"integer=9223372036854775808", "integer"},
               {"yes=1", "yes"},
               {"text=12345678901", "text"},
               {"text=\"x", "text"},
               {"text=[]", "text"},
               {"bytes=0", "bytes"},
               {"bytes=0g", "bytes"},
               {"bytes=0011223344", "bytes"},
               {"packed={", "packed"},
               {"part={name=a", "name"},
               {"part=5", "part"},
               {"parts=[{}{}{}{}]", "parts"},
               {"parts=[5]", "parts"},
               {"small=1x", "small"},
               {"small=1\"", "small"},
               {"=5", "whole"},
               {"part={name=123456789}", "name"}};
    struct whole record;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct schema_error error = {0};

        ck_assert_int_eq(schema_parse(&whole_schema, bad[i].text, &arena, &record, &error),
                         ERR_MALFORMED);
        ck_assert_str_eq(error.field, bad[i].field);
        ck_assert_ptr_nonnull(error.what);
    }
}
END_TEST

START_TEST(a_newer_writer_and_an_older_one)
{
    struct whole record = sample(), back;
    struct schema_error error;

    schema_pack(&whole_schema, &record, &buf);
    ck_assert_uint_eq(buf.data[0], 0x9b);
    buf.data[0] = 0x9d; /* two fields more */
    pack_text(&buf, "new");
    pack_list(&buf, 1);
    pack_nil(&buf);
    ck_assert_int_eq(unpack(&back, &error), 0);
    ck_assert_uint_eq(back.later, 9);
    buf_reset(&buf);
    schema_pack(&whole_schema, &record, &buf);
    buf.data[0] = 0x9a; /* without the last, which is optional */
    buf.size--;
    ck_assert_int_eq(unpack(&back, &error), 0);
    ck_assert_uint_eq(back.later, 0);
    buf.data[0] = 0x99; /* without parts, which is not */
    ck_assert_int_eq(unpack(&back, &error), ERR_MALFORMED);
    ck_assert_str_eq(error.field, "parts");
}
END_TEST

/* Pack a good record with its limits lifted, and read it with them. */
static void check_over(struct whole record, int err, const char *name)
{
    struct field fields[11];
    struct schema lifted = whole_schema;
    struct schema_error error = {0};

    memcpy(fields, whole_fields, sizeof(fields));
    for (int i = 0; i < 11; i++)
        fields[i].limit = 0;
    lifted.fields = fields;
    buf_reset(&buf);
    schema_pack(&lifted, &record, &buf);
    ck_assert_int_eq(unpack(&record, &error), err);
    ck_assert_str_eq(error.field, name);
}

START_TEST(limits_are_kept)
{
    static struct part many[4];
    struct whole record = sample();

    record.small = 101;
    check_over(record, ERR_TOO_BIG, "small");
    record = sample();
    record.text = span_text("12345678901");
    check_over(record, ERR_TOO_BIG, "text");
    record = sample();
    record.bytes = span_text("12345");
    check_over(record, ERR_TOO_BIG, "bytes");
    record = sample();
    record.packed = span_text("\xb4"
                              "12345678901234567890");
    check_over(record, ERR_TOO_BIG, "packed");
    record = sample();
    record.parts = (struct record_list){.items = many, .count = 4};
    check_over(record, ERR_TOO_BIG, "parts");
}
END_TEST

/* Each item needs three bytes at least, so a count that fits the bytes by one each is refused
 * before memory is made for it. */
START_TEST(a_claimed_count_is_measured)
{
    static const struct field fields[] = {FIELD_OF(whole, parts, FIELD_LIST, 0, part_schema)};
    static const struct schema schema = SCHEMA(whole, 1, fields);
    struct schema_error error = {0};
    struct cursor cursor;
    struct whole record;
    size_t capacity;

    pack_list(&buf, 1);
    pack_list(&buf, 1000000);
    for (int i = 0; i < 1000000; i++)
        pack_nil(&buf);
    cursor_init(&cursor, buf_span(&buf));
    capacity = arena_capacity(&arena);
    ck_assert_int_eq(schema_unpack(&schema, &cursor, &arena, &record, &error), ERR_MALFORMED);
    ck_assert_str_eq(error.field, "parts");
    ck_assert_uint_eq(arena_capacity(&arena), capacity);
}
END_TEST

START_TEST(an_empty_packed_is_nil)
{
    struct whole record = {0}, back;

    schema_pack(&whole_schema, &record, &buf);
    back.packed = span_text("x");
    ck_assert_int_eq(unpack(&back, NULL), 0);
    ck_assert_uint_eq(back.packed.size, 0);
    ck_assert_ptr_nonnull(strstr(printed(&back), "packed=null part={name=\"\" amount=0} parts=[]"));
}
END_TEST

START_TEST(damaged_bytes_do_no_harm)
{
    struct rng rng = {.seed = 2};
    struct whole record = sample();
    uint32_t taken = 0;

    for (int round = 0; round < 50000; round++) {
        arena_reset(&arena);
        buf_reset(&buf);
        record = sample();
        schema_pack(&whole_schema, &record, &buf);
        for (uint64_t i = rng_next_below(&rng, 4); i > 0; i--)
            buf.data[rng_next_below(&rng, buf.size)] = (uint8_t)rng_next(&rng);
        buf.size -= rng_next_below(&rng, 2) * rng_next_below(&rng, buf.size);
        buf.data = realloc(buf.data, buf.size); /* so that the sanitizer sees its end */
        buf.capacity = buf.size;
        {
            struct cursor cursor;

            cursor_init(&cursor, buf_span(&buf));
            if (schema_unpack(&whole_schema, &cursor, &arena, &record, NULL) == 0) {
                (void)printed(&record);
                taken++;
            }
        }
    }
    ck_assert_uint_gt(taken, 1000);
}
END_TEST

START_TEST(described_as_json)
{
    struct json_error error;
    struct value value;
    const struct value *fields;

    schema_describe(&whole_schema, &buf);
    ck_assert_int_eq(json_read(buf_span(&buf), &arena, &value, &error), 0);
    ck_assert_str_eq(value_get(&value, "name")->text, "whole");
    ck_assert_int_eq(value_get(&value, "type")->integer, 7);
    fields = value_get(&value, "fields");
    ck_assert_uint_eq(fields->count, 11);
    ck_assert_str_eq(value_get(&fields->items[1], "kind")->text, "u32");
    ck_assert_int_eq(value_get(&fields->items[1], "limit")->integer, 100);
    ck_assert_str_eq(value_get(value_get(&fields->items[9], "item"), "name")->text, "part");
    ck_assert(value_get(&fields->items[10], "optional")->boolean);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("schema");
    TCase *tcase = tcase_create("schema");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, packed_and_back_prints_the_same);
    tcase_add_test(tcase, text_and_back_packs_the_same);
    tcase_add_test(tcase, parse_takes_any_order_and_fills_with_zero);
    tcase_add_test(tcase, parse_keeps_ints_and_doubles_apart);
    tcase_add_test(tcase, parse_refuses);
    tcase_add_test(tcase, a_newer_writer_and_an_older_one);
    tcase_add_test(tcase, limits_are_kept);
    tcase_add_test(tcase, a_claimed_count_is_measured);
    tcase_add_test(tcase, an_empty_packed_is_nil);
    tcase_add_test(tcase, damaged_bytes_do_no_harm);
    tcase_add_test(tcase, described_as_json);
    suite_add_tcase(suite, tcase);
    return suite;
}
