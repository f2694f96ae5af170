/* links: core */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "head/core/quantile.h"
#include "tests/lib/run_suite.h"

static struct quantile *q;

static void teardown(void)
{
    quantile_free(q);
    q = NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What numpy does, on a sorted array. */
static double by_sorting(const double *numbers, uint32_t count, double fraction)
{
    double *sorted = malloc(count * sizeof(*sorted));
    double place = (double)(count - 1) * fraction;
    uint32_t at = (uint32_t)floor(place);
    double part = place - floor(place);
    double a, b, answer;

    ck_assert_ptr_nonnull(sorted);
    memcpy(sorted, numbers, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    a = sorted[at];
    b = sorted[at + 1 < count ? at + 1 : at];
    answer = part >= 0.5 ? b - (b - a) * (1 - part) : a + (b - a) * part;
    free(sorted);
    return answer;
}

/* Save, load into another, and save that: the same bytes. */
static void through_an_image(double fraction)
{
    struct quantile *other = quantile_new(fraction);
    struct buf image = {0}, again = {0};
    struct cursor cursor;

    quantile_save(q, &image);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(quantile_load(other, &cursor));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    quantile_save(other, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    buf_fini(&image);
    buf_fini(&again);
    quantile_free(q);
    q = other;
}

START_TEST(empty_has_none)
{
    double out = 7;

    q = quantile_new(0.5);
    ck_assert(!quantile_get(q, &out));
    ck_assert_double_eq(out, 7);
    ck_assert_uint_eq(quantile_count(q), 0);
    through_an_image(0.5);
    quantile_add(q, 3);
    ck_assert(quantile_get(q, &out));
    ck_assert_double_eq(out, 3);
}
END_TEST

/* Made with numpy.percentile(numbers, (1 - 1 / factor) * 100). */
START_TEST(numpy_says_the_same)
{
    static const struct {
        double factor;
        uint32_t count;
        double numbers[11];
        double want;
    } rows[] = {
        {3, 5, {10, 20, 5, 15, 30}, 18.333333333333336},
        {3, 3, {11, 25, 12}, 16.333333333333336},
        {3, 2, {12, 25}, 20.666666666666668},
        {3, 3, {12, 25, 24}, 24.333333333333332},
        {3, 7, {-2.559, 5.114, -2.261, -3.151, -9.3, -2.133, 11.119}, -2.133},
        {4, 6, {4.241, 10.369, 2.489, 3.948, 1.853, -16.661}, 4.16775},
        {2.5,
         9,
         {8.553, 5.064, 4.988, -16.914, -17.439, -8.896, -4.682, 3.054, -0.459},
         2.351399999999999},
        {6,
         11,
         {5.21, -6.422, 3.087, 3.942, -6.611, 17.175, 5.566, 11.97, -6.203, -7.395, -3.44},
         7.700666666666682},
        {13, 8, {-1.064, 6.321, 2.484, -4.474, -9.569, -5.206, 12.209, -8.079}, 9.038538461538456},
    };
    double out = 0;

    q = quantile_new((1 - 1 / rows[_i].factor) * 100 / 100);
    for (uint32_t i = 0; i < rows[_i].count; i++)
        quantile_add(q, rows[_i].numbers[i]);
    ck_assert(quantile_get(q, &out));
    ck_assert_msg(out == rows[_i].want, "%.17g", out);
}
END_TEST

/* Doubles and many equal ones, in random order, against the sorted array at every step. */
START_TEST(fuzzed_against_sorting)
{
    static const double factors[] = {2, 3, 4, 1.5, 7, 10, 1.01, 1000, 1e17};
    double fraction = (1 - 1 / factors[_i]) * 100 / 100;
    struct rng rng = {.seed = 5, .stream = (uint64_t)_i};
    double numbers[400];

    q = quantile_new(fraction);
    for (uint32_t i = 0; i < 400; i++) {
        uint64_t kind = rng_next_below(&rng, 3);
        double out = 0;

        numbers[i] = kind == 0   ? (double)rng_next_below(&rng, 5)
                     : kind == 1 ? rng_next_unit(&rng) - 0.5
                                 : (rng_next_unit(&rng) - 0.5) * 1e9;
        quantile_add(q, numbers[i]);
        ck_assert_uint_eq(quantile_count(q), i + 1);
        ck_assert(quantile_get(q, &out));
        ck_assert_msg(out == by_sorting(numbers, i + 1, fraction), "at %u: %.17g", i, out);
        if (i % 37 == 0)
            through_an_image(fraction);
    }
}
END_TEST

/* Numbers come and go; the two that it lies between are those of the sorted array. */
START_TEST(fuzzed_with_removals)
{
    struct rng rng = {.seed = 6};
    double numbers[200], below = 7, above = 7;
    uint32_t count = 0;

    q = quantile_new(0.5);
    ck_assert(!quantile_between(q, &below, &above));
    ck_assert(below == 7 && above == 7);
    for (uint32_t step = 0; step < 2000; step++) {
        uint32_t at = (uint32_t)rng_next_below(&rng, count + 1);

        if (count < 200 && (count == 0 || rng_next_below(&rng, 9) < 5)) {
            numbers[count] = (double)rng_next_below(&rng, 40) - 20;
            quantile_add(q, numbers[count++]);
        } else if (at < count) {
            ck_assert(quantile_remove(q, numbers[at]));
            numbers[at] = numbers[--count];
        }
        ck_assert(!quantile_remove(q, 50));
        ck_assert_uint_eq(quantile_count(q), count);
        if (count == 0)
            continue;
        qsort(numbers, count, sizeof(*numbers), compare);
        ck_assert(quantile_between(q, &below, &above));
        ck_assert_double_eq(below, numbers[(count - 1) / 2]);
        ck_assert_double_eq(above, numbers[count / 2]);
        if (step % 37 == 0)
            through_an_image(0.5);
    }
}
END_TEST

START_TEST(infinities_are_numpys)
{
    double out = 0;

    q = quantile_new(0.5);
    quantile_add(q, (double)-INFINITY);
    quantile_add(q, 1);
    quantile_add(q, 2);
    ck_assert(quantile_get(q, &out));
    ck_assert_double_eq(out, 1);
    quantile_add(q, (double)-INFINITY);
    quantile_add(q, (double)-INFINITY);
    ck_assert(quantile_get(q, &out));
    ck_assert(isnan(out));
    through_an_image(0.5);
}
END_TEST

/* A cut, turned or swollen image is refused, and what it was read into is empty. */
START_TEST(damaged_images_are_refused)
{
    struct buf image = {0};
    struct cursor cursor;

    q = quantile_new(0.5);
    for (int i = 0; i < 9; i++)
        quantile_add(q, i);
    quantile_save(q, &image);
    quantile_free(q);
    q = quantile_new(0.5);
    for (size_t size = 0; size < image.size; size++) {
        cursor_init(&cursor, span_of(image.data, size));
        ck_assert(!quantile_load(q, &cursor));
        ck_assert_uint_eq(quantile_count(q), 0);
    }
    /* The first byte of the top of the low heap: -4 becomes 4, so the heaps no longer meet. */
    image.data[3] = (uint8_t)(image.data[3] ^ 0x80);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(!quantile_load(q, &cursor));
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("quantile");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, empty_has_none);
    tcase_add_loop_test(tc, numpy_says_the_same, 0, 9);
    tcase_add_loop_test(tc, fuzzed_against_sorting, 0, 9);
    tcase_add_test(tc, fuzzed_with_removals);
    tcase_add_test(tc, infinities_are_numpys);
    tcase_add_test(tc, damaged_images_are_refused);
    suite_add_tcase(s, tc);
    return s;
}
