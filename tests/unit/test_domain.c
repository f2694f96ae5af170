/* Domains: their bounds and steps, what is drawn from them, and what is refused. */
#include <check.h>
#include <math.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/space.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/space_rig.h"

static struct domain domain_of(const char *json)
{
    struct value marker = quoted(json);
    struct domain domain = {0};

    ck_assert_msg(domain_parse(&marker, &domain, &error) == 1, "%s: %s", json, error.what);
    return domain;
}

START_TEST(steps_are_counted)
{
    static const struct {
        const char *domain;
        double step, first, last;
    } stepped[] = {
        {"{'randint': [3, 9]}", 1, 3, 8},
        {"{'lograndint': [1, 9]}", 1, 1, 8},
        {"{'qrandint': [4, 20, 5]}", 5, 1, 4},
        {"{'quniform': [-0.1, 0.3, 0.1]}", 0.1, -1, 3},
        {"{'qloguniform': [0.2, 1, 0.25]}", 0.25, 1, 4},
    };
    double step, first, last;

    for (size_t i = 0; i < sizeof(stepped) / sizeof(stepped[0]); i++) {
        struct domain domain = domain_of(stepped[i].domain);

        ck_assert(domain_steps(&domain, &step, &first, &last));
        ck_assert_double_eq(step, stepped[i].step);
        ck_assert_double_eq(first, stepped[i].first);
        ck_assert_double_eq(last, stepped[i].last);
    }
    ck_assert(
        !domain_steps(&(struct domain){.kind = DOMAIN_RANDN, .high = 1}, &step, &first, &last));
}
END_TEST

START_TEST(draws_stay_inside)
{
    static const struct {
        const char *marker;
        double low, high, step;
        bool whole;
    } rows[] = {
        {"{'uniform': [-2, 3]}", -2, 3, 0, false},
        {"{'loguniform': [0.0001, 0.1]}", 0.0001, 0.1, 0, false},
        {"{'quniform': [0, 1, 0.1]}", 0, 1, 0.1, false},
        {"{'quniform': [0.05, 0.95, 0.1]}", 0.1, 0.9, 0.1, false},
        {"{'qloguniform': [0.001, 1, 0.001]}", 0.001, 1, 0.001, false},
        {"{'randint': [-3, 4]}", -3, 3, 1, true},
        {"{'lograndint': [1, 100]}", 1, 99, 1, true},
        {"{'qrandint': [1, 100, 8]}", 8, 96, 8, true},
        {"{'qrandint': [-10, 10, 5]}", -10, 10, 5, true},
        {"{'qrandint': [4000000001, 4000000007, 2]}", 4000000002, 4000000006, 2, true},
        {"{'qrandint': [4503599627370497, 4503599627371497, 2]}", 4503599627370498,
         4503599627371496, 2, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct domain domain = domain_of(rows[i].marker);
        struct rng rng = {.seed = i};
        double least = INFINITY, most = -INFINITY;

        for (int k = 0; k < 5000; k++) {
            struct value drawn = domain_draw(&domain, &rng, &arena);
            double number = value_number(&drawn);

            ck_assert_int_eq(drawn.type, rows[i].whole ? VALUE_INT : VALUE_DOUBLE);
            if (rows[i].step > 0)
                ck_assert_double_lt(fabs(number / rows[i].step - rint(number / rows[i].step)),
                                    1e-9);
            least = number < least ? number : least;
            most = number > most ? number : most;
        }
        ck_assert_msg(least >= rows[i].low - 1e-12 && most <= rows[i].high + 1e-12, "%s: %g %g",
                      rows[i].marker, least, most);
        /* and reach both ends, the logarithmic ones the lower */
        ck_assert_double_lt(least, rows[i].low + (rows[i].high - rows[i].low) * 0.01 + 1e-9);
        ck_assert_double_gt(most, rows[i].low + (rows[i].high - rows[i].low) * 0.9);
    }
}
END_TEST

/* The share of its draws that are no greater than a value is the share it has the value for. */
START_TEST(quantiles_are_those_of_the_draws)
{
    static const char *const markers[] = {
        "{'uniform': [-2, 3]}",       "{'loguniform': [0.0001, 0.1]}",
        "{'quniform': [0, 1, 0.25]}", "{'qloguniform': [1, 64, 4]}",
        "{'randn': [5, 2]}",          "{'randint': [-3, 4]}",
        "{'lograndint': [1, 100]}",   "{'qrandint': [1, 100, 8]}",
        "{'choice': [3, 5, 7, 9]}",
    };
    const int n = 20000;

    for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
        struct domain domain = domain_of(markers[i]);
        double before = -INFINITY;

        for (double share = 0.05; share < 1; share += 0.1) {
            struct value value = domain_at(&domain, share);
            struct rng rng = {.seed = i};
            int below = 0, up_to = 0;

            for (int k = 0; k < n; k++) {
                struct value drawn = domain_draw(&domain, &rng, &arena);

                ck_assert_int_eq(drawn.type, value.type);
                below += value_number(&drawn) < value_number(&value);
                up_to += value_number(&drawn) <= value_number(&value);
            }
            ck_assert_msg(below < (share + 0.02) * n && up_to > (share - 0.02) * n,
                          "%s at %g: %d below, %d up to it", markers[i], share, below, up_to);
            ck_assert(value_number(&value) >= before);
            before = value_number(&value);
        }
    }
}
END_TEST

/* Both ends, as near as doubles come. */
START_TEST(quantiles_stay_inside)
{
    static const struct {
        const char *marker;
        double first, last;
    } rows[] = {
        {"{'quniform': [0.05, 0.95, 0.1]}", 0.1, 0.9},
        {"{'randint': [-9007199254740992, 9007199254740992]}", -9007199254740992, 9007199254740991},
        {"{'lograndint': [1, 100]}", 1, 99},
        {"{'qrandint': [1, 100, 8]}", 8, 96},
        {"{'choice': [3, 5, 7, 9]}", 3, 9},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct domain domain = domain_of(rows[i].marker);
        struct value first = domain_at(&domain, 0x1p-1000), last = domain_at(&domain, 1 - 0x1p-53);

        ck_assert_double_eq_tol(value_number(&first), rows[i].first, 1e-12);
        ck_assert_double_eq_tol(value_number(&last), rows[i].last, 2);
        ck_assert_double_le(value_number(&last), rows[i].last + 1e-12);
    }
    ck_assert_double_lt(
        domain_at(&(struct domain){DOMAIN_UNIFORM, 0, 1e-320, 0, NULL, NULL}, 1 - 0x1p-53).number,
        1e-320);
}
END_TEST

START_TEST(normal_draws_have_mean_and_deviation)
{
    struct domain domain = domain_of("{'randn': [5, 2]}");
    struct rng rng = {.seed = 1};
    double sum = 0, squares = 0;
    const int n = 20000;

    for (int i = 0; i < n; i++) {
        double number = domain_draw(&domain, &rng, &arena).number;

        sum += number;
        squares += number * number;
    }
    ck_assert_double_eq_tol(sum / n, 5, 0.06);
    ck_assert_double_eq_tol(sqrt(squares / n - sum / n * sum / n), 2, 0.06);
}
END_TEST

START_TEST(bad_markers_are_refused)
{
    static const struct {
        const char *config;
        const char *path;
        const char *what;
    } rows[] = {
        {"{'a': {'uniform': 5}}", "config.a", "uniform takes a list"},
        {"{'a': {'uniform': [1]}}", "config.a", "uniform takes two numbers"},
        {"{'a': {'uniform': [2, 1]}}", "config.a", "uniform needs a lower bound below"},
        {"{'a': {'uniform': [1, 1]}}", "config.a", "uniform needs a lower bound below"},
        {"{'a': {'uniform': ['x', 1]}}", "config.a", "uniform takes numbers only"},
        {"{'a': {'uniform': [0, Infinity]}}", "config.a", "uniform takes finite"},
        {"{'a': {'uniform': [NaN, 1]}}", "config.a", "uniform takes finite"},
        {"{'a': {'uniform': [-1e308, 1e308]}}", "config.a", "uniform has bounds too far apart"},
        {"{'a': {'loguniform': [0, 1]}}", "config.a", "loguniform needs bounds above 0"},
        {"{'a': {'lograndint': [0, 5]}}", "config.a", "lograndint needs bounds above 0"},
        {"{'a': {'randint': [0.5, 5]}}", "config.a", "randint takes whole numbers"},
        {"{'a': {'randint': [0, 1e300]}}", "config.a", "randint takes whole numbers"},
        {"{'a': {'randint': [3, 3]}}", "config.a", "randint needs a lower bound"},
        {"{'a': {'quniform': [0, 1]}}", "config.a", "quniform takes three numbers"},
        {"{'a': {'quniform': [0, 1, 0]}}", "config.a", "quniform needs a step above 0"},
        {"{'a': {'quniform': [0.1, 0.2, 1]}}", "config.a", "quniform has no multiple"},
        {"{'a': {'quniform': [0, 1, 1e-300]}}", "config.a", "quniform has a step that is too"},
        {"{'a': {'randn': [0, 0]}}", "config.a", "randn needs a standard deviation"},
        {"{'a': {'choice': []}}", "config.a", "choice needs at least one value"},
        {"{'a': {'grid_search': []}}", "config.a", "grid_search needs at least one value"},
        {"{'a': {'grid_search': 'DQN'}}", "config.a", "grid_search takes a list"},
        {"{'l': [1, {'m': {'choice': 1}}]}", "config.l.1.m", "choice takes a list"},
        {"{'a': {'choice': [1, {'b': {'grid_search': [1]}}]}}", "config.a.choice.1.b",
         "grid_search inside a choice"},
        {"{'a': {'grid_search': [{'uniform': [2, 1]}]}}", "config.a.grid_search.0",
         "uniform needs a lower bound"},
    };
    struct variable *variables;
    uint32_t count;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct value config = quoted(rows[i].config);

        error = (struct space_error){0};
        ck_assert_int_eq(space_variables(&config, "config", &arena, &variables, &count, &error),
                         ERR_MALFORMED);
        ck_assert_str_eq(error.path, rows[i].path);
        ck_assert_msg(strncmp(error.what, rows[i].what, strlen(rows[i].what)) == 0, "%s: %s",
                      rows[i].config, error.what);
        ck_assert_uint_gt(strlen(error.mend), 0);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("domain");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, steps_are_counted);
    tcase_add_test(all, draws_stay_inside);
    tcase_add_test(all, quantiles_are_those_of_the_draws);
    tcase_add_test(all, quantiles_stay_inside);
    tcase_add_test(all, normal_draws_have_mean_and_deviation);
    tcase_add_test(all, bad_markers_are_refused);
    suite_add_tcase(suite, all);
    return suite;
}
