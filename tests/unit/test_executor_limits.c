/* links: executor */
/* What a trial may take: time, time without a report, memory, processes. */
#include <glob.h>

#include "tests/unit/executor_rig.h"

#define MEMORY (64 << 20)

/* Says one thing, then takes four times what it may, a page after the other. */
#define GLUTTON                                                                                    \
    "python3 -I -S -c 'print(\"assay: v=1\", flush=True); x = bytearray(b\"x\") * (256 << 20); "   \
    "print(len(x))'"

START_TEST(what_goes_over_its_memory_is_ended_for_that)
{
    const struct heard *heard;

    driver.memory_bytes = MEMORY;
    heard = run_command(GLUTTON);
    ck_assert_str_eq(end_reason_name(heard->reason), "oom");
    ck_assert_ptr_nonnull(strstr(heard->text, "memory limit of 64.0 MiB"));
    ck_assert_uint_eq(heard->results, 1); /* what came before counts */
}
END_TEST

/* That the kernel ended a child of it, and that it goes on, does not hide why. */
START_TEST(a_child_that_goes_over_ends_it_all)
{
    const struct heard *heard;

    driver.memory_bytes = MEMORY;
    heard = run_command("sh -c 'python3 -I -S -c \"x = bytearray(256 << 20); x[::4096] = "
                        "bytes(65536)\"; sleep 0.1; exit 0'");
    ck_assert_msg(heard->reason == END_OOM, "%s: %s", end_reason_name(heard->reason), heard->text);
}
END_TEST

START_TEST(a_plain_kill_is_a_signal)
{
    const struct heard *heard;

    driver.memory_bytes = MEMORY;
    heard = run_command("sh -c 'kill -9 $$'");
    ck_assert_str_eq(end_reason_name(heard->reason), "signal");
    ck_assert_int_eq(heard->status, SIGKILL);
}
END_TEST

START_TEST(within_its_memory_nothing_happens)
{
    const struct heard *heard;

    driver.memory_bytes = MEMORY;
    heard = run_command("sh -c 'echo \"assay: v=1\"; head -c 300000000 /dev/zero >/dev/null'");
    ck_assert_str_eq(end_reason_name(heard->reason), "completed");
    ck_assert_uint_eq(heard->results, 1);
}
END_TEST

/* A native one is forked from a process that all share: with a limit it gets its own. */
START_TEST(a_native_trial_is_limited)
{
    driver.memory_bytes = 1 << 20; /* less than a program needs to begin */
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 1000000, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated && driver.heard[1].ends == 1);
    ck_assert_msg(driver.heard[1].reason == END_OOM || driver.heard[1].reason == END_START,
                  "%s: %s", end_reason_name(driver.heard[1].reason), driver.heard[1].text);
}
END_TEST

START_TEST(without_cgroups_a_watcher_sees_it)
{
    const struct heard *heard;

    driver.memory_bytes = MEMORY;
    heard = run_command("python3 -I -S -c 'import time; x = bytearray(b\"x\") * (256 << 20); "
                        "time.sleep(1000)'");
    ck_assert_str_eq(end_reason_name(heard->reason), "oom");
    ck_assert_ptr_nonnull(strstr(heard->text, "watcher"));
}
END_TEST

/* Eight processes that share 48 MiB: each has them, and together they have them once. */
START_TEST(the_watcher_counts_what_is_shared_once)
{
    const struct heard *heard;

    driver.memory_bytes = 160 << 20;
    heard = run_command("python3 -I -S -c 'import os, time; x = bytearray(b\"x\") * (48 << 20)\n"
                        "children = [os.fork() or (time.sleep(1), os._exit(0)) for i in range(8)]\n"
                        "for i in children: os.wait()\n"
                        "print(\"assay: v=1\")'");
    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
}
END_TEST

START_TEST(what_runs_too_long_is_ended)
{
    const struct heard *heard;

    driver.time_limit_ms = 1500;
    heard = run_command("sh -c 'echo \"assay: v=1\"; echo late >&2; exec sleep 1000'");
    ck_assert_str_eq(end_reason_name(heard->reason), "time_limit");
    ck_assert_str_eq(heard->text, "ran for longer than its time_limit of 1s\nlate");
    ck_assert_uint_eq(heard->results, 1);
    ck_assert(!is_alive(heard->pid));
}
END_TEST

START_TEST(what_says_nothing_is_ended)
{
    const struct heard *heard;

    driver.report_timeout_ms = 1000;
    heard = run_command("sh -c 'while :; do echo busy; sleep 0.1; done'");
    ck_assert_str_eq(end_reason_name(heard->reason), "report_timeout");
    ck_assert_str_eq(heard->text, "reported nothing for its report_timeout of 1s");
}
END_TEST

START_TEST(what_reports_in_time_goes_on)
{
    const struct heard *heard;

    driver.report_timeout_ms = 4000;
    heard = run_command("sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo \"assay: v=$i\"; sleep 0.5; "
                        "done'");
    ck_assert_str_eq(end_reason_name(heard->reason), "completed");
    ck_assert_uint_eq(heard->results, 10);
}
END_TEST

/* Nobody tells it whether to go on: that it is silent is not its fault. */
START_TEST(who_waits_for_a_verdict_is_not_silent)
{
    uint64_t until;

    driver.report_timeout_ms = 500;
    driver.acknowledges = false;
    experiment(RUN_COMMAND, "sh -c 'assay report v=1; assay report v=2'", NULL, 0,
               "training_iteration");
    launch(1, "{}", 1);
    UNTIL(driver.heard[1].results == 1);
    for (until = clock_ms() + 1500; clock_ms() < until;)
        hear();
    ck_assert_uint_eq(driver.heard[1].ends, 0);
    driver.acknowledges = true;
    verdict(1, ACTION_CONTINUE, (double)INFINITY);
    UNTIL(driver.heard[1].vacated && driver.heard[1].ends == 1);
    ck_assert_str_eq(end_reason_name(driver.heard[1].reason), "completed");
    ck_assert_uint_eq(driver.heard[1].results, 2);
}
END_TEST

/* But who is paused there waits for nothing: it is to save and leave. */
START_TEST(who_is_paused_at_its_horizon_may_be_silent_for_so_long)
{
    uint64_t paused_ms;

    driver.report_timeout_ms = 1000;
    driver.acknowledges = false;
    experiment(RUN_COMMAND, "sh -c 'printf \"" FRAME_SAVES FRAME_REPORT "\" >&3; exec sleep 1000'",
               NULL, 0, "v");
    launch(1, "{}", 1);
    UNTIL(driver.heard[1].results == 1);
    paused_ms = clock_ms();
    verdict(1, ACTION_PAUSE, 1);
    driver.acknowledges = true;
    UNTIL(driver.heard[1].vacated && driver.heard[1].ends == 1);
    ck_assert_str_eq(end_reason_name(driver.heard[1].reason), "report_timeout");
    ck_assert_uint_ge(clock_ms() - paused_ms, 1000);
}
END_TEST

/* Whether the file of a group, wherever that is, holds a number; -1: there is none. */
static long group_number(const char *pattern)
{
    struct buf text = {0};
    glob_t found;
    long number = -1;

    if (glob(pattern, 0, NULL, &found) == 0) {
        ck_assert_int_eq(fs_read(found.gl_pathv[0], 64, &text), 0);
        number = atol(buf_text(&text));
        globfree(&found);
    }
    buf_fini(&text);
    return number;
}

/* A fork bomb has its end; where nobody counts processes there is nothing to see. */
START_TEST(processes_are_counted)
{
    char pattern[128];
    long most;

    experiment(RUN_COMMAND, "sleep 1000", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    (void)snprintf(pattern, sizeof(pattern),
                   "/sys/fs/cgroup/pids/assay-executor-%d/trial-0/pids.max", (int)executor_pid());
    most = group_number(pattern);
    if (most >= 0) {
        ck_assert_int_eq(most, LIMIT_PROCESSES);
        (void)snprintf(pattern, sizeof(pattern),
                       "/sys/fs/cgroup/pids/assay-executor-%d/trial-0/cgroup.procs",
                       (int)executor_pid());
        ck_assert_int_eq(group_number(pattern), (long)driver.heard[1].pid);
    }
    verdict(1, ACTION_FENCED, 0);
    UNTIL(driver.heard[1].vacated);
}
END_TEST

static void setup_without(void)
{
    driver.without_cgroups = geteuid() == 0;
    executor_setup();
}

Suite *suite(void)
{
    Suite *s = suite_create("executor_limits");
    TCase *t = executor_case("limits");
    TCase *without = tcase_create("without cgroups");

    tcase_add_test(t, what_goes_over_its_memory_is_ended_for_that);
    tcase_add_test(t, a_child_that_goes_over_ends_it_all);
    tcase_add_test(t, a_plain_kill_is_a_signal);
    tcase_add_test(t, within_its_memory_nothing_happens);
    tcase_add_test(t, a_native_trial_is_limited);
    tcase_add_test(t, what_runs_too_long_is_ended);
    tcase_add_test(t, what_says_nothing_is_ended);
    tcase_add_test(t, what_reports_in_time_goes_on);
    tcase_add_test(t, who_waits_for_a_verdict_is_not_silent);
    tcase_add_test(t, who_is_paused_at_its_horizon_may_be_silent_for_so_long);
    tcase_add_test(t, processes_are_counted);
    suite_add_tcase(s, t);
    tcase_set_timeout(without, 40);
    tcase_add_checked_fixture(without, setup_without, executor_teardown);
    if (geteuid() == 0) { /* only root has mounts of its own */
        tcase_add_test(without, without_cgroups_a_watcher_sees_it);
        tcase_add_test(without, the_watcher_counts_what_is_shared_once);
    }
    suite_add_tcase(s, without);
    return s;
}
