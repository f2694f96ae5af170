/* links: client */
/* Workers and trials that are reckoned: what they do, when, and what it costs. */
#include <math.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/simulation_rig.h"

#define X ", 'config': {'x': {'uniform': [0, 1]}}"

static void setup(void)
{
    static const char *const loss = "loss=x";

    simulation_takes_formulas(&loss, 1, "{'x': {'uniform': [0, 1]}}");
}

static void teardown(void)
{
    simulation_rig_fini();
}

START_TEST(each_worker_runs_a_trial_after_the_other)
{
    const struct simulation_plan plan = {.workers = 2, .seed = 1};
    const struct simulated *out = &simulation_out;

    ck_simulates(X ", 'num_samples': 5, 'stop': {'training_iteration': 10}", &plan);
    ck_assert_uint_eq(out->ended_ms, 30000);
    ck_assert_uint_eq(out->busy_ms, 50000);
    ck_assert_uint_eq(out->results, 50);
    ck_assert_uint_eq(out->launches, 5);
    ck_assert_uint_eq(out->trials, 5);
    ck_assert_uint_eq(out->full, 5);
    ck_assert_uint_eq(out->left, 0);
}
END_TEST

START_TEST(the_best_so_far_is_kept_with_its_time)
{
    const struct simulation_plan plan = {.workers = 1, .seed = 1};
    const struct simulated *out = &simulation_out;
    double value;

    ck_simulates(X ", 'num_samples': 50, 'stop': {'training_iteration': 2}", &plan);
    ck_assert_uint_gt(out->best_count, 1);
    for (uint32_t i = 1; i < out->best_count; i++) {
        ck_assert_double_lt(out->bests[i].value, out->bests[i - 1].value);
        ck_assert_uint_gt(out->bests[i].at_ms, out->bests[i - 1].at_ms);
    }
    ck_assert_double_eq(value_get(out->best_config, "x")->number,
                        out->bests[out->best_count - 1].value);
    ck_assert(!simulated_best_at(out, 999, &value));
    ck_assert(simulated_best_at(out, 1000, &value));
    ck_assert_double_eq(value, out->bests[0].value);
    ck_assert(simulated_best_at(out, out->bests[1].at_ms - 1, &value));
    ck_assert_double_eq(value, out->bests[0].value);
    ck_assert(simulated_best_at(out, UINT64_MAX, &value));
    ck_assert_double_eq(value, out->bests[out->best_count - 1].value);
}
END_TEST

/* Its time is over with the first thing that happens behind it. */
START_TEST(a_budget_ends_it)
{
    const struct simulation_plan plan = {.workers = 2, .seed = 1};
    const struct simulated *out = &simulation_out;

    ck_simulates(
        X ", 'num_samples': 50, 'stop': {'training_iteration': 10}, 'budget': {'time': '24s'}",
        &plan);
    ck_assert_uint_eq(out->ended_ms, 24000);
    ck_assert_uint_eq(out->trials, 6);
    ck_assert_uint_eq(out->full, 4);
    ck_simulates(X
                 ", 'num_samples': 50, 'stop': {'training_iteration': 10}, 'budget': {'trials': 7}",
                 &plan);
    ck_assert_uint_eq(out->trials, 7);
}
END_TEST

START_TEST(it_ends_when_the_time_is_up)
{
    const struct simulation_plan plan = {.workers = 2, .seed = 1, .until_ms = 15500};
    const struct simulated *out = &simulation_out;

    ck_simulates(X ", 'num_samples': 5, 'stop': {'training_iteration': 10}", &plan);
    ck_assert_uint_eq(out->ended_ms, 15500);
    ck_assert_uint_eq(out->busy_ms, 31000);
    ck_assert_uint_eq(out->results, 30);
    ck_assert_uint_eq(out->full, 2);
    ck_assert_uint_eq(out->left, 3);
    ck_assert_uint_eq(out->trials, 4);
}
END_TEST

/* Figure 1 of the ASHA paper: 9 trials, R = 9, eta = 3, 9 workers: 9 run to 1, 3 to 3, 1 to 9, and
 * where each begins anew the first is done after 13/9 of what a whole one takes. */
START_TEST(the_toy_of_ashas_paper)
{
    struct simulation_plan plan = {.workers = 9, .seed = 1, .from_scratch = true};
    const struct simulated *out = &simulation_out;
    static const char *const halving[] = {
        "'asha', 'form': 'promotion', 'grace_period': 1, 'max_t': 9",
        "'hyperband', 'sizes': 'halving', 'max_t': 9",
    };

    for (int i = 0; i < 2; i++) {
        const char *more = arena_printf(
            &simulation_arena,
            X ", 'num_samples': 9, 'scheduler': {'type': %s, 'reduction_factor': 3}", halving[i]);

        plan.from_scratch = true;
        ck_simulates(more, &plan);
        ck_assert_uint_eq(out->ended_ms, 13000);
        ck_assert_uint_eq(out->busy_ms, 27000);
        ck_assert_uint_eq(out->full, 1);
        plan.from_scratch = false;
        ck_simulates(more, &plan);
        ck_assert_uint_eq(out->ended_ms, 9000);
        ck_assert_uint_eq(out->busy_ms, 21000);
        ck_assert_uint_eq(out->results, 9 + 6 + 6);
        ck_assert_uint_eq(out->full, 1);
    }
}
END_TEST

START_TEST(stragglers_take_longer_and_what_is_lost_begins_again)
{
    struct simulation_plan plan = {.workers = 10, .seed = 1, .stragglers = 0.5};
    const char *more = X ", 'num_samples': 1000, 'stop': {'training_iteration': 10}";
    const struct simulated *out = &simulation_out;
    double mean;

    ck_simulates(more, &plan);
    /* The mean of |z| is its deviation times sqrt(2 / pi). */
    mean = 10 * (1 + 0.5 * sqrt(2 / 3.14159265358979));
    ck_assert_double_lt(fabs((double)out->busy_ms / 1000 / 1000 - mean), 0.05 * mean);
    ck_assert_uint_eq(out->results, 10000);

    plan = (struct simulation_plan){.workers = 10, .seed = 1, .drops = 0.05, .from_scratch = true};
    ck_simulates(more, &plan);
    /* One ends in 10 seconds with 0.95^10, else it begins again. */
    ck_assert_double_lt(fabs((double)out->launches / 1000 - 1 / pow(0.95, 9)), 0.12);
    ck_assert_uint_eq(out->launches, 1000 + out->drops);
    ck_assert_uint_eq(out->full, 1000);
    ck_assert_uint_gt(out->results, 10000);
}
END_TEST

/* Of those who take 10 s x (1 + |z|), z with a deviation of 1, and are lost with a chance of 0.14
 * in each of them, a share p comes to the end each time: 1 / p are begun for one that does. Were a
 * slow one as slow when it begins again, it would be 26 and more. */
START_TEST(one_that_begins_again_is_another_draw)
{
    const struct simulation_plan plan = {
        .workers = 10, .seed = 1, .stragglers = 1, .drops = 0.14, .from_scratch = true};
    const struct simulated *out = &simulation_out;
    double ends = 0, launches;

    for (int seconds = 10; seconds < 100; seconds++) /* whole ones that it has lived through */
        ends += pow(1 - plan.drops, seconds) *
                (erf((seconds - 9) / 10. / sqrt(2)) - erf((seconds - 10) / 10. / sqrt(2)));
    ck_simulates(X ", 'num_samples': 1000, 'stop': {'training_iteration': 10}", &plan);
    launches = (double)out->launches / 1000;
    ck_assert_msg(fabs(launches * ends - 1) < 0.1, "%g, not %g", launches, 1 / ends);
    ck_assert_uint_eq(out->full, 1000);
    ck_assert_uint_eq(out->launches, 1000 + out->drops);
    /* Not at its end alone: half of a job is worked through before it is lost, and less. */
    ck_assert_double_lt((double)out->busy_ms / 1000 / (double)out->launches, 10);
}
END_TEST

START_TEST(the_same_seed_is_the_same_run)
{
    struct simulation_plan plan = {.workers = 7, .seed = 3, .stragglers = 1, .drops = 0.01};
    const char *more = X ", 'num_samples': 200, 'scheduler': {'type': 'asha', 'max_t': 27}";
    struct simulated first, other;

    ck_simulates(more, &plan);
    first = simulation_out;
    ck_simulates(more, &plan);
    ck_assert_uint_eq(simulation_out.ended_ms, first.ended_ms);
    ck_assert_uint_eq(simulation_out.busy_ms, first.busy_ms);
    ck_assert_uint_eq(simulation_out.results, first.results);
    ck_assert_str_eq(simulation_out.best_trial, first.best_trial);
    plan.seed = 4;
    ck_simulates(more, &plan);
    other = simulation_out;
    ck_assert(other.ended_ms != first.ended_ms && other.busy_ms != first.busy_ms);
}
END_TEST

/* Who takes over from another goes on with another configuration. */
START_TEST(trials_of_pbt_take_over_from_one_another)
{
    const struct simulation_plan plan = {.workers = 4, .seed = 1};
    const struct simulated *out = &simulation_out;

    ck_simulates(X ", 'num_samples': 4, 'stop': {'training_iteration': 60}, 'scheduler': {'type': "
                   "'pbt', 'time_attr': 'training_iteration', 'perturbation_interval': 3, "
                   "'hyperparam_mutations': {'x': {'uniform': [0, 1]}}}",
                 &plan);
    ck_assert_uint_eq(out->full, 4);
    ck_assert_uint_gt(out->launches, 8);
    ck_assert_int_gt(out->best_iteration, 1); /* no beginning was as good */
    ck_assert_uint_gt(out->best_count, 0);
    ck_assert_double_eq(value_get(out->best_config, "x")->number,
                        out->bests[out->best_count - 1].value);
}
END_TEST

START_TEST(a_curve_that_ends_ends_its_trial)
{
    const struct simulation_plan plan = {.workers = 1, .seed = 1};
    const struct simulated *out = &simulation_out;

    simulation_takes_table("x,training_iteration,loss\n1,1,5\n1,2,4\n2,1,3\n",
                           "{'x': {'grid_search': [1, 2]}}");
    ck_simulates(", 'config': {'x': {'grid_search': [1, 2]}}, 'scheduler': {'type': 'asha'}",
                 &plan);
    ck_assert_uint_eq(out->results, 3);
    ck_assert_uint_eq(out->full, 2);
    ck_assert_uint_eq(out->ended_ms, 3000);
}
END_TEST

START_TEST(a_rule_of_stop_needs_its_metric)
{
    const struct simulation_plan plan = {.workers = 1, .seed = 1};

    ck_assert_int_lt(simulation_runs(X ", 'stop': {'accuracy': 1}", &plan), 0);
    ck_assert_str_eq(simulation_error.path, "t0");
    ck_assert_msg(strstr(simulation_error.what, "accuracy") != NULL, "%s", simulation_error.what);
    ck_assert_int_lt(simulation_runs(X ", 'scheduler': {'type': 'nothing'}", &plan), 0);
    ck_assert_str_eq(simulation_error.path, "scheduler.type");
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("simulation");
    TCase *cases = tcase_create("simulation");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, each_worker_runs_a_trial_after_the_other);
    tcase_add_test(cases, the_best_so_far_is_kept_with_its_time);
    tcase_add_test(cases, a_budget_ends_it);
    tcase_add_test(cases, it_ends_when_the_time_is_up);
    tcase_add_test(cases, the_toy_of_ashas_paper);
    tcase_add_test(cases, stragglers_take_longer_and_what_is_lost_begins_again);
    tcase_add_test(cases, one_that_begins_again_is_another_draw);
    tcase_add_test(cases, the_same_seed_is_the_same_run);
    tcase_add_test(cases, trials_of_pbt_take_over_from_one_another);
    tcase_add_test(cases, a_curve_that_ends_ends_its_trial);
    tcase_add_test(cases, a_rule_of_stop_needs_its_metric);
    suite_add_tcase(all, cases);
    return all;
}
