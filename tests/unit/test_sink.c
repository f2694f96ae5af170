/* links: sink */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/pack.h"
#include "common/record.h"
#include "common/spec.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/sink/csv.h"
#include "head/sink/feed.h"
#include "head/sink/sink.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sink_rig.h"

static char *file_text(const char *name)
{
    char path[256];
    struct buf text = {0};
    char *out;

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    ck_assert_int_eq(fs_read(path, 1 << 20, &text), 0);
    out = arena_text(&arena, buf_span(&text));
    buf_fini(&text);
    return out;
}

static int count_of(const char *text, const char *what)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

START_TEST(writes_the_files_as_tune_does)
{
    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 2, true);
    put();
    ck_assert_str_eq(file_text("trial_0/params.json"),
                     "{\n  \"act\": \"re,lu\",\n  \"width\": 57\n}");
    ck_assert_str_eq(
        file_text("trial_0/result.json"),
        "{\"loss\": 1.0, \"done\": false, \"timesteps_total\": null, \"episodes_total\": null, "
        "\"training_iteration\": 1, \"experiment_id\": \"00112233445566778899aabbccddeeff\", "
        "\"date\": \"2019-04-21_08-54-53\", \"timestamp\": 1555836893, \"time_this_iter_s\": 0.5, "
        "\"time_total_s\": 0.5, \"pid\": 42, \"hostname\": \"here\", \"node_ip\": \"127.0.0.1\", "
        "\"config\": {\"width\": 57, \"act\": \"re,lu\"}, \"time_since_restore\": 0.5, "
        "\"timesteps_since_restore\": 0, \"iterations_since_restore\": 1}\n"
        "{\"loss\": 0.5, \"done\": true, \"timesteps_total\": null, \"episodes_total\": null, "
        "\"training_iteration\": 2, \"experiment_id\": \"00112233445566778899aabbccddeeff\", "
        "\"date\": \"2019-04-21_08-54-53\", \"timestamp\": 1555836893, \"time_this_iter_s\": 0.5, "
        "\"time_total_s\": 1.0, \"pid\": 42, \"hostname\": \"here\", \"node_ip\": \"127.0.0.1\", "
        "\"config\": {\"width\": 57, \"act\": \"re,lu\"}, \"time_since_restore\": 1.0, "
        "\"timesteps_since_restore\": 0, \"iterations_since_restore\": 2}\n");
    ck_assert_str_eq(
        file_text("trial_0/progress.csv"),
        "loss,done,timesteps_total,episodes_total,training_iteration,experiment_id,date,timestamp,"
        "time_this_iter_s,time_total_s,pid,hostname,node_ip,config,time_since_restore,"
        "timesteps_since_restore,iterations_since_restore\r\n"
        "1.0,False,,,1,00112233445566778899aabbccddeeff,2019-04-21_08-54-53,1555836893,0.5,0.5,42,"
        "here,127.0.0.1,\"{'width': 57, 'act': 're,lu'}\",0.5,0,1\r\n"
        "0.5,True,,,2,00112233445566778899aabbccddeeff,2019-04-21_08-54-53,1555836893,0.5,1.0,42,"
        "here,127.0.0.1,\"{'width': 57, 'act': 're,lu'}\",1.0,0,2\r\n");
}
END_TEST

START_TEST(the_log_again_makes_the_same_files)
{
    char *before;

    for (int round = 0; round < 2; round++) {
        add_experiment();
        (void)add_attempt(0, 1, 0);
        add_results(0, 1, 1, 3, false);
        (void)add_attempt(0, 2, 0);
        add_results(0, 2, 1, 2, true);
        put();
        if (round == 0) {
            before = file_text("trial_0/result.json");
            sinks_free(sinks);
            sinks = sinks_new();
        }
    }
    ck_assert_str_eq(file_text("trial_0/result.json"), before);
    ck_assert_int_eq(count_of(file_text("trial_0/superseded.json"), "\n"), 3);
    ck_assert_int_eq(count_of(file_text("trial_0/progress.csv"), "\r\n"), 3);
}
END_TEST

START_TEST(the_feed_gives_every_line_in_order)
{
    struct buf lines = {0};
    char path[128];
    uint64_t cursor = 0;

    add_experiment();
    (void)add_attempt(0, 1, 0);
    (void)add_attempt(1, 1, 0);
    add_results(0, 1, 1, 2, false);
    add_results(1, 1, 1, 1, false);
    put();
    (void)add_attempt(0, 2, 0);
    add_results(0, 2, 1, 1, true);
    put();
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    ck_assert_uint_eq(sinks_feed_rows(sinks, 1), 4);
    ck_assert_int_eq(feed_experiment(path, &cursor, 4, 1, &lines), 0);
    ck_assert_uint_eq(cursor, 1); /* at least one line, whatever the limit */
    ck_assert_int_eq(feed_experiment(path, &cursor, 4, 1 << 20, &lines), 0);
    ck_assert_uint_eq(cursor, 4);
    ck_assert_int_eq(count_of(buf_text(&lines), "\n"), 4);
    ck_assert_int_eq(count_of(buf_text(&lines), "\"loss\": 0.5"), 1);
    buf_fini(&lines);
}
END_TEST

START_TEST(a_trial_is_read_by_whole_lines)
{
    struct buf lines = {0};
    char path[128];
    uint64_t cursor = 0;

    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 5, false);
    put();
    (void)snprintf(path, sizeof(path), "%s/exp/trial_0", folder);
    for (int i = 1; i <= 5; i++) {
        ck_assert_int_eq(feed_trial(path, &cursor, 10, &lines), 0);
        ck_assert_int_eq(count_of(buf_text(&lines), "\n"), i);
    }
    ck_assert_int_eq(feed_trial(path, &cursor, 10, &lines), 0);
    ck_assert_int_eq(count_of(buf_text(&lines), "\n"), 5);
    buf_fini(&lines);
}
END_TEST

START_TEST(output_is_put_at_its_place)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/exp/t", folder);
    ck_assert(sinks_output(sinks, span_text(path), 1, 0, 0, span_text("one\n")));
    ck_assert(sinks_output(sinks, span_text(path), 1, 0, 0, span_text("one\n")));
    ck_assert(sinks_output(sinks, span_text(path), 1, 0, 4, span_text("two\n")));
    ck_assert(sinks_output(sinks, span_text(path), 2, 0, 0, span_text("again\n")));
    ck_assert(sinks_output(sinks, span_text(path), 2, 0, 6, span_text("end\n")));
    sinks_drain(sinks);
    ck_assert_str_eq(file_text("t/stdout"), "one\ntwo\nagain\nend\n");
}
END_TEST

START_TEST(what_cannot_be_written_is_said_once)
{
    char trouble[512];
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    ck_assert_int_eq(fs_write_atomic(path, 0644, "x", 1),
                     0); /* a file where the folder should be */
    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 2, true);
    put();
    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_ptr_nonnull(strstr(trouble, path));
    ck_assert(!sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_uint_eq(sinks_feed_rows(sinks, 1), 2); /* nobody waits for them for ever */
}
END_TEST

START_TEST(a_replay_begins_anew_whatever_the_first_attempt_is)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/superseded.json", folder);
    for (int life = 0; life < 2; life++) {
        add_experiment();
        add_attempt(0, 2, 0); /* attempt 1 was lost before it started */
        add_results(0, 2, 1, 3, false);
        put();
        ck_assert_int_ne(access(path, F_OK), 0);
        sinks_free(sinks);
        sinks = sinks_new();
    }
}
END_TEST

/* One batch, of which the caller may not know whether it was written. */
static void put_unseen(void)
{
    sinks_put(sinks, effects.items, effects.count, NULL, NULL);
}

/* A head that was stopped may lead no more when it goes on, and others write the same files. */
START_TEST(nothing_is_written_beyond_its_time)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/exp/trial_0/result.json", folder);
    sinks_write_until(sinks, clock_ms());
    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, true);
    put_unseen();
    ck_assert_uint_eq(sinks_waiting(sinks), 1);
    ck_assert_int_ne(access(path, F_OK), 0);
    sinks_write_until(sinks, clock_ms() + 60000);
    sinks_drain(sinks);
    ck_assert_int_eq(count_of(file_text("trial_0/result.json"), "\n"), 3);
}
END_TEST

static void note(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

START_TEST(what_another_head_writes_is_left_to_it)
{
    atomic_int done = 0;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    sinks_write_until(sinks, 0);
    add_experiment();
    (void)add_attempt(0, 1, 0);
    add_results(0, 1, 1, 3, true);
    sinks_put(sinks, effects.items, effects.count, note, &done);
    sinks_abandon(sinks);
    sinks_drain(sinks);
    ck_assert_int_eq(done, 1);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Its end does not wait for a right to write that may never come. */
START_TEST(who_may_not_write_ends_at_once)
{
    sinks_write_until(sinks, 0);
    add_experiment();
    (void)add_attempt(0, 1, 0);
    put_unseen();
    sinks_free(sinks);
    sinks = NULL;
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sink");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, writes_the_files_as_tune_does);
    tcase_add_test(tc, the_log_again_makes_the_same_files);
    tcase_add_test(tc, the_feed_gives_every_line_in_order);
    tcase_add_test(tc, a_trial_is_read_by_whole_lines);
    tcase_add_test(tc, output_is_put_at_its_place);
    tcase_add_test(tc, what_cannot_be_written_is_said_once);
    tcase_add_test(tc, a_replay_begins_anew_whatever_the_first_attempt_is);
    tcase_add_test(tc, nothing_is_written_beyond_its_time);
    tcase_add_test(tc, what_another_head_writes_is_left_to_it);
    tcase_add_test(tc, who_may_not_write_ends_at_once);
    suite_add_tcase(s, tc);
    return s;
}
