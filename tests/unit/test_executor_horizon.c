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

/* A trial that can save says so many reports, of which the first meets its horizon; it is paused
 * there, and leaves without saving. */
static const struct heard *pause_at_horizon(const char *reports, int status)
{
    const struct heard *heard = &driver.heard[1];
    char command[512], path[96];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/leave", driver.dir);
    (void)snprintf(command, sizeof(command),
                   "sh -c 'printf \"" FRAME_SAVES "%s\" >&3; while ! test -e %s; do sleep 0.02; "
                   "done; exit %d'",
                   reports, path, status);
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_COMMAND, command, NULL, 0, "v");
    launch(1, "{}", 1);
    UNTIL(heard->results == 1);
    verdict(1, ACTION_PAUSE, 1);
    settle();
    ck_assert_uint_eq(heard->ends, 0);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    driver.acknowledges = true;
    UNTIL(heard->vacated && heard->ends == 1);
    ck_assert_uint_eq(heard->results, 1);
    return heard;
}

START_TEST(a_paused_trial_that_fails_at_its_horizon_has_failed)
{
    const struct heard *heard = pause_at_horizon(FRAME_REPORT, 3);

    ck_assert_str_eq(end_reason_name(heard->reason), "exit");
    ck_assert_int_eq(heard->status, 3);
}
END_TEST

START_TEST(a_paused_trial_that_fails_past_its_horizon_has_failed)
{
    const struct heard *heard = pause_at_horizon(FRAME_REPORT FRAME_REPORT, 3);

    ck_assert_str_eq(end_reason_name(heard->reason), "exit");
    ck_assert_int_eq(heard->status, 3);
}
END_TEST

START_TEST(a_paused_trial_that_is_over_at_its_horizon_is_complete)
{
    const struct heard *heard = pause_at_horizon(FRAME_REPORT, 0);

    ck_assert_str_eq(end_reason_name(heard->reason), "completed");
}
END_TEST

/* What it said past its horizon is not counted: so it has not completed. */
START_TEST(a_paused_trial_that_is_over_past_its_horizon_was_stopped)
{
    const struct heard *heard = pause_at_horizon(FRAME_REPORT FRAME_REPORT, 0);

    ck_assert_str_eq(end_reason_name(heard->reason), "stopped");
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
    tcase_add_test(t, a_paused_trial_that_fails_at_its_horizon_has_failed);
    tcase_add_test(t, a_paused_trial_that_fails_past_its_horizon_has_failed);
    tcase_add_test(t, a_paused_trial_that_is_over_at_its_horizon_is_complete);
    tcase_add_test(t, a_paused_trial_that_is_over_past_its_horizon_was_stopped);
    suite_add_tcase(s, t);
    return s;
}
