/* links: sink */
/* Files that heads of several machines write, one after the other: whose folder it is, and who
 * leads.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "head/sink/writer.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sink_image_rig.h"

/* Of an image that is not to be: what was saved stays. */
static bool other_came;

static void keep_other(void *context, struct buf *bytes, struct buf *named)
{
    (void)context;
    (void)named;
    other_came = bytes->size > 0;
}

static int leads_for; /* so many questions */

static bool still_leads(void *context)
{
    ck_assert_ptr_eq(context, &leads_for);
    return leads_for-- > 0;
}

static const struct writer_lead lead = {still_leads, &leads_for};

/* Another machine takes over: its folder of that name is not the one. */
static void take_over(void)
{
    sinks_free(sinks);
    sinks = sinks_new();
    leads_for = 100;
    ck_assert_int_eq(sinks_load(sinks, buf_span(&saved), &lead), 0);
}

START_TEST(another_folder_of_that_name_is_left_alone)
{
    char path[256], away[256];
    char trouble[512];
    struct buf before = {0}, after = {0};

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, false);
    put();
    save_is(true);
    add_results(0, 1, 4, 5, false);
    put();
    everything(&before);
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    (void)snprintf(away, sizeof(away), "%s/away", folder);
    ck_assert_int_eq(rename(path, away), 0);
    make_folder("trial_0");
    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/result.json", folder);
    ck_assert_int_eq(fs_write_atomic(path, 0600, "mine\nmine\nmine\nmine\n", 20), 0);
    for (int life = 0; life < 2; life++) {
        take_over();
        trouble_says("is not the folder in which these results stand");
        add_results(0, 1, 4, 5, false);
        (void)add_attempt(1, 1, 0);
        put();
        ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
        count_rows(0, "result.json", 4);
        ck_assert_uint_eq(sinks_feed_rows(sinks, 1), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/exp/trial_1", folder);
    ck_assert_int_ne(access(path, F_OK), 0);
    /* No image, which would have the log cut of what is not in files. */
    sinks_save(sinks, 99, keep_other, NULL);
    sinks_drain(sinks);
    ck_assert(!other_came);
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    ck_assert_int_eq(fs_remove_tree(path), 0);
    ck_assert_int_eq(rename(away, path), 0);
    take_over();
    count_rows(0, "result.json", 3);
    add_results(0, 1, 4, 5, false);
    put();
    everything(&after);
    ck_assert(span_equal(buf_span(&before), buf_span(&after)));
    save_is(true);
    buf_fini(&before);
    buf_fini(&after);
}
END_TEST

/* What is cut then would be another head's. */
START_TEST(no_file_is_cut_by_who_does_not_lead)
{
    int asked = 0;

    add_experiment();
    for (uint32_t trial = 0; trial < 100; trial++)
        (void)add_attempt(trial, 1, 0);
    add_results(0, 1, 1, 3, false); /* the last one that is cut */
    put();
    save_is(true);
    add_results(0, 1, 4, 5, false);
    put();
    for (int err = ERR_FENCED; err != 0; asked++) {
        sinks_free(sinks);
        sinks = sinks_new();
        leads_for = asked;
        err = sinks_load(sinks, buf_span(&saved), &lead);
        ck_assert(err == 0 || err == ERR_FENCED);
        count_rows(0, "result.json", err == 0 ? 3 : 5);
    }
    ck_assert_int_eq(asked - 1, 4); /* at first, before the feed, and before each 64 trials */
}
END_TEST

/* What nothing is to be written to may be wherever somebody has put it; and who has removed the
 * experiment waits for no folder. */
START_TEST(a_folder_that_is_not_needed_stops_no_image)
{
    struct effect_release *release;
    char path[256];
    char trouble[512];

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, true);
    effects_add(&effects, EFFECT_CLOSE)->close = (struct effect_close){.experiment = 1, .trial = 0};
    put();
    save_is(true);
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    ck_assert_int_eq(fs_remove_tree(path), 0);
    for (int life = 0; life < 2; life++) {
        take_over();
        ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
        save_is(true);
    }
    (void)add_attempt(1, 1, 0);
    put();
    trouble_says("is not the folder");
    sinks_save(sinks, 99, keep_other, NULL);
    sinks_drain(sinks);
    ck_assert(!other_came);
    release = &effects_add(&effects, EFFECT_RELEASE)->release;
    release->experiment = 1;
    release->removed = true;
    put();
    save_is(true);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sink_away");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown_all);
    tcase_add_test(tc, another_folder_of_that_name_is_left_alone);
    tcase_add_test(tc, no_file_is_cut_by_who_does_not_lead);
    tcase_add_test(tc, a_folder_that_is_not_needed_stops_no_image);
    suite_add_tcase(s, tc);
    return s;
}
