/* links: executor */
/* Processes that run one trial after the other. */
#include "tests/unit/executor_rig.h"

static const char module[] = //
    "import os, subprocess, threading, time\n"
    "import assay\n"
    "class Model(assay.Trainable):\n"
    "    def setup(self, config):\n"
    "        self.n = 0\n"
    "    def step(self):\n"
    "        self.n += 1\n"
    "        print('step', self.n, 'of', self.trial_id)\n"
    "        way = self.config.get('way')\n"
    "        if way == 'fail':\n"
    "            raise ValueError('as it was asked to')\n"
    "        if way == 'on':\n"
    "            time.sleep(0.005)\n"
    "        if way == 'child':\n"
    "            subprocess.Popen(['sleep', '1000'])\n"
    "        return {'v': self.n, 'done': way != 'on' and self.n == 3}\n"
    "    def reset_config(self, new_config):\n"
    "        if new_config.get('reset') == 'hang':\n"
    "            print('hangs', flush=True)\n"
    "            threading.Event().wait()\n"
    "        if new_config.get('reset') == 'die':\n"
    "            os._exit(3)\n"
    "        if new_config.get('reset') == 'fail':\n"
    "            raise KeyError('no such thing')\n"
    "        print('asked', flush=True)\n"
    "        self.n = 0\n"
    "        return new_config.get('reset') != 'no'\n"
    "    def cleanup(self):\n"
    "        if 'end' in self.config:\n"
    "            open(self.config['end'], 'x').close()\n";

static void setup(void)
{
    char path[160];
    FILE *file;

    executor_setup();
    (void)snprintf(path, sizeof(path), "%s/code", driver.data);
    ck_assert_int_eq(fs_make_dirs(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/code/mine.py", driver.data);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(module, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static bool begun;

static void begin(bool reuse)
{
    driver.reuse = reuse;
    begun = true;
    experiment(RUN_PYTHON, "mine:Model", NULL, 0, "");
}

static const struct heard *run(uint32_t trial, const char *config)
{
    struct heard *heard = &driver.heard[trial];

    if (!begun)
        begin(true);
    launch(trial, config, (double)INFINITY);
    UNTIL(heard->vacated && heard->ends == 1);
    return heard;
}

/* A trial that completes, and its process. */
static int64_t first_pid(void)
{
    const struct heard *heard = run(1, "{}");

    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
    ck_assert_uint_eq(heard->results, 3);
    return heard->pid;
}

static void check_output(const struct heard *heard, const char *text)
{
    UNTIL(heard->output_size[0] >= strlen(text));
    ck_assert_str_eq(heard->output[0], text);
}

START_TEST(one_process_runs_one_trial_after_the_other)
{
    int64_t pid = first_pid();

    check_output(&driver.heard[1], "step 1 of 00000001\nstep 2 of 00000001\nstep 3 of 00000001\n");
    for (uint32_t trial = 2; trial < 5; trial++) {
        const struct heard *heard = run(trial, "{}");
        char text[128];

        ck_assert_int_eq(heard->pid, pid);
        ck_assert_uint_eq(heard->starts, 1);
        ck_assert_uint_eq(heard->results, 3);
        ck_assert_uint_eq(heard->reason, END_COMPLETED);
        (void)snprintf(text, sizeof(text),
                       "asked\nstep 1 of %08x\nstep 2 of %08x\nstep 3 of %08x\n", trial, trial,
                       trial);
        check_output(heard, text);
    }
}
END_TEST

/* Two at once are two processes, and both are used again. */
START_TEST(as_many_as_run_at_once)
{
    int64_t pids[2];

    begin(true);
    for (uint32_t trial = 1; trial <= 4; trial++) {
        launch(trial, "{\"way\": \"on\"}", (double)INFINITY);
        if (trial % 2 == 1)
            continue;
        UNTIL(driver.heard[trial - 1].results > 3 && driver.heard[trial].results > 3);
        for (uint32_t i = trial - 1; i <= trial; i++) {
            verdict(i, ACTION_STOP, 0);
            UNTIL(driver.heard[i].vacated && driver.heard[i].ends == 1);
            ck_assert_uint_eq(driver.heard[i].reason, END_STOPPED);
        }
    }
    pids[0] = driver.heard[1].pid;
    pids[1] = driver.heard[2].pid;
    ck_assert_int_ne(pids[0], pids[1]);
    ck_assert(driver.heard[3].pid == pids[0] || driver.heard[3].pid == pids[1]);
    ck_assert(driver.heard[4].pid == pids[0] || driver.heard[4].pid == pids[1]);
    ck_assert_int_ne(driver.heard[3].pid, driver.heard[4].pid);
}
END_TEST

START_TEST(one_that_declines_is_replaced)
{
    int64_t pid = first_pid();
    const struct heard *heard = run(2, "{\"reset\": \"no\"}");

    ck_assert_int_ne(heard->pid, pid);
    ck_assert_uint_eq(heard->starts, 1);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->results, 3);
    check_output(heard, "asked\nstep 1 of 00000002\nstep 2 of 00000002\nstep 3 of 00000002\n");
    UNTIL(!is_alive(pid));
    ck_assert_int_eq(run(3, "{}")->pid, heard->pid);
}
END_TEST

START_TEST(one_that_dies_over_it_is_replaced)
{
    int64_t pid = first_pid();
    const struct heard *heard = run(2, "{\"reset\": \"die\"}");

    ck_assert_int_ne(heard->pid, pid);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->starts, 1);
    /* And one that has died before it was asked. */
    ck_assert_int_eq(kill((pid_t)heard->pid, SIGKILL), 0);
    UNTIL(!is_alive(heard->pid));
    ck_assert_int_ne(run(3, "{}")->pid, heard->pid);
    ck_assert_uint_eq(driver.heard[3].reason, END_COMPLETED);
}
END_TEST

START_TEST(what_it_raises_is_the_next_one_s)
{
    int64_t pid = first_pid();
    const struct heard *heard = run(2, "{\"reset\": \"fail\"}");

    ck_assert_int_eq(heard->pid, pid);
    ck_assert_uint_eq(heard->reason, END_EXIT);
    ck_assert_ptr_nonnull(strstr(heard->text, "KeyError: 'no such thing'"));
    ck_assert_ptr_nonnull(strstr(heard->text, "in reset_config"));
    ck_assert_uint_eq(driver.heard[1].reason, END_COMPLETED);
    ck_assert_int_ne(run(3, "{}")->pid, pid);
}
END_TEST

/* One that does not answer is ended when its trial is. */
START_TEST(a_trial_that_is_stopped_before_it_was_taken)
{
    int64_t pid = first_pid();

    launch(2, "{\"reset\": \"hang\"}", (double)INFINITY);
    settle();
    ck_assert(is_alive(pid));
    ck_assert_uint_eq(driver.heard[2].starts, 0);
    verdict(2, ACTION_STOP, 0);
    UNTIL(driver.heard[2].vacated && driver.heard[2].ends == 1);
    ck_assert_uint_eq(driver.heard[2].reason, END_STOPPED);
    ck_assert_uint_eq(driver.heard[2].results, 0);
    UNTIL(!is_alive(pid));
    ck_assert_uint_eq(run(3, "{}")->reason, END_COMPLETED);
}
END_TEST

START_TEST(a_process_that_failed_is_not_used_again)
{
    const struct heard *heard = run(1, "{\"way\": \"fail\"}");

    ck_assert_uint_eq(heard->reason, END_EXIT);
    ck_assert(!is_alive(heard->pid));
    ck_assert_int_ne(run(2, "{}")->pid, heard->pid);
}
END_TEST

/* Nothing of a trial is left behind: who has started something ends, and it with him. */
START_TEST(a_process_that_is_not_alone_is_not_used_again)
{
    const struct heard *heard = run(1, "{\"way\": \"child\"}");

    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert(!is_alive(heard->pid));
    ck_assert_int_eq(kill(-(pid_t)heard->pid, 0), -1);
    ck_assert_int_ne(run(2, "{}")->pid, heard->pid);
    ck_assert_uint_eq(driver.heard[2].reason, END_COMPLETED);
}
END_TEST

START_TEST(another_device_is_another_process)
{
    int64_t pid;

    driver.gpu_count = 1;
    pid = first_pid();
    ck_assert_int_eq(run(2, "{}")->pid, pid);
    driver.gpus[0].device = 1;
    ck_assert_int_ne(run(3, "{}")->pid, pid);
    UNTIL(!is_alive(pid)); /* no more than one is kept */
}
END_TEST

START_TEST(nobody_is_kept_unasked)
{
    begin(false);
    (void)run(1, "{}");
    ck_assert_uint_eq(driver.heard[1].reason, END_COMPLETED);
    ck_assert(!is_alive(driver.heard[1].pid));
}
END_TEST

/* It may clean up when the experiment has ended. */
START_TEST(it_cleans_up_at_the_end)
{
    char config[160], path[96];
    int64_t pid = first_pid();

    (void)snprintf(path, sizeof(path), "%s/ended", driver.dir);
    (void)snprintf(config, sizeof(config), "{\"end\": \"%s\"}", path);
    ck_assert_int_eq(run(2, config)->pid, pid);
    ck_assert_int_ne(access(path, F_OK), 0);
    send_message(MSG_RELEASE, 0, &(struct msg_release){EXPERIMENT});
    driver.may_close = true;
    UNTIL(access(path, F_OK) == 0);
    UNTIL(!is_alive(pid));
}
END_TEST

START_TEST(it_dies_with_the_executor)
{
    int64_t pid = first_pid();

    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(parent_of(pid)), SIGKILL), 0);
    UNTIL(!is_alive(pid));
    link_down();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_reuse");
    TCase *t = tcase_create("reuse");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, executor_teardown);
    tcase_add_test(t, one_process_runs_one_trial_after_the_other);
    tcase_add_test(t, as_many_as_run_at_once);
    tcase_add_test(t, one_that_declines_is_replaced);
    tcase_add_test(t, one_that_dies_over_it_is_replaced);
    tcase_add_test(t, what_it_raises_is_the_next_one_s);
    tcase_add_test(t, a_trial_that_is_stopped_before_it_was_taken);
    tcase_add_test(t, a_process_that_failed_is_not_used_again);
    tcase_add_test(t, a_process_that_is_not_alone_is_not_used_again);
    tcase_add_test(t, another_device_is_another_process);
    tcase_add_test(t, nobody_is_kept_unasked);
    tcase_add_test(t, it_cleans_up_at_the_end);
    tcase_add_test(t, it_dies_with_the_executor);
    suite_add_tcase(s, t);
    return s;
}
