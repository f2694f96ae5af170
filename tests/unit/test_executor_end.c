/* links: executor */
/* The way out: of a trial, of all it started, and of the executor. */
#include "tests/unit/executor_rig.h"

/* Starts a process in a session of its own, which ignores SIGTERM, and says which. */
#define STUBBORN                                                                                   \
    "sh -c 'trap \"\" TERM; (setsid sh -c \"trap \\\"\\\" TERM; echo \\\"assay: v=\\$\\$\\\"; "    \
    "sleep 1000\" &) ; sleep 1000'"

START_TEST(a_fenced_attempt_is_killed_with_all_of_its_tree)
{
    experiment(RUN_COMMAND, STUBBORN, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    ck_assert(is_alive((int64_t)driver.heard[1].metric));
    verdict(1, ACTION_FENCED, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert(!is_alive(driver.heard[1].pid));
    ck_assert(!is_alive((int64_t)driver.heard[1].metric));
    ck_assert_uint_eq(driver.heard[1].ends, 0);
}
END_TEST

/* Nobody has the records that lie between: the attempt cannot go on. */
START_TEST(what_the_head_acknowledged_and_lost_ends_the_attempt)
{
    experiment(RUN_COMMAND,
               "sh -c 'echo \"assay: v=1\"; echo \"assay: v=2\"; echo \"assay: v=3\"; sleep 1000'",
               NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 3);
    verdict(1, ACTION_CONTINUE, (double)INFINITY);
    driver.heard[1].last_seq = 2;
    verdict(1, ACTION_RESEND, (double)INFINITY);
    UNTIL(driver.heard[1].vacated && driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_EXECUTOR_LOST);
    ck_assert_uint_eq(driver.heard[1].last_seq, 3);
    ck_assert_uint_eq(driver.heard[1].results, 3);
    ck_assert(!is_alive(driver.heard[1].pid));
}
END_TEST

START_TEST(a_stubborn_trial_is_killed_after_its_grace)
{
    experiment(RUN_COMMAND, STUBBORN, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert(!is_alive(driver.heard[1].pid));
    ck_assert(!is_alive((int64_t)driver.heard[1].metric));
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

START_TEST(what_a_trial_leaves_behind_is_ended)
{
    struct heard *heard = run_command("sh -c '(setsid sh -c \"echo \\\"assay: v=\\$\\$\\\"; exec "
                                      "sleep 1000 >/dev/null 2>&1\" &); "
                                      "sleep 0.1; exit 0'");

    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->results, 1);
    ck_assert(!is_alive((int64_t)heard->metric));
}
END_TEST

START_TEST(trials_die_with_the_executor)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    int64_t pid;

    experiment(RUN_COMMAND, "sleep 1000", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    pid = driver.heard[1].pid;
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(pid), SIGKILL), 0);
    while (is_alive(pid) && clock_ms() < until)
        hear();
    ck_assert(!is_alive(pid));
    link_down();
}
END_TEST

START_TEST(what_a_killed_executor_left_is_ended_by_the_next)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    char note[128];
    int64_t left;

    experiment(RUN_COMMAND, STUBBORN, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    left = (int64_t)driver.heard[1].metric;
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(driver.heard[1].pid), SIGKILL), 0);
    while (is_alive(driver.heard[1].pid) && clock_ms() < until)
        hear();
    link_down();
    (void)snprintf(note, sizeof(note), "%s/cgroup", driver.data);
    if (access(note, F_OK) != 0) {
        /* No cgroup is to be had here: nothing is promised, so both sessions are ended here. */
        (void)kill(-(pid_t)left, SIGKILL);
        (void)kill(-(pid_t)driver.heard[1].pid, SIGKILL);
        return;
    }
    memset(driver.heard, 0, sizeof(driver.heard));
    driver.may_close = false;
    start_executor();
    while (is_alive(left) && clock_ms() < until)
        hear();
    ck_assert(!is_alive(left));
    (void)snprintf(note, sizeof(note), "%s/work",
                   driver.data); /* a killed executor clears nothing */
    ck_assert_int_eq(fs_remove_tree(note), 0);
}
END_TEST

START_TEST(an_executor_that_is_asked_to_end_tells_of_it)
{
    uint64_t until = clock_ms() + LIMIT_MS;

    experiment(RUN_COMMAND, "sleep 1000", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(driver.heard[1].pid), SIGTERM), 0);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_EXECUTOR_LOST);
    while (access(driver.socket, F_OK) == 0 && clock_ms() < until)
        hear();
    ck_assert_int_ne(access(driver.socket, F_OK), 0);
    link_down();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_end");
    TCase *t = executor_case("end");

    tcase_add_test(t, a_fenced_attempt_is_killed_with_all_of_its_tree);
    tcase_add_test(t, what_the_head_acknowledged_and_lost_ends_the_attempt);
    tcase_add_test(t, a_stubborn_trial_is_killed_after_its_grace);
    tcase_add_test(t, what_a_trial_leaves_behind_is_ended);
    tcase_add_test(t, trials_die_with_the_executor);
    tcase_add_test(t, what_a_killed_executor_left_is_ended_by_the_next);
    tcase_add_test(t, an_executor_that_is_asked_to_end_tells_of_it);
    suite_add_tcase(s, t);
    return s;
}
