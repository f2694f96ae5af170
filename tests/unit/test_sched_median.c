/* links: core */
/* What the median rule decides under tune-0.7: Tune's vectors, and where it is not sound. _i: with
 * every step through an image. */
#include "tests/lib/run_suite.h"
#include "tests/unit/median_rig.h"

static const double nan_value = (double)NAN;
static const double infinite = (double)INFINITY;

/* ---- tune-0.7 ---- */

START_TEST(tunes_vector)
{
    imaged = _i == 1;
    begin(2, 2, 0, true);
    add(4);
    for (uint32_t t = 1; t <= 4; t++) {
        GOES_ON(A, t, t);
        GOES_ON(B, t, 10);
    }
    complete(A, 5, 5);
    complete(B, 5, 11);
    GOES_ON(C, 1, 0);
    GOES_ON(C, 2, 1);
    IS_STOPPED(C, 3, 5); /* 6.0 = (2 + 10) / 2 */
    GOES_ON(D, 1, 6);
    GOES_ON(D, 2, 0);
    GOES_ON(D, 3, 0);
    IS_STOPPED(D, 4, 0); /* 6.25 */
    stopped_are(2);
    SAYS(C, "The median scheduler judged it last at time_total_s 3.0: its best score was 5.0, "
            "worse than 6.0, the median of the others that had ended (2): it was stopped.");
    SAYS(D, "its best score was 6.0, worse than 6.25, the median of the others that had ended (2)");
}
END_TEST

/* Those of Tune's own tests: t1 reports 0, 100, ... 900 at 0 to 9, t2 450 at 0 to 4. */
static void tunes_two(void)
{
    for (uint32_t t = 0; t < 10; t++)
        GOES_ON(A, t, t * 100);
    for (uint32_t t = 0; t < 5; t++)
        GOES_ON(B, t, 450);
}

START_TEST(constant_performance)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(2);
    tunes_two();
    complete(A, 10, 1000);
    GOES_ON(B, 5, 450); /* 250 */
    GOES_ON(B, 6, 0);   /* best 450, 300 */
    IS_STOPPED(B, 10, 450);
    SAYS(B, "best score was 450.0, worse than 500.0, the median of the others that had ended (1)");
}
END_TEST

START_TEST(only_those_that_have_ended_count)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(3);
    tunes_two();
    GOES_ON(B, 100, 0);
    error(A); /* failed, or stopped by a person: as if it had not been */
    GOES_ON(B, 101, 0);
    GOES_ON(C, 102, 1000);
    complete(C, 103, 1000);
    IS_STOPPED(B, 104, 0);
    IS_STOPPED(B, 105, 2000); /* asked once more */
    stopped_are(1);
    ck_assert(HORIZON(B) == -infinite);
    ck_assert(HORIZON(A) == -infinite);
}
END_TEST

/* Stopped ones are not compared with: else the third would go on. */
START_TEST(those_that_it_stopped_do_not_count)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(4);
    complete(A, 1, 10);
    for (uint32_t trial = B; trial <= D; trial++)
        IS_STOPPED(trial, 1, 5);
    stopped_are(3);
}
END_TEST

START_TEST(grace_is_strict)
{
    imaged = _i == 1;
    begin(2.5, 1, 0, true);
    add(3);
    tunes_two();
    complete(A, 10, 1000);
    complete(B, 10, 1000);
    ck_assert(HORIZON(C) > 2.5 && HORIZON(C) < 2.500000000000001);
    GOES_ON(C, 1, 10);
    GOES_ON(C, 2.5, 10);
    SAYS(C, "at time_total_s 2.5: it was within the grace period, 2.5.");
    ck_assert(HORIZON(C) > 2.5 && HORIZON(C) < 2.500000000000001);
    IS_STOPPED(C, 3, 10);
    begin(0, 1, 0, true);
    add(1);
    ck_assert(HORIZON(A) > 0 && HORIZON(A) < 1e-300);
}
END_TEST

START_TEST(few_samples_stop_nobody)
{
    imaged = _i == 1;
    begin(0, 2, 0, true);
    add(3);
    tunes_two();
    complete(A, 10, 1000);
    GOES_ON(C, 3, 10);
    SAYS(C, "of the others 1 had ended, and it takes 2: it went on.");
    complete(B, 10, 1000);
    IS_STOPPED(C, 3, 10);
}
END_TEST

START_TEST(the_median_of_two)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(3);
    tunes_two();
    complete(A, 10, 1000);
    complete(B, 10, 1000);
    GOES_ON(C, 1, 260);
    IS_STOPPED(C, 2, 260); /* (100 + 450) / 2 */
}
END_TEST

/* A trial with results up to 5 has its mean at 100, too. */
START_TEST(short_ones_count_later_too)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(3);
    for (uint32_t t = 1; t < 5; t++)
        GOES_ON(A, t, 10);
    complete(A, 5, 15);
    GOES_ON(B, 4, 10);
    GOES_ON(B, 100, 11);
    GOES_ON(C, 4, 10.5);
    IS_STOPPED(C, 100, 0);
    SAYS(C, "11.0, the median of the others that had ended (1)");
}
END_TEST

/* It pauses, goes on when nobody is pending, and is not judged again. */
START_TEST(soft)
{
    imaged = _i == 1;
    begin(0, 1, 0, false);
    add(4);
    complete(A, 1, 100);
    complete(B, 1, 100);
    IS_PAUSED(C, 1, 5);
    stopped_are(1);
    SAYS(C, "it was paused, and is not judged again.");
    ck_assert_uint_eq(chosen(D, C), D);
    ck_assert_uint_eq(chosen(NUMBER_NONE, C), C);
    ck_assert(HORIZON(C) == infinite);
    GOES_ON(C, 2, 0);
    GOES_ON(C, 3, 0);
    SAYS(C, "at time_total_s 1.0: its best score was 5.0");
    stopped_are(1);
    complete(C, 4, 1); /* it counts with what was judged, and its last: 5 and 1 */
    IS_PAUSED(D, 5, 99);
    SAYS(D, "100.0, the median of the others that had ended (3)");
    ck_assert_uint_eq(chosen(NUMBER_NONE, D), D);
    error(D); /* while it ran */
    sched_median.add(median, E);
    IS_PAUSED(E, 9, 0);
    SAYS(E, "that had ended (3)");
}
END_TEST

/* Stopped by a person while it was paused: in Tune it is complete then. */
START_TEST(soft_and_stopped_while_paused)
{
    imaged = _i == 1;
    begin(0, 1, 0, false);
    add(3);
    complete(A, 1, 100);
    IS_PAUSED(B, 1, 5);
    error(B);
    IS_PAUSED(C, 1, 5);
    SAYS(C, "52.5, the median of the others that had ended (2)");
}
END_TEST

/* ---- where times and rewards are odd; 0.7 ---- */

START_TEST(nothing_says_nothing)
{
    const struct judged no_reward = {.trial = B, .has_time = true, .time = 3};
    const struct judged no_time = {.trial = B, .has_reward = true, .reward = 3};
    struct judged nan_time = judged_of(B, nan_value, 3);

    imaged = _i == 1;
    spec.scheduler.semantics = _i < 2 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(0, 1, 0, true);
    add(3);
    complete(A, 5, 100);
    ck_assert_int_eq(feed(&no_reward), ACTION_CONTINUE);
    ck_assert_int_eq(feed(&no_time), ACTION_CONTINUE);
    ck_assert_int_eq(feed(&nan_time), ACTION_CONTINUE);
    SAYS(B, "has not judged it yet");
    SAYS(E, "has not met this trial");
    IS_STOPPED(B, 5, 3);
}
END_TEST

/* One that ended before it had anything to be compared with makes the median NaN, as in Tune. */
START_TEST(no_result_up_to_then_stops_nobody)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(3);
    complete(A, 10, 100);
    GOES_ON(B, 9, 1);
    SAYS(B, "not worse than nan, the median of the others that had ended (1): it went on.");
    IS_STOPPED(B, 10, 1);
    complete(C, 12, 100); /* somebody else, later: at 11 nobody is stopped again */
    sched_median.add(median, D);
    GOES_ON(D, 11, 1);
    IS_STOPPED(D, 12, 1);
}
END_TEST

/* In Tune it would make the median NaN for ever. */
START_TEST(who_ended_without_results_does_not_count)
{
    const struct judged never = {.trial = A};
    struct sched_verdict verdict;

    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(3);
    sched_median.complete(median, &never, &arena, &verdict);
    through_an_image();
    complete(B, 1, 5);
    IS_STOPPED(C, 1, 4);
    SAYS(C, "that had ended (1)");
}
END_TEST

/* In Tune it depends on which came first. */
START_TEST(own_nan_is_worst)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(4);
    complete(A, 1, 5);
    GOES_ON(B, 0, nan_value);
    GOES_ON(B, 1, 6);
    GOES_ON(B, 2, nan_value);
    IS_STOPPED(C, 1, nan_value);
    SAYS(C, "its best score was nan, worse than 5.0, the median of the others that had ended (1)");
    IS_STOPPED(D, 1, -infinite);
}
END_TEST

START_TEST(others_nan_and_infinity)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(5);
    GOES_ON(A, 1, 5);
    complete(A, 2, nan_value);
    IS_STOPPED(B, 1, 1);
    GOES_ON(C, 2, 1); /* NaN from then on: as in Tune */
    begin(0, 1, 0, true);
    add(5);
    complete(A, 1, infinite);
    IS_STOPPED(B, 1, 1e308);
    complete(C, 1, -infinite);
    GOES_ON(D, 1, 0); /* between both it is none */
    complete(E, 1, 1);
    sched_median.add(median, 5);
    IS_STOPPED(5, 1, 0);
}
END_TEST

/* Repeated and decreasing times: the mean is of all up to a time, whenever they came. */
START_TEST(odd_times)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(4);
    GOES_ON(A, 3, 6);
    GOES_ON(A, 3, 12);
    GOES_ON(A, 1, 3);
    complete(A, 2, 7);
    GOES_ON(B, 0.5, 0); /* NaN */
    GOES_ON(B, 1, 3);
    IS_STOPPED(B, 2, 4); /* 5 */
    IS_STOPPED(C, 3, 6.5);
    SAYS(C, "7.0, the median of the others that had ended (1)");
    GOES_ON(D, infinite, 7);
    GOES_ON(D, -infinite, 1);
}
END_TEST

/* What ends without a word has its last result judged already: in Tune it counts twice. */
START_TEST(the_last_result_counts_once)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(2);
    GOES_ON(A, 1, 2);
    GOES_ON(A, 2, 6);
    complete(A, 2, 6);
    GOES_ON(B, 2, 4);
    SAYS(B, "4.0, the median of the others that had ended (1)");
}
END_TEST

/* A new attempt goes on from a checkpoint: what came behind it is reported once more. In Tune it
 * counts twice. */
START_TEST(what_is_repeated_counts_once)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(2);
    GOES_ON(A, 1, 2);
    GOES_ON(A, 2, 100);
    GOES_ON(A, 3, 100);
    sched_median.add(median, A);
    GOES_ON(A, 2, 4);
    complete(A, 3, 6);
    GOES_ON(B, 3, 4);
    SAYS(B, "4.0, the median of the others that had ended (1)");
}
END_TEST

/* More is asked of one that had ended: it leaves the others, and comes back longer. */
START_TEST(extended)
{
    imaged = _i == 1;
    begin(0, 1, 0, true);
    add(4);
    GOES_ON(A, 1, 2);
    complete(A, 2, 4);
    IS_STOPPED(B, 2, 1);
    sched_median.add(median, A);
    GOES_ON(C, 2, 1);
    SAYS(C, "of the others 0 had");
    GOES_ON(A, 3, 9);
    complete(A, 4, 5);
    IS_STOPPED(C, 4, 4);
    SAYS(C, "5.0, the median of the others that had ended (1)");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sched_median");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, tunes_vector, 0, 2);
    tcase_add_loop_test(tc, constant_performance, 0, 2);
    tcase_add_loop_test(tc, only_those_that_have_ended_count, 0, 2);
    tcase_add_loop_test(tc, those_that_it_stopped_do_not_count, 0, 2);
    tcase_add_loop_test(tc, grace_is_strict, 0, 2);
    tcase_add_loop_test(tc, few_samples_stop_nobody, 0, 2);
    tcase_add_loop_test(tc, the_median_of_two, 0, 2);
    tcase_add_loop_test(tc, short_ones_count_later_too, 0, 2);
    tcase_add_loop_test(tc, soft, 0, 2);
    tcase_add_loop_test(tc, soft_and_stopped_while_paused, 0, 2);
    tcase_add_loop_test(tc, nothing_says_nothing, 0, 3);
    tcase_add_loop_test(tc, no_result_up_to_then_stops_nobody, 0, 2);
    tcase_add_loop_test(tc, who_ended_without_results_does_not_count, 0, 2);
    tcase_add_loop_test(tc, own_nan_is_worst, 0, 2);
    tcase_add_loop_test(tc, others_nan_and_infinity, 0, 2);
    tcase_add_loop_test(tc, odd_times, 0, 2);
    tcase_add_loop_test(tc, the_last_result_counts_once, 0, 2);
    tcase_add_loop_test(tc, what_is_repeated_counts_once, 0, 2);
    tcase_add_loop_test(tc, extended, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
