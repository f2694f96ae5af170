#include <check.h>
#include <math.h>
#include <stdio.h>

#include "common/autofill.h"
#include "common/err.h"
#include "common/json.h"
#include "common/pack.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct buf report, scratch, text;
static struct autofill fill;
static struct result result;

static void setup(void)
{
    arena_init(&arena);
    report = scratch = text = (struct buf){0};
    autofill_start(&fill, 100.0, NULL);
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&report);
    buf_fini(&scratch);
    buf_fini(&text);
}

/* A report from JSON text. */
static int reported(const char *json, double now_s)
{
    struct json_error error;
    struct value value;

    ck_assert_int_eq(json_read(span_text(json), &arena, &value, &error), 0);
    buf_reset(&report);
    value_pack(&value, &report);
    return autofill_report(&fill, buf_span(&report), now_s, 1555865693, &scratch, &result);
}

static const char *metrics(void)
{
    struct cursor cursor;

    buf_reset(&text);
    cursor_init(&cursor, result.metrics);
    ck_assert(json_write_packed(&cursor, &text));
    return buf_text(&text);
}

START_TEST(counts_reports_and_time)
{
    ck_assert_int_eq(reported("{\"loss\": 1}", 100.5), 0);
    ck_assert_int_eq(result.training_iteration, 1);
    ck_assert_double_eq(result.time_this_iter_s, 0.5);
    ck_assert_int_eq(reported("{\"loss\": 2}", 102.5), 0);
    ck_assert_int_eq(result.training_iteration, 2);
    ck_assert_int_eq(result.iterations_since_restore, 2);
    ck_assert_double_eq(result.time_this_iter_s, 2.0);
    ck_assert_double_eq(result.time_total_s, 2.5);
    ck_assert_double_eq(result.time_since_restore, 2.5);
    ck_assert_int_eq(result.timestamp, 1555865693);
    ck_assert(!result.has_timesteps && !result.has_episodes && !result.done);
    ck_assert_ptr_eq(result.metrics.data, report.data);
}
END_TEST

START_TEST(sums_steps_and_episodes)
{
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(reported("{\"timesteps_this_iter\": 3, \"episodes_this_iter\": 2}", 101),
                         0);
    ck_assert(result.has_timesteps && result.has_episodes);
    ck_assert_int_eq(result.timesteps_total, 30);
    ck_assert_int_eq(result.timesteps_since_restore, 30);
    ck_assert_int_eq(result.episodes_total, 20);
    ck_assert_str_eq(metrics(), "{\"timesteps_this_iter\": 3, \"episodes_this_iter\": 2}");
}
END_TEST

START_TEST(zero_steps_are_known_steps)
{
    ck_assert_int_eq(reported("{\"timesteps_this_iter\": 0}", 101), 0);
    ck_assert(result.has_timesteps);
    ck_assert_int_eq(result.timesteps_total, 0);
}
END_TEST

START_TEST(own_totals_stay_and_win)
{
    double number;

    ck_assert_int_eq(reported("{\"training_iteration\": 7, \"timesteps_total\": 9}", 101), 0);
    ck_assert_int_eq(result.training_iteration, 1);
    ck_assert_str_eq(metrics(), "{\"training_iteration\": 7, \"timesteps_total\": 9}");
    ck_assert(result_number(&result, "training_iteration", &number) && number == 7);
    ck_assert(result_number(&result, "timesteps_total", &number) && number == 9);
}
END_TEST

START_TEST(filled_keys_are_taken_out)
{
    ck_assert_int_eq(reported("{\"a\": 1, \"pid\": 1, \"done\": false, \"b\": {\"pid\": 2}, "
                              "\"date\": \"x\", \"config\": {}, \"hostname\": 3}",
                              101),
                     0);
    ck_assert_str_eq(metrics(), "{\"a\": 1, \"b\": {\"pid\": 2}}");
    ck_assert_ptr_eq(result.metrics.data, scratch.data);
}
END_TEST

START_TEST(done_is_folded_as_python_judges)
{
    const char *const yes[] = {"true", "1", "0.5", "\"x\"", "[0]"};
    const char *const no[] = {"false", "0", "0.0", "\"\"", "[]", "{}", "null"};
    char json[64];

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        (void)snprintf(json, sizeof(json), "{\"done\": %s}", yes[i]);
        ck_assert_int_eq(reported(json, 101), 0);
        ck_assert_msg(result.done, "%s", json);
        ck_assert_str_eq(metrics(), "{}");
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        (void)snprintf(json, sizeof(json), "{\"done\": %s}", no[i]);
        ck_assert_int_eq(reported(json, 101), 0);
        ck_assert_msg(!result.done, "%s", json);
    }
}
END_TEST

START_TEST(own_time_is_used)
{
    ck_assert_int_eq(reported("{\"time_this_iter_s\": 5}", 101), 0);
    ck_assert_double_eq(result.time_this_iter_s, 5);
    ck_assert_double_eq(result.time_total_s, 5);
    ck_assert_int_eq(reported("{\"time_this_iter_s\": NaN}", 103), 0);
    ck_assert_double_eq(result.time_this_iter_s, 2);
    ck_assert_double_eq(result.time_total_s, 7);
}
END_TEST

START_TEST(goes_on_from_a_checkpoint)
{
    fill.training_iteration = 10;
    fill.has_timesteps = true;
    fill.timesteps_total = 100;
    fill.time_total_s = 50;
    ck_assert_int_eq(reported("{\"timesteps_this_iter\": 5}", 101), 0);
    ck_assert_int_eq(result.training_iteration, 11);
    ck_assert_int_eq(result.timesteps_total, 105);
    ck_assert_int_eq(result.timesteps_since_restore, 5);
    ck_assert_int_eq(result.iterations_since_restore, 1);
    ck_assert_double_eq(result.time_total_s, 51);
    ck_assert_double_eq(result.time_since_restore, 1);
}
END_TEST

START_TEST(odd_numbers_do_no_harm)
{
    ck_assert_int_eq(reported("{\"timesteps_this_iter\": 9223372036854775807, \"x\": NaN}", 99), 0);
    ck_assert_double_eq(result.time_this_iter_s, 0);
    ck_assert_int_eq(reported("{\"timesteps_this_iter\": 9223372036854775807}", 101), 0);
    ck_assert_int_eq(result.timesteps_total, INT64_MAX);
    ck_assert_int_eq(reported("{\"timesteps_this_iter\": 1e300, \"x\": Infinity}", 101), 0);
    ck_assert_str_eq(metrics(), "{\"timesteps_this_iter\": 1e+300, \"x\": Infinity}");
}
END_TEST

START_TEST(refuses_what_is_no_report)
{
    const uint8_t number_key[] = {0x81, 0x01, 0x02};
    const uint8_t cut[] = {0x82, 0xa1, 'a', 0x02};
    const uint8_t behind[] = {0x80, 0xc0};

    ck_assert_int_eq(reported("[1]", 101), ERR_MALFORMED);
    ck_assert_int_eq(autofill_report(&fill, span_of(number_key, 3), 1, 1, &scratch, &result),
                     ERR_MALFORMED);
    ck_assert_int_eq(autofill_report(&fill, span_of(cut, 4), 1, 1, &scratch, &result),
                     ERR_MALFORMED);
    ck_assert_int_eq(autofill_report(&fill, span_of(behind, 2), 1, 1, &scratch, &result),
                     ERR_MALFORMED);
    ck_assert_int_eq(fill.training_iteration, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("autofill");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, counts_reports_and_time);
    tcase_add_test(tc, sums_steps_and_episodes);
    tcase_add_test(tc, zero_steps_are_known_steps);
    tcase_add_test(tc, own_totals_stay_and_win);
    tcase_add_test(tc, filled_keys_are_taken_out);
    tcase_add_test(tc, done_is_folded_as_python_judges);
    tcase_add_test(tc, own_time_is_used);
    tcase_add_test(tc, goes_on_from_a_checkpoint);
    tcase_add_test(tc, odd_numbers_do_no_harm);
    tcase_add_test(tc, refuses_what_is_no_report);
    suite_add_tcase(s, tc);
    return s;
}
