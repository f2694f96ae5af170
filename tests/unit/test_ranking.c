/* links: core */
/* Places in an order that changes, against a plain sort. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "head/core/ranking.h"
#include "tests/lib/run_suite.h"

#define MOST 300u

struct entry {
    double number;
    uint32_t trial;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    if (isnan(x->number) != isnan(y->number))
        return isnan(x->number) ? -1 : 1;
    if (!isnan(x->number) && x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static void check_same(const struct ranking *ranking, const bool *there, const double *numbers)
{
    struct entry entries[MOST];
    uint32_t count = 0;

    for (uint32_t i = 0; i < MOST; i++) {
        ck_assert_int_eq(ranking_has(ranking, i), there[i]);
        if (there[i])
            entries[count++] = (struct entry){numbers[i], i};
    }
    qsort(entries, count, sizeof(*entries), compare);
    ck_assert_uint_eq(ranking_count(ranking), count);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(ranking_at(ranking, i), entries[i].trial);
        ck_assert_uint_eq(ranking_place(ranking, entries[i].trial), i);
    }
}

/* Few different numbers, so that there are equals; NaN and infinities among them. */
static double draw_number(struct rng *rng)
{
    static const double odd[] = {(double)NAN, (double)INFINITY, (double)-INFINITY, 0.0, -0.0};
    uint64_t which = rng_next_below(rng, 40);

    return which < 5 ? odd[which] : (double)which;
}

START_TEST(as_a_sort_has_it)
{
    struct ranking *ranking = ranking_new();
    struct rng rng = {.seed = 3};
    bool there[MOST] = {false};
    double numbers[MOST] = {0};

    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t trial = (uint32_t)rng_next_below(&rng, MOST);

        if (rng_next_below(&rng, 3) == 0) {
            ranking_remove(ranking, trial);
            there[trial] = false;
        } else {
            numbers[trial] = draw_number(&rng);
            ranking_put(ranking, trial, numbers[trial]);
            there[trial] = true;
        }
        if (i % 100 == 0)
            check_same(ranking, there, numbers);
    }
    check_same(ranking, there, numbers);
    ranking_free(ranking);
}
END_TEST

START_TEST(nobody_is_there_at_first)
{
    struct ranking *ranking = ranking_new();

    ck_assert_uint_eq(ranking_count(ranking), 0);
    ck_assert(!ranking_has(ranking, 7));
    ranking_remove(ranking, 7);
    ranking_put(ranking, 7, 1);
    ck_assert_uint_eq(ranking_at(ranking, 0), 7);
    ranking_free(ranking);
    ranking_free(NULL);
}
END_TEST

/* In order is the worst that can come to a tree that is not kept even. */
START_TEST(many_in_their_order)
{
    struct ranking *ranking = ranking_new();

    for (uint32_t i = 0; i < 200000; i++)
        ranking_put(ranking, i, i);
    for (uint32_t i = 0; i < 200000; i += 997)
        ck_assert_uint_eq(ranking_place(ranking, i), i);
    ranking_free(ranking);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("ranking");
    TCase *tcase = tcase_create("ranking");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, as_a_sort_has_it);
    tcase_add_test(tcase, nobody_is_there_at_first);
    tcase_add_test(tcase, many_in_their_order);
    suite_add_tcase(suite, tcase);
    return suite;
}
