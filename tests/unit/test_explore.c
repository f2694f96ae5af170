/* links: core common */
/* Another configuration out of one: which draw leads where, and that it stays in its domain. */
#include <math.h>
#include <string.h>

#include "head/core/explore.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

#define MUTATIONS                                                                                  \
    "{'list': [3, 4, 8], 'real': {'uniform': [0, 100]}, 'in': {'whole': {'randint': [1, 50]}},"    \
    " 'step': {'quniform': [0, 1, 0.25]}, 'word': {'choice': ['a', 'b']}}"

static void begin(const char *config, const char *resample)
{
    check_parses(arena_printf(&arena,
                              "{" NATIVE ", 'config': %s, 'scheduler': {'type': 'pbt', "
                              "'metric': 'm', 'mode': 'max', 'resample_probability': %s, "
                              "'hyperparam_mutations': " MUTATIONS "}}",
                              config, resample));
}

static const struct value *at(const struct value *config, const char *key)
{
    const struct value *value = value_get(config, key);

    ck_assert_ptr_nonnull(value);
    return value;
}

#define CONFIG                                                                                     \
    "{'list': 4, 'real': 10.0, 'in': {'whole': 3, 'other': 'x'}, 'step': 0.5, 'word': 'a', "       \
    "'fixed': 7}"

/* Never drawn anew: a list's neighbours, and the factors, whole numbers cut off. */
START_TEST(perturbs)
{
    uint32_t up = 0;

    begin(CONFIG, "0");
    for (uint64_t i = 0; i < 400; i++) {
        struct rng rng = {.seed = 1, .stream = i};
        struct value config = explore(&spec.scheduler, &spec.config, &rng, &arena);
        int64_t list = at(&config, "list")->integer;
        double real = at(&config, "real")->number;
        const struct value *whole = value_get(at(&config, "in"), "whole");

        ck_assert(list == 3 || list == 8);
        ck_assert(real == 12.0 || real == 8.0);
        ck_assert_int_eq(whole->type, VALUE_INT);
        ck_assert(whole->integer == 3 || whole->integer == 2); /* 3.6, 2.4 */
        ck_assert_double_eq(at(&config, "step")->number, 0.5); /* 0.6, 0.4 */
        ck_assert_str_eq(value_get(at(&config, "in"), "other")->text, "x");
        ck_assert_int_eq(at(&config, "fixed")->integer, 7);
        up += real == 12.0;
    }
    ck_assert(up > 150 && up < 250); /* even chances: 200, and 50 are five deviations */
}
END_TEST

/* The ends of a list, and of the domains. */
START_TEST(stays_inside)
{
    begin("{'list': 8, 'real': 99.0, 'in': {'whole': 1}, 'step': 1.0, 'word': 'b'}", "0");
    for (uint64_t i = 0; i < 400; i++) {
        struct rng rng = {.seed = 2, .stream = i};
        struct value config = explore(&spec.scheduler, &spec.config, &rng, &arena);
        double real = at(&config, "real")->number;

        ck_assert(at(&config, "list")->integer == 4 || at(&config, "list")->integer == 8);
        ck_assert(real == 100.0 || fabs(real - 79.2) < 1e-9);
        ck_assert_int_eq(value_get(at(&config, "in"), "whole")->integer, 1); /* 1.2; 0.8 is 0 */
        ck_assert(at(&config, "step")->number == 1.0 || at(&config, "step")->number == 0.75);
    }
}
END_TEST

/* Always drawn anew: everything comes, from its domain. */
START_TEST(resamples)
{
    uint32_t seen[9] = {0};
    double least = 100, most = 0;

    begin(CONFIG, "1");
    for (uint64_t i = 0; i < 400; i++) {
        struct rng rng = {.seed = 3, .stream = i};
        struct value config = explore(&spec.scheduler, &spec.config, &rng, &arena);
        double real = at(&config, "real")->number;
        int64_t whole = value_get(at(&config, "in"), "whole")->integer;

        seen[at(&config, "list")->integer]++;
        ck_assert(whole >= 1 && whole < 50);
        least = real < least ? real : least;
        most = real > most ? real : most;
    }
    ck_assert(seen[3] > 80 && seen[4] > 80 && seen[8] > 80);
    ck_assert(least >= 0 && least < 5 && most < 100 && most > 95);
}
END_TEST

/* What is in no list, or is no number, is drawn. */
START_TEST(draws_what_it_cannot_perturb)
{
    begin("{'list': 5, 'real': 'fast', 'in': {'whole': null}, 'step': 0.5, 'word': 'z'}", "0");
    for (uint64_t i = 0; i < 50; i++) {
        struct rng rng = {.seed = 4, .stream = i};
        struct value config = explore(&spec.scheduler, &spec.config, &rng, &arena);

        ck_assert_int_ne(at(&config, "list")->integer, 5);
        ck_assert_int_eq(at(&config, "real")->type, VALUE_DOUBLE);
        ck_assert_int_eq(value_get(at(&config, "in"), "whole")->type, VALUE_INT);
        ck_assert(strcmp(at(&config, "word")->text, "z") != 0);
    }
}
END_TEST

START_TEST(says_what_it_has_explored)
{
    begin(CONFIG, "0");
    ck_assert_str_eq(explore_tag(&spec.scheduler, &spec.config, &arena),
                     "@perturbed[whole=3,list=4,real=10.0,step=0.5,word=a]");
}
END_TEST

#define REFUSE(path, config, mutations, what)                                                      \
    check_refused("{" NATIVE ", 'config': " config ", 'scheduler': {'type': 'pbt', "               \
                  "'metric': 'm', 'mode': 'max', 'hyperparam_mutations': " mutations "}}",         \
                  path, what)

START_TEST(refuses)
{
    const char *at_all = "scheduler.hyperparam_mutations";

    REFUSE(at_all, "{'a': 1}", "{}", "must name");
    REFUSE(at_all, "{'a': 1}", "[1]", "must be a map");
    REFUSE(at_all, "{'a': 1}", "{'uniform': [0, 1]}", "must be a map");
    REFUSE("scheduler.hyperparam_mutations.b", "{'a': 1}", "{'b': [1, 2]}", "no such");
    REFUSE("scheduler.hyperparam_mutations.a.c", "{'a': 1}", "{'a': {'c': [1, 2]}}", "no such");
    REFUSE("scheduler.hyperparam_mutations.a", "{'a': 1}", "{'a': []}", "at least one");
    REFUSE("scheduler.hyperparam_mutations.a", "{'a': 1}", "{'a': 5}", "must be a list");
    REFUSE("scheduler.hyperparam_mutations.a", "{'a': 1}", "{'a': {'uniform': [1, 0]}}",
           "lower bound");
    REFUSE("scheduler.hyperparam_mutations.a", "{'a': 1}", "{'a': {'grid_search': [1, 0]}}",
           "grid");
    REFUSE("scheduler.hyperparam_mutations.a", "{'a': 1}", "{'a': [{'uniform': [0, 1]}]}", "plain");
    check_refused("{" NATIVE ", 'config': {'a': 1}, 'scheduler': {'type': 'pbt', 'metric': 'm', "
                  "'mode': 'max'}}",
                  at_all, "must name");
    check_refused("{" NATIVE ", 'config': {'a': 1}, 'scheduler': {'type': 'pbt', 'metric': 'm', "
                  "'mode': 'max', 'resample_probability': 2, 'hyperparam_mutations': {'a': [1]}}}",
                  "scheduler", "_probability");
    check_refused("{" NATIVE ", 'config': {'a': 1}, 'scheduler': {'type': 'pbt', 'metric': 'm', "
                  "'mode': 'max', 'quantile_fraction': 0.6, 'hyperparam_mutations': {'a': [1]}}}",
                  "scheduler", "quantile");
}
END_TEST

/* A domain in config is a value to begin with, too. */
START_TEST(takes_a_domain_to_begin_with)
{
    check_parses("{" NATIVE ", 'config': {'a': {'uniform': [0, 1]}}, 'scheduler': {'type': 'pbt', "
                 "'reward_attr': 'm', 'hyperparam_mutations': {'a': {'loguniform': [0.1, 1]}}}}");
    ck_assert_str_eq(spec.scheduler.time_attr, "time_total_s");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "perturbation_interval"), 60);
    ck_assert_uint_eq(spec.scheduler.mutation_count, 1);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("explore");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, perturbs);
    tcase_add_test(all, stays_inside);
    tcase_add_test(all, resamples);
    tcase_add_test(all, draws_what_it_cannot_perturb);
    tcase_add_test(all, says_what_it_has_explored);
    tcase_add_test(all, refuses);
    tcase_add_test(all, takes_a_domain_to_begin_with);
    suite_add_tcase(suite, all);
    return suite;
}
