/* links: sink */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/err.h"
#include "common/rng.h"
#include "common/sys/fs.h"
#include "head/sink/feed.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sink_rig.h"

/* What the file system says to a second name of a file; 0: it gives one. */
static int no_links;

/* In place of the C library's. */
int link(const char *from, const char *to)
{
    errno = no_links;
    return no_links != 0 ? -1 : linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* What it says to a file that is cut by its name; 0: it cuts it. */
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

static uint64_t images; /* so far, by save_is */
static struct buf saved;
static struct buf folders;

static void keep_saved(void *context, struct buf *bytes, struct buf *named)
{
    (void)context;
    buf_fini(&saved);
    buf_fini(&folders);
    saved = *bytes;
    folders = *named;
    *bytes = *named = (struct buf){0};
}

static void save(uint64_t image)
{
    sinks_save(sinks, image, keep_saved, NULL);
    sinks_drain(sinks);
}

/* The head dies, and another one begins with the image. */
static void restart(void)
{
    sinks_free(sinks);
    sinks = sinks_new();
    ck_assert_int_eq(sinks_load(sinks, buf_span(&saved)), 0);
}

static void teardown_all(void)
{
    teardown();
    buf_fini(&saved);
    buf_fini(&folders);
}

/* What is in a file of a trial, or "" where there is none. */
static void file_text(uint32_t trial, const char *name, struct buf *out)
{
    char path[256];

    buf_reset(out);
    (void)snprintf(path, sizeof(path), "%s/exp/trial_%u/%s", folder, trial, name);
    (void)fs_read(path, 1u << 24, out);
}

/* All that a trial's files and the feed say, one behind the other. */
static void everything(struct buf *out)
{
    static const char *const names[] = {"result.json", "progress.csv", "superseded.json"};
    char path[256];
    struct buf text = {0};
    uint64_t cursor = 0;

    buf_reset(out);
    for (uint32_t trial = 0; trial < 4; trial++)
        for (size_t i = 0; i < 3; i++) {
            file_text(trial, names[i], &text);
            buf_printf(out, "== %u %s\n", trial, names[i]);
            buf_append_span(out, buf_span(&text));
        }
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    buf_append_text(out, "== feed\n");
    (void)feed_experiment(path, &cursor, sinks_feed_rows(sinks, 1), 1u << 24, out);
    buf_fini(&text);
}

static size_t kept_files(void)
{
    char path[256];
    size_t count = 0;

    for (uint32_t trial = 0; trial < 4; trial++) {
        const struct dirent *entry;
        DIR *dir;

        (void)snprintf(path, sizeof(path), "%s/exp/trial_%u", folder, trial);
        dir = opendir(path);
        while (dir != NULL && (entry = readdir(dir)) != NULL)
            count += strstr(entry->d_name, ".before-") != NULL;
        if (dir != NULL)
            (void)closedir(dir);
    }
    return count;
}

/* One move of a script: the same for the same seed and number. */
static void move(struct rng *rng, uint32_t attempts[4], int64_t rows[4])
{
    uint32_t trial = (uint32_t)rng_next_below(rng, 4);

    if (attempts[trial] == 0 || rng_next_below(rng, 5) == 0) {
        rows[trial] =
            attempts[trial] > 0 ? (int64_t)rng_next_below(rng, (uint64_t)rows[trial] + 1) : 0;
        add_attempt(trial, ++attempts[trial], (uint64_t)rows[trial]);
    } else {
        int64_t more = 1 + (int64_t)rng_next_below(rng, 5);

        add_results(trial, attempts[trial], rows[trial] + 1, rows[trial] + more, false);
        rows[trial] += more;
    }
    put();
}

/* A life without deaths, and one with images and deaths at any place, come to the same files. */
START_TEST(files_are_the_same_whatever_dies)
{
    struct buf expected = {0}, found = {0};

    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rng rng = {.seed = seed};
        struct rng faults = {.seed = seed + 1000};
        struct rng rng_then;
        uint32_t attempts[4] = {0}, attempts_then[4];
        int64_t rows[4] = {0}, rows_then[4];
        uint64_t image = 0;
        int then = 0;

        add_experiment();
        put();
        for (int i = 0; i < 60; i++)
            move(&rng, attempts, rows);
        everything(&expected);
        sinks_free(sinks);
        (void)fs_remove_tree(folder);

        sinks = sinks_new();
        rng = (struct rng){.seed = seed};
        memset(attempts, 0, sizeof(attempts));
        memset(rows, 0, sizeof(rows));
        add_experiment();
        put();
        for (int i = 0; i < 60; i++) {
            if (rng_next_below(&faults, 8) == 0) {
                save(++image);
                ck_assert_uint_gt(saved.size, 0);
                rng_then = rng;
                memcpy(attempts_then, attempts, sizeof(attempts));
                memcpy(rows_then, rows, sizeof(rows));
                then = i;
                if (rng_next_below(&faults, 2) == 0)
                    sinks_forget(sinks, image);
            }
            if (image > 0 && rng_next_below(&faults, 12) == 0) {
                restart();
                rng = rng_then;
                memcpy(attempts, attempts_then, sizeof(attempts));
                memcpy(rows, rows_then, sizeof(rows));
                i = then;
            }
            move(&rng, attempts, rows);
        }
        everything(&found);
        if (!span_equal(buf_span(&expected), buf_span(&found)))
            (void)fprintf(stderr, "%s\n---- after deaths:\n%s", buf_text(&expected),
                          buf_text(&found));
        ck_assert_msg(span_equal(buf_span(&expected), buf_span(&found)), "seed %u: files differ",
                      (unsigned)seed);
        save(++image);
        sinks_forget(sinks, image);
        sinks_drain(sinks);
        ck_assert_uint_eq(kept_files(), 0);
        sinks_free(sinks);
        (void)fs_remove_tree(folder);
        sinks = sinks_new();
    }
    buf_fini(&expected);
    buf_fini(&found);
}
END_TEST

static void count_rows(uint32_t trial, const char *name, int expected)
{
    struct buf text = {0};
    int rows = 0;

    file_text(trial, name, &text);
    for (size_t i = 0; i < text.size; i++)
        rows += text.data[i] == '\n';
    ck_assert_msg(rows == expected, "%s of trial %u: %d rows", name, trial, rows);
    buf_fini(&text);
}

/* One that begins behind an image is not known to it: nothing is kept for it, or it would take the
 * place of what the trial wrote since, when an image of that number is there again. */
START_TEST(nothing_is_kept_of_a_trial_that_begins)
{
    struct buf first;

    add_experiment();
    put();
    save(1);
    first = saved;
    saved = (struct buf){0};
    save(2); /* it never is complete */
    add_attempt(0, 1, 0);
    put();
    ck_assert_uint_eq(kept_files(), 0);
    buf_fini(&saved);
    saved = first;
    restart();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(2);
    restart();
    count_rows(0, "result.json", 5);
    count_rows(0, "progress.csv", 6);
    ck_assert_uint_eq(kept_files(), 0);
}
END_TEST

START_TEST(what_an_earlier_life_kept_of_it_goes)
{
    static const char *const names[] = {".progress.csv.before-7", ".result.json.before-8"};
    char path[256];

    add_experiment();
    put();
    save(1);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/exp/trial_0", folder);
        ck_assert_int_eq(fs_make_dirs(path, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s/exp/trial_0/%s", folder, names[i]);
        ck_assert_int_eq(fs_write_atomic(path, 0644, "old\n", 4), 0);
    }
    ck_assert_uint_eq(kept_files(), 2);
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    ck_assert_uint_eq(kept_files(), 0);
    save(2);
    restart();
    count_rows(0, "result.json", 5);
    count_rows(0, "progress.csv", 6);
}
END_TEST

static const int link_errors[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK};

START_TEST(a_file_is_kept_where_links_are_not_known)
{
    char trouble[256];

    no_links = link_errors[_i];
    add_experiment();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    add_attempt(0, 2, 3);
    add_results(0, 2, 4, 4, false);
    put();
    count_rows(0, "result.json", 4);
    count_rows(0, "progress.csv", 5);
    add_attempt(0, 3, 1); /* what the image needs is kept already */
    put();
    ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
    count_rows(0, "result.json", 1);
    count_rows(0, "superseded.json", 5);
    ck_assert_uint_eq(kept_files(), 2);
    restart();
    ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
    count_rows(0, "result.json", 5);
    count_rows(0, "progress.csv", 6);
    count_rows(0, "superseded.json", 0);
    ck_assert_uint_eq(kept_files(), 0);
}
END_TEST

/* The old file and the one that is kept would be one, and the next cut would hit both. */
START_TEST(a_cut_that_fails_leaves_nothing_kept)
{
    char path[256];
    char trouble[256];

    add_experiment();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/.result.json.new", folder);
    ck_assert_int_eq(fs_make_dirs(path, 0755), 0); /* a folder where the new file should be */
    add_attempt(0, 2, 2);
    put();
    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_uint_eq(kept_files(), 0);
    ck_assert_int_eq(rmdir(path), 0);
    add_attempt(0, 3, 2);
    add_results(0, 3, 3, 3, false);
    put();
    count_rows(0, "result.json", 3);
    restart();
    ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
    count_rows(0, "result.json", 5);
    count_rows(0, "progress.csv", 6);
}
END_TEST

/* Attempts from before an image are not told again: their trials' names must outlast it. */
START_TEST(the_feed_knows_trials_from_before_the_image)
{
    struct buf lines = {0};
    char path[256];
    uint64_t cursor = 0;
    uint32_t found = 0;

    add_experiment();
    add_attempt(0, 1, 0);
    add_attempt(1, 1, 0);
    put();
    save(1);
    restart();
    add_results(0, 1, 1, 2, false);
    add_results(1, 1, 1, 1, false);
    put();
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    ck_assert_uint_eq(sinks_feed_rows(sinks, 1), 3);
    ck_assert_int_eq(feed_experiment(path, &cursor, 3, 1 << 20, &lines), 0);
    ck_assert_uint_eq(cursor, 3);
    for (size_t i = 0; i < lines.size; i++)
        found += lines.data[i] == '\n';
    ck_assert_uint_eq(found, 3);
    buf_fini(&lines);
}
END_TEST

/* What a trial's file is replaced by: a disk that is full. */
static void fill_disk_of(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    (void)unlink(path);
    ck_assert_int_eq(symlink("/dev/full", path), 0);
}

static void make_folder(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    ck_assert_int_eq(fs_make_dirs(path, 0755), 0);
}

static void remove_file(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    ck_assert_int_eq(remove(path), 0);
}

static void trouble_says(const char *what)
{
    char trouble[512] = "";

    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_msg(strstr(trouble, what) != NULL, "%s", trouble);
}

static void save_is(bool expected)
{
    save(++images);
    ck_assert_int_eq(saved.size > 0, expected);
}

/* What a full disk has not taken is written by a restart: it must stay in the log. */
START_TEST(there_is_no_image_while_rows_are_missing)
{
    struct buf first;

    add_experiment();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    ck_assert(span_is(buf_span(&folders), "") || strstr((char *)folders.data, "/exp") != NULL);
    first = saved;
    saved = (struct buf){0};
    make_folder("trial_1");
    fill_disk_of("trial_1/params.json");
    add_attempt(1, 1, 0);
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
    add_attempt(1, 1, 0);
    add_attempt(0, 2, 3);
    put();
    save_is(true);
}
END_TEST

START_TEST(there_is_no_image_when_the_disk_fills_between_rows)
{
    add_experiment();
    add_attempt(0, 1, 0);
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
    add_attempt(0, 1, 0);
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
    add_attempt(0, 1, 0);
    put();
    forbid_files(false);
    trouble_says(strerror(EMFILE));
    save_is(false);
}
END_TEST

START_TEST(there_is_no_image_where_descriptors_lacked_at_a_start)
{
    add_experiment();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    sinks_free(sinks);
    sinks = sinks_new();
    forbid_files(true);
    ck_assert_int_eq(sinks_load(sinks, buf_span(&saved)), 0);
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
        add_attempt(trial, 1, 0);
    put();
    make_folder("trial_3/result.json"); /* a folder where a file should be */
    add_attempt(3, 1, 0);
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
    add_attempt(1, 2, 0);
    add_results(1, 2, 1, 2, false);
    put();
    count_rows(1, "result.json", 2);
    save_is(true);
}
END_TEST

/* One that gets no rows is in images as it is, and is made that again. */
START_TEST(a_trial_without_rows_is_as_it_was_after_a_restart)
{
    struct buf before = {0}, after = {0};
    char path[256], away[256];
    char trouble[512];

    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/progress.csv", folder);
    (void)snprintf(away, sizeof(away), "%s/exp/trial_0/away", folder);
    add_experiment();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    restart();
    ck_assert_int_eq(rename(path, away), 0);
    make_folder("trial_0/progress.csv");
    add_results(0, 1, 4, 5, false);
    put();
    trouble_says("cannot write");
    save_is(true);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rename(away, path), 0);
    for (int life = 0; life < 2; life++) {
        if (life > 0) {
            restart();
            ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
            count_rows(0, "result.json", 3);
        }
        add_attempt(0, 2, 2);
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
    add_experiment();
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    restart();
    ck_assert_int_eq(rename(path, away), 0);
    add_results(0, 1, 4, 5, false);
    put();
    trouble_says("cannot write");
    save_is(true);
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
    add_attempt(0, 1, 0);
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
    add_attempt(0, 1, 0);
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
    add_attempt(0, 2, 5);
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
    add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    add_attempt(0, 2, 5);
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
    add_attempt(0, 2, 5);
    add_results(0, 2, 6, 8, false);
    put();
    count_rows(0, "result.json", 8);
    count_rows(0, "progress.csv", 9);
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
    add_experiment();
    add_attempt(0, 1, 0);
    put();
    save(1);
    for (size_t cut = 0; cut < saved.size; cut++) {
        sinks_free(sinks);
        sinks = sinks_new();
        ck_assert_int_eq(sinks_load(sinks, span_of(saved.data, cut)), ERR_MALFORMED);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sink_image");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown_all);
    tcase_add_test(tc, files_are_the_same_whatever_dies);
    tcase_add_test(tc, nothing_is_kept_of_a_trial_that_begins);
    tcase_add_test(tc, what_an_earlier_life_kept_of_it_goes);
    tcase_add_loop_test(tc, a_file_is_kept_where_links_are_not_known, 0, 4);
    tcase_add_test(tc, a_cut_that_fails_leaves_nothing_kept);
    tcase_add_test(tc, the_feed_knows_trials_from_before_the_image);
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
    tcase_add_test(tc, what_is_no_image_is_refused);
    suite_add_tcase(s, tc);
    return s;
}
