#include <check.h>
#include <math.h>

#include "common/pack.h"
#include "common/stop.h"
#include "tests/lib/run_suite.h"

static struct buf metrics;
static struct result result;
static struct span missing;

static void report(const char *name, double number)
{
    buf_reset(&metrics);
    pack_map(&metrics, 1);
    pack_text(&metrics, name);
    pack_double(&metrics, number);
    result = (struct result){.metrics = buf_span(&metrics), .training_iteration = 5};
}

static void setup(void)
{
    metrics = (struct buf){0};
    missing = (struct span){0};
}

static void teardown(void)
{
    buf_fini(&metrics);
}

static struct stop_rule rule(const char *metric, enum stop_side side, double bound)
{
    return (struct stop_rule){span_text(metric), side, bound};
}

START_TEST(meets_at_the_bound)
{
    struct stop_rule least = rule("x", STOP_AT_LEAST, 10);
    struct stop_rule most = rule("x", STOP_AT_MOST, 10);

    report("x", 10);
    ck_assert_int_eq(stop_check(&least, 1, &result, &missing), STOP_YES);
    ck_assert_int_eq(stop_check(&most, 1, &result, &missing), STOP_YES);
    report("x", 9.5);
    ck_assert_int_eq(stop_check(&least, 1, &result, &missing), STOP_NO);
    ck_assert_int_eq(stop_check(&most, 1, &result, &missing), STOP_YES);
    report("x", 10.5);
    ck_assert_int_eq(stop_check(&least, 1, &result, &missing), STOP_YES);
    ck_assert_int_eq(stop_check(&most, 1, &result, &missing), STOP_NO);
    ck_assert_int_eq(stop_check(NULL, 0, &result, &missing), STOP_NO);
}
END_TEST

START_TEST(first_hit_wins_over_a_missing_one)
{
    struct stop_rule rules[] = {rule("training_iteration", STOP_AT_LEAST, 5),
                                rule("y", STOP_AT_LEAST, 1)};

    report("x", 1);
    ck_assert_int_eq(stop_check(rules, 2, &result, &missing), STOP_YES);
    rules[0].bound = 6;
    ck_assert_int_eq(stop_check(rules, 2, &result, &missing), STOP_MISSING);
    ck_assert(span_is(missing, "y"));
}
END_TEST

START_TEST(done_comes_before_every_rule)
{
    struct stop_rule rules[] = {rule("y", STOP_AT_LEAST, 1)};

    report("x", 1);
    result.done = true;
    ck_assert_int_eq(stop_check(rules, 1, &result, &missing), STOP_YES);
}
END_TEST

START_TEST(nan_meets_no_rule)
{
    struct stop_rule rules[] = {rule("x", STOP_AT_LEAST, 1), rule("x", STOP_AT_MOST, 1)};

    report("x", NAN);
    ck_assert_int_eq(stop_check(rules, 2, &result, &missing), STOP_NO);
    report("x", INFINITY);
    ck_assert_int_eq(stop_check(rules, 1, &result, &missing), STOP_YES);
}
END_TEST

START_TEST(horizon_is_reached_at_its_value)
{
    struct horizon horizon = {span_text("training_iteration"), 5};

    report("x", NAN);
    ck_assert(horizon_reached(&horizon, &result));
    horizon.value = 5.5;
    ck_assert(!horizon_reached(&horizon, &result));
    horizon = (struct horizon){span_text("y"), 0};
    ck_assert(!horizon_reached(&horizon, &result));
    horizon = (struct horizon){span_text("x"), 0};
    ck_assert(!horizon_reached(&horizon, &result));
    horizon = (struct horizon){{0}, 0};
    ck_assert(!horizon_reached(&horizon, &result));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("stop");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, meets_at_the_bound);
    tcase_add_test(tc, first_hit_wins_over_a_missing_one);
    tcase_add_test(tc, done_comes_before_every_rule);
    tcase_add_test(tc, nan_meets_no_rule);
    tcase_add_test(tc, horizon_is_reached_at_its_value);
    suite_add_tcase(s, tc);
    return s;
}
