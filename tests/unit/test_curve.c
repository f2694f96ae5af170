/* links: core */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "head/core/curve.h"
#include "tests/lib/run_suite.h"

#define MOST 400u

static struct curve curve;
static struct rng rng;

static void setup(void)
{
    curve = (struct curve){0};
    rng = (struct rng){.seed = 5};
}

static void teardown(void)
{
    curve_fini(&curve);
}

/* numpy's pairwise_sum, up to one block of 128. */
static double numpy_sum(const double *items, uint32_t count)
{
    double lanes[8], sum = 0;
    uint32_t i;

    if (count < 8) {
        for (i = 0; i < count; i++)
            sum += items[i];
        return sum;
    }
    for (i = 0; i < 8; i++)
        lanes[i] = items[i];
    for (; i < count - count % 8; i++)
        lanes[i % 8] += items[i];
    sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
          ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    for (; i < count; i++)
        sum += items[i];
    return sum;
}

/* Goes on with one made from the image of the last, which has the same image. */
static void through_an_image(void)
{
    struct curve other = {0};
    struct buf image = {0}, again = {0};
    struct cursor cursor;

    curve_save(&curve, &image);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(curve_load(&other, &cursor));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    curve_save(&other, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    curve_fini(&curve);
    curve = other;
    buf_fini(&image);
    buf_fini(&again);
}

/* _i: with an image after every result. */
START_TEST(means_are_numpys_to_the_last_bit)
{
    double items[128];

    for (uint32_t i = 0; i < 128; i++) {
        items[i] = rng_next_unit(&rng) * 3 - 1;
        curve_add(&curve, i, items[i]);
        if (_i == 1)
            through_an_image();
        ck_assert(curve.items[i].mean == numpy_sum(items, i + 1) / (i + 1));
    }
}
END_TEST

/* As numpy has it: its mean of three times 0.1 is above 0.1, of eight it is not. */
START_TEST(known_last_bits)
{
    for (uint32_t i = 0; i < 10; i++)
        curve_add(&curve, i, 0.1);
    ck_assert(curve.items[1].mean == 0.1);
    ck_assert(curve.items[2].mean == 0.10000000000000002);
    ck_assert(curve.items[7].mean == 0.1);
    ck_assert(curve.items[9].mean == 0.1);
}
END_TEST

START_TEST(many_results)
{
    long double sum = 0;

    for (uint32_t i = 0; i < MOST; i++) {
        double reward = rng_next_unit(&rng);

        sum += reward;
        curve_add(&curve, i, reward);
        if (_i == 1)
            through_an_image();
        ck_assert_double_eq_tol(curve.items[i].mean, (double)(sum / (i + 1)), 1e-15);
    }
}
END_TEST

START_TEST(counts_up_to_a_time)
{
    static const double times[] = {1, 2, 2, 5};

    ck_assert_uint_eq(curve_count_to(&curve, 7), 0);
    for (uint32_t i = 0; i < 4; i++)
        curve_add(&curve, times[i], i);
    ck_assert_uint_eq(curve_count_to(&curve, 0.5), 0);
    ck_assert_uint_eq(curve_count_to(&curve, 1), 1);
    ck_assert_uint_eq(curve_count_to(&curve, 2), 3);
    ck_assert_uint_eq(curve_count_to(&curve, 4.9), 3);
    ck_assert_uint_eq(curve_count_to(&curve, (double)INFINITY), 4);
    ck_assert_uint_eq(curve_count_to(&curve, (double)-INFINITY), 0);
}
END_TEST

/* In whatever order they come: the mean of all up to a time. */
START_TEST(any_order)
{
    double times[60], rewards[60];

    for (uint32_t count = 1; count <= 60; count++) {
        times[count - 1] = (double)rng_next_below(&rng, 20);
        rewards[count - 1] = rng_next_unit(&rng);
        curve_add(&curve, times[count - 1], rewards[count - 1]);
        through_an_image();
        for (uint32_t at = 0; at < 20; at++) {
            double sum = 0;
            uint32_t some = 0;

            for (uint32_t i = 0; i < count; i++) {
                if (times[i] <= at) {
                    sum += rewards[i];
                    some++;
                }
            }
            ck_assert_uint_eq(curve_count_to(&curve, at), some);
            if (some > 0)
                ck_assert_double_eq_tol(curve.items[some - 1].mean, sum / some, 1e-14);
        }
    }
}
END_TEST

START_TEST(what_is_cut_is_forgotten)
{
    for (uint32_t i = 0; i < 200; i++)
        curve_add(&curve, i, 10 + i);
    curve_cut(&curve, 200);
    ck_assert_uint_eq(curve.count, 200);
    curve_cut(&curve, 3);
    ck_assert_uint_eq(curve.count, 3);
    through_an_image();
    curve_add(&curve, 3, 21);
    ck_assert_double_eq(curve.items[3].mean, 13.5);
    curve_cut(&curve, (double)-INFINITY);
    ck_assert_uint_eq(curve.count, 0);
    curve_add(&curve, 7, 5);
    ck_assert_double_eq(curve.items[0].mean, 5);
}
END_TEST

/* More was asked of one that had ended. */
START_TEST(goes_on_after_a_trim)
{
    curve_trim(&curve);
    for (uint32_t i = 0; i < 5; i++)
        curve_add(&curve, i, i);
    curve_trim(&curve);
    ck_assert_ptr_null(curve.sum);
    ck_assert_uint_eq(curve.capacity, 5);
    curve_add(&curve, 5, 20);
    ck_assert_double_eq(curve.items[5].mean, 5);
    curve_cut(&curve, (double)-INFINITY);
    curve_trim(&curve);
    ck_assert_ptr_null(curve.items);
}
END_TEST

START_TEST(nan_and_infinity_stay)
{
    curve_add(&curve, 1, 5);
    curve_add(&curve, 2, (double)INFINITY);
    curve_add(&curve, 3, 5);
    ck_assert(curve.items[2].mean == (double)INFINITY);
    curve_add(&curve, 4, (double)-INFINITY);
    ck_assert(isnan(curve.items[3].mean));
    curve_add(&curve, 5, 1);
    ck_assert(isnan(curve.items[4].mean));
    ck_assert(!isnan(curve.items[0].mean));
}
END_TEST

START_TEST(damaged_images_do_no_harm)
{
    struct buf image = {0};
    struct cursor cursor;

    for (uint32_t i = 0; i < 11; i++)
        curve_add(&curve, i, i);
    curve_save(&curve, &image);
    for (size_t at = 0; at < image.size; at++) {
        curve_fini(&curve);
        cursor_init(&cursor, span_of(image.data, at));
        ck_assert(!curve_load(&curve, &cursor));
        for (int bit = 0; bit < 8; bit++) {
            image.data[at] ^= (uint8_t)(1 << bit);
            curve_fini(&curve);
            cursor_init(&cursor, buf_span(&image));
            if (curve_load(&curve, &cursor)) {
                curve_add(&curve, 5, 1);
                curve_add(&curve, 50, 1);
                curve_cut(&curve, 4);
                curve_trim(&curve);
            }
            image.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    buf_fini(&image);
}
END_TEST

/* Times that do not ascend, or are none. */
START_TEST(refuses_wrong_times)
{
    struct buf image = {0};
    struct cursor cursor;

    for (uint32_t i = 0; i < 2; i++)
        curve_add(&curve, i + 1, i);
    curve.items[1].time = _i == 0 ? 0.5 : (double)NAN;
    curve_save(&curve, &image);
    curve_fini(&curve);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(!curve_load(&curve, &cursor));
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("curve");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, means_are_numpys_to_the_last_bit, 0, 2);
    tcase_add_test(tc, known_last_bits);
    tcase_add_loop_test(tc, many_results, 0, 2);
    tcase_add_test(tc, counts_up_to_a_time);
    tcase_add_test(tc, any_order);
    tcase_add_test(tc, what_is_cut_is_forgotten);
    tcase_add_test(tc, goes_on_after_a_trim);
    tcase_add_test(tc, nan_and_infinity_stay);
    tcase_add_test(tc, damaged_images_do_no_harm);
    tcase_add_loop_test(tc, refuses_wrong_times, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
