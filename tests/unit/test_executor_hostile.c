/* links: executor */
/* Trials that mean harm: none may crash the executor, hold it up, or harm those beside it. */
#include <sys/stat.h>

#include "tests/unit/executor_rig.h"

START_TEST(a_flood_of_output_is_kept_in_bounds)
{
    struct heard *heard = run_command(
        "sh -c 'head -c 3000000 /dev/zero | tr \"\\\\0\" x; echo; echo \"assay: v=1\"'");

    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
    ck_assert_uint_eq(heard->results, 1);
    UNTIL(heard->output_size[0] == 3000000 + 1 + 11);
}
END_TEST

START_TEST(a_pipe_in_the_place_of_a_file)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/work/trial_1", driver.data);
    ck_assert_int_eq(fs_make_dirs(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/work/trial_1/params.json", driver.data);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    (void)run_command("sh -c 'mkfifo stderr; ln -s /dev/full stdout; head -c 300000 /dev/zero >&2; "
                      "echo \"assay: v=1\"'");
    ck_assert_msg(driver.heard[1].reason == END_COMPLETED, "%s", driver.heard[1].text);
    ck_assert_uint_eq(driver.heard[1].results, 1);
    UNTIL(driver.heard[1].output_size[1] == 300000);
    UNTIL(driver.heard[1].output_size[0] == 11);
}
END_TEST

/* Out of its session, its folder and its environment: nothing says whose it is. */
START_TEST(an_orphan_that_writes_for_ever_holds_nobody_up)
{
    struct buf number = {0};
    struct heard *heard;
    char command[256], path[96];
    pid_t orphan;

    (void)snprintf(path, sizeof(path), "%s/orphan", driver.dir);
    (void)snprintf(command, sizeof(command),
                   "sh -c '(cd /; env -i setsid sh -c \"echo \\$\\$ >%s; exec yes\" &); "
                   "sleep 0.3; exit 0'",
                   path);
    heard = run_command(command);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_int_eq(fs_read(path, sizeof(path), &number), 0);
    orphan = atoi(buf_text(&number));
    ck_assert_int_gt(orphan, 1);
    UNTIL(!is_alive(orphan)); /* no trial is alive any more whose it might be */
    buf_fini(&number);
}
END_TEST

/* The same while another trial lives: its cgroup says whose it is, where there is one. */
START_TEST(an_orphan_ends_with_its_trial)
{
    struct buf text = {0};
    char command[400], path[160], cell[256];
    pid_t orphan;

    (void)snprintf(path, sizeof(path), "%s/orphan", driver.dir);
    (void)snprintf(command, sizeof(command),
                   "sh -c 'case $ASSAY_TRIAL_DIR in *_1) "
                   "(cd /; env -i setsid sh -c \"echo \\$\\$ >%s; exec sleep 1000\" &); "
                   "sleep 0.3; exit 0;; esac; exec sleep 1000'",
                   path);
    experiment(RUN_COMMAND, command, NULL, 0, "");
    launch(2, "{}", (double)INFINITY);
    UNTIL(driver.heard[2].starts == 1);
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated);
    ck_assert_msg(driver.heard[1].reason == END_COMPLETED, "%s", driver.heard[1].text);
    ck_assert_int_eq(fs_read(path, sizeof(path), &text), 0);
    orphan = atoi(buf_text(&text));
    ck_assert_int_gt(orphan, 1);
    buf_reset(&text);
    (void)snprintf(path, sizeof(path), "%s/cgroup", driver.data);
    if (fs_read(path, sizeof(path), &text) == 0) {
        (void)snprintf(cell, sizeof(cell), "%s/trial-0", buf_text(&text));
        if (access(cell, F_OK) == 0)
            ck_assert(!is_alive(orphan)); /* gone before its resources were given back */
    }
    ck_assert(is_alive(driver.heard[2].pid));
    verdict(2, ACTION_FENCED, 0);
    UNTIL(!is_alive(orphan));
    buf_fini(&text);
}
END_TEST

START_TEST(an_orphan_in_the_folder_of_a_trial_is_the_trials)
{
    struct heard *heard = run_command(
        "sh -c '(env -i setsid sh -c \"echo \\\"assay: v=\\$\\$\\\"; exec sleep 1000\" &); "
        "sleep 0.3; exit 0'");

    ck_assert_uint_eq(heard->results, 1);
    ck_assert(!is_alive((int64_t)heard->metric));
}
END_TEST

#define HELLO "\\301\\007\\000\\000\\000\\221\\245hello"

START_TEST(who_asks_and_reads_no_answer_is_ended)
{
    struct heard *heard = run_command("sh -c 'while :; do printf \"" HELLO "\"; done >&3'");

    ck_assert_uint_eq(heard->reason, END_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(heard->text, "reads no answer"));
}
END_TEST

/* The most memory that a process ever had, in KiB. */
static long memory_most(pid_t pid)
{
    char path[64], line[256];
    long most = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL)
        (void)sscanf(line, "VmHWM: %ld", &most);
    (void)fclose(file);
    return most;
}

START_TEST(a_line_without_end_takes_no_memory)
{
    long before = memory_most(executor_pid());
    struct heard *heard =
        run_command("sh -c 'trap \"\" TERM; head -c 300000000 /dev/zero | tr \"\\\\0\" x >&3'");

    ck_assert_uint_eq(heard->reason, END_PROTOCOL);
    ck_assert_int_lt(memory_most(executor_pid()) - before, 64 * 1024);
}
END_TEST

START_TEST(idle_connections_shut_nobody_out)
{
    int fds[300];

    for (size_t i = 0; i < 300; i++)
        fds[i] = report_connect("");
    (void)run_command("assay report v=1");
    ck_assert_msg(driver.heard[1].reason == END_COMPLETED, "%s", driver.heard[1].text);
    ck_assert_uint_eq(driver.heard[1].results, 1);
    for (size_t i = 0; i < 300; i++)
        ck_assert_int_eq(close(fds[i]), 0);
}
END_TEST

#define SPEAKS_FOR_ANOTHER                                                                         \
    "sh -c 'test $ASSAY_TRIAL_ID = 00000002 || exec sleep 1000; "                                  \
    "ASSAY_TRIAL_ID=00000001 assay report v=5 2>/dev/null || echo refused'"

START_TEST(a_trial_does_not_speak_for_another)
{
    experiment(RUN_COMMAND, SPEAKS_FOR_ANOTHER, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    launch(2, "{}", (double)INFINITY);
    UNTIL(driver.heard[2].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 0);
    UNTIL(driver.heard[2].output_size[0] == 8);
    ck_assert_str_eq(driver.heard[2].output[0], "refused\n");
}
END_TEST

START_TEST(a_trial_is_not_the_worker)
{
    (void)run_command("sh -c 'ASSAY_REPORT_SOCKET=${ASSAY_REPORT_SOCKET%.report} assay report v=1; "
                      "echo \"assay: v=2\"'");
    ck_assert_uint_eq(driver.readies, 1);
    ck_assert_uint_eq(driver.heard[1].results, 1);
}
END_TEST

/* All are asked for and none has started: the zygote is not ready yet. */
START_TEST(garbage_for_a_trial_that_has_not_begun)
{
    int fd;

    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 10, "");
    for (uint32_t trial = 0; trial < 60; trial++)
        launch(trial, "{}", (double)INFINITY);
    fd = report_connect("{\"trial_id\": \"0000003b\"}\nwhat is this\n");
    for (uint32_t trial = 0; trial < 60; trial++) {
        const struct heard *heard = &driver.heard[trial];

        UNTIL(heard->vacated && heard->ends == 1);
        ck_assert(heard->reason == END_STOPPED || trial == 0x3b);
    }
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(a_configuration_that_is_larger_packed_than_as_text)
{
    struct buf config = {0};

    buf_append_text(&config, "{\"width\": 20, \"height\": 3, \"numbers\": [0");
    for (int i = 0; i < 10000; i++)
        buf_append_text(&config, ", 1.5");
    buf_append_text(&config, "]}");
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 10, "");
    launch(1, buf_text(&config), (double)INFINITY);
    UNTIL(driver.heard[1].vacated);
    ck_assert_msg(driver.heard[1].reason == END_STOPPED, "%s", driver.heard[1].text);
    ck_assert_uint_eq(driver.heard[1].results, 10);
    buf_fini(&config);
}
END_TEST

#define ONE_OF_EIGHT                                                                               \
    "sh -c 'case $ASSAY_TRIAL_ID in "                                                              \
    "00000000) yes \"assay: v=1\";; 00000001) yes >&3;; 00000002) yes v=1 >&3;; "                  \
    "00000003) yes;; *) for i in 1 2 3; do echo \"assay: v=$i\"; done;; esac'"

START_TEST(floods_do_not_starve_the_others)
{
    experiment(RUN_COMMAND, ONE_OF_EIGHT, NULL, 0, "");
    for (uint32_t trial = 0; trial < 4; trial++) {
        launch(trial, "{}", (double)INFINITY);
        UNTIL(driver.heard[trial].starts == 1);
    }
    UNTIL(driver.heard[0].results > 0 && driver.heard[2].results > 0);
    for (uint32_t trial = 4; trial < 12; trial++)
        launch(trial, "{}", (double)INFINITY);
    for (uint32_t trial = 4; trial < 12; trial++) {
        UNTIL(driver.heard[trial].vacated && driver.heard[trial].ends == 1);
        ck_assert_uint_eq(driver.heard[trial].results, 3);
        ck_assert_uint_eq(driver.heard[trial].reason, END_COMPLETED);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_hostile");
    TCase *t = executor_case("hostile");

    tcase_add_test(t, a_flood_of_output_is_kept_in_bounds);
    tcase_add_test(t, a_pipe_in_the_place_of_a_file);
    tcase_add_test(t, an_orphan_that_writes_for_ever_holds_nobody_up);
    tcase_add_test(t, an_orphan_ends_with_its_trial);
    tcase_add_test(t, an_orphan_in_the_folder_of_a_trial_is_the_trials);
    tcase_add_test(t, who_asks_and_reads_no_answer_is_ended);
    tcase_add_test(t, a_line_without_end_takes_no_memory);
    tcase_add_test(t, idle_connections_shut_nobody_out);
    tcase_add_test(t, a_trial_does_not_speak_for_another);
    tcase_add_test(t, a_trial_is_not_the_worker);
    tcase_add_test(t, garbage_for_a_trial_that_has_not_begun);
    tcase_add_test(t, a_configuration_that_is_larger_packed_than_as_text);
    tcase_add_test(t, floods_do_not_starve_the_others);
    suite_add_tcase(s, t);
    return s;
}
