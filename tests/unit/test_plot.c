/* links: client */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/html.h"
#include "client/params.h"
#include "client/plot.h"
#include "common/json.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static void check_ticks(double low, double high, bool log, uint32_t about, const char *wanted)
{
    struct plot_scale scale = {low, high, log, 0, 100};
    double ticks[PLOT_TICKS];
    uint32_t count = plot_ticks(&scale, about, ticks);
    struct buf text = {0};

    for (uint32_t i = 0; i < count; i++)
        buf_printf(&text, i > 0 ? " %.10g" : "%.10g", ticks[i]);
    ck_assert_str_eq(buf_text(&text), wanted);
    buf_fini(&text);
}

START_TEST(ticks_are_round)
{
    check_ticks(0, 1, false, 5, "0 0.2 0.4 0.6 0.8 1");
    check_ticks(-3, 7, false, 5, "-2 0 2 4 6");
    check_ticks(0.013, 0.029, false, 4, "0.015 0.02 0.025");
    check_ticks(1e6, 9e6, false, 4, "2000000 4000000 6000000 8000000");
    check_ticks(1e-4, 0.1, true, 4, "0.0001 0.001 0.01 0.1");
    check_ticks(1, 50, true, 6, "1 2 5 10 20 50");
    check_ticks(3, 4, true, 4, "3 3.5 4"); /* no power of ten within */
    check_ticks(1e-12, 1e12, true, 5, "1e-10 1e-05 1 100000 1e+10");
}
END_TEST

START_TEST(scales_place_numbers_and_keep_them_in)
{
    struct plot_scale scale;

    plot_scale_set(&scale, 0, 100, false, 10, 110);
    ck_assert_double_eq(scale.low, -4);
    ck_assert_double_eq_tol(plot_at(&scale, 50), 60, 1e-9);
    ck_assert_double_eq_tol(plot_at(&scale, 1e9), 110, 1e-9);
    ck_assert_double_eq_tol(plot_at(&scale, -1e9), 10, 1e-9);
    ck_assert(plot_is_outside(&scale, 105) && !plot_is_outside(&scale, 103));
    plot_scale_set(&scale, 0.001, 10, true, 200, 0); /* upside down, as y is */
    ck_assert_double_eq_tol(plot_at(&scale, 0.1), 100, 1e-9);
    ck_assert_double_gt(plot_at(&scale, 0.01), plot_at(&scale, 1));
    plot_scale_set(&scale, 0, 10, true, 0, 1); /* 0 has no logarithm */
    ck_assert(!scale.log);
}
END_TEST

START_TEST(scales_bear_all_numbers)
{
    static const double ends[][2] = {{0, 0},           {5, 5},
                                     {-5, -5},         {-1.7e308, 1.7e308},
                                     {5e-324, 5e-324}, {1, 1.0000000000000002},
                                     {1e300, 1.7e308}, {5e-324, 1.7e308}};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        for (int log = 0; log < 2; log++) {
            struct plot_scale scale;
            double ticks[PLOT_TICKS];
            double middle;

            plot_scale_set(&scale, ends[i][0], ends[i][1], log == 1, 0, 100);
            middle = plot_at(&scale, ends[i][0] / 2 + ends[i][1] / 2);
            ck_assert(isfinite(scale.low) && isfinite(scale.high) && scale.low < scale.high);
            ck_assert(middle >= 0 && middle <= 100);
            ck_assert_uint_le(plot_ticks(&scale, 5, ticks), PLOT_TICKS);
        }
    }
}
END_TEST

START_TEST(a_fit_lets_few_far_ones_out_on_the_worse_side_alone)
{
    double numbers[20];
    struct plot_fit fit;

    for (int i = 0; i < 20; i++)
        numbers[i] = i == 3 ? 1e6 : i == 4 ? -1e6 : i;
    plot_fit(numbers, 20, true, &fit);
    ck_assert_double_eq(fit.low, -1e6);
    ck_assert_double_lt(fit.high, 100);
    ck_assert_uint_eq(fit.outside, 1);
    plot_fit(numbers, 20, false, &fit);
    ck_assert_double_eq(fit.high, 1e6);
    ck_assert_double_gt(fit.low, -100);
    for (int i = 0; i < 20; i++)
        numbers[i] = pow(10, i - 10);
    plot_fit(numbers, 20, true, &fit);
    ck_assert(fit.log && fit.outside == 0);
    plot_fit(numbers, 20, false, &fit);
    ck_assert(!fit.log);
    plot_fit(numbers, 1, true, &fit);
    ck_assert_double_eq(fit.low, fit.high);
}
END_TEST

START_TEST(text_stays_text)
{
    static const char *const pairs[][2] = {
        {"a<b>&\"c\" 'd'", "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;"},
        {"</script><script>", "&lt;/script&gt;&lt;script&gt;"},
        {"h\xc3\xa9\n", "h\xc3\xa9\n"},
        {"\x01\x1b[3\xff", "??[3?"},
        {"\xc2\x85", "??"}, /* a control character of two bytes */
        {"&amp;", "&amp;amp;"},
    };
    struct buf out = {0};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        buf_reset(&out);
        html_text(span_text(pairs[i][0]), &out);
        ck_assert_str_eq(buf_text(&out), pairs[i][1]);
    }
    buf_reset(&out);
    html_short(span_text("<\xc3\xa9\xc3\xa9>"), 4, &out);
    ck_assert_str_eq(buf_text(&out), "&lt;\xc3\xa9\xe2\x80\xa6");
    buf_reset(&out);
    html_number((double)NAN, &out);
    html_number((double)-INFINITY, &out);
    html_number(0.1, &out);
    ck_assert_str_eq(buf_text(&out), "NaN-\xe2\x88\x9e"
                                     "0.1");
    buf_fini(&out);
}
END_TEST

static struct value read(const char *json)
{
    struct json_error error;
    struct value value;

    ck_assert_msg(json_read(span_text(json), &arena, &value, &error) == 0, "%s", error.what);
    return value;
}

/* The rows of trials with these configurations. */
static struct msg_trial_row *rows_of(const char *const *configs, uint32_t count)
{
    struct msg_trial_row *rows = arena_zalloc(&arena, count * sizeof(*rows));

    for (uint32_t i = 0; i < count; i++) {
        struct value config = read(configs[i]);
        struct buf packed = {0};

        value_pack(&config, &packed);
        rows[i].trial = i;
        rows[i].config = arena_copy(&arena, buf_span(&packed));
        buf_fini(&packed);
    }
    return rows;
}

static const struct param *param_of(const struct params *params, const char *name)
{
    for (uint32_t i = 0; i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0)
            return &params->items[i];
    return NULL;
}

START_TEST(parameters_are_those_that_vary)
{
    static const char *const configs[] = {
        "{\"lr\": 0.1, \"fixed\": 3, \"net\": {\"kind\": \"cnn\", \"layers\": 2}, \"mix\": 1}",
        "{\"lr\": 0.01, \"fixed\": 3, \"net\": {\"kind\": \"mlp\"}, \"mix\": \"one\"}",
        "{\"lr\": NaN, \"fixed\": 3, \"net\": {\"kind\": \"cnn\", \"layers\": 2}, \"mix\": [1]}",
    };
    struct value space =
        read("{\"lr\": {\"loguniform\": [0.01, 1]}, \"net\": {\"choice\": [{\"kind\": "
             "\"cnn\", \"layers\": {\"lograndint\": [1, 5]}}, {\"kind\": \"mlp\"}]}}");
    const struct param *param;
    struct params params;

    params_find(rows_of(configs, 3), 3, &space, &arena, &params);
    ck_assert_uint_eq(params.count, 4);
    ck_assert_ptr_null(param_of(&params, "fixed"));
    param = param_of(&params, "lr");
    ck_assert(param->log && param->words == 0 && param->absent && isnan(param->values[2]));
    ck_assert_double_eq(param->low, 0.01);
    ck_assert_double_eq(param->high, 0.1);
    param = param_of(&params, "net.layers"); /* it does not vary, but some do not have it */
    ck_assert(param->log && param->absent && isnan(param->values[1]));
    param = param_of(&params, "net.kind");
    ck_assert(param->words == 2 && !param->absent && strcmp(param->texts[1], "mlp") == 0);
    ck_assert_double_eq(param->values[2], 0);
    param = param_of(&params, "mix");
    ck_assert(param->words == 3 && strcmp(param->texts[2], "[1]") == 0);
    params_find(rows_of(configs, 1), 1, NULL, &arena, &params);
    ck_assert_uint_eq(params.count, 0);
    params_find(NULL, 0, NULL, &arena, &params);
    ck_assert_uint_eq(params.count, 0);
}
END_TEST

START_TEST(many_words_and_many_names_have_an_end)
{
    enum { TRIALS = 80 };
    const char *configs[TRIALS];
    struct params params;

    for (int i = 0; i < TRIALS; i++) {
        struct buf text = {0};

        buf_printf(&text, "{\"w\": \"word%d\"", i);
        for (int k = 0; k < TRIALS; k++)
            buf_printf(&text, ", \"n%d\": %d", k, i);
        buf_append_char(&text, '}');
        configs[i] = arena_strdup(&arena, buf_text(&text));
        buf_fini(&text);
    }
    params_find(rows_of(configs, TRIALS), TRIALS, NULL, &arena, &params);
    ck_assert_uint_eq(params.count, PARAMS_MOST);
    ck_assert_uint_eq(params.left_out, TRIALS + 1 - PARAMS_MOST);
    ck_assert_uint_eq(params.items[0].words, FOREST_WORDS);
    ck_assert_str_eq(params.items[0].texts[FOREST_WORDS - 1], "(others)");
    ck_assert_double_eq(params.items[0].values[FOREST_WORDS - 1], FOREST_WORDS - 1);
    ck_assert_double_eq(params.items[0].values[TRIALS - 1], FOREST_WORDS - 1);
}
END_TEST

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

Suite *suite(void)
{
    Suite *suite = suite_create("plot");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, ticks_are_round);
    tcase_add_test(cases, scales_place_numbers_and_keep_them_in);
    tcase_add_test(cases, scales_bear_all_numbers);
    tcase_add_test(cases, a_fit_lets_few_far_ones_out_on_the_worse_side_alone);
    tcase_add_test(cases, text_stays_text);
    tcase_add_test(cases, parameters_are_those_that_vary);
    tcase_add_test(cases, many_words_and_many_names_have_an_end);
    suite_add_tcase(suite, cases);
    return suite;
}
