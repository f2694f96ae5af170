/* links: client */
#include <float.h>
#include <math.h>

#include "client/sparkline.h"
#include "tests/lib/run_suite.h"

static struct buf out;

static void teardown(void)
{
    buf_fini(&out);
    out = (struct buf){0};
}

static const char *line_of(const double *values, uint32_t count)
{
    buf_reset(&out);
    sparkline_write(values, count, &out);
    return buf_text(&out);
}

START_TEST(blocks_are_as_high_as_values)
{
    static const double rising[] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const double falling[] = {-1, -3, -8};

    ck_assert_str_eq(line_of(rising, 8), "▁▂▃▄▅▆▇█");
    ck_assert_str_eq(line_of(falling, 3), "█▆▁");
}
END_TEST

START_TEST(what_is_no_number_is_a_blank)
{
    const double values[] = {1, (double)NAN, 2, -(double)INFINITY};
    const double none[] = {(double)NAN, (double)INFINITY};

    ck_assert_str_eq(line_of(values, 4), "▁ █ ");
    ck_assert_str_eq(line_of(none, 2), "  ");
    ck_assert_str_eq(line_of(none, 0), "");
}
END_TEST

START_TEST(one_height_is_in_the_middle)
{
    static const double same[] = {3, 3};
    static const double extreme[] = {-DBL_MAX, 0, DBL_MAX};

    ck_assert_str_eq(line_of(same, 2), "▅▅");
    ck_assert_str_eq(line_of(extreme, 3), "▁▅█");
}
END_TEST

/* Of 600 each block is ten: the last has a mean of its own. */
START_TEST(many_values_are_taken_together)
{
    double values[600] = {0};
    const char *line;
    size_t size = 0;

    for (uint32_t i = 590; i < 600; i++)
        values[i] = i % 2 == 0 ? 0 : DBL_MAX;
    line = line_of(values, 600);
    for (const char *at = line; *at != '\0'; at++)
        size += ((unsigned char)*at & 0xC0u) != 0x80u;
    ck_assert_uint_eq(size, SPARKLINE_MOST);
    ck_assert_str_eq(line + out.size - 6, "▁█");
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("sparkline");
    TCase *cases = tcase_create("sparkline");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, blocks_are_as_high_as_values);
    tcase_add_test(cases, what_is_no_number_is_a_blank);
    tcase_add_test(cases, one_height_is_in_the_middle);
    tcase_add_test(cases, many_values_are_taken_together);
    suite_add_tcase(all, cases);
    return all;
}
