/* links: redis */
#include "common/redis/info.h"
#include "tests/lib/run_suite.h"

static const char info[] =
    "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nused_memory:1048576\r\n"
    "used_memory_rss:99\r\nempty:\r\nlast:17";

START_TEST(values_stand_behind_their_names)
{
    ck_assert(span_is(info_value(info, "redis_version"), "7.0.15"));
    ck_assert(span_is(info_value(info, "last"), "17"));
    ck_assert_uint_eq(info_number(info, "used_memory"), 1048576);
    ck_assert_uint_eq(info_number(info, "used_memory_rss"), 99);
}
END_TEST

START_TEST(a_name_that_is_not_there_has_no_value)
{
    ck_assert_uint_eq(info_value(info, "memory").size, 0);
    ck_assert_uint_eq(info_value(info, "used").size, 0);
    ck_assert_uint_eq(info_value(info, "empty").size, 0);
    ck_assert_uint_eq(info_number(info, "empty"), 0);
    ck_assert_uint_eq(info_value("", "x").size, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("info");
    TCase *tcase = tcase_create("info");

    tcase_add_test(tcase, values_stand_behind_their_names);
    tcase_add_test(tcase, a_name_that_is_not_there_has_no_value);
    suite_add_tcase(suite, tcase);
    return suite;
}
