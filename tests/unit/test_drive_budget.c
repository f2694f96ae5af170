/* links: client */
/* budget and plateau hold where the caller runs the trials. */
#include "tests/lib/run_suite.h"
#include "tests/unit/drive_rig.h"

#define ASK "{'op':'ask'}"

static struct drive *drive;

static void start(const char *more)
{
    drive = drive_made(more);
}

static void teardown(void)
{
    drive_free(drive);
    drive = NULL;
    drive_rig_fini();
}

static void ask_for(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_ptr_nonnull(strstr(drive_says(drive, ASK), "'config'"));
}

/* A line that comes so much later. */
static const char *says_later(const char *line, uint64_t ms)
{
    buf_reset(&drive_said);
    drive_line(drive, span_text(drive_quoted(line)), DRIVE_NOW_MS + ms, &drive_said);
    for (size_t i = 0; i < drive_said.size; i++)
        drive_said.data[i] = drive_said.data[i] == '"' ? '\'' : drive_said.data[i];
    return buf_text(&drive_said);
}

START_TEST(a_plateau_ends_a_trial)
{
    start(", 'plateau': {'patience': 2}");
    ck_assert_ptr_nonnull(strstr(drive_says(drive, ASK), "'horizon':{'training_iteration':2}"));
    ck_assert_ptr_nonnull(strstr(drive_result_of(drive, "t0", 1, "5"), "'continue'"));
    ck_assert_ptr_nonnull(strstr(drive_result_of(drive, "t0", 2, "4"), "'continue'"));
    ck_says(drive, "{'op':'result','trial':'t0','result':{'loss':5}}",
            "{'error':'a stop rule names r, which is not in the result or no number'}");
    ck_assert_str_eq(drive_result_of(drive, "t0", 3, "5"), "{'trial':'t0','action':'stop'}");
    ck_says(drive, ASK, "{'trial':null,'done':true}");
}
END_TEST

START_TEST(a_target_ends_all)
{
    start(", 'num_samples': 9, 'budget': {'target': 7}");
    ask_for(2);
    ck_assert_str_eq(drive_result_of(drive, "t1", 1, "7"),
                     "{'trial':'t1','action':'stop','also':[{'trial':'t0','action':'stop'},"
                     "{'trial':'t2','action':'stop'},{'trial':'t3','action':'stop'},"
                     "{'trial':'t4','action':'stop'},{'trial':'t5','action':'stop'},"
                     "{'trial':'t6','action':'stop'},{'trial':'t7','action':'stop'},"
                     "{'trial':'t8','action':'stop'}]}");
    ck_says(drive, ASK, "{'trial':null,'done':true}");
    ck_assert_ptr_nonnull(strstr(drive_says(drive, "{'op':'status'}"),
                                 "'why':'its target is reached: r is 7.0 in trial 1"));
    ck_says(drive, "{'op':'add','config':{}}", "{'error':'the budget of the experiment is spent'}");
    ck_says(drive, ASK, "{'trial':null,'done':true}");
}
END_TEST

START_TEST(trials_are_counted_with_those_that_are_added)
{
    start(", 'num_samples': 9, 'budget': {'trials': 3}");
    ck_says(drive, "{'op':'add','config':{}}", "{'error':'the budget of the experiment is spent'}");
    ask_for(3);
    ck_says(drive, ASK, "{'trial':null}");
    drive_free(drive);
    start(", 'num_samples': 0, 'budget': {'trials': 1}");
    ck_says(drive, "{'op':'add','config':{}}", "{'trial':'t0'}");
    ck_says(drive, "{'op':'add','config':{}}", "{'error':'the budget of the experiment is spent'}");
    ask_for(1);
    ck_says(drive, "{'op':'complete','trial':'t0'}", "{'trial':'t0'}");
    ck_says(drive, ASK, "{'trial':null,'done':true}");
}
END_TEST

START_TEST(failed_trials_are_counted)
{
    start(", 'num_samples': 4, 'max_failures': -1, 'budget': {'max_failed': 2}");
    ask_for(3);
    ck_says(drive, "{'op':'error','trial':'t0'}", "{'trial':'t0'}");
    ck_says(drive, "{'op':'requeue','trial':'t1'}", "{'trial':'t1'}");
    ask_for(1);
    ck_says(
        drive, "{'op':'error','trial':'t1'}",
        "{'trial':'t1','also':[{'trial':'t2','action':'stop'},{'trial':'t3','action':'stop'}]}");
    ck_says(drive, ASK, "{'trial':null,'done':true}");
}
END_TEST

START_TEST(those_that_get_no_better_are_counted)
{
    start(", 'num_samples': 4, 'budget': {'no_improvement': 2}");
    ask_for(3);
    (void)drive_result_of(drive, "t0", 1, "5");
    ck_says(drive, "{'op':'complete','trial':'t0'}", "{'trial':'t0'}");
    ck_says(drive, "{'op':'complete','trial':'t1'}", "{'trial':'t1'}");
    ck_says(drive, "{'op':'complete','trial':'t2','result':{'r':5}}",
            "{'trial':'t2','also':[{'trial':'t3','action':'stop'}]}");
    ck_says(drive, ASK, "{'trial':null,'done':true}");
}
END_TEST

START_TEST(time_ends_with_the_next_line)
{
    static const char *const result = "{'op':'result','trial':'t1','result':{'r':5}}";

    start(", 'num_samples': 3, 'budget': {'time': '10s'}");
    ask_for(2);
    ck_assert_str_eq(says_later(result, 9999), "{'trial':'t1','action':'continue'}\n");
    ck_assert_str_eq(says_later("{'op':'ask','peek':true}", 10000),
                     "{'trial':null}\n"); /* in a copy alone, of which nothing has left yet */
    ck_assert_str_eq(says_later(result, 10000),
                     "{'trial':'t1','action':'stop','also':[{'trial':'t0','action':'stop'},"
                     "{'trial':'t2','action':'stop'}]}\n");
    ck_assert_str_eq(says_later(ASK, 10000), "{'trial':null,'done':true}\n");
}
END_TEST

START_TEST(time_ends_before_a_trial_is_given)
{
    start(", 'num_samples': 3, 'budget': {'time': '10s'}");
    ask_for(1);
    ck_assert_str_eq(says_later(ASK, 10000),
                     "{'trial':null,'done':true,'also':[{'trial':'t0','action':'stop'},"
                     "{'trial':'t1','action':'stop'},{'trial':'t2','action':'stop'}]}\n");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("drive_budget");
    TCase *t = tcase_create("drive_budget");

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, a_plateau_ends_a_trial);
    tcase_add_test(t, a_target_ends_all);
    tcase_add_test(t, trials_are_counted_with_those_that_are_added);
    tcase_add_test(t, failed_trials_are_counted);
    tcase_add_test(t, those_that_get_no_better_are_counted);
    tcase_add_test(t, time_ends_with_the_next_line);
    tcase_add_test(t, time_ends_before_a_trial_is_given);
    suite_add_tcase(s, t);
    return s;
}
