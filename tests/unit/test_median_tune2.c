/* links: core */
/* What the median rule decides under tune-2: its formula, and where Tune is not sound. _i: with
 * every step through an image. */
#include "tests/lib/run_suite.h"
#include "tests/unit/median_rig.h"

/* All others whose newest result is not before: here two run, one was stopped, one has ended. */
START_TEST(all_others_count)
{
    imaged = _i == 1;
    begin_new(2, 1, 0, true);
    add(5);
    GOES_ON(A, 1, 1000); /* before the grace period: in no mean, and its best */
    GOES_ON(A, 2, 10);
    SAYS(A, "of the others 0 had come so far, and it takes 1: it went on.");
    GOES_ON(A, 3, 20);
    GOES_ON(B, 2, 10);
    GOES_ON(B, 3, 16);      /* 13 < 15 of A: its best is 16 */
    GOES_ON(C, 2, 30);      /* 10 */
    IS_STOPPED(D, 3, 13.5); /* A 15, B 13 */
    SAYS(D, "its best score was 13.5, worse than 14.0, the median of the others that had come so "
            "far (2): it was stopped.");
    complete(C, 3, 32);  /* 31 */
    GOES_ON(E, 3, 14.5); /* 15, 13, 31, 13.5 */
    SAYS(E, "14.25, the median of the others that had come so far (4)");
    stopped_are(1);
    ck_assert_double_eq(HORIZON(E), 2);
    ck_assert(HORIZON(D) == (double)-INFINITY);
}
END_TEST

/* One that came further than t, and has nothing at t, counts with its mean up to then. */
START_TEST(skipped_times)
{
    imaged = _i == 1;
    begin_new(0, 1, 0, true);
    add(4);
    GOES_ON(A, 1, 10);
    GOES_ON(A, 10, 100);
    GOES_ON(B, 5, 10);
    IS_STOPPED(C, 5, 9);
    SAYS(C, "10.0, the median of the others that had come so far (2)");
    GOES_ON(D, 10, 55);
    SAYS(D, "55.0, the median of the others that had come so far (1)");
    GOES_ON(B, 5.5, 0);
    /* Of A alone: D has nothing so early. */
    SAYS(B, "10.0, the median of the others that had come so far (1)");
}
END_TEST

/* In Tune 2 a NaN median stops everybody. */
START_TEST(no_finite_mean_does_not_count)
{
    imaged = _i == 1;
    begin_new(0, 1, 0, true);
    add(5);
    GOES_ON(A, 1, (double)NAN);
    GOES_ON(B, 1, (double)INFINITY);
    GOES_ON(C, 1, 5);
    SAYS(C, "of the others 0 had");
    GOES_ON(D, 1, 6);
    SAYS(D, "not worse than 5.0, the median of the others that had come so far (1)");
    IS_STOPPED(A, 1, (double)NAN);
    IS_STOPPED(E, 1, (double)-INFINITY);
}
END_TEST

START_TEST(minimised_is_explained_as_reported)
{
    imaged = _i == 1;
    spec.scheduler.mode = MODE_MIN;
    begin_new(0, 1, 0, true);
    add(2);
    GOES_ON(A, 1, -0.5);
    IS_STOPPED(B, 1, -0.75);
    SAYS(B, "its best score was 0.75, worse than 0.5, the median of the others that had come so "
            "far (1)");
}
END_TEST

/* It makes room while others are too few and somebody waits, not oftener than min_time_slice. */
START_TEST(makes_room)
{
    imaged = _i == 1;
    begin_new(2, 2, 3, true);
    add(3);
    others_wait = true;
    GOES_ON(A, 1, 5);
    IS_PAUSED(A, 2, 5);
    SAYS(A,
         "of the others 0 had come so far, and it takes 2: it made room for trials that waited.");
    ck_assert_uint_eq(chosen(NUMBER_NONE, A), A);
    GOES_ON(A, 3, 5);
    GOES_ON(A, 5, 5);
    IS_PAUSED(A, 5.5, 5);
    others_wait = false;
    ck_assert_uint_eq(chosen(NUMBER_NONE, A), A);
    GOES_ON(A, 100, 5);
    stopped_are(0);
}
END_TEST

START_TEST(soft_new)
{
    imaged = _i == 1;
    begin_new(0, 1, 0, false);
    add(3);
    GOES_ON(A, 1, 10);
    IS_PAUSED(B, 1, 5);
    GOES_ON(B, 2, 0);
    SAYS(B, "at time_total_s 1.0: its best score was 5.0, worse than 10.0, the median");
    GOES_ON(C, 1, 8); /* 10, 5: what B said later is in no mean */
    SAYS(C, "7.5, the median of the others that had come so far (2)");
    SAYS(A, "of the others 0 had");
}
END_TEST

/* Its own result at the same time is no other's, nor one that it reported once more. */
START_TEST(never_with_itself)
{
    imaged = _i == 1;
    begin_new(0, 1, 0, true);
    add(3);
    GOES_ON(A, 1, 10);
    GOES_ON(A, 2, 10);
    GOES_ON(A, 2, 10);
    SAYS(A, "of the others 0 had");
    GOES_ON(A, 1, 10);
    SAYS(A, "of the others 0 had");
    GOES_ON(B, 1, 11);
    GOES_ON(B, 1, 11);
    SAYS(B, "10.0, the median of the others that had come so far (1)");
    GOES_ON(C, 2, 0); /* A is back at 1 */
    SAYS(C, "of the others 0 had");
}
END_TEST

START_TEST(begins_anew)
{
    imaged = _i == 1;
    begin_new(0, 1, 0, true);
    add(3);
    for (uint32_t t = 1; t <= 4; t++)
        GOES_ON(A, t, 8);
    GOES_ON(B, 3, 8);
    sched_median.add(median, A);
    GOES_ON(A, 3, 2); /* 8, 8, 2: what was at 3 and 4 is gone */
    GOES_ON(C, 3, 7);
    SAYS(C, "7.0, the median of the others that had come so far (2)");
    GOES_ON(C, 4, 7);
    SAYS(C, "of the others 0 had");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("median_tune2");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, all_others_count, 0, 2);
    tcase_add_loop_test(tc, skipped_times, 0, 2);
    tcase_add_loop_test(tc, no_finite_mean_does_not_count, 0, 2);
    tcase_add_loop_test(tc, minimised_is_explained_as_reported, 0, 2);
    tcase_add_loop_test(tc, makes_room, 0, 2);
    tcase_add_loop_test(tc, soft_new, 0, 2);
    tcase_add_loop_test(tc, never_with_itself, 0, 2);
    tcase_add_loop_test(tc, begins_anew, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
