/* links: executor */
/* What a trial finds, how it reports, and how it ends by itself. */
#include "tests/unit/executor_rig.h"

START_TEST(a_command_reports_by_printing)
{
    struct heard *heard = run_command("sh -c 'echo \"assay: v={a}\"; echo plain; echo \"assay: "
                                      "{{\\\"v\\\": 2}\"; printf \"assay: v=3\"'");

    ck_assert_uint_eq(heard->starts, 1);
    ck_assert_uint_eq(heard->results, 3);
    ck_assert_double_eq(heard->metric, 3);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    UNTIL(heard->output_size[0] == 45);
    ck_assert_str_eq(heard->output[0], "assay: v=1.5\nplain\nassay: {\"v\": 2}\nassay: v=3");
}
END_TEST

START_TEST(a_trial_finds_what_it_was_promised)
{
    struct heard *heard = run_command(
        "sh -c 'test -f \"$ASSAY_CONFIG\" && test \"$PWD\" = \"$ASSAY_TRIAL_DIR\" && "
        "test \"$ASSAY_TRIAL_ID\" = 00000001 && test \"$ASSAY_ATTEMPT\" = 1 && "
        "test \"$ASSAY_SEED\" = 5 && test \"$OMP_NUM_THREADS\" = 1 && test \"$COLOUR\" = blue && "
        "test \"$ASSAY_EXPERIMENT\" = test && test -S \"$ASSAY_REPORT_SOCKET\" && "
        "test -z \"$ASSAY_TOKEN_FILE\" && test \"$(ls /proc/self/fd | wc -l)\" = 5'");

    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
}
END_TEST

START_TEST(a_failure_is_told_with_the_last_lines_of_stderr)
{
    struct heard *heard = run_command("sh -c 'echo first >&2; echo the reason >&2; exit 3'");

    ck_assert_uint_eq(heard->reason, END_EXIT);
    ck_assert_int_eq(heard->status, 3);
    ck_assert_str_eq(heard->text, "ended with exit status 3\nfirst\nthe reason");
}
END_TEST

START_TEST(a_signal_is_named)
{
    struct heard *heard = run_command("sh -c 'kill -SEGV $$'");

    ck_assert_uint_eq(heard->reason, END_SIGNAL);
    ck_assert_int_eq(heard->status, SIGSEGV);
    ck_assert_str_eq(heard->text, "ended by signal 11 (SIGSEGV)");
}
END_TEST

/* "v=2" was to become "v=2000". */
START_TEST(a_line_that_a_killed_program_began_is_none)
{
    struct heard *heard = run_command("sh -c 'echo \"assay: v=1\"; printf \"assay: v=2\"; "
                                      "kill -KILL $$'");

    ck_assert_uint_eq(heard->results, 1);
    ck_assert_uint_eq(heard->reason, END_SIGNAL);
    ck_assert_int_eq(heard->status, SIGKILL);
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
    struct heard *heard = run_command("no-such-program --x");

    ck_assert_uint_eq(heard->reason, END_START);
    ck_assert_str_eq(heard->text, "no-such-program: no such program in PATH");
    ck_assert_uint_eq(heard->starts, 1);
}
END_TEST

START_TEST(garbage_is_a_protocol_error)
{
    struct heard *heard = run_command("sh -c 'echo \"assay: what is this\"; sleep 100'");

    ck_assert_uint_eq(heard->reason, END_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(heard->text, "KEY=VALUE"));
}
END_TEST

START_TEST(a_stop_rule_without_its_metric)
{
    experiment(RUN_COMMAND, "sh -c 'echo \"assay: w=1\"; sleep 100'", "loss", 1, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(driver.heard[1].text, "loss"));
    ck_assert_uint_eq(driver.heard[1].results, 0);
}
END_TEST

#define BOTH_ANSWERS "{\"action\": \"continue\"}\n{\"action\": \"stop\"}\n"

START_TEST(lines_are_answered)
{
    struct heard *heard = run_command(
        "sh -c 'echo \"{{\\\"v\\\": 4}\" >&3; read answer <&3; echo \"$answer\"; "
        "echo \"{{\\\"v\\\": 5, \\\"done\\\": true}\" >&3; read answer <&3; echo \"$answer\"'");

    ck_assert_uint_eq(heard->results, 2);
    ck_assert_uint_eq(heard->dones, 1);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    UNTIL(heard->output_size[0] == strlen(BOTH_ANSWERS));
    ck_assert_str_eq(heard->output[0], BOTH_ANSWERS);
}
END_TEST

START_TEST(reports_come_over_the_socket)
{
    char answer[64];
    int fd;

    experiment(RUN_COMMAND, "sleep 1000", "v", 2, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    fd = report_connect("{\"trial_id\": \"00000001\", \"attempt\": 1}\n{\"v\": 1}\n");
    answer_read(fd, answer, sizeof(answer));
    ck_assert_str_eq(answer, "{\"action\": \"continue\"}\n");
    ck_assert_int_eq(close(fd), 0);
    fd = report_connect("{\"trial_id\": \"00000009\"}\n{\"v\": 1}\n");
    answer_read(fd, answer, sizeof(answer));
    ck_assert_str_eq(answer, ""); /* nobody's */
    ck_assert_int_eq(close(fd), 0);
    fd = report_connect("{\"trial_id\": \"00000001\"}\n{\"v\": 2}\n");
    answer_read(fd, answer, sizeof(answer));
    ck_assert_str_eq(answer, "{\"action\": \"stop\"}\n");
    ck_assert_int_eq(close(fd), 0);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 2);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_run");
    TCase *t = executor_case("run");

    tcase_add_test(t, a_command_reports_by_printing);
    tcase_add_test(t, a_trial_finds_what_it_was_promised);
    tcase_add_test(t, a_failure_is_told_with_the_last_lines_of_stderr);
    tcase_add_test(t, a_signal_is_named);
    tcase_add_test(t, a_line_that_a_killed_program_began_is_none);
    tcase_add_test(t, a_program_that_is_not_there);
    tcase_add_test(t, garbage_is_a_protocol_error);
    tcase_add_test(t, a_stop_rule_without_its_metric);
    tcase_add_test(t, lines_are_answered);
    tcase_add_test(t, reports_come_over_the_socket);
    suite_add_tcase(s, t);
    return s;
}
