/* The sections budget and plateau of an experiment. */
#include <math.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

#define BY_LOSS NATIVE ", 'metric': 'loss', 'mode': 'min', "

START_TEST(a_budget_is_read)
{
    check_parses("{" NATIVE "}");
    ck_assert(spec.budget.time_ms == 0 && spec.budget.trials == 0 && !spec.budget.has_target);
    check_parses("{" BY_LOSS "'budget': {'time': '1d', 'trials': 500, 'no_improvement': 50, "
                 "'target': -0.5, 'max_failed': 10}}");
    ck_assert_uint_eq(spec.budget.time_ms, 86400000);
    ck_assert_uint_eq(spec.budget.trials, 500);
    ck_assert_uint_eq(spec.budget.no_improvement, 50);
    ck_assert(spec.budget.has_target && spec.budget.target == -0.5);
    ck_assert_uint_eq(spec.budget.max_failed, 10);
    check_parses("{" NATIVE ", 'budget': {'time': 90, 'trials': null}}");
    ck_assert_uint_eq(spec.budget.time_ms, 90000);
    check_parses("{" NATIVE ", 'budget': null}");
}
END_TEST

START_TEST(a_bound_is_what_it_can_be)
{
    check_refused("{" NATIVE ", 'budget': {}}", "budget", "has no bound");
    check_refused("{" NATIVE ", 'budget': {'time': null}}", "budget", "has no bound");
    check_refused("{" NATIVE ", 'budget': 5}", "budget", "must be a map of bounds");
    check_refused("{" NATIVE ", 'budget': {'time': '0s'}}", "budget.time", "longer than nothing");
    check_refused("{" NATIVE ", 'budget': {'trials': 0}}", "budget.trials", "from 1 to");
    check_refused("{" NATIVE ", 'budget': {'trials': 1.5}}", "budget.trials", "whole number");
    check_refused("{" NATIVE ", 'budget': {'max_failed': -1}}", "budget.max_failed", "from 1 to");
    check_refused("{" BY_LOSS "'budget': {'target': 'x'}}", "budget.target", "number");
    check_refused("{" NATIVE ", 'budget': {'trails': 5}}", "budget.trails", "trails");
    ck_assert_ptr_nonnull(strstr(error.mend, "trials"));
}
END_TEST

/* Whoever goes by a metric has to know which, and which side of it is good. */
START_TEST(a_bound_needs_its_metric)
{
    check_refused("{" NATIVE ", 'budget': {'target': 1}}", "budget.target", "needs a metric");
    check_refused("{" NATIVE ", 'budget': {'no_improvement': 1}}", "budget.no_improvement",
                  "needs a metric");
    check_refused("{" NATIVE ", 'metric': 'loss', 'budget': {'target': 1}}", "budget.target",
                  "whether loss is to grow or to shrink");
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'metric': 'loss', 'mode': 'min'}, "
                 "'budget': {'target': 1}}");
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'reward_attr': 'r'}, 'metric': 'r', "
                 "'budget': {'target': 1, 'no_improvement': 2}}");
    check_refused("{" NATIVE ", 'scheduler': {'type': 'asha', 'reward_attr': 'r'}, 'metric': 'q', "
                  "'budget': {'target': 1}}",
                  "budget.target", "whether q is to grow");
}
END_TEST

START_TEST(a_plateau_is_read)
{
    check_parses("{" NATIVE "}");
    ck_assert_uint_eq(spec.plateau.patience, 0);
    check_parses("{" BY_LOSS "'plateau': {'patience': 5}}");
    ck_assert_str_eq(spec.plateau.metric, "loss");
    ck_assert_int_eq(spec.plateau.side, PLATEAU_DOWN);
    ck_assert_uint_eq(spec.plateau.patience, 5);
    ck_assert(spec.plateau.delta == 0);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'reward_attr': 'r'}, "
                 "'plateau': {'patience': 1, 'delta': 0.25}}");
    ck_assert_str_eq(spec.plateau.metric, "r");
    ck_assert_int_eq(spec.plateau.side, PLATEAU_UP);
    ck_assert(spec.plateau.delta == 0.25);
}
END_TEST

/* The mode is that of the experiment's metric, and of no other. */
START_TEST(nobody_says_the_side_of_another_metric)
{
    check_parses("{" BY_LOSS "'plateau': {'metric': 'acc', 'patience': 5}}");
    ck_assert_int_eq(spec.plateau.side, PLATEAU_EITHER);
    check_parses("{" NATIVE ", 'plateau': {'metric': 'acc', 'patience': 5}}");
    ck_assert_int_eq(spec.plateau.side, PLATEAU_EITHER);
    check_parses("{" NATIVE ", 'metric': 'acc', 'plateau': {'patience': 5}}");
    ck_assert_int_eq(spec.plateau.side, PLATEAU_EITHER);
}
END_TEST

START_TEST(a_plateau_is_what_it_can_be)
{
    check_refused("{" NATIVE ", 'plateau': {'patience': 5}}", "plateau", "needs a metric");
    check_refused("{" BY_LOSS "'plateau': {'delta': 5}}", "plateau", "patience");
    check_refused("{" BY_LOSS "'plateau': 3}", "plateau", "must be a map");
    check_refused("{" BY_LOSS "'plateau': {'patience': 0}}", "plateau.patience", "from 1 to");
    check_refused("{" BY_LOSS "'plateau': {'patience': 1, 'delta': -0.1}}", "plateau.delta",
                  "0 or more");
    check_refused("{" BY_LOSS "'plateau': {'patience': 1, 'metric': ''}}", "plateau.metric", "");
    check_refused("{" BY_LOSS "'plateau': {'patiance': 1}}", "plateau.patiance", "patiance");
}
END_TEST

/* Executors look for the metric as for those of stop rules; nobody else sees the rule. */
START_TEST(its_metric_is_watched)
{
    check_parses("{" BY_LOSS "'stop': {'training_iteration': 5}, 'plateau': {'patience': 5}}");
    ck_assert_uint_eq(spec.stop_count, 1);
    ck_assert_uint_eq(spec.watched_count, 2);
    ck_assert(span_is(spec.stop[1].metric, "loss") && isnan(spec.stop[1].bound));
    check_parses("{" BY_LOSS "'plateau': {'patience': 5}}");
    ck_assert_uint_eq(spec.stop_count, 0);
    ck_assert_uint_eq(spec.watched_count, 1);
    check_parses("{" BY_LOSS "'stop': {'loss': 5}}");
    ck_assert_uint_eq(spec.watched_count, 1);
}
END_TEST

START_TEST(there_is_room_for_its_rule)
{
    struct buf json = {0};

    buf_append_text(&json, "{" BY_LOSS "'plateau': {'patience': 5}, 'stop': {'m0': 1");
    for (uint32_t i = 1; i < LIMIT_STOP_RULES - 1; i++)
        buf_printf(&json, ", 'm%u': 1", i);
    buf_append_text(&json, "}}");
    check_parses(buf_text(&json));
    ck_assert_uint_eq(spec.watched_count, LIMIT_STOP_RULES);
    json.size -= 2;
    buf_append_text(&json, ", 'last': 1}}");
    check_refused(buf_text(&json), "plateau", "one rule more");
    buf_fini(&json);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spec_budget");
    TCase *t = tcase_create("spec_budget");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_budget_is_read);
    tcase_add_test(t, a_bound_is_what_it_can_be);
    tcase_add_test(t, a_bound_needs_its_metric);
    tcase_add_test(t, a_plateau_is_read);
    tcase_add_test(t, nobody_says_the_side_of_another_metric);
    tcase_add_test(t, a_plateau_is_what_it_can_be);
    tcase_add_test(t, its_metric_is_watched);
    tcase_add_test(t, there_is_room_for_its_rule);
    suite_add_tcase(s, t);
    return s;
}
