/* links: client */
#include "tests/lib/run_suite.h"
#include "tests/unit/drive_rig.h"

#define ADDED ", 'num_samples': 0"
#define ASHA                                                                                       \
    ", 'scheduler': {'type': 'asha', 'grace_period': 1, 'max_t': 9, 'reduction_factor': 3, "       \
    "'semantics': 'tune-0.7'}"

static struct drive *drive;

static void teardown(void)
{
    drive_free(drive);
    drive = NULL;
    drive_rig_fini();
}

static void add(const char *name)
{
    ck_assert_str_eq(drive_says(drive, arena_printf(&drive_arena,
                                                    "{'op':'add','trial':'%s','config':{}}", name)),
                     arena_printf(&drive_arena, "{'trial':'%s'}", name));
}

/* Whoever is asked for next is this one. */
static void start(const char *name)
{
    const char *begins = arena_printf(&drive_arena, "{'trial':'%s','config':{", name);
    const char *answer = drive_says(drive, "{'op':'ask'}");

    ck_assert_msg(strncmp(answer, begins, strlen(begins)) == 0, "%s: %s", name, answer);
}

static void check_has(const char *line, const char *part)
{
    const char *answer = drive_says(drive, line);

    ck_assert_msg(strstr(answer, part) != NULL, "%s: %s has no %s", line, answer, part);
}

START_TEST(trials_come_from_the_searcher_until_it_has_no_more)
{
    drive = drive_made(", 'config': {'a': {'grid_search': [1, 2.5]}}");
    ck_says(drive, "{'op':'ask'}", "{'trial':'t0','config':{'a':1},'resume':false,'horizon':null}");
    ck_says(drive, "{'op':'ask'}",
            "{'trial':'t1','config':{'a':2.5},'resume':false,'horizon':null}");
    ck_says(drive, "{'op':'ask'}", "{'trial':null}");
    ck_says(drive, "{'op':'complete','trial':'t1'}", "{'trial':'t1'}");
    ck_says(drive, "{'op':'ask'}", "{'trial':null}");
    ck_says(drive, "{'op':'complete','trial':'t0','result':{'r':1}}", "{'trial':'t0'}");
    ck_says(drive, "{'op':'ask'}", "{'trial':null,'done':true}");
    ck_says(drive, "{'op':'status'}",
            "{'states':{'t0':'TERMINATED','t1':'TERMINATED'},'num_stopped':0,"
            "'text':'Using FIFO scheduling algorithm.','cutoffs':[]}");
}
END_TEST

START_TEST(a_peek_changes_nothing)
{
    uint64_t before;

    drive = drive_made(", 'num_samples': 3, 'config': {'a': {'uniform': [0, 1]}}, "
                       "'search': {'type': 'random', 'seed': 4}");
    before = drive_digest(drive);
    for (int i = 0; i < 3; i++) {
        const char *seen =
            arena_strdup(&drive_arena, drive_says(drive, "{'op':'ask','peek':true}"));

        ck_assert(i > 0 || drive_digest(drive) == before);
        ck_says(drive, "{'op':'ask','peek':true}", seen);
        ck_says(drive, "{'op':'ask','peek':false}", seen);
        ck_assert(drive_digest(drive) != before);
    }
    ck_says(drive, "{'op':'ask','peek':true}", "{'trial':null}");
}
END_TEST

START_TEST(what_is_blocked_is_passed_over)
{
    drive = drive_made(", 'num_samples': 3");
    ck_assert_ptr_nonnull(strstr(drive_says(drive, "{'op':'ask','blocked':['t0','t1']}"), "'t2'"));
    ck_says(drive, "{'op':'ask','blocked':['t1','t0']}", "{'trial':null}");
    ck_says(drive, "{'op':'ask','blocked':['t9']}", "{'error':'there is no trial t9'}");
    start("t0");
    start("t1");
}
END_TEST

START_TEST(max_concurrent_holds)
{
    drive = drive_made(", 'num_samples': 3, 'max_concurrent': 2");
    start("t0");
    start("t1");
    ck_says(drive, "{'op':'ask'}", "{'trial':null}");
    ck_says(drive, "{'op':'error','trial':'t0'}", "{'trial':'t0'}");
    start("t2");
}
END_TEST

START_TEST(a_stop_rule_ends_a_trial)
{
    drive = drive_made(", 'num_samples': 2, 'stop': {'training_iteration': 2, 'r': {'min': 0}}");
    start("t0");
    start("t1");
    ck_says(drive, "{'op':'result','trial':'t0','result':{'r':1}}",
            "{'trial':'t0','action':'continue'}");
    ck_says(drive, "{'op':'result','trial':'t0','result':{'r':1}}",
            "{'trial':'t0','action':'stop'}");
    ck_says(drive, "{'op':'result','trial':'t0','result':{'r':1}}",
            "{'error':'t0 does not run: it is TERMINATED'}");
    ck_says(drive, "{'op':'result','trial':'t1','result':{'loss':1}}",
            "{'error':'a stop rule names r, which is not in the result or no number'}");
    /* That one has not counted. */
    ck_says(drive, "{'op':'result','trial':'t1','result':{'r':1}}",
            "{'trial':'t1','action':'continue'}");
    ck_says(drive, "{'op':'result','trial':'t1','result':{'r':1,'done':true}}",
            "{'trial':'t1','action':'stop'}");
    ck_says(drive, "{'op':'ask'}", "{'trial':null,'done':true}");
}
END_TEST

/* The reference's 6.2. */
START_TEST(asha_decides_as_tune)
{
    static const struct {
        const char *trial;
        int time;
        const char *reward;
        const char *action;
    } steps[] = {
        {"a", 1, "10", "continue"}, {"b", 1, "20", "continue"}, {"c", 1, "5", "stop"},
        {"d", 1, "15", "continue"}, {"a", 2, "11", "continue"}, {"b", 3, "25", "continue"},
        {"a", 3, "12", "stop"},     {"d", 3, "24", "continue"}, {"e", 1, "30", "continue"},
        {"e", 5, "18", "stop"},     {"b", 9, "1", "stop"},      {"d", 8, "3", "continue"},
    };

    drive = drive_made(ADDED ASHA);
    for (char name[2] = "a"; name[0] <= 'e'; name[0]++) {
        add(name);
        start(name);
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        ck_assert_str_eq(drive_result_of(drive, steps[i].trial, steps[i].time, steps[i].reward),
                         arena_printf(&drive_arena, "{'trial':'%s','action':'%s'}", steps[i].trial,
                                      steps[i].action));
    ck_says(drive, "{'op':'status'}",
            "{'states':{'a':'TERMINATED','b':'TERMINATED','c':'TERMINATED','d':'RUNNING','e':"
            "'TERMINATED'},'num_stopped':4,'text':'Using AsyncHyperBand: num_stopped=4\\nBracket: "
            "Iter 9.000: None | Iter 3.000: 24.0 | Iter 1.000: 18.333333333333336','cutoffs':"
            "[null,24.0,18.333333333333336]}");
}
END_TEST

START_TEST(a_bracket_is_what_the_caller_says)
{
    drive = drive_made(ADDED ", 'scheduler': {'type': 'asha', 'grace_period': 1, 'max_t': 9, "
                             "'reduction_factor': 3, 'brackets': 2}");
    ck_says(drive, "{'op':'add','config':{},'bracket':1}", "{'trial':'t0'}");
    ck_says(drive, "{'op':'add','config':{},'bracket':0}", "{'trial':'t1'}");
    ck_says(drive, "{'op':'add','config':{},'bracket':2}",
            "{'error':'there is no bracket 2: the first is 0'}");
    check_has("{'op':'ask'}", "'horizon':{'training_iteration':3}");
    check_has("{'op':'ask'}", "'horizon':{'training_iteration':1}");
    ck_says(drive, "{'op':'ask'}", "{'trial':null}");
    drive_free(drive);
    drive = drive_made(ADDED);
    ck_says(drive, "{'op':'add','config':{},'bracket':0}",
            "{'error':'the fifo scheduler draws no brackets'}");
}
END_TEST

static void run_to(uint32_t first, uint32_t last, int time, const char *const *rewards,
                   const char *answer)
{
    for (uint32_t i = first; i <= last; i++) {
        const char *name = arena_printf(&drive_arena, "t%u", i);

        ck_assert_str_eq(drive_result_of(drive, name, time, rewards[i - first]),
                         arena_printf(&drive_arena, "{'trial':'%s','action':'%s'}", name, answer));
    }
}

/* The reference's 6.3. */
START_TEST(hyperband_stops_and_resumes_others)
{
    static const char *const rewards[] = {"3", "1", "4", "1", "5", "9", "2"};

    drive = drive_made(", 'num_samples': 13, 'scheduler': {'type': 'hyperband', 'max_t': 9, "
                       "'semantics': 'tune-0.7'}");
    for (uint32_t i = 0; i < 13; i++)
        ck_assert_ptr_null(strstr(drive_says(drive, "{'op':'ask'}"), "null"));
    run_to(5, 11, 3, rewards, "pause");
    ck_assert_str_eq(drive_result_of(drive, "t12", 3, "6"),
                     "{'trial':'t12','action':'continue','also':[{'trial':'t6','action':'stop'},"
                     "{'trial':'t8','action':'stop'},{'trial':'t11','action':'stop'},"
                     "{'trial':'t5','action':'stop'},{'trial':'t7','action':'stop'},"
                     "{'trial':'t9','action':'resume'},{'trial':'t10','action':'resume'}]}");
    check_has("{'op':'status'}",
              "'t9':'PENDING','t10':'PENDING','t11':'TERMINATED','t12':'RUNNING'");
    check_has("{'op':'status'}", "'num_stopped':5,");
    check_has("{'op':'status'}", "Max Size (n)=3, Milestone (r)=9, completed=57.1%");
    check_has("{'op':'ask'}",
              "{'trial':'t9','config':{},'resume':true,'horizon':{'training_iteration':9}}");
    check_has("{'op':'ask'}", "'t10','config':{},'resume':true");
    ck_assert_str_eq(drive_result_of(drive, "t9", 9, "1"), "{'trial':'t9','action':'pause'}");
    ck_assert_str_eq(drive_result_of(drive, "t10", 9, "1"), "{'trial':'t10','action':'pause'}");
    ck_assert_str_eq(drive_result_of(drive, "t12", 9, "1"),
                     "{'trial':'t12','action':'stop','also':[{'trial':'t9','action':'stop'},"
                     "{'trial':'t10','action':'stop'}]}");
}
END_TEST

/* Who is alone at a rung waits until somebody else is better, or nobody is left. */
START_TEST(who_waits_for_itself_is_stopped_when_asked)
{
    drive = drive_made(ADDED ", 'scheduler': {'type': 'asha', 'form': 'promotion', "
                             "'grace_period': 1, 'max_t': 9, 'reduction_factor': 3}");
    add("a");
    start("a");
    ck_assert_str_eq(drive_result_of(drive, "a", 1, "3"), "{'trial':'a','action':'pause'}");
    add("b");
    add("c");
    start("b");
    ck_assert_str_eq(drive_result_of(drive, "b", 1, "2"), "{'trial':'b','action':'pause'}");
    start("c");
    ck_assert_str_eq(drive_result_of(drive, "c", 1, "1"), "{'trial':'c','action':'pause'}");
    ck_says(drive, "{'op':'ask','blocked':['a']}", "{'trial':null}");
    ck_says(drive, "{'op':'ask'}",
            "{'trial':'a','config':{},'resume':true,'horizon':{'training_iteration':3}}");
    ck_says(drive, "{'op':'ask','peek':true}", "{'trial':null}");
    ck_assert_str_eq(drive_result_of(drive, "a", 3, "3"), "{'trial':'a','action':'pause'}");
    ck_says(drive, "{'op':'ask','peek':true}", "{'trial':null,'done':true}");
    ck_says(drive, "{'op':'ask','blocked':['b']}", "{'trial':null}");
    ck_says(drive, "{'op':'ask'}",
            "{'trial':null,'done':true,'also':[{'trial':'a','action':'stop'},"
            "{'trial':'b','action':'stop'},{'trial':'c','action':'stop'}]}");
    ck_says(drive, "{'op':'best'}",
            "{'trial':'a','metric':'r','mode':'max','value':3.0,'training_iteration':1,"
            "'config':{}}");
}
END_TEST

START_TEST(added_trials_take_nothing_from_the_searcher)
{
    drive = drive_made(", 'num_samples': 300, 'config': {'a': {'grid_search': [1, 2]}}");
    ck_says(drive, "{'op':'add','config':{'a':9,'b':'x'}}", "{'trial':'t256'}");
    for (uint32_t i = 0; i < 601; i++) {
        const char *config =
            i == 256 ? "{'a':9,'b':'x'}"
                     : arena_printf(&drive_arena, "{'a':%u}", 1 + (i > 256 ? i - 1 : i) % 2);

        ck_says(drive, "{'op':'ask'}",
                arena_printf(&drive_arena,
                             "{'trial':'t%u','config':%s,'resume':false,'horizon':null}", i,
                             config));
        ck_says(drive, arena_printf(&drive_arena, "{'op':'complete','trial':'t%u'}", i),
                arena_printf(&drive_arena, "{'trial':'t%u'}", i));
    }
    ck_says(drive, "{'op':'ask'}", "{'trial':null,'done':true}");
    ck_says(drive, "{'op':'add','config':{}}", "{'trial':'t601'}");
    start("t601");
}
END_TEST

START_TEST(names_are_the_callers)
{
    drive = drive_made(ADDED);
    add("t1");
    ck_says(drive, "{'op':'add','config':{}}", "{'trial':'t1_2'}");
    ck_says(drive, "{'op':'add','config':{}}", "{'trial':'t2'}");
    ck_says(drive, "{'op':'add','trial':'t2','config':{}}",
            "{'error':'there is a trial t2 already'}");
    add("\\u00e9 \\n\\\\");
    start("t1");
    start("t1_2");
}
END_TEST

START_TEST(who_is_requeued_comes_first_and_begins_again)
{
    drive = drive_made(", 'num_samples': 2" ASHA);
    start("t0");
    drive_result_of(drive, "t0", 1, "7");
    ck_says(drive, "{'op':'requeue','trial':'t0'}", "{'trial':'t0'}");
    check_has("{'op':'status'}", "'t0':'PENDING'");
    ck_says(drive, "{'op':'requeue','trial':'t0'}", "{'error':'t0 does not run: it is PENDING'}");
    ck_says(
        drive, "{'op':'ask'}",
        "{'trial':'t0','config':{},'resume':false,'horizon':{'training_iteration':3}}"); /* it was
                                                                                            at 1 */
    /* As often as it likes: losses are the caller's to count. */
    for (int i = 0; i < 20; i++) {
        ck_says(drive, "{'op':'requeue','trial':'t0'}", "{'trial':'t0'}");
        start("t0");
    }
    ck_assert_str_eq(drive_result_of(drive, "t0", 3, "1"), "{'trial':'t0','action':'continue'}");
    start("t1");
    ck_assert_str_eq(drive_result_of(drive, "t1", 1, "6"), "{'trial':'t1','action':'stop'}");
}
END_TEST

/* One that had paused goes on from there. */
START_TEST(who_is_requeued_goes_on_from_its_pause)
{
    drive = drive_made(", 'num_samples': 3, 'scheduler': {'type': 'asha', 'form': 'promotion', "
                       "'grace_period': 1, 'max_t': 9, 'reduction_factor': 3}");
    for (int i = 0; i < 3; i++) {
        const char *name = arena_printf(&drive_arena, "t%d", i);

        start(name);
        drive_result_of(drive, name, 1, i == 1 ? "5" : "4");
    }
    check_has("{'op':'ask'}", "'t1','config':{},'resume':true");
    drive_says(drive, "{'op':'result','trial':'t1','result':{'r':6}}");
    ck_says(drive, "{'op':'requeue','trial':'t1'}", "{'trial':'t1'}");
    check_has("{'op':'ask'}", "'t1','config':{},'resume':true");
    check_has("{'op':'best'}", "'value':5.0,'training_iteration':1"); /* 6 is to be made anew */
    drive_says(drive, "{'op':'result','trial':'t1','result':{'r':6}}");
    check_has("{'op':'best'}", "'value':6.0,'training_iteration':2");
}
END_TEST

START_TEST(error_is_final_and_remove_ends_any)
{
    drive = drive_made(", 'num_samples': 4, 'max_failures': -1");
    start("t0");
    start("t1");
    for (int i = 0; i < 2; i++)
        ck_says(drive, "{'op':'error','trial':'t0'}",
                i == 0 ? "{'trial':'t0'}" : "{'error':'t0 does not run: it is ERROR'}");
    ck_says(drive, "{'op':'remove','trial':'t1'}", "{'trial':'t1'}");
    ck_says(drive, "{'op':'remove','trial':'t1'}", "{'error':'t1 has ended: it is TERMINATED'}");
    ck_says(drive, "{'op':'remove','trial':'t2'}", "{'trial':'t2'}");
    ck_says(drive, "{'op':'error','trial':'t3'}", "{'error':'t3 does not run: it is PENDING'}");
    start("t3");
    ck_says(drive, "{'op':'ask'}", "{'trial':null}");
}
END_TEST

/* A head ends an experiment of which all fails at once; a caller may go on. */
START_TEST(any_number_may_fail)
{
    drive = drive_made(", 'num_samples': 40");
    for (int i = 0; i < 40; i++) {
        start(arena_printf(&drive_arena, "t%d", i));
        drive_says(drive, arena_printf(&drive_arena, "{'op':'error','trial':'t%d'}", i));
    }
    ck_says(drive, "{'op':'ask'}", "{'trial':null,'done':true}");
}
END_TEST

/* Who leaves a bracket lets the others halve. */
START_TEST(others_hear_of_one_that_leaves)
{
    drive = drive_made(", 'num_samples': 13, 'scheduler': {'type': 'hyperband', 'max_t': 9, "
                       "'semantics': 'tune-0.7'}");
    for (int i = 0; i < 13; i++)
        drive_says(drive, "{'op':'ask'}");
    for (int i = 5; i < 12; i++)
        drive_result_of(drive, arena_printf(&drive_arena, "t%d", i), 3, "1");
    ck_says(drive, "{'op':'error','trial':'t12'}",
            "{'trial':'t12','also':[{'trial':'t5','action':'stop'},{'trial':'t6','action':'stop'},"
            "{'trial':'t7','action':'stop'},{'trial':'t8','action':'stop'},"
            "{'trial':'t9','action':'resume'},{'trial':'t10','action':'resume'},"
            "{'trial':'t11','action':'resume'}]}");
}
END_TEST

START_TEST(results_may_be_nested_and_no_numbers)
{
    drive = drive_made(", 'num_samples': 2, 'scheduler': {'type': 'asha', 'metric': 'a/b', "
                       "'mode': 'min', 'max_t': 4}, 'stop': {'a.b': {'min': -1}}");
    start("t0");
    ck_says(drive, "{'op':'best'}", "{'trial':null,'metric':'r','mode':'max'}");
    ck_says(drive, "{'op':'result','trial':'t0','result':{'a':{'b':NaN},'r':NaN}}",
            "{'trial':'t0','action':'continue'}");
    ck_says(drive, "{'op':'best'}", "{'trial':null,'metric':'r','mode':'max'}");
    start("t1");
    ck_says(drive,
            "{'op':'result','trial':'t1','result':{'a':{'b':Infinity},'r':-2.5,"
            "'list':[1,null,'x'],'training_iteration':7}}",
            "{'trial':'t1','action':'stop'}");
    ck_says(drive, "{'op':'best'}",
            "{'trial':'t1','metric':'r','mode':'max','value':-2.5,'training_iteration':7,"
            "'config':{}}");
}
END_TEST

START_TEST(time_is_what_the_caller_says)
{
    drive = drive_made(", 'scheduler': {'type': 'asha', 'time_attr': 'time_total_s', 'max_t': 60, "
                       "'grace_period': 5}");
    check_has("{'op':'ask'}", "'horizon':{'time_total_s':5}");
    ck_says(drive, "{'op':'result','trial':'t0','result':{'r':1,'time_total_s':59.5}}",
            "{'trial':'t0','action':'continue'}");
    ck_says(drive, "{'op':'result','trial':'t0','result':{'r':1,'time_this_iter_s':0.5}}",
            "{'trial':'t0','action':'stop'}");
}
END_TEST

START_TEST(wrong_lines_say_what_is_wrong)
{
    static const struct {
        const char *line;
        const char *error;
    } wrong[] = {
        {"", "column 1: the text ends here; a value expected"},
        {"[1]", "a line is a JSON object, not a list"},
        {"{}", "the line has no 'op': {'op':'ask'}"},
        {"{'op':1}", "op must be a text, not a whole number"},
        {"{'op':'aks'}", "there is no op 'aks': did you mean 'ask'?"},
        {"{'op':'qqqqqqq'}", "there is no op 'qqqqqqq': one of: ask, add, result, complete, error, "
                             "remove, requeue, status, best"},
        {"{'op':'ask','peak':true}", "there is no key of ask 'peak': did you mean 'peek'?"},
        {"{'op':'ask','peek':1}", "peek must be true or false, not a whole number"},
        {"{'op':'ask','blocked':'t0'}", "blocked must be a list, not a text"},
        {"{'op':'ask','blocked':[0]}", "each of blocked must be a text, not a whole number"},
        {"{'op':'add'}", "add needs 'config'"},
        {"{'op':'add','config':[]}", "config must be a map, not a list"},
        {"{'op':'add','config':{},'trial':''}", "a trial's name has 1 to 128 bytes"},
        {"{'op':'add','config':{},'bracket':-1}", "bracket must be a whole number from 0"},
        {"{'op':'result','trial':'t0'}", "result needs 'result'"},
        {"{'op':'result','trial':'t0','result':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{}}}}}}}}}}",
         "the result is over a limit: 65536 bytes, 512 keys, 8 levels"},
        {"{'op':'status','trial':'t0'}", "there is no key of status 'trial': one of: op"},
        {"{'op':'ask','op':'ask'}", "column 24: a key comes twice in the map that ends here"},
    };

    drive = drive_made("");
    start("t0");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint64_t before = drive_digest(drive);
        const char *answer = drive_says(drive, wrong[i].line);
        struct buf plain = {0};

        for (const char *at = answer; *at != '\0'; at++)
            if (*at != '\\')
                buf_append_char(&plain, *at);
        ck_assert_str_eq(buf_text(&plain),
                         arena_printf(&drive_arena, "{'error':'%s'}", wrong[i].error));
        buf_fini(&plain);
        ck_assert(drive_digest(drive) == before);
    }
}
END_TEST

START_TEST(what_is_quoted_is_cut_between_letters)
{
    struct buf line = {0};

    drive = drive_made("");
    buf_append_text(&line, "{'op':'x");
    for (int i = 0; i < 40; i++)
        buf_append_text(&line, "\xc3\xa9");
    buf_append_text(&line, "'}");
    check_has(buf_text(&line), "{'error':'there is no op 'x\\u00e9");
    buf_fini(&line);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("drive");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, trials_come_from_the_searcher_until_it_has_no_more);
    tcase_add_test(tests, a_peek_changes_nothing);
    tcase_add_test(tests, what_is_blocked_is_passed_over);
    tcase_add_test(tests, max_concurrent_holds);
    tcase_add_test(tests, a_stop_rule_ends_a_trial);
    tcase_add_test(tests, asha_decides_as_tune);
    tcase_add_test(tests, a_bracket_is_what_the_caller_says);
    tcase_add_test(tests, hyperband_stops_and_resumes_others);
    tcase_add_test(tests, who_waits_for_itself_is_stopped_when_asked);
    tcase_add_test(tests, added_trials_take_nothing_from_the_searcher);
    tcase_add_test(tests, names_are_the_callers);
    tcase_add_test(tests, who_is_requeued_comes_first_and_begins_again);
    tcase_add_test(tests, who_is_requeued_goes_on_from_its_pause);
    tcase_add_test(tests, error_is_final_and_remove_ends_any);
    tcase_add_test(tests, any_number_may_fail);
    tcase_add_test(tests, others_hear_of_one_that_leaves);
    tcase_add_test(tests, results_may_be_nested_and_no_numbers);
    tcase_add_test(tests, time_is_what_the_caller_says);
    tcase_add_test(tests, wrong_lines_say_what_is_wrong);
    tcase_add_test(tests, what_is_quoted_is_cut_between_letters);
    suite_add_tcase(all, tests);
    return all;
}
