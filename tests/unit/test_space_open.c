/* links: common */
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/space_rig.h"

static void expect(const char *space, const char *given, const char *wider)
{
    struct value whole = quoted(space), part = quoted(given), want = quoted(wider), out;
    struct space_error unused;

    ck_assert_msg(space_widen(&whole, &part, "p", &arena, &out, &error) == 0, "%s: %s: %s", given,
                  error.path, error.what);
    buf_reset(&text);
    json_write(&out, JSON_LINE, &text);
    ck_assert_msg(value_equal(&out, &want), "%s", buf_text(&text));
    ck_assert_int_eq(space_check_given(&out, &part, "p", &unused), 0);
}

static void expect_refused(const char *space, const char *given, const char *path, const char *what)
{
    struct value whole = quoted(space), part = quoted(given), out;

    error = (struct space_error){0};
    ck_assert_msg(space_widen(&whole, &part, "p", &arena, &out, &error) < 0, "%s", given);
    ck_assert_str_eq(error.path, path);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s", error.what);
}

START_TEST(what_config_lacks_is_added)
{
    expect("{}", "{}", "{}");
    expect("{}", "{'a': 1, 'b': {'c': 'x', 'd': {}}}",
           "{'a': {'choice': [1]}, 'b': {'c': {'choice': ['x']}, 'd': {'choice': [{}]}}}");
    expect("{'n': {'k': 1}, 'z': 0}", "{'y': [1, {'q': 2}], 'n': {'m': null}}",
           "{'n': {'k': 1, 'm': {'choice': [null]}}, 'z': 0, 'y': {'choice': [[1, {'q': 2}]]}}");
}
END_TEST

START_TEST(constants_are_replaced)
{
    const char *space = "{'a': 1, 'l': [1, 2], 'm': {'x': 1}}";

    expect(space, "{'a': 1.0, 'l': [1, 2], 'm': {'x': 1}}", space);
    expect(space, "{'a': 'one', 'l': [3], 'm': {'x': {'y': 2}}}",
           "{'a': {'choice': ['one']}, 'l': {'choice': [[3]]},"
           " 'm': {'x': {'choice': [{'y': 2}]}}}");
    expect(space, "{'m': 7}", "{'a': 1, 'l': [1, 2], 'm': {'choice': [7]}}");
}
END_TEST

/* What is left to choose says itself what may be chosen. */
START_TEST(domains_stay)
{
    const char *space = "{'u': {'uniform': [0, 1]}, 'm': {'l': [{'randint': [0, 3]}]}, 'c': 1}";

    expect(space, "{'u': 0.5, 'm': {'l': [2]}}", space);
    expect_refused(space, "{'c': 2, 'u': 3}", "p.u", "from 0.0 to 1.0");
    expect_refused(space, "{'m': {'l': [5]}}", "p.m.l.0", "must be");
    expect_refused(space, "{'m': 3}", "p.m", "must be a map");
}
END_TEST

START_TEST(nothing_to_choose_is_added)
{
    expect_refused("{}", "{'a': {'b': {'uniform': [0, 1]}}}", "p", "left to choose");
    expect_refused("{'a': 1}", "{'a': {'uniform': [1]}}", "p.a", "");
}
END_TEST

START_TEST(so_much_and_no_more)
{
    struct value config = quoted("{'a': 1}"), part, out;
    struct value_builder given;

    value_builder_map(&given, &arena);
    for (uint32_t i = 0; i < LIMIT_ADDED_KEYS; i++)
        value_builder_append(&given, arena_printf(&arena, "k%u", i), value_int(1));
    part = value_builder_done(&given);
    ck_assert_int_eq(space_widen(&config, &part, "p", &arena, &out, &error), 0);
    ck_assert_uint_eq(out.count, 1 + LIMIT_ADDED_KEYS);
    value_builder_append(&given, "one", value_int(1));
    part = value_builder_done(&given);
    ck_assert_int_lt(space_widen(&config, &part, "p", &arena, &out, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.what, "more keys"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("space_open");
    TCase *tc = tcase_create("space_open");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_config_lacks_is_added);
    tcase_add_test(tc, constants_are_replaced);
    tcase_add_test(tc, domains_stay);
    tcase_add_test(tc, nothing_to_choose_is_added);
    tcase_add_test(tc, so_much_and_no_more);
    suite_add_tcase(s, tc);
    return s;
}
