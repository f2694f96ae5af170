/* links: client */
/* Functions of which it is known what they depend on. */
#include <math.h>

#include "client/importance.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"

#define ROWS    200u
#define COLUMNS 3u

static double x[ROWS * COLUMNS];
static double y[ROWS];
static uint32_t words[COLUMNS];
static struct forest_table table;
static struct importance found[COLUMNS];
static double explained;

/* Each column drawn evenly, as words where it has some. */
static void draw(uint32_t rows, uint32_t first, uint32_t second, uint32_t third)
{
    const uint32_t of[COLUMNS] = {first, second, third};

    for (uint32_t i = 0; i < rows * COLUMNS; i++) {
        double unit = rng_unit(7, 1, i);

        words[i % COLUMNS] = of[i % COLUMNS];
        x[i] = of[i % COLUMNS] > 0 ? floor(unit * of[i % COLUMNS]) : unit;
    }
    table = (struct forest_table){.rows = rows, .columns = COLUMNS, .x = x, .words = words, .y = y};
}

static double at(uint32_t row, uint32_t column)
{
    return x[row * COLUMNS + column];
}

START_TEST(a_sum_is_shared_by_its_weights)
{
    draw(ROWS, 0, 0, 0);
    for (uint32_t i = 0; i < ROWS; i++)
        y[i] = 10 * at(i, 0) + 3 * at(i, 1);
    importance_of(&table, 1, found, &explained);
    /* Squared errors grow with the squares of the weights: 100 to 9. */
    ck_assert_double_eq_tol(found[0].share, 100. / 109, 0.03);
    ck_assert_double_eq_tol(found[1].share, 9. / 109, 0.03);
    ck_assert_double_lt(found[2].share, 0.01);
    ck_assert_double_gt(explained, 0.9);
    ck_assert_double_lt(found[0].error, 0.05);
}
END_TEST

START_TEST(what_hardly_counts_comes_before_what_does_not)
{
    draw(ROWS, 0, 0, 0);
    for (uint32_t i = 0; i < ROWS; i++)
        y[i] = 10 * at(i, 0) + at(i, 1);
    importance_of(&table, 1, found, &explained);
    ck_assert_double_gt(found[0].share, 0.95);
    ck_assert_double_gt(found[1].share, 3 * found[2].share);
}
END_TEST

START_TEST(words_count_by_what_they_do_and_not_by_their_order)
{
    static const double effect[5] = {3, -2, 3, -2, 0};

    draw(ROWS, 0, 5, 0);
    for (uint32_t i = 0; i < ROWS; i++)
        y[i] = effect[(int)at(i, 1)] + 0.5 * at(i, 2);
    importance_of(&table, 1, found, &explained);
    ck_assert_double_gt(found[1].share, 0.95);
    ck_assert_double_gt(found[2].share, found[0].share);
}
END_TEST

START_TEST(a_value_that_is_absent_is_one_too)
{
    /* Only where the word is 1 there is a number, and it counts; elsewhere all is 0. */
    draw(ROWS, 2, 0, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        if (at(i, 0) == 0)
            x[i * COLUMNS + 1] = (double)NAN;
        y[i] = at(i, 0) == 1 ? 4 * at(i, 1) : 0;
    }
    importance_of(&table, 1, found, &explained);
    ck_assert_double_gt(explained, 0.9);
    ck_assert_double_gt(found[1].share, 0.6);
    ck_assert_double_lt(found[2].share, 0.01);
}
END_TEST

START_TEST(noise_is_not_explained)
{
    draw(ROWS, 0, 0, 4);
    for (uint32_t i = 0; i < ROWS; i++)
        y[i] = rng_unit(9, 9, i);
    importance_of(&table, 1, found, &explained);
    ck_assert_double_lt(explained, 0.1);
}
END_TEST

START_TEST(a_seed_says_all_of_it)
{
    struct importance again[COLUMNS];
    double explained_again;

    draw(ROWS, 0, 3, 0);
    for (uint32_t i = 0; i < ROWS; i++)
        y[i] = at(i, 0) * at(i, 1);
    importance_of(&table, 5, found, &explained);
    importance_of(&table, 5, again, &explained_again);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        ck_assert_double_eq(again[i].share, found[i].share);
        ck_assert_double_eq(again[i].error, found[i].error);
    }
    ck_assert_double_eq(explained_again, explained);
    importance_of(&table, 6, again, &explained_again);
    ck_assert_double_ne(again[0].share, found[0].share);
}
END_TEST

START_TEST(few_rows_and_equal_ones_do_no_harm)
{
    for (uint32_t rows = 1; rows < 8; rows++) {
        draw(rows, 0, 2, 0);
        for (uint32_t i = 0; i < rows; i++)
            y[i] = 1;
        importance_of(&table, 1, found, &explained);
        ck_assert_double_eq(explained, 0);
        ck_assert_double_eq(found[0].share, 0);
    }
    draw(ROWS, 0, FOREST_WORDS, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        x[i * COLUMNS] = 1;
        y[i] = i % 2 == 0 ? 1e300 : -1e300; /* squares overflow */
    }
    importance_of(&table, 1, found, &explained);
}
END_TEST

START_TEST(a_tree_splits_between_values_and_not_on_them)
{
    struct forest *forest;

    draw(ROWS, 0, 0, 0);
    for (uint32_t i = 0; i < ROWS; i++)
        y[i] = at(i, 0) < 0.5 ? 0 : 1;
    forest = forest_grow(&table, 30, 3);
    for (uint32_t tree = 0; tree < 30; tree++) {
        const double low[COLUMNS] = {0.3, 0.5, 0.5};
        bool some = false;

        ck_assert_double_eq(forest_predict(forest, tree, low, UINT32_MAX, 0), 0);
        ck_assert_double_eq(forest_predict(forest, tree, low, 0, 0.7), 1);
        for (uint32_t row = 0; row < ROWS; row++)
            some |= !forest_saw(forest, tree, row);
        ck_assert(some);
    }
    forest_free(forest);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("importance");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, a_sum_is_shared_by_its_weights);
    tcase_add_test(cases, what_hardly_counts_comes_before_what_does_not);
    tcase_add_test(cases, words_count_by_what_they_do_and_not_by_their_order);
    tcase_add_test(cases, a_value_that_is_absent_is_one_too);
    tcase_add_test(cases, noise_is_not_explained);
    tcase_add_test(cases, a_seed_says_all_of_it);
    tcase_add_test(cases, few_rows_and_equal_ones_do_no_harm);
    tcase_add_test(cases, a_tree_splits_between_values_and_not_on_them);
    suite_add_tcase(suite, cases);
    return suite;
}
