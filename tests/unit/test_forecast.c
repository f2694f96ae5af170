/* links: core */
/* What ASHA costs: sums by hand, and what the scheduler itself lets run. */
#include "head/core/forecast.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/asha_rig.h"

static struct forecast forecast;
static struct stop_rule rules[2];

static void ask(double trials, bool ahead)
{
    const struct forecast_ask question = {.spec = &spec, .trials = trials, .ahead = ahead};

    forecast_make(sched_find(spec.scheduler.type), &question, &arena, &forecast);
}

static void stop_at(const char *metric, double bound, enum stop_side side)
{
    spec.stop = rules;
    rules[spec.stop_count++] =
        (struct stop_rule){.metric = span_text(metric), .bound = bound, .side = side};
}

static void use_fifo(void)
{
    spec.scheduler = (struct spec_scheduler){.type = scheduler_type_find("fifo")};
}

static void use_promotion(double grace, double max_t, double factor, uint32_t brackets)
{
    set_keys(grace, max_t, factor, brackets);
    spec.scheduler.type++;
    ck_assert_str_eq(spec.scheduler.type->form, "promotion");
}

/* "4@1 1@4": trials and how far, to four digits. */
static const char *rungs_of(uint32_t bracket)
{
    buf_reset(&text);
    for (uint32_t i = 0; i < forecast.brackets[bracket].rung_count; i++)
        buf_printf(&text, "%s%.4g@%.4g", i > 0 ? " " : "",
                   forecast.brackets[bracket].rungs[i].trials,
                   forecast.brackets[bracket].rungs[i].at);
    return buf_text(&text);
}

START_TEST(nothing_bounds_fifo_but_stop_rules)
{
    use_fifo();
    ask(30, true);
    ck_assert_str_eq(forecast.unit, "training_iteration");
    ck_assert(isinf(forecast.cap) && isinf(forecast.worst) && isnan(forecast.expected));
    stop_at("loss", 5, STOP_AT_LEAST);
    ask(30, true);
    ck_assert(isinf(forecast.worst));
    stop_at("training_iteration", 4.5, STOP_AT_LEAST);
    ask(30, true);
    ck_assert_double_eq(forecast.cap, 5); /* the first whole number that is not below */
    ck_assert_double_eq(forecast.worst, 150);
    ck_assert(isnan(forecast.expected) && isnan(forecast.worst_anew));
    ck_assert_uint_eq(forecast.bracket_count, 0);
    ask((double)INFINITY, true);
    ck_assert(isinf(forecast.worst));
    ask(0, true);
    ck_assert_double_eq(forecast.worst, 0);
}
END_TEST

START_TEST(a_rule_of_the_other_side_bounds_nothing)
{
    use_fifo();
    stop_at("training_iteration", 4, STOP_AT_MOST);
    ask(30, true);
    ck_assert(isinf(forecast.worst));
}
END_TEST

START_TEST(seconds_count_where_iterations_do_not_end)
{
    use_fifo();
    stop_at("time_total_s", 60.5, STOP_AT_LEAST);
    ask(2, true);
    ck_assert_str_eq(forecast.unit, "time_total_s");
    ck_assert_double_eq(forecast.worst, 121);
    stop_at("training_iteration", 7, STOP_AT_LEAST);
    ask(2, true);
    ck_assert_str_eq(forecast.unit, "training_iteration");
    ck_assert_double_eq(forecast.worst, 14);
}
END_TEST

/* The second is above the first or not: 1 and a half. The third meets the quantile 3/4 of two,
 * which is three quarters of the way from one to the other: above it (3 - 1 - 3/4) / 3. */
START_TEST(the_first_always_passes)
{
    ck_assert_double_eq(forecast_passed(0, 4), 0);
    ck_assert_double_eq(forecast_passed(1, 4), 1);
    ck_assert_double_eq_tol(forecast_passed(2, 4), 1.5, 1e-12);
    ck_assert_double_eq_tol(forecast_passed(3, 4), 1.5 + 1.25 / 3, 1e-12);
    ck_assert_double_eq_tol(forecast_passed(1e6, 4), 250007.446, 0.001);
    ck_assert_double_eq_tol(forecast_passed(1001, 4) - forecast_passed(1000, 4),
                            (1000 / 4.0 + 0.75) / 1001, 1e-6);
    ck_assert(isinf(forecast_passed((double)INFINITY, 4)));
}
END_TEST

START_TEST(ashas_rungs_by_hand)
{
    set_keys(1, 16, 4, 1);
    ask(2, true);
    ck_assert_uint_eq(forecast.bracket_count, 1);
    ck_assert_double_eq(forecast.brackets[0].chance, 1);
    ck_assert_str_eq(rungs_of(0), "2@1 1.5@4 1.25@16");
    ck_assert_double_eq_tol(forecast.expected, 2 * 1 + 1.5 * 3 + 1.25 * 12, 1e-9);
    ck_assert_double_eq(forecast.worst, 32);
    ck_assert(isnan(forecast.worst_anew)); /* it pauses nobody */
}
END_TEST

START_TEST(brackets_begin_at_later_rungs)
{
    set_keys(1, 9, 3, 2);
    ask(100, true);
    ck_assert_uint_eq(forecast.bracket_count, 2);
    ck_assert_double_eq_tol(forecast.brackets[0].chance, exp(3) / (exp(3) + exp(2)), 1e-12);
    ck_assert_double_eq(forecast.brackets[0].rungs[0].at, 1);
    ck_assert_double_eq(forecast.brackets[1].rungs[0].at, 3);
    ck_assert_double_eq_tol(
        forecast.brackets[0].rungs[0].trials + forecast.brackets[1].rungs[0].trials, 100, 1e-9);
    ck_assert_double_eq(forecast.worst, 900);
}
END_TEST

/* Whose first rung would be behind max_t: all of it runs to the end. */
START_TEST(brackets_without_rungs_run_to_the_end)
{
    set_keys(1, 9, 3, 6);
    ask(100, true);
    ck_assert_uint_eq(forecast.bracket_count, 6);
    for (uint32_t i = 2; i < 6; i++) {
        ck_assert_uint_eq(forecast.brackets[i].rung_count, 1);
        ck_assert_double_eq(forecast.brackets[i].rungs[0].at, 9);
    }
    ck_assert_uint_eq(forecast.brackets[1].rung_count, 2);
}
END_TEST

START_TEST(a_stop_rule_cuts_the_ladder)
{
    set_keys(1, 64, 4, 1);
    stop_at("training_iteration", 10, STOP_AT_LEAST);
    ask(2, true);
    ck_assert_str_eq(rungs_of(0), "2@1 1.5@4 1.25@10");
    ck_assert_double_eq(forecast.worst, 20);
    spec.scheduler.time_attr = "timesteps_total"; /* then it says nothing */
    ask(2, true);
    ck_assert_str_eq(forecast.unit, "timesteps_total");
    ck_assert_str_eq(rungs_of(0), "2@1 1.5@4 1.25@16 1.125@64");
    ck_assert_double_eq(forecast.worst, 128);
}
END_TEST

/* 0.4 and 0.8 are both reached with the first iteration, 1.6 with the second. */
START_TEST(iterations_are_whole)
{
    set_keys(0.4, 3, 2, 1);
    ask(1, true);
    ck_assert_str_eq(rungs_of(0), "1@0.8 1@1.6 1@3");
    ck_assert_double_eq(forecast.expected, 3);
    spec.scheduler.time_attr = "time_total_s";
    ask(1, true);
    ck_assert_str_eq(rungs_of(0), "1@0.4 1@0.8 1@1.6 1@3");
}
END_TEST

/* The third to come lets the best of three go on. The fourth goes on if it is the best, a chance of
 * one in four; one in five for the fifth. */
START_TEST(promotions_by_hand)
{
    use_promotion(1, 9, 3, 1);
    ask(2, true);
    ck_assert_str_eq(rungs_of(0), "2@1 0@3 0@9");
    ask(3, true);
    ck_assert_str_eq(rungs_of(0), "3@1 1@3 0@9"); /* one alone at a rung is not a third of it */
    ask(5, true);
    ck_assert_str_eq(rungs_of(0), "5@1 1.45@3 0@9");
    ck_assert_double_eq_tol(forecast.expected, 5 * 1 + 1.45 * 2, 1e-9);
    ck_assert_double_eq(forecast.worst, 5 * 9);
    ck_assert_double_eq(forecast.worst_anew, 5 * (1 + 3 + 9));
}
END_TEST

START_TEST(of_many_a_third_is_promoted)
{
    use_promotion(1, 9, 3, 1);
    ask(1e6, true);
    ck_assert_double_eq_tol(forecast.brackets[0].rungs[1].trials / 1e6, 1 / 3.0, 1e-3);
    ck_assert_double_gt(forecast.brackets[0].rungs[1].trials, 1e6 / 3);
    ask((double)INFINITY, true);
    ck_assert(isinf(forecast.brackets[0].rungs[1].trials));
}
END_TEST

/* One trial after the other, with rewards that come in no order: how far they come in all. */
static double run_asha(uint32_t trials, uint32_t round)
{
    double sum = 0;

    begin(1, 64, 4, 1);
    add(trials);
    for (uint32_t trial = 0; trial < trials; trial++) {
        double time = 1;

        while (result(trial, time, rng_unit(round, trial, (uint64_t)time)) == ACTION_CONTINUE)
            time++;
        sum += time;
    }
    return sum;
}

START_TEST(asha_lets_run_what_was_forecast)
{
    static const uint32_t sizes[] = {5, 30, 200};
    uint32_t trials = sizes[_i];
    uint32_t rounds = 6000 / trials;
    double sum = 0;

    spec.scheduler.semantics = SEMANTICS_TUNE_2;
    for (uint32_t round = 0; round < rounds; round++)
        sum += run_asha(trials, round);
    ask(trials, true);
    ck_assert_double_eq_tol(sum / rounds / forecast.expected, 1, 0.04);
}
END_TEST

/* ---- the promotion form, one worker ---- */

#define MOST_TRIALS 256u

static bool paused[MOST_TRIALS];
static uint32_t pending[MOST_TRIALS];

static bool fits(void *context, uint32_t trial)
{
    (void)context;
    (void)trial;
    return true;
}

static bool is_paused(void *context, uint32_t trial)
{
    (void)context;
    return paused[trial];
}

/* Until nobody may go on. */
static double run_promotion(uint32_t trials, uint32_t round)
{
    void *self = sched_promotion.new(&spec, 1, &view, &tape);
    struct sched_candidates candidates = {
        .fits = fits, .is_paused = is_paused, .pending = pending, .pending_count = trials};
    double times[MOST_TRIALS] = {0};
    double sum = 0;
    uint32_t trial;

    for (trial = 0; trial < trials; trial++) {
        sched_promotion.add(self, trial);
        pending[trial] = trial;
        paused[trial] = false;
    }
    while ((trial = sched_promotion.choose(self, &candidates)) != NUMBER_NONE) {
        struct judged judged = {.trial = trial, .has_time = true, .has_reward = true};
        struct sched_verdict verdict;

        if (times[trial] == 0) { /* they begin in their order */
            candidates.pending++;
            candidates.pending_count--;
        }
        do {
            judged.time = ++times[trial];
            judged.reward = rng_unit(round, trial, (uint64_t)judged.time);
            sched_promotion.result(self, &judged, &arena, &verdict);
            sum++;
        } while (verdict.action == ACTION_CONTINUE);
        paused[trial] = verdict.action == ACTION_PAUSE;
    }
    sched_promotion.free(self);
    return sum;
}

START_TEST(promotion_lets_run_what_was_forecast)
{
    static const uint32_t sizes[] = {16, 30, 64, 256};
    uint32_t trials = sizes[_i];
    uint32_t rounds = 4000 / trials;
    double sum = 0;

    use_promotion(1, 64, 4, 1);
    for (uint32_t round = 0; round < rounds; round++) {
        tape_record(&tape);
        sum += run_promotion(trials, round);
    }
    ask(trials, true);
    ck_assert_double_eq_tol(sum / rounds / forecast.expected, 1, 0.04);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("forecast");
    TCase *cases = tcase_create("asha");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, nothing_bounds_fifo_but_stop_rules);
    tcase_add_test(cases, a_rule_of_the_other_side_bounds_nothing);
    tcase_add_test(cases, seconds_count_where_iterations_do_not_end);
    tcase_add_test(cases, the_first_always_passes);
    tcase_add_test(cases, ashas_rungs_by_hand);
    tcase_add_test(cases, brackets_begin_at_later_rungs);
    tcase_add_test(cases, brackets_without_rungs_run_to_the_end);
    tcase_add_test(cases, a_stop_rule_cuts_the_ladder);
    tcase_add_test(cases, iterations_are_whole);
    tcase_add_test(cases, promotions_by_hand);
    tcase_add_test(cases, of_many_a_third_is_promoted);
    tcase_add_loop_test(cases, asha_lets_run_what_was_forecast, 0, 3);
    tcase_add_loop_test(cases, promotion_lets_run_what_was_forecast, 0, 4);
    suite_add_tcase(all, cases);
    return all;
}
