/* links: core */
/* What HyperBand costs: by hand, and exactly what the scheduler itself lets run. */
#include "common/rng.h"
#include "head/core/forecast.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/hyperband_rig.h"

static struct forecast forecast;
static struct stop_rule rule;

static void ask(double trials, bool ahead)
{
    const struct forecast_ask question = {.spec = &spec, .trials = trials, .ahead = ahead};

    forecast_make(&sched_hyperband, &question, &arena, &forecast);
}

static void stop_at(double bound)
{
    rule = (struct stop_rule){.metric = span_text("training_iteration"), .bound = bound};
    spec.stop = &rule;
    spec.stop_count = 1;
}

/* "8@3 3@9": a bracket's life. */
static const char *rungs_of(uint32_t bracket)
{
    ck_assert_uint_lt(bracket, forecast.bracket_count);
    ck_assert(isnan(forecast.brackets[bracket].chance));
    buf_reset(&text);
    for (uint32_t i = 0; i < forecast.brackets[bracket].rung_count; i++)
        buf_printf(&text, "%s%.4g@%.4g", i > 0 ? " " : "",
                   forecast.brackets[bracket].rungs[i].trials,
                   forecast.brackets[bracket].rungs[i].at);
    return buf_text(&text);
}

/* Brackets of 5, 8 and 15: the smallest milestones of 9 and eta 3 that Tune makes. */
START_TEST(rounds_by_hand)
{
    const double first = 5 * 9, second = 8 * 3 + 3 * 6, third = 15 * 1 + 5 * 3 + 2 * 5;

    begin(9, 3, false);
    ask(28, true);
    ck_assert_str_eq(forecast.unit, "training_iteration");
    ck_assert_uint_eq(forecast.bracket_count, 3); /* two are too small to be */
    ck_assert_str_eq(rungs_of(0), "5@9");
    ck_assert_str_eq(rungs_of(1), "8@3 3@9");
    ck_assert_str_eq(rungs_of(2), "15@1 5@4 2@9");
    ck_assert_double_eq(forecast.round_trials, 28);
    ck_assert_double_eq(forecast.worst, first + second + third);
    ck_assert_double_eq(forecast.expected, forecast.worst);
    ck_assert_double_eq(forecast.worst_anew, first + 8 * 3 + 3 * 9 + 15 * 1 + 5 * 4 + 2 * 9);
    /* Two rounds, a bracket, and four of the next: three of these go on. */
    ask(56 + 5 + 4, true);
    ck_assert_double_eq(forecast.worst, 2 * (first + second + third) + first + 4 * 3 + 3 * 6);
    ask(0, true);
    ck_assert_double_eq(forecast.worst, 0);
}
END_TEST

START_TEST(the_papers_round_by_hand)
{
    begin(9, 3, true);
    ask(17, true);
    ck_assert_str_eq(rungs_of(0), "9@1 3@3 1@9");
    ck_assert_str_eq(rungs_of(1), "5@3 1@9");
    ck_assert_str_eq(rungs_of(2), "3@9");
    ck_assert_double_eq(forecast.worst, 9 + 3 * 2 + 6 + 5 * 3 + 6 + 3 * 9);
}
END_TEST

START_TEST(a_stop_rule_ends_brackets_early)
{
    begin(9, 3, false);
    stop_at(4);
    ask(28, true);
    ck_assert_str_eq(rungs_of(0), "5@4");
    ck_assert_str_eq(rungs_of(1), "8@3 3@4");
    ck_assert_str_eq(rungs_of(2), "15@1 5@4");
    ck_assert_double_eq(forecast.worst, 5 * 4 + 8 * 3 + 3 + 15 + 5 * 3);
}
END_TEST

/* A bracket that never has two trials at a time lets each of them run to its end. */
START_TEST(who_learns_may_fill_no_bracket)
{
    begin(9, 3, false);
    ask(28, false);
    ck_assert_double_eq(forecast.worst, 28 * 9);
    ck_assert_double_lt(forecast.expected, forecast.worst);
}
END_TEST

/* ---- the scheduler itself ---- */

static void completes(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};

    sched_hyperband.complete(hyperband, &judged, &arena, &verdict);
    states[trial] = TRIAL_DONE;
    obey();
}

/* All at a time, an iteration each in turn; how many in all. */
static double run(uint32_t trials, double bound)
{
    double times[MOST_TRIALS] = {0};
    double sum = 0;
    bool moved = true;

    add_all(trials);
    while (moved) {
        moved = false;
        for (uint32_t trial = 0; trial < trials; trial++) {
            double reward = rng_unit(7, trial, (uint64_t)times[trial]);

            if (states[trial] != TRIAL_RUNNING && states[trial] != TRIAL_PENDING)
                continue;
            moved = true;
            sum++;
            if (++times[trial] >= bound)
                completes(trial, times[trial], reward);
            else
                (void)result(trial, times[trial], reward);
        }
    }
    return sum;
}

static const struct {
    double max_t, eta, bound;
    bool paper;
    uint32_t trials;
} runs[] = {
    {9, 3, 1e9, false, 17},   {81, 3, 1e9, false, 30}, {9, 3, 1e9, false, 28},
    {9, 3, 1e9, false, 33},   {9, 3, 1e9, true, 17},   {81, 3, 1e9, false, 143},
    {81, 3, 1e9, false, 100}, {81, 3, 1e9, true, 206}, {100, 3, 1e9, true, 210},
    {100, 4, 1e9, false, 77}, {100, 4, 1e9, true, 77}, {81, 3, 20, false, 143},
    {81, 3, 27, true, 143},   {20, 3, 7.5, false, 40},
};

START_TEST(it_lets_run_what_was_forecast)
{
    begin(runs[_i].max_t, runs[_i].eta, runs[_i].paper);
    stop_at(runs[_i].bound);
    ask(runs[_i].trials, true);
    ck_assert_double_eq(run(runs[_i].trials, runs[_i].bound), forecast.worst);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("forecast_hyperband");
    TCase *cases = tcase_create("hyperband");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, rounds_by_hand);
    tcase_add_test(cases, the_papers_round_by_hand);
    tcase_add_test(cases, a_stop_rule_ends_brackets_early);
    tcase_add_test(cases, who_learns_may_fill_no_bracket);
    tcase_add_loop_test(cases, it_lets_run_what_was_forecast, 0, sizeof(runs) / sizeof(runs[0]));
    suite_add_tcase(all, cases);
    return all;
}
