/* links: client */
/* What trials of a simulation report: tables as they are found, and formulas. */
#include <math.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/simulation_rig.h"

static void teardown(void)
{
    simulation_rig_fini();
}

static void give(uint32_t trial, const char *config)
{
    curves_give(simulation_curves, trial, simulation_value(config));
}

/* The metrics of its next step. */
static const char *step(uint32_t trial, int64_t past)
{
    struct buf text = {0};
    struct curve_step out;
    const char *kept;
    double seconds;

    ck_assert(curves_seconds(simulation_curves, trial, past, &seconds));
    curves_step(simulation_curves, trial, past, &simulation_arena, &out);
    json_write(&out.metrics, JSON_COMPACT, &text);
    kept = arena_printf(&simulation_arena, "%s %g%s", buf_text(&text), seconds,
                        out.last ? " last" : "");
    buf_fini(&text);
    return kept;
}

START_TEST(a_trial_has_the_curve_of_its_configuration)
{
    double seconds;

    simulation_takes_table("lr,act,training_iteration,loss\n"
                           "0.1,relu,1,5\n1,relu,1,7\n0.1,relu,2,4\n0.1,tanh,1,9\n1,relu,2,6.5\n",
                           "{'lr': {'uniform': [0, 1]}, 'act': {'choice': ['relu', 'tanh']}}");
    curves_begin(simulation_curves, 1);
    give(0, "{'lr': 0.1, 'act': 'relu'}");
    give(1, "{'lr': 1, 'act': 'relu'}");
    ck_assert_str_eq(step(0, 0), "{\"loss\":5,\"training_iteration\":1} 1");
    ck_assert_str_eq(step(0, 1), "{\"loss\":4,\"training_iteration\":2} 1 last");
    ck_assert_str_eq(step(1, 1), "{\"loss\":6.5,\"training_iteration\":2} 1 last");
    ck_assert(!curves_seconds(simulation_curves, 0, 2, &seconds));
    ck_assert_int_eq(curves_longest(simulation_curves), 2);
}
END_TEST

/* 0.3 is 0.2 of 0.9 from 0.1, and a text that differs counts as 1. */
START_TEST(one_that_is_not_in_the_table_has_the_nearest)
{
    struct buf text = {0};

    simulation_takes_table("lr,act,loss\n0.1,relu,5\n1,relu,7\n0.3,tanh,9\n",
                           "{'lr': {'uniform': [0, 1]}, 'act': {'choice': ['relu', 'tanh']}}");
    curves_begin(simulation_curves, 1);
    give(0, "{'lr': 0.3, 'act': 'relu'}");
    give(1, "{'lr': 0.3, 'act': 'tanh'}");
    ck_assert_str_eq(step(0, 0), "{\"loss\":5,\"training_iteration\":1} 1 last");
    ck_assert_str_eq(step(1, 0), "{\"loss\":9,\"training_iteration\":1} 1 last");
    curves_describe(simulation_curves, &text);
    ck_assert_str_eq(buf_text(&text), "3 curves of 1 step from table.csv; 50 % of the "
                                      "configurations are not in it: the nearest was taken");
    buf_fini(&text);
}
END_TEST

START_TEST(keys_of_maps_and_those_of_our_own_files_are_found)
{
    simulation_takes_table("config/model/size,training_iteration,time_total_s,loss\n"
                           "2,1,10,5\n2,2,30,4\n1,1,2,8\n",
                           "{'model': {'size': {'grid_search': [1, 2]}}}");
    curves_begin(simulation_curves, 1);
    give(0, "{'model': {'size': 2}}");
    ck_assert_str_eq(step(0, 0), "{\"loss\":5,\"training_iteration\":1} 10");
    ck_assert_str_eq(step(0, 1), "{\"loss\":4,\"training_iteration\":2} 20 last");
}
END_TEST

/* As `assay export --csv` writes them. */
START_TEST(so_are_those_with_points_in_their_names)
{
    simulation_takes_table("config.model.size,trial,pid,training_iteration,loss\n"
                           "2,7,1,1,5\n2,7,1,2,4\n1,8,1,1,8\n",
                           "{'model': {'size': {'grid_search': [1, 2]}}}");
    curves_begin(simulation_curves, 1);
    give(0, "{'model': {'size': 2}}");
    give(1, "{'model': {'size': 1}}");
    ck_assert_str_eq(step(0, 1), "{\"pid\":1,\"loss\":4,\"training_iteration\":2} 1 last");
    ck_assert_str_eq(step(1, 0), "{\"pid\":1,\"loss\":8,\"training_iteration\":1} 1 last");
}
END_TEST

START_TEST(json_lines_are_a_table_too)
{
    simulation_takes_table("{\"config\": {\"lr\": 1}, \"loss\": 3, \"time_this_iter_s\": 0.5}\n"
                           "\n{\"config\": {\"lr\": 2}, \"loss\": 2, \"accuracy\": null}\n",
                           "{'lr': {'grid_search': [1, 2]}}");
    curves_begin(simulation_curves, 1);
    give(0, "{'lr': 2}");
    give(1, "{'lr': 1.0}");
    ck_assert_str_eq(step(0, 0), "{\"loss\":2,\"training_iteration\":1} 1 last");
    ck_assert_str_eq(step(1, 0), "{\"loss\":3,\"training_iteration\":1} 0.5 last");
}
END_TEST

/* Each once before any comes again, in the same order for the same seed. */
START_TEST(where_nothing_says_whose_they_are_the_seed_does)
{
    const char *first[4];
    bool same = true;

    simulation_takes_table("trial,training_iteration,loss\na,1,0\nb,1,1\nc,1,2\nd,1,3\n", "{}");
    curves_begin(simulation_curves, 5);
    for (uint32_t i = 0; i < 4; i++) {
        give(i, "{}");
        first[i] = step(i, 0);
        for (uint32_t k = 0; k < i; k++)
            ck_assert_str_ne(first[i], first[k]);
    }
    give(4, "{}");
    ck_assert_str_eq(step(4, 0), first[0]);
    curves_begin(simulation_curves, 5);
    give(0, "{}");
    ck_assert_str_eq(step(0, 0), first[0]);
    for (uint64_t seed = 0; seed < 20 && same; seed++) {
        curves_begin(simulation_curves, seed);
        give(0, "{}");
        same = strcmp(step(0, 0), first[0]) == 0;
    }
    ck_assert(!same);
}
END_TEST

/* Two measurements of one configuration, told apart by a column. */
START_TEST(one_of_several_curves_of_a_configuration_is_drawn)
{
    bool seen[2] = {false, false};

    simulation_takes_table("trial,lr,training_iteration,loss\na,1,1,10\nb,1,1,20\n",
                           "{'lr': {'grid_search': [1]}}");
    curves_begin(simulation_curves, 1);
    for (uint32_t i = 0; i < 64; i++) {
        give(i, "{'lr': 1}");
        seen[strstr(step(i, 0), "20") != NULL] = true;
    }
    ck_assert(seen[0] && seen[1]);
}
END_TEST

static void check_refused(const char *text, const char *why)
{
    struct trouble trouble = {0};
    struct curves *curves = NULL;

    if (simulation_read(text, &trouble) == 0)
        curves = curves_of_table(&simulation_table, simulation_value("{'lr': 1}"), "t", &trouble);
    ck_assert_msg(curves == NULL, "%s is taken", text);
    ck_assert_msg(strstr(trouble.why, why) != NULL, "%s: %s", text, trouble.why);
}

START_TEST(what_is_no_table_is_refused)
{
    check_refused("", "it has no rows");
    check_refused("lr,loss\n", "it has no rows");
    check_refused("{}", "it has no rows");
    check_refused("lr,lr\n1,2\n", "line 1: two columns are called the same: lr");
    check_refused("lr,\n1,2\n", "line 1: a column has no name");
    check_refused("lr,loss\n1,2\n1,2,3\n", "line 3: there are more cells than names of columns");
    check_refused("lr,loss\n1,\"2\n", "it is no CSV");
    check_refused("lr,loss\n1,a\"b\n", "line 2: it is no CSV");
    check_refused("lr,loss\n1,\xff\n", "line 2: a cell is no text");
    check_refused("{\"a\": 1}\n{\"a\": }\n", "line 2: it is no JSON");
    check_refused("{\"a\": 1}\n[1]\n", "line 2: it is no object");
    check_refused("lr,training_iteration\n1,x\n", "training_iteration of row 1 is no whole number");
    check_refused("lr,training_iteration\n1,1\n1,1\n",
                  "rows 1 and 2 are the same result of the same trial");
    check_refused("training_iteration,loss\n1,1\n", "nothing in it says which trial a row is of");
}
END_TEST

START_TEST(a_formula_knows_the_configuration_and_the_iteration)
{
    const char *const texts[] = {"loss=model_size/training_iteration", "good=on ? 1 : 0",
                                 "time_this_iter_s=training_iteration^2"};

    simulation_takes_formulas(texts, 3, "{'model': {'size': {'uniform': [0, 9]}}, 'on': true}");
    curves_begin(simulation_curves, 1);
    give(3, "{'model': {'size': 6}, 'on': true}");
    ck_assert_str_eq(step(3, 0), "{\"loss\":6.0,\"good\":1.0,\"training_iteration\":1} 1");
    ck_assert_str_eq(step(3, 2), "{\"loss\":2.0,\"good\":1.0,\"training_iteration\":3} 9");
    ck_assert_int_eq(curves_longest(simulation_curves), 0);
}
END_TEST

START_TEST(luck_is_a_trials_and_noise_a_results)
{
    const char *const texts[] = {"loss=luck", "other=noise"};
    struct curve_step one, next, other, again;
    double sum = 0, squares = 0;

    simulation_takes_formulas(texts, 2, "{}");
    curves_begin(simulation_curves, 9);
    give(0, "{}");
    give(1, "{}");
    curves_step(simulation_curves, 0, 0, &simulation_arena, &one);
    curves_step(simulation_curves, 0, 1, &simulation_arena, &next);
    curves_step(simulation_curves, 1, 0, &simulation_arena, &other);
    curves_step(simulation_curves, 0, 0, &simulation_arena, &again);
    ck_assert(value_equal(&one.metrics, &again.metrics));
    ck_assert(value_equal(value_get(&one.metrics, "loss"), value_get(&next.metrics, "loss")));
    ck_assert(!value_equal(value_get(&one.metrics, "loss"), value_get(&other.metrics, "loss")));
    ck_assert(!value_equal(value_get(&one.metrics, "other"), value_get(&next.metrics, "other")));
    for (int64_t i = 0; i < 4000; i++) {
        curves_step(simulation_curves, 0, i, &simulation_arena, &one);
        sum += value_get(&one.metrics, "other")->number;
        squares += pow(value_get(&one.metrics, "other")->number, 2);
    }
    ck_assert_double_lt(fabs(sum / 4000), 0.08);
    ck_assert_double_lt(fabs(squares / 4000 - 1), 0.12);
}
END_TEST

START_TEST(what_is_no_formula_is_refused)
{
    static const struct {
        const char *text;
        const char *why;
    } wrong[] = {
        {"loss", "it is not NAME=EXPRESSION"},
        {"=1", "it is not NAME=EXPRESSION"},
        {"loss=", "it is not NAME=EXPRESSION"},
        {"loss=1+", "Unexpected end of expression"},
        {"loss=nothing*2", "nothing"},
        {"loss=act", "act is a text, and formulas have numbers alone"},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct trouble trouble = {0};
        struct curves *curves = curves_of_formulas(
            &wrong[i].text, 1,
            simulation_value("{'act': {'choice': ['relu', 'tanh']}, 'e': 1, 'min': 2}"), &trouble);

        ck_assert_msg(curves == NULL, "%s is taken", wrong[i].text);
        ck_assert_msg(strstr(trouble.why, wrong[i].why) != NULL, "%s: %s", wrong[i].text,
                      trouble.why);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("curves");
    TCase *cases = tcase_create("curves");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, a_trial_has_the_curve_of_its_configuration);
    tcase_add_test(cases, one_that_is_not_in_the_table_has_the_nearest);
    tcase_add_test(cases, keys_of_maps_and_those_of_our_own_files_are_found);
    tcase_add_test(cases, so_are_those_with_points_in_their_names);
    tcase_add_test(cases, json_lines_are_a_table_too);
    tcase_add_test(cases, where_nothing_says_whose_they_are_the_seed_does);
    tcase_add_test(cases, one_of_several_curves_of_a_configuration_is_drawn);
    tcase_add_test(cases, what_is_no_table_is_refused);
    tcase_add_test(cases, a_formula_knows_the_configuration_and_the_iteration);
    tcase_add_test(cases, luck_is_a_trials_and_noise_a_results);
    tcase_add_test(cases, what_is_no_formula_is_refused);
    suite_add_tcase(all, cases);
    return all;
}
