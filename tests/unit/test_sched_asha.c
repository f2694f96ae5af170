/* links: core */
/* What ASHA decides: as Tune does, vector for vector. */
#include "tests/lib/run_suite.h"
#include "tests/unit/asha_rig.h"

/* The vectors that were recorded from Tune. _i: with every step through an image. */

START_TEST(long_vector)
{
    imaged = _i == 1;
    begin(1, 9, 3, 1);
    add(5);
    GOES_ON(A, 1, 10);
    GOES_ON(B, 1, 20);
    IS_STOPPED(C, 1, 5);
    GOES_ON(D, 1, 15);
    GOES_ON(A, 2, 11);
    GOES_ON(B, 3, 25);
    shows("Using AsyncHyperBand: num_stopped=1\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 25.0 | Iter 1.000: 15.0\n");
    IS_STOPPED(A, 3, 12);
    shows("Using AsyncHyperBand: num_stopped=2\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 20.666666666666668 | Iter 1.000: 15.0\n");
    GOES_ON(D, 3, 24);
    GOES_ON(E, 1, 30);
    shows("Using AsyncHyperBand: num_stopped=2\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 24.333333333333332 |"
          " Iter 1.000: 18.333333333333336\n");
    IS_STOPPED(E, 5, 18);
    IS_STOPPED(B, 9, 1);
    GOES_ON(D, 8, 3);
    shows("Using AsyncHyperBand: num_stopped=4\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 24.0 | Iter 1.000: 18.333333333333336\n");
}
END_TEST

START_TEST(small_vector)
{
    imaged = _i == 1;
    begin(1, 10, 2, 1);
    add(3);
    GOES_ON(A, 1, 2);
    GOES_ON(B, 1, 4);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: 3.0\n");
    IS_STOPPED(C, 1, 1);
    shows("Using AsyncHyperBand: num_stopped=1\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: 2.0\n");
}
END_TEST

/* Tune's own tests: A reports 0, 100, ... 900 at 0 to 9, B reports 450 at 0 to 4. */
static void feed_two(void)
{
    for (int i = 0; i < 10; i++)
        GOES_ON(A, i, i * 100);
    for (int i = 0; i < 5; i++)
        GOES_ON(B, i, 450);
}

START_TEST(upstream_on_complete)
{
    begin(10, 10, 4, 1);
    add(3);
    feed_two();
    complete(C, 10, 1000);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 10.000: 1000.0\n");
    IS_STOPPED(B, 101, 0);
}
END_TEST

START_TEST(upstream_grace_period)
{
    begin(2.5, 100, 3, 1);
    add(3);
    feed_two();
    complete(A, 10, 1000);
    complete(B, 10, 1000);
    GOES_ON(C, 1, 10);
    GOES_ON(C, 2, 10);
    ck_assert_double_eq(HORIZON(C), 2.5);
    IS_STOPPED(C, 3, 10);
    ck_assert_str_eq(explained(C),
                     "The async_hyperband scheduler had it in bracket 1 of 1. At the rung"
                     " training_iteration 2.500 its score was 10.0, worse than the cut-off 400.0:"
                     " it was stopped.");
}
END_TEST

START_TEST(upstream_all_completes)
{
    begin(10, 10, 4, 10);
    add(10);
    for (uint32_t i = 0; i < 10; i++)
        IS_STOPPED(i, 10, -1);
    shows("Using AsyncHyperBand: num_stopped=10\nBracket: Iter 10.000: None\nBracket: \n"
          "Bracket: \nBracket: \nBracket: \nBracket: \nBracket: \nBracket: \nBracket: \n"
          "Bracket: \n");
}
END_TEST

/* There it is one trial that reports on after its stop; a cluster has none such, so it is two: the
 * second joins where the first was stopped. */
START_TEST(upstream_uses_percentile)
{
    begin(1, 10, 2, 1);
    add(4);
    feed_two();
    complete(A, 10, 1000);
    complete(B, 10, 1000);
    IS_STOPPED(C, 1, 260); /* cut-off 275 */
    IS_STOPPED(C, 2, 260);
    IS_STOPPED(D, 2, 260); /* cut-off 325 */
    ck_assert_ptr_nonnull(strstr(explained(C), "cut-off 275.0"));
    ck_assert_ptr_nonnull(strstr(explained(D), "cut-off 325.0"));
}
END_TEST

START_TEST(upstream_alternate_metrics)
{
    begin(1, 100, 4, 1);
    add(2);
    feed_two();
    complete(A, 10, 1000);
    GOES_ON(B, 5, 450);
    GOES_ON(B, 6, 0);
}
END_TEST

/* Quirk Q3: one that jumps over rungs is filed into the lower ones by its later results. */
START_TEST(late_filing_under_07)
{
    imaged = _i == 1;
    begin(1, 100, 3, 1);
    add(3);
    GOES_ON(A, 1, 50);
    GOES_ON(A, 3, 50);
    ck_assert_double_eq(HORIZON(A), 9);
    GOES_ON(B, 10, 40);
    ck_assert(HORIZON(B) == (double)-INFINITY);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 81.000: None | Iter 27.000: None |"
          " Iter 9.000: 40.0 | Iter 3.000: 50.0 | Iter 1.000: 50.0\n");
    IS_STOPPED(B, 11, 41); /* at rung 3 */
    ck_assert_ptr_nonnull(strstr(explained(B), "training_iteration 3.000 its score was 41.0"));
    GOES_ON(C, 10, 60);
    GOES_ON(C, 11, 60);
    ck_assert(HORIZON(C) == (double)-INFINITY);
    GOES_ON(C, 12, 60);
    ck_assert_double_eq(HORIZON(C), 27);
}
END_TEST

START_TEST(no_late_filing_under_2)
{
    imaged = _i == 1;
    spec.scheduler.semantics = SEMANTICS_TUNE_2;
    begin(1, 100, 3, 1);
    add(2);
    GOES_ON(A, 1, 50);
    GOES_ON(A, 3, 50);
    GOES_ON(B, 10, 40);
    ck_assert_double_eq(HORIZON(B), 27);
    GOES_ON(B, 11, 1);
    GOES_ON(B, 4, 1); /* back in time: what is below is decided */
    GOES_ON(B, 12, 1);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 81.000: None | Iter 27.000: None |"
          " Iter 9.000: 40.0 | Iter 3.000: 50.0 | Iter 1.000: 50.0\n");
}
END_TEST

START_TEST(repeated_times_count_once)
{
    spec.scheduler.semantics = _i == 1 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, 5);
    GOES_ON(A, 1, 1);
    GOES_ON(B, 1, 6);
    GOES_ON(B, 1, 0);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: 5.5\n");
}
END_TEST

START_TEST(ties_go_on)
{
    begin(1, 10, 2, 1);
    add(4);
    for (uint32_t i = 0; i < 4; i++)
        GOES_ON(i, 1, 5);
}
END_TEST

/* _i: 0.7, where a NaN in a rung stops its stopping; 2, where it stays out and is the worst. */
START_TEST(nan_rewards)
{
    bool old = _i == 0;

    imaged = true;
    spec.scheduler.semantics = old ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(1, 10, 4, 1);
    add(5);
    GOES_ON(A, 1, (double)NAN);
    shows(arena_printf(&arena,
                       "Using AsyncHyperBand: num_stopped=0\n"
                       "Bracket: Iter 4.000: None | Iter 1.000: %s\n",
                       old ? "nan" : "None"));
    GOES_ON(B, 1, 9);
    ck_assert_int_eq(result(C, 1, 1), old ? ACTION_CONTINUE : ACTION_STOP);
    ck_assert_int_eq(result(D, 1, (double)NAN), old ? ACTION_CONTINUE : ACTION_STOP);
    GOES_ON(A, 2, 0);
    ck_assert_double_eq(HORIZON(A), 4);
}
END_TEST

START_TEST(infinite_rewards)
{
    spec.scheduler.semantics = _i == 1 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    begin(1, 10, 2, 1);
    add(5);
    GOES_ON(A, 1, (double)-INFINITY);
    GOES_ON(B, 1, (double)-INFINITY);
    GOES_ON(C, 1, 7);
    GOES_ON(D, 1, 8);
    GOES_ON(E, 1, (double)-INFINITY); /* the cut-off is -inf or no number: stops nobody */
}
END_TEST

START_TEST(results_that_say_nothing)
{
    const bool old = _i == 0;
    struct judged judged = {.trial = B, .has_reward = true, .reward = 1};

    spec.scheduler.semantics = old ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, 5);
    ck_assert_int_eq(feed(&judged), ACTION_CONTINUE); /* no time */
    judged.has_time = true;
    judged.time = (double)NAN;
    ck_assert_int_eq(feed(&judged), ACTION_CONTINUE);
    ck_assert_double_eq(HORIZON(B), 1);
    judged.time = 1;
    judged.has_reward = false;
    ck_assert_int_eq(feed(&judged), ACTION_CONTINUE);
    ck_assert(HORIZON(B) == (double)-INFINITY); /* its rung is still open */
    judged.time = 10;
    ck_assert_int_eq(feed(&judged), old ? ACTION_STOP : ACTION_CONTINUE);
    shows(arena_printf(&arena,
                       "Using AsyncHyperBand: num_stopped=%d\nBracket: Iter 8.000: None |"
                       " Iter 4.000: None | Iter 2.000: None | Iter 1.000: 5.0\n",
                       old));
}
END_TEST

START_TEST(horizon_is_the_next_rung)
{
    begin(1, 9, 3, 1);
    add(1);
    ck_assert_double_eq(HORIZON(A), 1);
    GOES_ON(A, 0.5, 1);
    ck_assert_double_eq(HORIZON(A), 1);
    GOES_ON(A, 1, 1);
    ck_assert_double_eq(HORIZON(A), 3);
    GOES_ON(A, 3, 1);
    ck_assert_double_eq(HORIZON(A), 9);
    begin(1, 8, 3, 1);
    add(1);
    GOES_ON(A, 1, 1);
    GOES_ON(A, 3, 1);
    ck_assert_double_eq(HORIZON(A), 8); /* max_t */
    ck_assert(HORIZON(7) == (double)-INFINITY);
}
END_TEST

/* Inside its horizon nothing but CONTINUE is said, whatever comes: else trials would run too far.
 */
START_TEST(horizon_is_honest)
{
    struct rng rng = {.seed = 3, .stream = (uint64_t)_i};

    spec.scheduler.semantics = _i % 2 == 1 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    begin(1, 100, _i % 3 == 0 ? 2.5 : 3, 3);
    add(40);
    for (uint32_t step = 0; step < 4000; step++) {
        uint32_t trial = (uint32_t)rng_next_below(&rng, 40);
        double time = (double)rng_next_below(&rng, 105);
        double horizon = HORIZON(trial);

        if (result(trial, time, rng_next_unit(&rng)) == ACTION_STOP) {
            ck_assert_msg(time >= horizon, "%g stopped within %g", time, horizon);
            sched_asha.add(asha, trial);
        }
        if (step % 500 == 0)
            through_an_image();
    }
}
END_TEST

/* What a trial left at a rung stays when it begins anew after a failure, and is not left twice. */
START_TEST(retries_are_recorded_once)
{
    imaged = true;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, 5);
    GOES_ON(A, 2, 5);
    sched_asha.add(asha, A);
    ck_assert_double_eq(HORIZON(A), 4);
    GOES_ON(A, 1, 0);
    GOES_ON(A, 2, 0);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: 5.0 | Iter 1.000: 5.0\n");
    GOES_ON(A, 4, 5);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sched_asha");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, long_vector, 0, 2);
    tcase_add_loop_test(tc, small_vector, 0, 2);
    tcase_add_test(tc, upstream_on_complete);
    tcase_add_test(tc, upstream_grace_period);
    tcase_add_test(tc, upstream_all_completes);
    tcase_add_test(tc, upstream_uses_percentile);
    tcase_add_test(tc, upstream_alternate_metrics);
    tcase_add_loop_test(tc, late_filing_under_07, 0, 2);
    tcase_add_loop_test(tc, no_late_filing_under_2, 0, 2);
    tcase_add_loop_test(tc, repeated_times_count_once, 0, 2);
    tcase_add_test(tc, ties_go_on);
    tcase_add_loop_test(tc, nan_rewards, 0, 2);
    tcase_add_loop_test(tc, infinite_rewards, 0, 2);
    tcase_add_loop_test(tc, results_that_say_nothing, 0, 2);
    tcase_add_test(tc, horizon_is_the_next_rung);
    tcase_add_loop_test(tc, horizon_is_honest, 0, 6);
    tcase_add_test(tc, retries_are_recorded_once);
    suite_add_tcase(s, tc);
    return s;
}
