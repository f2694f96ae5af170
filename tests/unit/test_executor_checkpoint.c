/* links: executor */
#include <sys/stat.h>

#include "tests/unit/executor_store.h"

static void setup(void)
{
    executor_setup();
    driver.other = store_hear;
}

static void teardown(void)
{
    executor_teardown();
    store_empty();
}

START_TEST(a_named_folder_is_saved_before_the_end)
{
    const struct heard *heard = run_command("sh -c '" ONE "'");

    ck_assert_uint_eq(heard->ends, 1);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->marks, 1);
    ck_assert_uint_eq(heard->checkpoints, 1);
    ck_assert_uint_eq(heard->checkpoint.number, 1);
    ck_assert_uint_eq(heard->checkpoint.bytes, 2);
    ck_assert_int_eq(heard->mark.counters.training_iteration, 1);
    ck_assert_uint_eq(put_count, 2); /* the chunk and the list */
    ck_assert_uint_eq(heard->last_seq, 5);
}
END_TEST

/* The second has the same file and one more: so much is sent. */
START_TEST(what_is_there_is_not_sent_again)
{
    const struct heard *heard =
        run_command("sh -c 'cd $ASSAY_CHECKPOINT_DIR && mkdir c && echo 5 > c/f && assay report "
                    "v=1 --checkpoint c && echo 6 > c/g && "
                    "assay report v=2 --checkpoint c'");

    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->checkpoints, 2);
    ck_assert_uint_eq(put_count, 4); /* f and a list, g and a list */
}
END_TEST

START_TEST(an_attempt_goes_on_where_it_was)
{
    const struct heard *heard = &driver.heard[2];

    (void)run_command(EITHER);
    go_on();
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_double_eq(heard->metric, 5);
    ck_assert_int_eq(heard->iteration, 8);
    ck_assert_int_eq(heard->since_restore, 1);
}
END_TEST

static void check_broken(const char *why)
{
    const struct heard *heard = &driver.heard[2];

    go_on();
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_CHECKPOINT);
    ck_assert_msg(strstr(heard->text, why) != NULL, "%s", heard->text);
    ck_assert_uint_eq(heard->results, 0);
}

START_TEST(wrong_bytes_are_noticed)
{
    (void)run_command(EITHER);
    spoils = true;
    check_broken("iteration 7");
}
END_TEST

START_TEST(a_chunk_that_is_wrong_is_noticed)
{
    (void)run_command(EITHER);
    for (struct kept *kept = store; kept != NULL; kept = kept->next)
        if (kept->bytes.size == 2)
            kept->bytes.data[0] ^= 1;
    check_broken("not those of their hash");
}
END_TEST

START_TEST(missing_bytes_are_noticed)
{
    (void)run_command(EITHER);
    loses = true;
    check_broken("does not have all of it");
}
END_TEST

/* It waits for bytes that do not come, and is told to stop. */
START_TEST(one_that_waits_for_its_checkpoint_can_be_stopped)
{
    const struct heard *heard = &driver.heard[2];

    (void)run_command(EITHER);
    silent = true;
    go_on();
    settle();
    verdict(2, ACTION_STOP, 0);
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_STOPPED);
}
END_TEST

/* A file that takes a while to be written, and of which one chunk is sent. */
#define LARGE                                                                                      \
    "sh -c 'if [ -n \"$ASSAY_RESTORE\" ]; then exec sleep 1000; fi; cd $ASSAY_CHECKPOINT_DIR && "  \
    "mkdir -p c && truncate -s 256M c/f && echo assay: v=1 checkpoint=$PWD/c'"

static bool is_there(const char *name)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/checkpoints/%s", driver.data, name);
    return access(path, F_OK) == 0;
}

/* It is told to stop while its checkpoint is unpacked: nothing of that is left. */
START_TEST(what_was_unpacked_for_nobody_is_removed)
{
    const struct heard *heard = &driver.heard[2];

    (void)run_command(LARGE);
    go_on();
    UNTIL(is_there("2-1.restore.tmp") || is_there("2-1.restore"));
    verdict(2, ACTION_STOP, 0);
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_STOPPED);
    UNTIL(!is_there("2-1.restore.tmp") && !is_there("2-1.restore"));
}
END_TEST

/* One that only prints is ended where it is; what it saved comes first. */
START_TEST(one_that_cannot_save_is_ended)
{
    experiment(RUN_COMMAND, "sh -c '" ONE "; sleep 1000'", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    verdict(1, ACTION_PAUSE, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
    ck_assert_uint_eq(driver.heard[1].checkpoints, 1);
}
END_TEST

/* A frame that names a folder of ours, as printf has it between single quotes. */
static const char *checkpoint_frame(const char *name)
{
    unsigned size = (unsigned)(strlen(driver.dir) + 1 + strlen(name));

    ck_assert_uint_lt(size, 32);
    return arena_printf(&driver.arena, "\\301\\%03o\\000\\000\\000\\222\\252checkpoint\\%03o%s/%s",
                        13 + size, 0xA0 | size, driver.dir, name);
}

/* It is paused by a checkpoint that it took before it heard of that: what it reported behind it is
 * not taken, and so no checkpoint that holds it. */
START_TEST(who_is_paused_saves_no_dropped_results)
{
    const struct heard *heard = &driver.heard[1];
    char command[1024], path[96];

    (void)snprintf(path, sizeof(path), "%s/go", driver.dir);
    (void)snprintf(command, sizeof(command),
                   "sh -c 'printf \"" FRAME_SAVES FRAME_REPORT "\" >&3; cd %s; mkdir c d; "
                   "while ! test -e go; do sleep 0.02; done; "
                   "printf \"" FRAME_REPORT "%s" FRAME_REPORT "%s\" >&3'",
                   driver.dir, checkpoint_frame("c"), checkpoint_frame("d"));
    experiment(RUN_COMMAND, command, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(heard->results == 1);
    verdict(1, ACTION_PAUSE, 0);
    settle();
    ck_assert_int_eq(fs_make_dirs(path, 0700), 0);
    UNTIL(heard->vacated && heard->ends == 1);
    ck_assert_uint_eq(heard->results, 2);
    ck_assert_uint_eq(heard->marks, 1);
    ck_assert_int_eq(heard->mark.counters.training_iteration, 2);
    ck_assert_str_eq(end_reason_name(heard->reason), "stopped");
}
END_TEST

/* The worker goes while it is sent, and another comes: it is asked about again. */
START_TEST(a_save_outlives_its_worker)
{
    experiment(RUN_COMMAND, "sh -c '" ONE "'", NULL, 0, "");
    silent = true;
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].marks == 1);
    settle();
    link_down();
    silent = false;
    link_up();
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].checkpoints, 1);
    ck_assert_uint_eq(driver.heard[1].ends, 1);
}
END_TEST

static void setup_own_program(void)
{
    driver.own_program = true;
    setup();
}

/* More lines than are read at once, and a checkpoint behind them. */
#define MANY 8000
#define SAYS_MANY                                                                                  \
    "cd $ASSAY_CHECKPOINT_DIR && mkdir c && yes v=1.0000000000 | head -n 8000 >all && "            \
    "echo v=2 checkpoint=$PWD/c >>all && cat all >&3"

/* The last of it is read when its processes are gone, and then no helper can be started: so no
 * checkpoint comes of it, and what it said counts once. */
START_TEST(a_save_without_a_helper_comes_to_nothing)
{
    const struct heard *heard = &driver.heard[1];
    char path[96], command[256];

    (void)snprintf(command, sizeof(command),
                   "sh -c 'while ! test -e %s/go; do sleep 0.02; done; " SAYS_MANY "'", driver.dir);
    experiment(RUN_COMMAND, command, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(heard->starts == 1);
    (void)snprintf(path, sizeof(path), "%s/assay-executor", driver.dir);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(kill(executor_pid(), SIGSTOP), 0);
    (void)snprintf(path, sizeof(path), "%s/go", driver.dir);
    ck_assert_int_eq(fs_make_dirs(path, 0700), 0);
    UNTIL(!is_alive(heard->pid));
    ck_assert_int_eq(kill(executor_pid(), SIGCONT), 0);
    UNTIL(heard->vacated && heard->ends == 1);
    ck_assert_uint_eq(heard->results, MANY + 1);
    ck_assert_uint_eq(heard->marks, 1);
    ck_assert_uint_eq(heard->checkpoints, 0);
    ck_assert_str_eq(end_reason_name(heard->reason), "completed");
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("executor_checkpoint");
    TCase *all = tcase_create("all");
    TCase *own = tcase_create("own program");

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_named_folder_is_saved_before_the_end);
    tcase_add_test(all, what_is_there_is_not_sent_again);
    tcase_add_test(all, an_attempt_goes_on_where_it_was);
    tcase_add_test(all, wrong_bytes_are_noticed);
    tcase_add_test(all, a_chunk_that_is_wrong_is_noticed);
    tcase_add_test(all, missing_bytes_are_noticed);
    tcase_add_test(all, one_that_waits_for_its_checkpoint_can_be_stopped);
    tcase_add_test(all, what_was_unpacked_for_nobody_is_removed);
    tcase_add_test(all, one_that_cannot_save_is_ended);
    tcase_add_test(all, who_is_paused_saves_no_dropped_results);
    tcase_add_test(all, a_save_outlives_its_worker);
    suite_add_tcase(suite, all);
    tcase_set_timeout(own, 60);
    tcase_add_checked_fixture(own, setup_own_program, teardown);
    tcase_add_test(own, a_save_without_a_helper_comes_to_nothing);
    suite_add_tcase(suite, own);
    return suite;
}
