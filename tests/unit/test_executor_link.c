/* links: executor */
/* What the worker is told, and what it is told again. */
#include "tests/unit/executor_rig.h"

START_TEST(everything_is_said_again_after_a_reconnect)
{
    driver.acknowledges = false;
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 1000, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 1000);
    link_down();
    memset(driver.heard, 0, sizeof(driver.heard));
    driver.acknowledges = true;
    link_up();
    ck_assert_uint_eq(driver.held, 1);
    ck_assert_uint_eq(driver.held_seq, 1002);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 1000);
    ck_assert_uint_eq(driver.heard[1].ends, 1);
    UNTIL(driver.heard[1].last_seq == 1002);
    settle();
    link_down();
    link_up();
    ck_assert_uint_eq(driver.held, 0);
}
END_TEST

START_TEST(a_worker_that_is_away_costs_nothing)
{
    driver.acknowledges = false;
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 100000, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results > 0);
    link_down();
    memset(driver.heard, 0, sizeof(driver.heard));
    driver.acknowledges = true;
    link_up();
    UNTIL(driver.heard[1].ends == 1); /* more than the window: through the file */
    ck_assert_uint_eq(driver.heard[1].results, 100000);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

/* There is output to be sent, so it is there still; but a worker that was started again would wait
 * for an acknowledgement that has been. */
START_TEST(what_is_over_and_acknowledged_is_not_held)
{
    driver.keeps_output = true;
    (void)run_command("echo hello");
    ck_assert_uint_eq(driver.heard[1].ends, 1);
    settle();
    link_down();
    driver.heard[1].vacated = false;
    link_up();
    ck_assert_uint_eq(driver.held, 0);
    UNTIL(driver.heard[1].vacated); /* that may not have been heard, and is said again */
    link_down();
    driver.keeps_output = false;
    link_up();
    UNTIL(driver.heard[1].output_size[0] == 6);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_link");
    TCase *t = executor_case("link");

    tcase_add_test(t, everything_is_said_again_after_a_reconnect);
    tcase_add_test(t, a_worker_that_is_away_costs_nothing);
    tcase_add_test(t, what_is_over_and_acknowledged_is_not_held);
    suite_add_tcase(s, t);
    return s;
}
