/* links: executor */
/* Results past a horizon, and verdicts. */
#include "tests/unit/executor_rig.h"

START_TEST(a_native_trial_waits_at_its_horizon)
{
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 5);
    UNTIL(driver.heard[1].results == 5);
    verdict(1, ACTION_CONTINUE, 8);
    UNTIL(driver.heard[1].results == 8);
    driver.acknowledges = true;
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 8);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

/* A scheduler whose time has jumped over a rung wants each next result: a horizon behind the trial.
 */
START_TEST(a_horizon_behind_the_trial_lets_one_more_result_through)
{
    driver.acknowledges = false;
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 5);
    for (uint32_t results = 5; results <= 8; results++) {
        UNTIL(driver.heard[1].results == results);
        verdict(1, ACTION_CONTINUE, -(double)INFINITY);
    }
    UNTIL(driver.heard[1].results == 9);
    driver.acknowledges = true;
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 9);
}
END_TEST

#define PRINTS_20 "sh -c 'i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo \"assay: v=$i\"; done'"

START_TEST(what_was_printed_past_a_horizon_is_dropped)
{
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_COMMAND, PRINTS_20, NULL, 0, "v");
    launch(1, "{}", 5);
    UNTIL(driver.heard[1].results == 5);
    UNTIL(!is_alive(driver.heard[1].pid)); /* all is printed, and held */
    ck_assert_uint_eq(driver.heard[1].ends, 0);
    driver.acknowledges = true;
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 5);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

START_TEST(what_was_printed_past_a_horizon_is_taken)
{
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_COMMAND, PRINTS_20, NULL, 0, "v");
    launch(1, "{}", 5);
    UNTIL(driver.heard[1].results == 5);
    verdict(1, ACTION_CONTINUE, 12);
    UNTIL(driver.heard[1].results == 12);
    driver.acknowledges = true;
    verdict(1, ACTION_CONTINUE, (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 20);
    ck_assert_uint_eq(driver.heard[1].reason, END_COMPLETED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_horizon");
    TCase *t = executor_case("horizon");

    tcase_add_test(t, a_native_trial_waits_at_its_horizon);
    tcase_add_test(t, a_horizon_behind_the_trial_lets_one_more_result_through);
    tcase_add_test(t, what_was_printed_past_a_horizon_is_dropped);
    tcase_add_test(t, what_was_printed_past_a_horizon_is_taken);
    suite_add_tcase(s, t);
    return s;
}
