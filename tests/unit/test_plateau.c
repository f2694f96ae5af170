/* links: core */
/* When a metric stands still, and how far a trial may go until then. */
#include <check.h>
#include <math.h>

#include "common/pack.h"
#include "head/core/plateau.h"
#include "tests/lib/run_suite.h"

static struct buf metrics;
static struct plateau plateau;
static struct spec spec;

static void setup(void)
{
    metrics = (struct buf){0};
    plateau = (struct plateau){0};
    spec = (struct spec){.plateau = {.metric = "loss", .side = PLATEAU_DOWN, .patience = 2},
                         .scheduler = {.time_attr = "training_iteration"}};
}

static void teardown(void)
{
    buf_fini(&metrics);
}

/* One more result. */
static bool take(double loss)
{
    struct result result = {.training_iteration = plateau.at + 1};

    buf_reset(&metrics);
    pack_map(&metrics, 1);
    pack_text(&metrics, "loss");
    pack_double(&metrics, loss);
    result.metrics = buf_span(&metrics);
    return plateau_take(&spec.plateau, &result, &plateau);
}

START_TEST(better_is_below)
{
    ck_assert(!take(5) && !take(6) && !take(4) && !take(4));
    ck_assert(take(4));
}
END_TEST

START_TEST(better_is_above)
{
    spec.plateau.side = PLATEAU_UP;
    ck_assert(!take(5) && !take(4) && !take(6) && !take(6));
    ck_assert(take(3));
}
END_TEST

START_TEST(either_is_better)
{
    spec.plateau.side = PLATEAU_EITHER;
    spec.plateau.delta = 1;
    ck_assert(!take(5) && !take(7) && !take(5) && !take(6));
    ck_assert(take(4));
}
END_TEST

/* Small steps add up: it is measured from the last value that got further. */
START_TEST(delta_is_to_be_exceeded)
{
    spec.plateau.delta = 0.5;
    ck_assert(!take(5) && !take(4.5) && !take(4.25) && !take(3.75));
    ck_assert(take(4));
}
END_TEST

START_TEST(nan_gets_nowhere)
{
    ck_assert(!take((double)NAN) && !take(5) && !take((double)NAN));
    ck_assert(take((double)NAN));
    plateau = (struct plateau){0};
    ck_assert(!take((double)NAN));
    ck_assert(take((double)NAN));
}
END_TEST

START_TEST(infinity_is_a_value)
{
    ck_assert(!take((double)INFINITY) && !take((double)INFINITY) && !take(1e300));
    ck_assert(!take(-(double)INFINITY) && !take(-(double)INFINITY));
    ck_assert(take(-(double)INFINITY));
}
END_TEST

/* At the horizon it is the first time that the rule could hold, and it is never behind one. */
START_TEST(horizon_is_where_it_could_end)
{
    ck_assert(plateau_horizon(&spec, &plateau) == 2);
    (void)take(5);
    ck_assert(plateau_horizon(&spec, &plateau) == 3);
    (void)take(5);
    ck_assert(plateau_horizon(&spec, &plateau) == 3);
    (void)take(4);
    ck_assert(plateau_horizon(&spec, &plateau) == 5);
    spec.scheduler.time_attr = "time_total_s";
    ck_assert(plateau_horizon(&spec, &plateau) == -(double)INFINITY);
    spec.plateau.patience = 0;
    ck_assert(plateau_horizon(&spec, &plateau) == (double)INFINITY);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("plateau");
    TCase *t = tcase_create("plateau");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, better_is_below);
    tcase_add_test(t, better_is_above);
    tcase_add_test(t, either_is_better);
    tcase_add_test(t, delta_is_to_be_exceeded);
    tcase_add_test(t, nan_gets_nowhere);
    tcase_add_test(t, infinity_is_a_value);
    tcase_add_test(t, horizon_is_where_it_could_end);
    suite_add_tcase(s, t);
    return s;
}
