/* links: common */
#include "common/buf.h"
#include "tests/lib/run_suite.h"

START_TEST(grows_and_keeps_what_it_holds)
{
    struct buf buf = {0};

    for (int i = 0; i < 1000; i++)
        buf_append_char(&buf, (char)('a' + i % 26));
    ck_assert_uint_eq(buf.size, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(buf.data[i], 'a' + i % 26);
    buf_reset(&buf);
    ck_assert_uint_eq(buf.size, 0);
    ck_assert_uint_ge(buf.capacity, 1000);
    buf_fini(&buf);
    ck_assert_ptr_null(buf.data);
}
END_TEST

START_TEST(appends_every_kind)
{
    struct buf buf;

    buf_init(&buf);
    buf_append(&buf, "ab", 1);
    buf_append(&buf, NULL, 0);
    buf_append_text(&buf, "bc");
    buf_append_span(&buf, span_of("dxx", 1));
    buf_append_span(&buf, (struct span){0});
    buf_printf(&buf, "%d-%s", 5, "six");
    ck_assert_str_eq(buf_text(&buf), "abcd5-six");
    ck_assert_uint_eq(buf.size, 9);
    ck_assert(span_is(buf_span(&buf), "abcd5-six"));
    buf_fini(&buf);
}
END_TEST

START_TEST(consume_takes_from_the_front)
{
    struct buf buf = {0};

    buf_append_text(&buf, "hello world");
    buf_consume(&buf, 6);
    ck_assert_str_eq(buf_text(&buf), "world");
    buf_consume(&buf, 0);
    buf_consume(&buf, 5);
    ck_assert_str_eq(buf_text(&buf), "");
    buf_fini(&buf);
}
END_TEST

START_TEST(reserved_bytes_do_not_count_until_added)
{
    struct buf buf = {0};

    ck_assert_ptr_nonnull(buf_reserve(&buf, 0));
    memcpy(buf_reserve(&buf, 500), "xyz", 3);
    ck_assert_uint_eq(buf.size, 0);
    buf.size += 3;
    ck_assert_str_eq(buf_text(&buf), "xyz");
    buf_fini(&buf);
}
END_TEST

START_TEST(text_of_an_empty_one)
{
    struct buf buf = {0};

    ck_assert_str_eq(buf_text(&buf), "");
    ck_assert_uint_eq(buf.size, 0);
    buf_fini(&buf);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");

    tcase_add_test(tcase, grows_and_keeps_what_it_holds);
    tcase_add_test(tcase, appends_every_kind);
    tcase_add_test(tcase, consume_takes_from_the_front);
    tcase_add_test(tcase, reserved_bytes_do_not_count_until_added);
    tcase_add_test(tcase, text_of_an_empty_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
