/* links: sink */
/* What a disk, a folder or a lack of descriptors keeps out of the files, and what images make of
 * it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/err.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sink_image_rig.h"

/* What the file system says to a file that is cut by its name; 0: it cuts it. */
static int no_cuts;

int truncate(const char *path, off_t size)
{
    int fd = no_cuts == 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    int rc = fd >= 0 ? ftruncate(fd, size) : -1;

    if (fd >= 0)
        (void)close(fd);
    if (no_cuts != 0)
        errno = no_cuts;
    return rc;
}

/* What a trial's file is replaced by: a disk that is full. */
static void fill_disk_of(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    (void)unlink(path);
    ck_assert_int_eq(symlink("/dev/full", path), 0);
}

static void remove_file(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    ck_assert_int_eq(remove(path), 0);
}

/* What a full disk has not taken is written by a restart: it must stay in the log. */
START_TEST(there_is_no_image_while_rows_are_missing)
{
    struct buf first;

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    ck_assert(span_is(buf_span(&folders), "") || strstr((char *)folders.data, "/exp") != NULL);
    first = saved;
    saved = (struct buf){0};
    make_folder("trial_1");
    fill_disk_of("trial_1/params.json");
    (void)add_attempt(1, 1, 0);
    put();
    trouble_says("safe in the log");
    save_is(false);
    add_attempt(0, 2, 3); /* that others are written changes nothing */
    put();
    save_is(false);
    remove_file("trial_1/params.json");
    buf_fini(&saved);
    saved = first;
    restart();
    (void)add_attempt(1, 1, 0);
    (void)add_attempt(0, 2, 3);
    put();
    save_is(true);
}
END_TEST

START_TEST(there_is_no_image_when_the_disk_fills_between_rows)
{
    add_experiment();
    (void)add_attempt(0, 1, 0);
    put();
    save_is(true);
    restart();
    fill_disk_of("trial_0/result.json");
    add_results(0, 1, 1, 3, false);
    put();
    trouble_says("safe in the log");
    save_is(false);
}
END_TEST

START_TEST(there_is_no_image_while_the_feed_lacks_rows)
{
    make_folder("");
    fill_disk_of(".feed");
    add_experiment();
    (void)add_attempt(0, 1, 0);
    put();
    save_is(true);
    add_results(0, 1, 1, 3, false);
    put();
    trouble_says("cannot write the feed");
    save_is(false);
}
END_TEST

/* No further descriptor, or again as many as there were. */
static void forbid_files(bool forbid)
{
    static struct rlimit before;
    struct rlimit limit;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (!forbid) {
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        return;
    }
    ck_assert_int_ge(next, 0);
    (void)close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)next;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(there_is_no_image_where_descriptors_lacked)
{
    add_experiment();
    put();
    save_is(true);
    forbid_files(true);
    (void)add_attempt(0, 1, 0);
    put();
    forbid_files(false);
    trouble_says(strerror(EMFILE));
    save_is(false);
}
END_TEST

START_TEST(there_is_no_image_where_descriptors_lacked_at_a_start)
{
    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    sinks_free(sinks);
    sinks = sinks_new();
    forbid_files(true);
    ck_assert_int_eq(sinks_load(sinks, buf_span(&saved), NULL), 0);
    forbid_files(false);
    trouble_says(strerror(EMFILE));
    save_is(false);
}
END_TEST

/* A folder that is gone was somebody's to remove, one that is closed somebody's to open: to wait
 * for that would let the log grow for ever. */
START_TEST(a_lack_that_stays_stops_no_image)
{
    char path[256];
    char trouble[512];

    add_experiment();
    for (uint32_t trial = 0; trial < 3; trial++)
        (void)add_attempt(trial, 1, 0);
    put();
    make_folder("trial_3/result.json"); /* a folder where a file should be */
    (void)add_attempt(3, 1, 0);
    put();
    trouble_says("cannot write");
    save_is(true);
    restart();
    (void)snprintf(path, sizeof(path), "%s/exp/trial_1", folder);
    ck_assert_int_eq(fs_remove_tree(path), 0);
    add_results(0, 1, 1, 3, false);
    add_results(1, 1, 1, 3, false);
    put();
    trouble_says("cannot write");
    save_is(true);
    add_results(1, 1, 4, 5, false);
    put();
    ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
    save_is(true);
    restart();
    ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
    save_is(true);
    count_rows(0, "result.json", 3);
    (void)add_attempt(1, 2, 0);
    add_results(1, 2, 1, 2, false);
    put();
    count_rows(1, "result.json", 2);
    save_is(true);
}
END_TEST

/* An image knows three rows of trial 0; a sink begins with it. */
static void begin_with_three_rows(void)
{
    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    restart();
}

/* Two more, for which there is no file: they are dropped, and no image waits for them. */
static void drop_two_rows(void)
{
    add_results(0, 1, 4, 5, false);
    put();
    trouble_says("cannot write");
    save_is(true);
}

/* One that gets no rows is in images as it is, and is made that again. */
START_TEST(a_trial_without_rows_is_as_it_was_after_a_restart)
{
    struct buf before = {0}, after = {0};
    char path[256], away[256];
    char trouble[512];

    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/progress.csv", folder);
    (void)snprintf(away, sizeof(away), "%s/exp/trial_0/away", folder);
    begin_with_three_rows();
    ck_assert_int_eq(rename(path, away), 0);
    make_folder("trial_0/progress.csv");
    drop_two_rows();
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rename(away, path), 0);
    for (int life = 0; life < 2; life++) {
        if (life > 0) {
            restart();
            ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
            count_rows(0, "result.json", 3);
        }
        (void)add_attempt(0, 2, 2);
        add_results(0, 2, 3, 6, false);
        put();
        everything(life == 0 ? &before : &after);
    }
    count_rows(0, "result.json", 6);
    count_rows(0, "progress.csv", 7);
    count_rows(0, "superseded.json", 1);
    ck_assert(span_equal(buf_span(&before), buf_span(&after)));
    buf_fini(&before);
    buf_fini(&after);
}
END_TEST

/* How long files are that are away is not known: they are not cut when they are back. */
START_TEST(files_that_were_away_are_left_as_they_are)
{
    char path[256], away[256];

    (void)snprintf(path, sizeof(path), "%s/exp/trial_0", folder);
    (void)snprintf(away, sizeof(away), "%s/exp/away", folder);
    begin_with_three_rows();
    ck_assert_int_eq(rename(path, away), 0);
    drop_two_rows();
    ck_assert_int_eq(rename(away, path), 0);
    restart();
    count_rows(0, "result.json", 3);
    count_rows(0, "progress.csv", 4);
}
END_TEST

START_TEST(files_that_are_gone_are_told)
{
    char path[256];
    char trouble[256] = "";
    struct buf text = {0};

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save(1);
    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/result.json", folder);
    ck_assert_int_eq(unlink(path), 0);
    restart();
    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_ptr_nonnull(strstr(trouble, "rows are missing"));
    add_results(0, 1, 4, 4, false);
    put();
    file_text(0, "result.json", &text);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "\"training_iteration\": 4"));
    buf_fini(&text);
}
END_TEST

/* Rows behind an end that is not the image's would be there twice. */
static const int cut_errors[] = {EPERM, EIO};

START_TEST(files_that_cannot_be_cut_get_no_rows)
{
    char trouble[512] = "";

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    add_results(0, 1, 6, 8, false);
    put();
    no_cuts = cut_errors[_i];
    restart();
    no_cuts = 0;
    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_ptr_nonnull(strstr(trouble, "cannot be cut"));
    ck_assert_ptr_nonnull(strstr(trouble, strerror(cut_errors[_i])));
    add_results(0, 1, 6, 8, false);
    put();
    count_rows(0, "result.json", 8);
    count_rows(0, "progress.csv", 9);
    (void)add_attempt(0, 2, 5);
    add_results(0, 2, 6, 6, false);
    put();
    count_rows(0, "result.json", 6);
    count_rows(0, "progress.csv", 7);
    save(2);
    ck_assert_int_eq(saved.size > 0, cut_errors[_i] == EPERM); /* which stays */
}
END_TEST

/* The same where it is what was kept that does not come back. */
START_TEST(files_that_do_not_come_back_get_no_rows)
{
    char path[256];
    char trouble[512] = "";

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    (void)add_attempt(0, 2, 5);
    add_results(0, 2, 6, 8, false);
    put();
    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/.progress.csv.before-3", folder);
    ck_assert_int_eq(fs_make_dirs(path, 0755), 0); /* a folder where a file should be */
    restart();
    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_ptr_nonnull(strstr(trouble, "cannot be cut"));
    ck_assert_int_eq(rmdir(path), 0);
    add_results(0, 1, 6, 6, false);
    put();
    count_rows(0, "result.json", 5);
    (void)add_attempt(0, 2, 5);
    add_results(0, 2, 6, 8, false);
    put();
    count_rows(0, "result.json", 8);
    count_rows(0, "progress.csv", 9);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sink_lack");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown_all);
    tcase_add_test(tc, there_is_no_image_while_rows_are_missing);
    tcase_add_test(tc, there_is_no_image_when_the_disk_fills_between_rows);
    tcase_add_test(tc, there_is_no_image_while_the_feed_lacks_rows);
    tcase_add_test(tc, there_is_no_image_where_descriptors_lacked);
    tcase_add_test(tc, there_is_no_image_where_descriptors_lacked_at_a_start);
    tcase_add_test(tc, a_lack_that_stays_stops_no_image);
    tcase_add_test(tc, a_trial_without_rows_is_as_it_was_after_a_restart);
    tcase_add_test(tc, files_that_were_away_are_left_as_they_are);
    tcase_add_test(tc, files_that_are_gone_are_told);
    tcase_add_loop_test(tc, files_that_cannot_be_cut_get_no_rows, 0, 2);
    tcase_add_test(tc, files_that_do_not_come_back_get_no_rows);
    suite_add_tcase(s, tc);
    return s;
}
