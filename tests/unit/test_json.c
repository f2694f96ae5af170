/* links: common */
#include <math.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"

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

static struct value read_good(const char *text)
{
    struct json_error error;
    struct value value;

    ck_assert_int_eq(json_read(span_text(text), &arena, &value, &error), 0);
    return value;
}

static void check_bad(const char *text, int err, uint32_t line, uint32_t column)
{
    struct json_error error = {0};
    struct value value = {.type = VALUE_INT, .integer = 1};

    ck_assert_int_eq(json_read(span_text(text), &arena, &value, &error), err);
    ck_assert_uint_eq(error.line, line);
    ck_assert_uint_eq(error.column, column);
    ck_assert(error.what[0] != '\0');
    ck_assert_int_eq(value.integer, 1);
}

static const char *written(const struct value *value, enum json_style style)
{
    buf_reset(&buf);
    json_write(value, style, &buf);
    return buf_text(&buf);
}

static const char *text_written(const char *text, size_t size)
{
    buf_reset(&buf);
    json_write_text(span_of(text, size), &buf);
    return buf_text(&buf);
}

START_TEST(styles_are_pythons)
{
    struct value value = read_good("{\"b\":[1,2.50,{}],\"a\":{\"x\":null,\"w\":[]},\"c\":true}");

    ck_assert_str_eq(written(&value, JSON_LINE),
                     "{\"b\": [1, 2.5, {}], \"a\": {\"x\": null, \"w\": []}, \"c\": true}");
    ck_assert_str_eq(written(&value, JSON_COMPACT),
                     "{\"b\":[1,2.5,{}],\"a\":{\"x\":null,\"w\":[]},\"c\":true}");
    ck_assert_str_eq(written(&value, JSON_INDENT),
                     "{\n  \"a\": {\n    \"w\": [],\n    \"x\": null\n  },\n  \"b\": [\n    1,\n"
                     "    2.5,\n    {}\n  ],\n  \"c\": true\n}");
}
END_TEST

START_TEST(texts_are_escaped_as_python_does)
{
    ck_assert_str_eq(text_written("plain text of some length ~", 27),
                     "\"plain text of some length ~\"");
    ck_assert_str_eq(text_written("", 0), "\"\"");
    ck_assert_str_eq(text_written("a\"b\\c/\n\r\t\b\f", 11), "\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\"");
    ck_assert_str_eq(text_written("\x01\x1f\x7f\0", 4), "\"\\u0001\\u001f\\u007f\\u0000\"");
    ck_assert_str_eq(text_written("\xc3\xa9", 2), "\"\\u00e9\"");
    ck_assert_str_eq(text_written("\xe2\x82\xac", 3), "\"\\u20ac\"");
    ck_assert_str_eq(text_written("12345\xf0\x9f\x98\x80"
                                  "6",
                                  10),
                     "\"12345\\ud83d\\ude00"
                     "6\"");
    ck_assert_str_eq(text_written("\xff\xc3", 2), "\"\\ufffd\\ufffd\"");
}
END_TEST

/* Each byte at each place of a word of eight: none slips through the fast way. */
START_TEST(no_byte_slips_through)
{
    for (int place = 0; place < 16; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[16];
            struct span span;
            bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';

            memset(text, 'x', sizeof(text));
            text[place] = (char)byte;
            (void)text_written(text, sizeof(text));
            span = buf_span(&buf);
            ck_assert_int_eq(span.size == 18, plain);
            if (plain)
                ck_assert(memcmp(buf.data + 1, text, sizeof(text)) == 0);
        }
    }
}
END_TEST

START_TEST(packed_is_written_as_the_tree_is)
{
    struct value value = read_good("{\"loss\": 0.125, \"n\": -5, \"big\": 1e+22, \"t\": \"a\\nb\","
                                   " \"l\": [[], {}, null, false], \"nan\": NaN,"
                                   " \"inf\": [Infinity, -Infinity]}");
    struct buf packed = {0};
    struct buf line = {0};
    struct cursor cursor;

    value_pack(&value, &packed);
    cursor_init(&cursor, buf_span(&packed));
    buf_append_text(&line, ">");
    ck_assert(json_write_packed(&cursor, &line));
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_END);
    ck_assert_str_eq(buf_text(&line) + 1, written(&value, JSON_LINE));
    buf_fini(&packed);
    buf_fini(&line);
}
END_TEST

START_TEST(packed_specialties)
{
    struct cursor cursor;

    pack_list(&buf, 2);
    pack_bytes(&buf, span_of("\x00\xab", 2));
    pack_uint(&buf, UINT64_MAX);
    cursor_init(&cursor, arena_copy(&arena, buf_span(&buf)));
    buf_reset(&buf);
    ck_assert(json_write_packed(&cursor, &buf));
    ck_assert_str_eq(buf_text(&buf), "[\"00ab\", 18446744073709551615]");
}
END_TEST

START_TEST(damaged_packed_leaves_nothing)
{
    static const char deep[200] = {0};
    struct buf many = {0};
    struct cursor cursor;

    buf_append_text(&buf, "before");
    cursor_init(&cursor, span_of("\x92\x01", 2));
    ck_assert(!json_write_packed(&cursor, &buf));
    cursor_init(&cursor, span_of("\x81\x01\x02", 3));
    ck_assert(!json_write_packed(&cursor, &buf));
    cursor_init(&cursor, span_of("\x81\xa1x\xd4", 4));
    ck_assert(!json_write_packed(&cursor, &buf));
    buf_append(&many, deep, sizeof(deep));
    memset(many.data, 0x91, many.size - 1);
    cursor_init(&cursor, buf_span(&many));
    ck_assert(!json_write_packed(&cursor, &buf));
    ck_assert_str_eq(buf_text(&buf), "before");
    buf_fini(&many);
}
END_TEST

START_TEST(numbers_are_ints_where_they_fit)
{
    struct value value = read_good(" [0, -0, 9223372036854775807, -9223372036854775808,"
                                   " 9223372036854775808, 1.0, 1e2, 1E-2, -0.0, 1e999]\n");
    static const enum value_type types[] = {VALUE_INT,    VALUE_INT,    VALUE_INT,    VALUE_INT,
                                            VALUE_DOUBLE, VALUE_DOUBLE, VALUE_DOUBLE, VALUE_DOUBLE,
                                            VALUE_DOUBLE, VALUE_DOUBLE};

    ck_assert_uint_eq(value.count, 10);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(value.items[i].type, types[i]);
    ck_assert_int_eq(value.items[2].integer, INT64_MAX);
    ck_assert_int_eq(value.items[3].integer, INT64_MIN);
    ck_assert_double_eq(value.items[4].number, 9223372036854775808.0);
    ck_assert_double_eq(value.items[6].number, 100);
    ck_assert(signbit(value.items[8].number));
    ck_assert(isinf(value.items[9].number));
}
END_TEST

START_TEST(escapes_are_read)
{
    struct value value =
        read_good("\"\\\"\\\\\\/\\n\\r\\t\\b\\f\\u00e9\\u20AC\\ud83d\\ude00\xc3\xa9\"");

    ck_assert_str_eq(value.text, "\"\\/\n\r\t\b\f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
    ck_assert_uint_eq(value.count, strlen(value.text));
}
END_TEST

START_TEST(errors_name_their_place)
{
    check_bad("", ERR_MALFORMED, 1, 1);
    check_bad("{\"a\": 1,}", ERR_MALFORMED, 1, 9);
    check_bad("{\n  \"a\": x\n}", ERR_MALFORMED, 2, 8);
    check_bad("[1 2]", ERR_MALFORMED, 1, 4);
    check_bad("[1,]", ERR_MALFORMED, 1, 4);
    check_bad("1 x", ERR_MALFORMED, 1, 3);
    check_bad("01", ERR_MALFORMED, 1, 2);
    check_bad("1.", ERR_MALFORMED, 1, 3);
    check_bad("-", ERR_MALFORMED, 1, 2);
    check_bad("1e+", ERR_MALFORMED, 1, 4);
    check_bad("\"abc", ERR_MALFORMED, 1, 5);
    check_bad("\"abc\\", ERR_MALFORMED, 1, 6);
    check_bad("\"\\x\"", ERR_MALFORMED, 1, 3);
    check_bad("\"\\u12g4\"", ERR_MALFORMED, 1, 4);
    check_bad("\"\\u0000\"", ERR_MALFORMED, 1, 8);
    check_bad("\"\\ud800\"", ERR_MALFORMED, 1, 8);
    check_bad("\"\\udc00\"", ERR_MALFORMED, 1, 8);
    check_bad("\"\\udc00\\udc00\"", ERR_MALFORMED, 1, 8);
    check_bad("\"a\nb\"", ERR_MALFORMED, 1, 3);
    check_bad("\"\xff\"", ERR_MALFORMED, 1, 2);
    check_bad("{\"a\": 1, \"a\": 2}", ERR_MALFORMED, 1, 17);
    check_bad("{1: 2}", ERR_MALFORMED, 1, 2);
    check_bad("{\"a\" 2}", ERR_MALFORMED, 1, 6);
    check_bad("nul", ERR_MALFORMED, 1, 1);
    check_bad("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", ERR_TOO_BIG, 1, 17);
    (void)read_good("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
}
END_TEST

START_TEST(one_item_off_the_front)
{
    struct span text = span_text(" {\"a\": 1} next=2");
    struct json_error error;
    struct value value;

    ck_assert_int_eq(json_read_item(&text, &arena, &value, &error), 0);
    ck_assert(span_is(text, " next=2"));
    ck_assert_int_eq(json_read_item(&text, &arena, &value, &error), ERR_MALFORMED);
    ck_assert(span_is(text, " next=2"));
}
END_TEST

/* A good document with a byte changed is read or refused, within its bounds (the sanitizer sees);
 * what is read is written and read again as the same. */
START_TEST(changed_documents_do_no_harm)
{
    static const char good[] = "{\"a\": [1, -2.5e-3, \"x\\u00e9\\n\"], \"b\": {\"c\": null}}";
    static const char some[] = "{}[]\",:\\u0e-1.tnx \x80\xc3";
    struct rng rng = {.seed = 21};

    for (int round = 0; round < 30000; round++) {
        size_t size = rng_next_below(&rng, sizeof(good));
        struct buf text = {0};
        struct json_error error;
        struct value value, back;

        arena_reset(&arena);
        buf_append(&text, good, size);
        for (uint64_t i = rng_next_below(&rng, 3); i > 0 && size > 0; i--)
            text.data[rng_next_below(&rng, size)] =
                (uint8_t)some[rng_next_below(&rng, sizeof(some) - 1)];
        if (json_read(buf_span(&text), &arena, &value, &error) == 0) {
            (void)written(&value, JSON_LINE);
            ck_assert_int_eq(json_read(buf_span(&buf), &arena, &back, &error), 0);
            ck_assert(value_equal(&value, &back));
        }
        buf_fini(&text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, styles_are_pythons);
    tcase_add_test(tcase, texts_are_escaped_as_python_does);
    tcase_add_test(tcase, no_byte_slips_through);
    tcase_add_test(tcase, packed_is_written_as_the_tree_is);
    tcase_add_test(tcase, packed_specialties);
    tcase_add_test(tcase, damaged_packed_leaves_nothing);
    tcase_add_test(tcase, numbers_are_ints_where_they_fit);
    tcase_add_test(tcase, escapes_are_read);
    tcase_add_test(tcase, errors_name_their_place);
    tcase_add_test(tcase, one_item_off_the_front);
    tcase_add_test(tcase, changed_documents_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
