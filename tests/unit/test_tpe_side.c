/* links: core */
#include <stdlib.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/tpe_rig.h"

#define DRAWS 4000u

#define ROWS 16u

static struct tpe_side side;
static struct tpe_row rows[ROWS];
static uint32_t row_count;

static void setup(void)
{
    arena_init(&arena);
    row_count = 0;
}

static void teardown(void)
{
    tpe_side_fini(&side);
    for (uint32_t i = 0; i < row_count; i++)
        tpe_row_fini(&rows[i]);
    tpe_space_fini(&space);
    arena_fini(&arena);
}

/* A configuration as a row of the side to come. */
static void add_row(const char *json)
{
    struct value value = quoted(json);
    double numbers[16];

    ck_assert_uint_lt(row_count, ROWS);
    ck_assert_uint_le(space.count, 16);
    tpe_space_read(&space, &value, numbers);
    tpe_row_init(&rows[row_count++], &space, numbers);
}

/* The side has all rows, each with weight 1, as the prior has. */
static void remake_side(void)
{
    struct tpe_row *list[ROWS];
    double weights[ROWS];

    for (uint32_t i = 0; i < row_count; i++) {
        list[i] = &rows[i];
        weights[i] = 1;
    }
    tpe_side_make(&side, list, weights, row_count, 1);
}

static void make_side(double part)
{
    tpe_side_init(&side, &space, part, 1);
    remake_side();
}

/* A domain, three configurations of it, and the range in which all of its density is. */
static const struct one_domain {
    const char *domain;
    const char *seen[3];
    double low; /* on the scale */
    double high;
} domains[] = {
    {"{'uniform': [-3, 5]}", {"-2.9", "0", "0.5"}, -3, 5},
    {"{'loguniform': [0.001, 10]}", {"0.001", "0.2", "9.5"}, -6.907755278982137, 2.302585092994046},
    {"{'randn': [2, 0.5]}", {"1", "2.2", "4"}, -8, 12},
    {"{'quniform': [0, 1, 0.1]}", {"0", "0.3", "1"}, 0, 0},
    {"{'qloguniform': [0.5, 100, 0.5]}", {"0.5", "2", "99.5"}, 0, 0},
    {"{'randint': [3, 9]}", {"3", "4", "8"}, 0, 0},
    {"{'randint': [-500, 500]}", {"-500", "77", "499"}, 0, 0},
    {"{'lograndint': [1, 5]}", {"1", "2", "4"}, 0, 0},
    {"{'lograndint': [1, 1000]}", {"1", "8", "999"}, 0, 0},
    {"{'qrandint': [5, 50, 5]}", {"5", "10", "50"}, 0, 0},
    {"{'choice': ['a', 'b', 'c', 'd']}", {"'a'", "'a'", "'d'"}, 0, 0},
};

#define DOMAINS ((int)(sizeof(domains) / sizeof(domains[0])))

static void open_domain(const struct one_domain *one, double part)
{
    open_space(arena_printf(&arena, "{'x': %s}", one->domain));
    for (uint32_t i = 0; i < 3; i++)
        add_row(arena_printf(&arena, "{'x': %s}", one->seen[i]));
    make_side(part);
}

static double side_log(const double *numbers)
{
    struct tpe_look looks[16];

    ck_assert_uint_le(space.count, 16);
    tpe_look_at_row(&space, numbers, looks);
    return tpe_side_log(&side, looks);
}

static double density(double number)
{
    return exp(side_log(&number));
}

/* How many values a domain has; 0: it is continuous. */
static uint32_t value_count(void)
{
    const struct tpe_dimension *dimension = &space.dimensions[0];

    return dimension->kind == TPE_CHOICE ? dimension->count
                                         : (uint32_t)tpe_scale_count(&dimension->scale);
}

static double nth_value(uint32_t i)
{
    const struct tpe_dimension *dimension = &space.dimensions[0];

    return dimension->kind == TPE_CHOICE ? i : (dimension->scale.first + i) * dimension->scale.step;
}

static double at_place(double place)
{
    return space.dimensions[0].scale.log ? exp(place) : place;
}

/* Simpson's rule for what is continuous, else a sum. */
static double integrate(const struct one_domain *one, double until)
{
    uint32_t count = value_count(), steps = 4000;
    double sum = 0, width = (until - one->low) / steps;

    for (uint32_t i = 0; i < count; i++)
        sum += density(nth_value(i));
    if (count > 0)
        return sum;
    for (uint32_t i = 0; i <= steps; i++)
        sum +=
            density(at_place(one->low + i * width)) * (i == 0 || i == steps ? 1 : 2 + 2 * (i % 2));
    return sum * width / 3;
}

/* Of wide kernels and of narrow ones. */
START_TEST(densities_integrate_to_one)
{
    const struct one_domain *one = &domains[_i / 2];

    open_domain(one, _i % 2 == 0 ? 0.2 : 0.02);
    ck_assert_double_eq_tol(integrate(one, one->high), 1, 2e-3);
}
END_TEST

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return one < other ? -1 : one > other;
}

/* Kolmogorov's distance: above 1.95 / sqrt(n) in one of a thousand samples; the seed is fixed. */
static void check_continuous(const struct one_domain *one, double *drawn)
{
    double farthest = 0;

    qsort(drawn, DRAWS, sizeof(*drawn), by_size);
    for (uint32_t i = 0; i < DRAWS; i += 40) {
        double place = space.dimensions[0].scale.log ? log(drawn[i]) : drawn[i];
        double away = fabs(integrate(one, place) - (double)i / DRAWS);

        farthest = away > farthest ? away : farthest;
    }
    ck_assert_double_lt(farthest, 1.95 / sqrt(DRAWS));
}

/* Pearson's test, with cells of at least 20 expected draws: chi-square is its degrees of freedom,
 * but for 4 deviations of sqrt(2 * degrees). */
static void check_discrete(const double *drawn)
{
    double square = 0, expected = 0, seen = 0;
    uint32_t cells = 0;

    for (uint32_t i = 0; i < value_count(); i++) {
        double value = nth_value(i);

        expected += DRAWS * density(value);
        for (uint32_t k = 0; k < DRAWS; k++)
            seen += drawn[k] == value;
        if (expected < 20 && i + 1 < value_count())
            continue;
        square += (seen - expected) * (seen - expected) / expected;
        expected = seen = 0;
        cells++;
    }
    ck_assert_uint_gt(cells, 2);
    ck_assert_double_lt(square, cells + 4 * sqrt(2 * cells));
}

START_TEST(draws_follow_the_density)
{
    struct rng rng = {.seed = 7};
    double given = (double)NAN;
    double drawn[DRAWS];

    open_domain(&domains[_i], 0.2);
    tpe_side_give(&side, &given);
    for (uint32_t i = 0; i < DRAWS; i++)
        tpe_side_draw(&side, &given, &rng, &drawn[i]);
    if (value_count() > 0)
        check_discrete(drawn);
    else
        check_continuous(&domains[_i], drawn);
}
END_TEST

/* What is drawn can be in a configuration: of a domain whose values are none but its own. */
START_TEST(draws_are_values_of_the_domain)
{
    struct rng rng = {.seed = 3};
    double given = (double)NAN;
    double number;

    open_domain(&domains[_i], 0.2);
    tpe_side_give(&side, &given);
    for (uint32_t i = 0; i < 500; i++) {
        struct value value;
        double again;

        tpe_side_draw(&side, &given, &rng, &number);
        value = tpe_space_value(&space, &number, 0);
        if (space.dimensions[0].kind == TPE_NUMBER)
            ck_assert(!signbit(number) || number < 0); /* no -0 */
        if (space.dimensions[0].kind == TPE_NUMBER && space.dimensions[0].scale.bounded) {
            ck_assert_double_ge(number, space.dimensions[0].domain.low);
            ck_assert_double_le(number, space.dimensions[0].domain.high);
        }
        value = (struct value){
            .type = VALUE_MAP, .count = 1, .members = &(const struct member){"x", value}};
        tpe_space_read(&space, &value, &again);
        ck_assert_double_eq(again, number);
    }
}
END_TEST

static double log_at(const char *json)
{
    struct value value = quoted(json);
    double numbers[16];

    tpe_space_read(&space, &value, numbers);
    return side_log(numbers);
}

/* By hand: (T(x; 0.2) C(0, c) + T(x; 0.7) C(1, c) + T(x; 0.5, 1) / 3) / 3, T a normal density cut
 * off at 0 and 1 with deviation 0.25, C(c, c) = 2/3 and else 1/6. */
START_TEST(a_joint_density_is_what_it_is_by_hand)
{
    open_space("{'x': {'uniform': [0, 1]}, 'c': {'choice': ['a', 'b', 'z']}}");
    add_row("{'x': 0.2, 'c': 'a'}");
    add_row("{'x': 0.7, 'c': 'b'}");
    make_side(0.1);
    ck_assert_double_eq_tol(log_at("{'x': 0.5, 'c': 'a'}"), -0.8966959441777693, 1e-12);
    ck_assert_double_eq_tol(log_at("{'x': 0.1, 'c': 'b'}"), -1.4552359264393935, 1e-12);
    ck_assert_double_eq_tol(log_at("{'x': 0.95, 'c': 'z'}"), -1.790948160477466, 1e-12);
}
END_TEST

/* By hand: of 1 to 99 the cells' edges are log(v - 1/2) and log(v + 1/2); of narrow ones the
 * density of the middle is taken. */
START_TEST(cells_are_what_they_are_by_hand)
{
    open_space("{'n': {'lograndint': [1, 100]}}");
    add_row("{'n': 8}");
    make_side(0.2);
    ck_assert_double_eq_tol(log_at("{'n': 1}"), -1.8001123797499636, 1e-3);
    ck_assert_double_eq_tol(log_at("{'n': 8}"), -3.552221663118418, 2e-3);
    ck_assert_double_eq_tol(log_at("{'n': 99}"), -6.603801819090876, 2e-3);
}
END_TEST

/* Both ways of looking up few values: from a table, and without one. */
START_TEST(a_table_says_what_the_kernels_say)
{
    const struct tpe_scale *scale;

    open_space("{'n': {'lograndint': [1, 60]}}");
    add_row("{'n': 1}");
    add_row("{'n': 30}");
    make_side(0.1);
    ck_assert_ptr_nonnull(side.faces[0].table);
    scale = &space.dimensions[0].scale;
    for (double value = 1; value < 60; value++) {
        struct tpe_bell prior = tpe_bell_prior(scale);
        struct tpe_bell one = tpe_bell_at(scale, log(1), side.faces[0].spread);
        struct tpe_bell other = tpe_bell_at(scale, log(30), side.faces[0].spread);
        struct tpe_spot spot = tpe_spot_of(scale, value);
        double sum = exp(tpe_bell_log(&prior, &spot)) + exp(tpe_bell_log(&one, &spot)) +
                     exp(tpe_bell_log(&other, &spot));

        ck_assert_double_eq_tol(side_log(&value), log(sum / 3), 1e-9);
    }
}
END_TEST

/* Of many values the lowest ones, whose cells are wide, have lines by nodes; the others are looked
 * at without one. */
START_TEST(a_line_by_nodes_says_what_the_kernels_say)
{
    static const double seen[] = {1, 1, 7, 30, 999};
    const struct tpe_scale *scale;
    uint32_t wide = 0;

    open_space("{'n': {'lograndint': [1, 1000]}}");
    for (uint32_t i = 0; i < 5; i++)
        add_row(arena_printf(&arena, "{'n': %g}", seen[i]));
    make_side(0.1);
    scale = &space.dimensions[0].scale;
    for (double value = 1; value < 1000; value++) {
        struct tpe_bell prior = tpe_bell_prior(scale);
        struct tpe_spot spot = tpe_spot_of(scale, value);
        double sum = exp(tpe_bell_log(&prior, &spot));

        for (uint32_t i = 0; i < 5; i++) {
            struct tpe_bell bell = tpe_bell_at(scale, log(seen[i]), side.faces[0].spread);

            sum += exp(tpe_bell_log(&bell, &spot));
        }
        wide += tpe_spot_is_wide(&spot, side.faces[0].spread);
        ck_assert_double_eq_tol(side_log(&value), log(sum / 6), 1e-2);
    }
    ck_assert_uint_gt(wide, 3);
    ck_assert_uint_lt(wide, 64);
}
END_TEST

/* What is kept from one set of trials to the next, lines and masses, is of the bandwidths as they
 * are: a side that has been used says, to the last bit, what a new one does. */
START_TEST(what_is_kept_changes_nothing)
{
    const struct one_domain *one = &domains[_i];
    double used[64], numbers[64];
    uint32_t looked = 0;

    open_domain(one, 0.1);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t count = value_count();

        if (count > 0 && i >= count)
            break;
        numbers[i] =
            count > 0 ? nth_value(i) : at_place(one->low + (one->high - one->low) * i / 64);
        (void)side_log(&numbers[i]);
        looked++;
    }
    for (uint32_t more = 0; more < 4; more++)
        add_row(arena_printf(&arena, "{'x': %s}", one->seen[more % 3]));
    remake_side();
    for (uint32_t i = 0; i < looked; i++)
        used[i] = side_log(&numbers[i]);
    tpe_side_fini(&side);
    make_side(0.1);
    for (uint32_t i = 0; i < looked; i++)
        ck_assert(side_log(&numbers[i]) == used[i]);
}
END_TEST

/* A dimension that stands in a choice's value: its trials shape it, the others leave it as the
 * prior has it, and all of the density is still 1. */
START_TEST(what_stands_in_a_choice_is_learned_from_who_had_it)
{
    struct rng rng = {.seed = 5};
    double given[3] = {NAN, NAN, NAN};
    double numbers[3], sum = 0;

    open_space("{'net': {'choice': [{'kind': 'flat'}, {'kind': 'deep', 'depth': "
               "{'randint': [0, 10]}}]}, 'lr': {'randint': [0, 4]}}");
    ck_assert_uint_eq(space.count, 3);
    ck_assert_uint_eq(space.together, 3);
    for (uint32_t i = 0; i < 4; i++)
        add_row("{'net': {'kind': 'flat'}, 'lr': 1}");
    add_row("{'net': {'kind': 'deep', 'depth': 2}, 'lr': 3}");
    add_row("{'net': {'kind': 'deep', 'depth': 3}, 'lr': 3}");
    make_side(0.1);
    ck_assert(isnan(rows[0].numbers[1]));
    ck_assert_double_eq(rows[4].numbers[1], 2);
    ck_assert_uint_eq(side.faces[1].known, 2);
    ck_assert_uint_eq(side.faces[2].known, 6);
    for (double lr = 0; lr < 4; lr++) {
        sum += exp(side_log((double[3]){0, NAN, lr}));
        for (double depth = 0; depth < 10; depth++)
            sum += exp(side_log((double[3]){1, depth, lr}));
    }
    ck_assert_double_eq_tol(sum, 1, 1e-3);
    ck_assert_double_gt(side_log((double[3]){1, 2, 3}), side_log((double[3]){1, 8, 3}) + 1);
    tpe_side_give(&side, given);
    for (uint32_t i = 0; i < 300; i++) {
        tpe_side_draw(&side, given, &rng, numbers);
        ck_assert_int_eq(isnan(numbers[1]), numbers[0] == 0);
    }
}
END_TEST

/* The same of numbers that are continuous, and of many values with wide cells. */
START_TEST(conditional_numbers_integrate_to_one)
{
    const char *domain = _i == 0 ? "{'uniform': [0, 4]}" : "{'lograndint': [1, 400]}";
    uint32_t steps = _i == 0 ? 4000 : 398;
    double sum = 0;

    open_space(arena_printf(&arena, "{'net': {'choice': [1, {'x': %s}]}}", domain));
    add_row("{'net': 1}");
    add_row("{'net': {'x': 1}}");
    add_row("{'net': {'x': 3}}");
    make_side(0.1);
    for (uint32_t i = 0; i <= steps; i++) {
        double x = _i == 0 ? 4.0 * i / steps : i + 1.0;
        double part = _i == 1 ? 1 : 4.0 / steps / (i == 0 || i == steps ? 2 : 1);

        sum += exp(side_log((double[2]){1, x})) * part;
    }
    ck_assert_double_eq_tol(sum + exp(side_log((double[2]){0, NAN})), 1, 2e-3);
}
END_TEST

/* Of the kernels those count more that have seen the grid's value. */
START_TEST(grids_are_given)
{
    struct rng rng = {.seed = 9};
    double numbers[2];
    uint32_t low = 0;

    open_space("{'act': {'grid_search': ['relu', 'tanh']}, 'x': {'uniform': [0, 1]}}");
    for (uint32_t i = 0; i < 8; i++)
        add_row(i % 2 == 0 ? "{'act': 'relu', 'x': 0.1}" : "{'act': 'tanh', 'x': 0.9}");
    make_side(0.1);
    for (uint32_t grid = 0; grid < 2; grid++) {
        double given[2] = {grid, NAN};

        low = 0;
        tpe_side_give(&side, given);
        for (uint32_t i = 0; i < 400; i++) {
            tpe_side_draw(&side, given, &rng, numbers);
            ck_assert_double_eq(numbers[0], grid);
            low += numbers[1] < 0.5;
        }
        if (grid == 0)
            ck_assert_uint_gt(low, 320);
        else
            ck_assert_uint_lt(low, 80);
    }
}
END_TEST

/* Where nothing is known the density is the prior's. */
START_TEST(without_trials_there_is_the_prior)
{
    double given = (double)NAN, number;
    struct rng rng = {.seed = 1};

    open_space("{'x': {'randint': [0, 5]}}");
    make_side(0.1);
    tpe_side_give(&side, &given);
    tpe_side_draw(&side, &given, &rng, &number);
    ck_assert(number >= 0 && number < 5);
    for (number = 0; number < 5; number++)
        ck_assert_double_eq_tol(density(number), 0.2, 0.03);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tpe_side");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, densities_integrate_to_one, 0, 2 * DOMAINS);
    tcase_add_loop_test(tc, draws_follow_the_density, 0, DOMAINS);
    tcase_add_loop_test(tc, draws_are_values_of_the_domain, 0, DOMAINS);
    tcase_add_test(tc, a_joint_density_is_what_it_is_by_hand);
    tcase_add_test(tc, cells_are_what_they_are_by_hand);
    tcase_add_test(tc, a_table_says_what_the_kernels_say);
    tcase_add_test(tc, a_line_by_nodes_says_what_the_kernels_say);
    tcase_add_loop_test(tc, what_is_kept_changes_nothing, 0, DOMAINS);
    tcase_add_test(tc, what_stands_in_a_choice_is_learned_from_who_had_it);
    tcase_add_loop_test(tc, conditional_numbers_integrate_to_one, 0, 2);
    tcase_add_test(tc, grids_are_given);
    tcase_add_test(tc, without_trials_there_is_the_prior);
    suite_add_tcase(s, tc);
    return s;
}
