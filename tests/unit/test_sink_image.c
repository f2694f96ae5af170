/* links: sink */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sink_image_rig.h"

/* What the file system says to a second name of a file; 0: it gives one. */
static int no_links;

/* In place of the C library's. */
int link(const char *from, const char *to)
{
    errno = no_links;
    return no_links != 0 ? -1 : linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
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

/* Where a script is. */
struct place {
    struct rng rng;
    uint32_t attempts[4];
    int64_t rows[4];
    bool ended[4];
};

/* One move of a script: the same for the same seed and number. A trial that has ended may go on, as
 * those of an experiment do that is extended. */
static void move(struct place *place)
{
    uint32_t trial = (uint32_t)rng_next_below(&place->rng, 4);
    int64_t *rows = &place->rows[trial];
    uint64_t stood = (uint64_t)*rows;

    if (place->attempts[trial] == 0 || place->ended[trial] || rng_next_below(&place->rng, 5) == 0) {
        *rows = place->attempts[trial] > 0 ? (int64_t)rng_next_below(&place->rng, stood + 1) : 0;
        add_attempt(trial, ++place->attempts[trial], (uint64_t)*rows)->stood = stood;
        place->ended[trial] = false;
    } else if (rng_next_below(&place->rng, 5) == 0) {
        struct effect_close *close = &effects_add(&effects, EFFECT_CLOSE)->close;

        close->experiment = 1;
        close->trial = trial;
        place->ended[trial] = true;
    } else {
        int64_t more = 1 + (int64_t)rng_next_below(&place->rng, 5);

        add_results(trial, place->attempts[trial], *rows + 1, *rows + more, false);
        *rows += more;
    }
    put();
}

/* A life without deaths, and one with images and deaths at any place, come to the same files. */
START_TEST(files_are_the_same_whatever_dies)
{
    struct buf expected = {0}, found = {0};

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct place now = {.rng = {.seed = seed}};
        struct rng faults = {.seed = seed + 1000};
        struct place then;
        uint64_t image = 0;
        int imaged = 0;
        int died = 0;

        add_experiment();
        put();
        for (int i = 0; i < 60; i++)
            move(&now);
        everything(&expected);
        sinks_free(sinks);
        (void)fs_remove_tree(folder);

        sinks = sinks_new();
        now = (struct place){.rng = {.seed = seed}};
        add_experiment();
        put();
        for (int i = 0; i < 60; i++) {
            if (i >= died && rng_next_below(&faults, 8) == 0) {
                save(++image);
                ck_assert_uint_gt(saved.size, 0);
                then = now;
                imaged = i;
                if (rng_next_below(&faults, 2) == 0)
                    sinks_forget(sinks, image);
            }
            if (image > 0 && rng_next_below(&faults, 12) == 0) {
                restart();
                sinks_redo(sinks, true);
                died = i > died ? i : died;
                now = then;
                i = imaged;
            }
            if (i == died)
                sinks_redo(sinks, false);
            move(&now);
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
    (void)add_attempt(0, 1, 0);
    put();
    ck_assert_uint_eq(kept_files(), 0);
    buf_fini(&saved);
    saved = first;
    restart();
    (void)add_attempt(0, 1, 0);
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
    (void)add_attempt(0, 1, 0);
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
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    (void)add_attempt(0, 2, 3);
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
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    save(1);
    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/.result.json.new", folder);
    ck_assert_int_eq(fs_make_dirs(path, 0755), 0); /* a folder where the new file should be */
    (void)add_attempt(0, 2, 2);
    put();
    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_uint_eq(kept_files(), 0);
    ck_assert_int_eq(rmdir(path), 0);
    (void)add_attempt(0, 3, 2);
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
    (void)add_attempt(0, 1, 0);
    (void)add_attempt(1, 1, 0);
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

START_TEST(what_is_no_image_is_refused)
{
    add_experiment();
    (void)add_attempt(0, 1, 0);
    put();
    save(1);
    for (size_t cut = 0; cut < saved.size; cut++) {
        sinks_free(sinks);
        sinks = sinks_new();
        ck_assert_int_eq(sinks_load(sinks, span_of(saved.data, cut), NULL), ERR_MALFORMED);
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
    tcase_add_test(tc, what_is_no_image_is_refused);
    suite_add_tcase(s, tc);
    return s;
}
