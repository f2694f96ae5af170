/* links: common */
#include <check.h>
#include <string.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

#define SPACE                                                                                      \
    "{" NATIVE ", 'config': {'g': {'grid_search': [1, 2, 3]}, 'u': {'uniform': [0, 1]}, 'net': "   \
    "{'size': {'randint': [0, 9]}}, 'c': 7}, 'num_samples': 4"

START_TEST(points_are_read)
{
    check_parses(SPACE ", 'points_to_evaluate': [{'u': 0.5}, {'g': 2, 'net': {'size': 3}}]}");
    ck_assert_uint_eq(spec.first_points->count, 2);
    ck_assert_uint_eq(spec.first_trials, 3 + 1);
    check_parses(SPACE ", 'points_to_evaluate': [{}, {}, {}, {'c': 7}]}");
    ck_assert_uint_eq(spec.first_trials, 12);
    check_parses(SPACE ", 'points_to_evaluate': []}");
    ck_assert_ptr_null(spec.first_points);
    check_parses(SPACE ", 'points_to_evaluate': null}");
    ck_assert_ptr_null(spec.first_points);
    ck_assert_uint_eq(spec.first_trials, 0);
    /* in front of what they are held against */
    check_parses("{'points_to_evaluate': [{'u': 1}], 'config': {'u': {'uniform': [0, 1]}}, " NATIVE
                 "}");
    ck_assert_uint_eq(spec.first_trials, 1);
}
END_TEST

START_TEST(bad_points_are_refused)
{
    static const struct {
        const char *points, *path, *what;
    } rows[] = {
        {"5", "points_to_evaluate", "must be a list of configurations"},
        {"{'u': 0.5}", "points_to_evaluate", "must be a list of configurations"},
        {"[{}, 5]", "points_to_evaluate.1", "must be a map of configuration values"},
        {"[{}, {'u': 1.5}]", "points_to_evaluate.1.u", "must be from 0.0 to 1.0, as its uniform"},
        {"[{'u': 'x'}]", "points_to_evaluate.0.u", "must be a number, not a text"},
        {"[{'u': {'uniform': [0, 1]}}]", "points_to_evaluate.0.u", "must be a number, not a map"},
        {"[{'net': {'size': 9}}]", "points_to_evaluate.0.net.size", "must be from 0 to 8"},
        {"[{'net': 9}]", "points_to_evaluate.0.net", "must be a map"},
        {"[{'g': 4}]", "points_to_evaluate.0.g", "is none of the values of its grid_search"},
        {"[{'c': 8}]", "points_to_evaluate.0.c", "is not what config says: 7"},
        {"[{'v': 8}]", "points_to_evaluate.0.v", "config has no key 'v' there"},
        {"[{}, {}, {}, {}, {}]", "points_to_evaluate",
         "has 5 points, and num_samples, which counts them, is 4"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_refused(arena_printf(&arena, SPACE ", 'points_to_evaluate': %s}", rows[i].points),
                      rows[i].path, rows[i].what);
    ck_assert_str_eq(error.mend, "set num_samples to 5 or more");
    check_refused("{" NATIVE ", 'search': {'type': 'list', 'points': [{}]}, "
                  "'points_to_evaluate': [{}]}",
                  "points_to_evaluate", "list has points of its own");
}
END_TEST

START_TEST(too_many_points_are_refused)
{
    struct buf text = {0};

    buf_append_text(&text, "{" NATIVE ", 'num_samples': 2000, 'points_to_evaluate': [{}");
    for (uint32_t i = 0; i < LIMIT_FIRST_POINTS; i++)
        buf_append_text(&text, ",{}");
    buf_append_text(&text, "]}");
    check_refused(buf_text(&text), "points_to_evaluate", "more than 1000 points");
    buf_reset(&text);
    buf_append_text(&text, "{" NATIVE ", 'points_to_evaluate': [{'a': [1");
    for (uint32_t i = 0; i < LIMIT_FIRST_VALUES; i++)
        buf_append_text(&text, ",1");
    buf_append_text(&text, "]}]}");
    check_refused(buf_text(&text), "points_to_evaluate", "16384 values");
    buf_fini(&text);
}
END_TEST

/* Those inside the values of others count, and grids do not. */
static const char *space_of(uint32_t domains, const char *search, struct buf *text)
{
    buf_reset(text);
    buf_printf(text,
               "{" NATIVE ", 'search': '%s', 'config': {'g': {'grid_search': [1, 2]}, "
               "'c': {'choice': [0, {'x': {'uniform': [0, 1]}}]}",
               search);
    for (uint32_t i = 2; i < domains; i++)
        buf_printf(text, ", 'd%u': {'uniform': [0, 1]}", i);
    buf_append_text(text, "}}");
    return buf_text(text);
}

START_TEST(sequences_have_so_many_dimensions)
{
    struct buf text = {0};

    check_parses(space_of(LIMIT_DIMENSIONS + 1, "random", &text));
    check_parses(space_of(LIMIT_DIMENSIONS, "sobol", &text));
    ck_assert_str_eq(spec.search.type, "sobol");
    check_refused(space_of(LIMIT_DIMENSIONS + 1, "sobol", &text), "config.d256",
                  "sobol has 256 dimensions, and this domain would be one more");
    ck_assert_str_eq(error.mend, "use search: random, or choose less");
    check_refused(space_of(LIMIT_DIMENSIONS + 1, "halton", &text), "config.d256",
                  "halton has 256 dimensions");
    buf_fini(&text);
}
END_TEST

START_TEST(how_long_a_suggestion_is_waited_for)
{
    check_parses("{" NATIVE ", 'search': 'external'}");
    ck_assert_uint_eq(spec.search.timeout_ms, 10000);
    check_parses("{" NATIVE ", 'search': {'type': 'external', 'timeout': '1m30s'}}");
    ck_assert_uint_eq(spec.search.timeout_ms, 90000);
    check_parses("{" NATIVE ", 'search': {'timeout': 0, 'type': 'external'}}");
    ck_assert_uint_eq(spec.search.timeout_ms, 0);
    check_parses("{" NATIVE ", 'search': {'type': 'external', 'timeout': 'never'}}");
    ck_assert_uint_eq(spec.search.timeout_ms, TIMEOUT_NEVER);
    check_refused("{" NATIVE ", 'search': {'type': 'external', 'timeout': -1}}", "search.timeout",
                  "'-1' is no duration");
    check_refused("{" NATIVE ", 'search': {'type': 'external', 'timeout': '0s'}}", "search.timeout",
                  "longer than nothing");
    check_refused("{" NATIVE ", 'search': {'type': 'external', 'timeout': 'ever'}}",
                  "search.timeout", "'ever' is no duration");
    check_refused("{" NATIVE ", 'search': {'type': 'random', 'timeout': 3}}", "search",
                  "random takes no timeout");
}
END_TEST

START_TEST(whether_a_suggestion_may_say_more_than_config)
{
    check_parses("{" NATIVE ", 'search': 'external'}");
    ck_assert(!spec.search.open);
    check_parses("{" NATIVE ", 'search': {'type': 'external', 'open': true}}");
    ck_assert(spec.search.open);
    check_refused("{" NATIVE ", 'search': {'type': 'external', 'open': 1}}", "search.open",
                  "must be true or false");
    check_refused("{" NATIVE ", 'search': {'type': 'random', 'open': false}}", "search",
                  "random takes no open");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spec_space");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, points_are_read);
    tcase_add_test(tc, bad_points_are_refused);
    tcase_add_test(tc, too_many_points_are_refused);
    tcase_add_test(tc, sequences_have_so_many_dimensions);
    tcase_add_test(tc, how_long_a_suggestion_is_waited_for);
    tcase_add_test(tc, whether_a_suggestion_may_say_more_than_config);
    suite_add_tcase(s, tc);
    return s;
}
