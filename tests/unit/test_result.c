#include <check.h>
#include <math.h>
#include <stdio.h>

#include "common/err.h"
#include "common/json.h"
#include "common/pack.h"
#include "common/result.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct buf metrics, config, out;
static struct result result;
static struct result_constants constants;

static struct span packed(const char *json, struct buf *buf)
{
    struct json_error error;
    struct value value;

    ck_assert_int_eq(json_read(span_text(json), &arena, &value, &error), 0);
    buf_reset(buf);
    value_pack(&value, buf);
    return buf_span(buf);
}

static void setup(void)
{
    arena_init(&arena);
    metrics = config = out = (struct buf){0};
    result_set_utc_offset(0);
    result = (struct result){
        .metrics = packed("{\"episode_reward_mean\": 12.5}", &metrics),
        .training_iteration = 3,
        .timestamp = 1555865693,
        .time_this_iter_s = 0.25,
        .time_total_s = 0.75,
        .time_since_restore = 0.75,
        .iterations_since_restore = 3,
    };
    constants = (struct result_constants){
        .experiment_id = span_text("0123456789abcdef0123456789abcdef"),
        .hostname = span_text("node-1"),
        .node_ip = span_text("10.0.0.1"),
        .pid = 4711,
        .config = packed("{\"width\": 10, \"lr\": 0.1}", &config),
    };
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&metrics);
    buf_fini(&config);
    buf_fini(&out);
}

#define TAIL                                                                                       \
    "\"experiment_id\": \"0123456789abcdef0123456789abcdef\", \"date\": \"2019-04-21_16-54-53\", " \
    "\"timestamp\": 1555865693, \"time_this_iter_s\": 0.25, \"time_total_s\": 0.75, "              \
    "\"pid\": 4711, \"hostname\": \"node-1\", \"node_ip\": \"10.0.0.1\", "                         \
    "\"config\": {\"width\": 10, \"lr\": 0.1}, \"time_since_restore\": 0.75, "                     \
    "\"timesteps_since_restore\": 0, \"iterations_since_restore\": 3}"

static void check_json(const char *reported, bool final, const char *want)
{
    result.metrics = packed(reported, &metrics);
    buf_reset(&out);
    result_json(&result, &constants, final, &out);
    ck_assert_str_eq(buf_text(&out), want);
}

START_TEST(json_has_the_order_of_tune)
{
    check_json(
        "{\"episode_reward_mean\": 12.5, \"n\": {\"a\": [1, null]}}", false,
        "{\"episode_reward_mean\": 12.5, \"n\": {\"a\": [1, null]}, \"done\": false, "
        "\"timesteps_total\": null, \"episodes_total\": null, \"training_iteration\": 3, " TAIL);
}
END_TEST

START_TEST(json_of_an_empty_report_and_the_last_line)
{
    result.has_timesteps = result.has_episodes = true;
    result.timesteps_total = 30;
    result.episodes_total = 4;
    check_json("{}", true,
               "{\"done\": true, \"timesteps_total\": 30, \"episodes_total\": 4, "
               "\"training_iteration\": 3, " TAIL);
}
END_TEST

START_TEST(json_leaves_own_totals_where_they_are)
{
    check_json("{\"training_iteration\": 9, \"timesteps_total\": 8, \"episodes_total\": 7, "
               "\"neg_mean_loss\": 6, \"mean_loss\": 5}",
               false,
               "{\"training_iteration\": 9, \"timesteps_total\": 8, \"episodes_total\": 7, "
               "\"neg_mean_loss\": 6, \"mean_loss\": 5, \"done\": false, " TAIL);
}
END_TEST

START_TEST(json_fills_neg_mean_loss)
{
    static const struct {
        const char *loss;
        const char *neg;
    } rows[] = {{"0.5", "-0.5"},
                {"3", "-3"},
                {"0", "0"},
                {"0.0", "0.0"},
                {"-2.5", "2.5"},
                {"NaN", "NaN"},
                {"1e-7", "-1e-07"},
                {"Infinity", "-Infinity"},
                {"-9223372036854775808", "9.223372036854776e+18"}};
    char reported[96], want[1024];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(reported, sizeof(reported), "{\"mean_loss\": %s}", rows[i].loss);
        (void)snprintf(want, sizeof(want),
                       "{\"mean_loss\": %s, \"done\": false, \"timesteps_total\": null, "
                       "\"episodes_total\": null, \"training_iteration\": 3, "
                       "\"neg_mean_loss\": %s, " TAIL,
                       strcmp(rows[i].loss, "1e-7") == 0 ? "1e-07" : rows[i].loss, rows[i].neg);
        check_json(reported, false, want);
    }
    check_json("{\"mean_loss\": \"high\"}", false,
               "{\"mean_loss\": \"high\", \"done\": false, \"timesteps_total\": null, "
               "\"episodes_total\": null, \"training_iteration\": 3, " TAIL);
}
END_TEST

START_TEST(dict_is_the_same_as_json)
{
    static const char *const reports[] = {
        "{}", "{\"a\": 1.5}", "{\"mean_loss\": 2, \"episodes_total\": null}",
        "{\"training_iteration\": 9, \"neg_mean_loss\": 6, \"mean_loss\": 5}"};
    struct buf dict = {0}, text = {0};
    struct cursor cursor;

    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        result.metrics = packed(reports[i], &metrics);
        buf_reset(&dict);
        buf_reset(&text);
        buf_reset(&out);
        result_dict(&result, &constants, &dict);
        cursor_init(&cursor, buf_span(&dict));
        ck_assert(json_write_packed(&cursor, &text));
        ck_assert(cursor.at == cursor.end);
        result_json(&result, &constants, false, &out);
        ck_assert_str_eq(buf_text(&text), buf_text(&out));
    }
    buf_fini(&dict);
    buf_fini(&text);
}
END_TEST

START_TEST(packs_and_unpacks)
{
    struct cursor cursor;
    struct result back;

    result.has_episodes = true;
    result.episodes_total = -5;
    result.done = true;
    result_pack(&result, &out);
    cursor_init(&cursor, buf_span(&out));
    ck_assert_int_eq(result_unpack(&cursor, &back), 0);
    ck_assert(cursor.at == cursor.end);
    ck_assert(span_equal(back.metrics, result.metrics));
    ck_assert(back.done && !back.has_timesteps && back.has_episodes);
    ck_assert_int_eq(back.episodes_total, -5);
    ck_assert_int_eq(back.training_iteration, 3);
    ck_assert_int_eq(back.timestamp, 1555865693);
    ck_assert_double_eq(back.time_total_s, 0.75);
    ck_assert_int_eq(back.iterations_since_restore, 3);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct cursor cursor;
    struct result back;

    result_pack(&result, &out);
    for (size_t size = 0; size < out.size; size++) {
        cursor_init(&cursor, span_of(out.data, size));
        ck_assert_int_eq(result_unpack(&cursor, &back), ERR_MALFORMED);
    }
    /* A newer writer's field behind ours is passed over; a key that is no text is not. */
    out.data[0]++;
    pack_int(&out, 7);
    cursor_init(&cursor, buf_span(&out));
    ck_assert_int_eq(result_unpack(&cursor, &back), 0);
    ck_assert(cursor.at == cursor.end);
    out.data[2] = 0xc0;
    cursor_init(&cursor, buf_span(&out));
    ck_assert_int_eq(result_unpack(&cursor, &back), ERR_MALFORMED);
}
END_TEST

START_TEST(numbers_by_name)
{
    double number = 7;

    result.metrics = packed("{\"a\": 1, \"b\": true, \"t\": \"x\", \"n\": {\"m\": {\"z\": 2.5}}, "
                            "\"n/q\": 4, \"n/q.r\": {\"s\": 6}, \"mean_loss\": 3, "
                            "\"pid\": 1, \"episodes_total\": null}",
                            &metrics);
    ck_assert(result_number(&result, "a", &number) && number == 1);
    ck_assert(result_number(&result, "b", &number) && number == 1);
    ck_assert(result_number(&result, "n/m/z", &number) && number == 2.5);
    ck_assert(result_number(&result, "n.m.z", &number) && number == 2.5);
    ck_assert(result_number(&result, "n/q", &number) && number == 4);
    ck_assert(result_number(&result, "n/q.r.s", &number) && number == 6);
    ck_assert(result_number(&result, "neg_mean_loss", &number) && number == -3);
    ck_assert(result_number(&result, "training_iteration", &number) && number == 3);
    ck_assert(result_number(&result, "time_total_s", &number) && number == 0.75);
    ck_assert(result_number(&result, "done", &number) && number == 0);
    number = 7;
    ck_assert(!result_number(&result, "t", &number));
    ck_assert(!result_number(&result, "n", &number));
    ck_assert(!result_number(&result, "n/m", &number));
    ck_assert(!result_number(&result, "n/", &number));
    ck_assert(!result_number(&result, "", &number));
    ck_assert(!result_number(&result, "timesteps_total", &number));
    ck_assert(!result_number(&result, "episodes_total", &number));
    ck_assert(!result_number(&result, "missing", &number));
    ck_assert_double_eq(number, 7);
}
END_TEST

START_TEST(dates_are_local_and_bounded)
{
    char text[20];

    result_date(1555865693, 0, text);
    ck_assert_str_eq(text, "2019-04-21_16-54-53");
    result_date(1555865693, 7200, text);
    ck_assert_str_eq(text, "2019-04-21_18-54-53");
    result_date(0, -3600, text);
    ck_assert_str_eq(text, "1969-12-31_23-00-00");
    result_date(INT64_MIN, 0, text);
    ck_assert_str_eq(text, "1970-01-01_00-00-00");
    result_date(INT64_MAX, 3600, text);
    ck_assert_int_eq((int)strlen(text), 19);
}
END_TEST

START_TEST(the_date_follows_second_and_zone)
{
    result_json(&result, &constants, false, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "2019-04-21_16-54-53"));
    buf_reset(&out);
    result_set_utc_offset(3600);
    result_json(&result, &constants, false, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "2019-04-21_17-54-53"));
    buf_reset(&out);
    result.timestamp++;
    result_json(&result, &constants, false, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "2019-04-21_17-54-54"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("result");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, json_has_the_order_of_tune);
    tcase_add_test(tc, json_of_an_empty_report_and_the_last_line);
    tcase_add_test(tc, json_leaves_own_totals_where_they_are);
    tcase_add_test(tc, json_fills_neg_mean_loss);
    tcase_add_test(tc, dict_is_the_same_as_json);
    tcase_add_test(tc, packs_and_unpacks);
    tcase_add_test(tc, every_cut_is_refused);
    tcase_add_test(tc, numbers_by_name);
    tcase_add_test(tc, dates_are_local_and_bounded);
    tcase_add_test(tc, the_date_follows_second_and_zone);
    suite_add_tcase(s, tc);
    return s;
}
