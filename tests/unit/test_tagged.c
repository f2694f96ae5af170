/* links: executor */
#include <check.h>
#include <string.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "tests/lib/run_suite.h"
#include "worker/executor/tagged.h"

static struct tagged tagged;
static struct arena arena;
static struct buf packed;
static struct buf found; /* the reports, a line each */

static void setup(void)
{
    tagged_init(&tagged);
}

static void teardown(void)
{
    tagged_fini(&tagged);
    arena_fini(&arena);
    buf_fini(&packed);
    buf_fini(&found);
}

static enum tagged_found feed(const char *text, size_t size)
{
    struct span input = span_of(text, size), report;
    enum tagged_found result;

    while ((result = tagged_next(&tagged, &input, &report)) == TAGGED_LINE) {
        buf_append_span(&found, report);
        buf_append_char(&found, '|');
    }
    return result;
}

START_TEST(reports_are_found_however_they_are_cut)
{
    static const char text[] =
        "hello\nassay: a=1\n assay: no\nassay:no\nassay\n\nassay: \r\nassay: b"
        "=2\r\nassassay: x\nassay: {\"c\": 3}\nassay: last";
    size_t size = sizeof(text) - 1;

    for (size_t cut = 1; cut <= size; cut++) {
        struct span report;

        buf_reset(&found);
        for (size_t at = 0; at < size; at += cut)
            ck_assert_int_eq(feed(text + at, size - at < cut ? size - at : cut), TAGGED_NONE);
        ck_assert_str_eq(buf_text(&found), "a=1||b=2|{\"c\": 3}|");
        ck_assert_int_eq(tagged_end(&tagged, &report), TAGGED_LINE);
        ck_assert(span_is(report, "last"));
    }
}
END_TEST

START_TEST(a_long_line_that_is_no_report_passes)
{
    static char text[1 << 20];

    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(feed(text, sizeof(text)), TAGGED_NONE);
    ck_assert_uint_eq(tagged.line.size, 0);
    ck_assert_int_eq(feed("\nassay: v=1\n", 12), TAGGED_NONE);
    ck_assert_str_eq(buf_text(&found), "v=1|");
}
END_TEST

START_TEST(a_report_without_end_is_refused)
{
    static char text[LIMIT_LINE_BYTES + 100];

    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(feed("assay: ", 7), TAGGED_NONE);
    ck_assert_int_eq(feed(text, sizeof(text)), TAGGED_TOO_LONG);
}
END_TEST

static const char *as_json(const char *report)
{
    static struct buf json;
    struct cursor cursor;
    const char *why = "";

    arena_reset(&arena);
    if (tagged_read(span_text(report), &arena, &packed, &why) < 0)
        return why;
    buf_reset(&json);
    cursor_init(&cursor, buf_span(&packed));
    ck_assert(json_write_packed(&cursor, &json));
    return buf_text(&json);
}

START_TEST(words_are_read)
{
    ck_assert_str_eq(as_json("loss=0.3 acc=1"), "{\"loss\": 0.3, \"acc\": 1}");
    ck_assert_str_eq(as_json("  a=true\tb=null c=\"x y\" d=[1, 2] e=x=y f="),
                     "{\"a\": true, \"b\": null, \"c\": \"x y\", \"d\": [1, 2], \"e\": \"x=y\", "
                     "\"f\": \"\"}");
    ck_assert_str_eq(as_json("a=1 a=2"), "{\"a\": 2}");
    ck_assert_str_eq(as_json("a=NaN b=1x c=-"), "{\"a\": NaN, \"b\": \"1x\", \"c\": \"-\"}");
    ck_assert_str_eq(as_json("{\"a\": {\"b\": 1}}"), "{\"a\": {\"b\": 1}}");
}
END_TEST

START_TEST(what_is_no_report_is_refused)
{
    static const char *const wrong[] = {"",         "   ",    "word",   "=1",
                                        "a=1 word", "{",      "{} x",   "{\"a\": 1,}",
                                        "\x01\xff", "\xff=1", "a=\xff", "{\"a\": 1} b=2"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why = NULL;

        arena_reset(&arena);
        ck_assert_msg(tagged_read(span_text(wrong[i]), &arena, &packed, &why) == ERR_MALFORMED,
                      "%s", wrong[i]);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tagged");
    TCase *t = tcase_create("tagged");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, reports_are_found_however_they_are_cut);
    tcase_add_test(t, a_long_line_that_is_no_report_passes);
    tcase_add_test(t, a_report_without_end_is_refused);
    tcase_add_test(t, words_are_read);
    tcase_add_test(t, what_is_no_report_is_refused);
    suite_add_tcase(s, t);
    return s;
}
