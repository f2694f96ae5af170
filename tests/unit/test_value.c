/* links: common */
#include <math.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/value.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

static struct value read_json(const char *text)
{
    struct json_error error;
    struct value value;

    ck_assert_int_eq(json_read(span_text(text), &arena, &value, &error), 0);
    return value;
}

static const char *as_json(const struct value *value)
{
    struct buf buf = {0};
    const char *text;

    json_write(value, JSON_COMPACT, &buf);
    text = arena_text(&arena, buf_span(&buf));
    buf_fini(&buf);
    return text;
}

static int unpack(const char *bytes, size_t size, struct value *out)
{
    struct cursor cursor;

    cursor_init(&cursor, span_of(bytes, size));
    return value_unpack(&cursor, &arena, out);
}

START_TEST(packed_and_back_is_equal)
{
    struct value value =
        read_json("{\"a\": [1, 2.0, -3, null, true], \"b\": {\"c\": \"text\", \"d\": []},"
                  " \"e\": {}, \"f\": NaN, \"g\": 9223372036854775807}");
    struct value back, copy;
    struct buf buf = {0};
    struct cursor cursor;

    value_pack(&value, &buf);
    cursor_init(&cursor, buf_span(&buf));
    ck_assert_int_eq(value_unpack(&cursor, &arena, &back), 0);
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_END);
    memset(buf.data, 0, buf.size); /* nothing is borrowed from the bytes */
    ck_assert(value_equal(&value, &back));
    ck_assert_str_eq(as_json(&back), as_json(&value));
    copy = value_copy(&value, &arena);
    ck_assert(value_equal(&value, &copy));
    ck_assert(copy.members != value.members);
    buf_fini(&buf);
}
END_TEST

START_TEST(equality)
{
    struct value a = read_json("{\"x\": 1, \"y\": [1, 2]}");
    struct value b = read_json("{\"y\": [1, 2], \"x\": 1}");
    struct value c = read_json("{\"y\": [1, 3], \"x\": 1}");
    struct value d = read_json("{\"y\": [1, 2], \"x\": 1.0}");
    struct value e = read_json("{\"y\": [1, 2], \"z\": 1}");

    ck_assert(value_equal(&a, &b));
    ck_assert(!value_equal(&a, &c));
    ck_assert(!value_equal(&a, &d));
    ck_assert(!value_equal(&a, &e));
}
END_TEST

START_TEST(members_and_numbers)
{
    struct value map = read_json("{\"x\": 1, \"y\": 2.5}");
    struct value list = read_json("[1]");

    ck_assert_ptr_null(value_get(&map, "z"));
    ck_assert_ptr_null(value_get(&list, "x"));
    ck_assert(value_is_number(value_get(&map, "x")));
    ck_assert_double_eq(value_number(value_get(&map, "x")), 1);
    ck_assert_double_eq(value_number(value_get(&map, "y")), 2.5);
    ck_assert(!value_is_number(&map));
    ck_assert_str_eq(value_type_name(VALUE_MAP), "a map");
}
END_TEST

START_TEST(unpack_refuses)
{
    struct value value = value_int(5);
    char deep[LIMIT_VALUE_DEPTH + 2];

    ck_assert_int_eq(unpack("", 0, &value), ERR_MALFORMED);
    ck_assert_int_eq(unpack("\x81\x01\x02", 3, &value), ERR_MALFORMED); /* a key that is no text */
    ck_assert_int_eq(unpack("\x82\xa1k\x01\xa1k\x02", 7, &value), ERR_MALFORMED);
    ck_assert_int_eq(unpack("\xa2x\0", 3, &value), ERR_MALFORMED);
    ck_assert_int_eq(unpack("\x81\xa2x\0\x01", 5, &value), ERR_MALFORMED);
    ck_assert_int_eq(unpack("\xc4\x01x", 3, &value), ERR_MALFORMED);
    ck_assert_int_eq(unpack("\x92\x01", 2, &value), ERR_MALFORMED);
    memset(deep, '\x91', sizeof(deep));
    deep[LIMIT_VALUE_DEPTH] = '\xc0';
    ck_assert_int_eq(unpack(deep, LIMIT_VALUE_DEPTH + 1, &value), 0);
    value = value_int(5);
    deep[LIMIT_VALUE_DEPTH] = '\x90';
    ck_assert_int_eq(unpack(deep, LIMIT_VALUE_DEPTH + 1, &value), ERR_TOO_BIG);
    ck_assert(value.type == VALUE_INT && value.integer == 5);
    ck_assert_int_eq(unpack("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, &value), 0);
    ck_assert_int_eq(value.type, VALUE_DOUBLE);
}
END_TEST

START_TEST(double_keys_of_a_large_map_are_found)
{
    struct buf buf = {0};
    struct cursor cursor;
    struct value value;

    for (int twice = 0; twice < 2; twice++) {
        buf_reset(&buf);
        pack_map(&buf, 50001);
        for (int i = 0; i < 50000; i++) {
            pack_text(&buf, arena_printf(&arena, "key%d", i));
            pack_nil(&buf);
        }
        pack_text(&buf, twice == 1 ? "key777" : "other");
        pack_nil(&buf);
        cursor_init(&cursor, buf_span(&buf));
        ck_assert_int_eq(value_unpack(&cursor, &arena, &value), twice == 1 ? ERR_MALFORMED : 0);
    }
    buf_fini(&buf);
}
END_TEST

START_TEST(builders)
{
    struct value_builder builder;
    struct value list, map;

    value_builder_list(&builder, &arena);
    for (int i = 0; i < 20; i++)
        value_builder_add(&builder, value_int(i));
    list = value_builder_done(&builder);
    ck_assert_uint_eq(list.count, 20);
    ck_assert_int_eq(list.items[19].integer, 19);
    value_builder_map(&builder, &arena);
    value_builder_set(&builder, "a", value_bool(true));
    value_builder_set(&builder, "b", value_text(&arena, "x"));
    value_builder_set(&builder, "a", value_null());
    value_builder_append(&builder, "c", value_double(0.5));
    map = value_builder_done(&builder);
    ck_assert_str_eq(as_json(&map), "{\"a\":null,\"b\":\"x\",\"c\":0.5}");
    value_builder_map(&builder, &arena);
    map = value_builder_done(&builder);
    ck_assert_str_eq(as_json(&map), "{}");
}
END_TEST

START_TEST(paths_are_set_in_a_copy)
{
    struct value root = read_json("{\"a\": {\"b\": [1, {\"c\": 2}]}, \"d\": 3}");
    struct value out;

    ck_assert_int_eq(value_set_path(&root, "a.b.1.c", value_int(9), &arena, &out), 0);
    ck_assert_str_eq(as_json(&out), "{\"a\":{\"b\":[1,{\"c\":9}]},\"d\":3}");
    ck_assert_str_eq(as_json(&root), "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}");
    ck_assert_int_eq(value_set_path(&root, "d", value_null(), &arena, &out), 0);
    ck_assert_str_eq(as_json(&out), "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":null}");
    ck_assert_int_eq(value_set_path(&root, "e.f.g", value_bool(true), &arena, &out), 0);
    ck_assert_str_eq(as_json(&out),
                     "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3,\"e\":{\"f\":{\"g\":true}}}");
}
END_TEST

START_TEST(bad_paths_are_refused)
{
    static const char *const bad[] = {"d.x",
                                      "a.b.2",
                                      "a.b.x",
                                      "a.b.-1",
                                      "",
                                      "a..b",
                                      "a.",
                                      "a.b.99999999999999999999",
                                      "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17"};
    struct value root = read_json("{\"a\": {\"b\": [1, 2]}, \"d\": 3}");
    struct value out = value_int(1);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(value_set_path(&root, bad[i], value_null(), &arena, &out), ERR_MALFORMED);
    ck_assert_int_eq(out.integer, 1);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("value");
    TCase *tcase = tcase_create("value");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, packed_and_back_is_equal);
    tcase_add_test(tcase, equality);
    tcase_add_test(tcase, members_and_numbers);
    tcase_add_test(tcase, unpack_refuses);
    tcase_add_test(tcase, double_keys_of_a_large_map_are_found);
    tcase_add_test(tcase, builders);
    tcase_add_test(tcase, paths_are_set_in_a_copy);
    tcase_add_test(tcase, bad_paths_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
