/* links: common */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/number.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"

typedef size_t print_function(double number, char *out);

struct sample {
    double number;
    const char *text;
};

static void check_all(print_function *print, const struct sample *samples, size_t count)
{
    char out[NUMBER_BYTES + 1];

    for (size_t i = 0; i < count; i++) {
        out[print(samples[i].number, out)] = '\0';
        ck_assert_str_eq(out, samples[i].text);
    }
}

START_TEST(repr_is_pythons)
{
    static const struct sample samples[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-17.0, "-17.0"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {10.0, "10.0"},
        {1e-4, "0.0001"},
        {1.5e-4, "0.00015"},
        {1e-5, "1e-05"},
        {1e-07, "1e-07"},
        {1.25e-7, "1.25e-07"},
        {1e15, "1000000000000000.0"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e16, "1e+16"},
        {1e22, "1e+22"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {-2.5e-300, "-2.5e-300"},
        {123.456, "123.456"},
        {(double)INFINITY, "inf"},
        {-(double)INFINITY, "-inf"},
        {(double)NAN, "nan"},
    };

    check_all(number_repr, samples, sizeof(samples) / sizeof(samples[0]));
}
END_TEST

START_TEST(tags_have_five_digits)
{
    static const struct sample samples[] = {
        {0.12345678, "0.12346"}, {10.0, "10.0"},       {12345.0, "1.2345e+04"},
        {99999.5, "1e+05"},      {1234.0, "1234.0"},   {1e-05, "1e-05"},
        {100000.0, "1e+05"},     {1.0 / 3, "0.33333"}, {9999.96, "1e+04"},
        {0.0001, "0.0001"},      {-0.0, "-0.0"},       {0.00012345678, "0.00012346"},
        {1234.56, "1234.6"},     {-5.5, "-5.5"},       {0.0, "0.0"},
        {(double)NAN, "nan"},
    };

    check_all(number_tag, samples, sizeof(samples) / sizeof(samples[0]));
}
END_TEST

START_TEST(short_is_three_digits_of_g)
{
    struct rng rng = {.seed = 5};
    char expected[64], out[NUMBER_BYTES + 1];

    for (int i = 0; i < 20000; i++) {
        int exponent = (int)rng_next_below(&rng, 24) - 12;
        double number = (rng_next_unit(&rng) - 0.5) * pow(10, exponent);

        (void)snprintf(expected, sizeof(expected), "%.3g", number);
        out[number_short(number, out)] = '\0';
        ck_assert_str_eq(out, expected);
    }
    out[number_short(84, out)] = '\0';
    ck_assert_str_eq(out, "84");
    out[number_short(1230, out)] = '\0';
    ck_assert_str_eq(out, "1.23e+03");
}
END_TEST

/* repr() and its reading are each other's reverse for doubles of all kinds. */
START_TEST(repr_reads_back_to_the_same_bits)
{
    struct rng rng = {.seed = 9};
    char out[NUMBER_BYTES + 1];
    bool good = true;

    /* A check writes to its parent: one a number would take longer than the number. */
    for (int i = 0; i < 100000 && good; i++) {
        uint64_t bits = rng_next(&rng);
        double number, back;
        size_t size;

        memcpy(&number, &bits, sizeof(number));
        if (!isfinite(number))
            continue;
        size = number_repr(number, out);
        good = size <= NUMBER_BYTES;
        out[good ? size : 0] = '\0';
        back = strtod(out, NULL);
        good = good && memcmp(&back, &number, sizeof(back)) == 0 &&
               number_parse(span_of(out, size), &back) && memcmp(&back, &number, sizeof(back)) == 0;
    }
    ck_assert_msg(good, "%s does not come back", out);
}
END_TEST

START_TEST(integers)
{
    static const int64_t numbers[] = {0,   7,  -7,  10,        99,        100,
                                      101, -1, 999, INT64_MAX, INT64_MIN, 123456789};
    char expected[32], out[NUMBER_BYTES + 1];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
        out[number_int(numbers[i], out)] = '\0';
        ck_assert_str_eq(out, expected);
    }
    out[number_uint(UINT64_MAX, out)] = '\0';
    ck_assert_str_eq(out, "18446744073709551615");
}
END_TEST

START_TEST(parse_takes_numbers_only)
{
    static const char *const bad[] = {"", "x", "1x", " 1", "1 ", "+1", "1e", "0x10", "--1", "."};
    double number = 3;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert(!number_parse(span_text(bad[i]), &number));
    ck_assert_double_eq(number, 3);
    ck_assert(number_parse(span_text("-1.5e3"), &number));
    ck_assert_double_eq(number, -1500);
    ck_assert(number_parse(span_text("1e400"), &number) && isinf(number) && number > 0);
    ck_assert(number_parse(span_text("-1e400"), &number) && isinf(number) && number < 0);
    ck_assert(number_parse(span_text("1e-400"), &number));
    ck_assert_double_eq(number, 0);
    ck_assert(number_parse(span_text("0.000001e-330"), &number));
    ck_assert_double_eq(number, 0);
    ck_assert(number_parse(span_text("nan"), &number) && isnan(number));
    ck_assert(number_parse(span_text("-inf"), &number) && isinf(number));
}
END_TEST

START_TEST(sizes_have_units)
{
    static const struct {
        const char *text;
        double bytes;
    } good[] = {{"0", 0},
                {"1000000", 1e6},
                {"1K", 1024},
                {"512M", 512e0 * 1048576},
                {"1.5GiB", 1.5 * 1073741824},
                {"2g", 2.0 * 1073741824},
                {"7B", 7},
                {"1kB", 1024}};
    static const char *const bad[] = {"", "M", "-1", "1X", "1MM", "1Mi5", "1e3", "1 M", "nan"};
    double bytes;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(number_size(good[i].text, &bytes), "%s", good[i].text);
        ck_assert(bytes == good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!number_size(bad[i], &bytes), "%s", bad[i]);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("number");
    TCase *tcase = tcase_create("number");

    tcase_add_test(tcase, repr_is_pythons);
    tcase_add_test(tcase, tags_have_five_digits);
    tcase_add_test(tcase, short_is_three_digits_of_g);
    tcase_add_test(tcase, repr_reads_back_to_the_same_bits);
    tcase_add_test(tcase, integers);
    tcase_add_test(tcase, parse_takes_numbers_only);
    tcase_add_test(tcase, sizes_have_units);
    suite_add_tcase(suite, tcase);
    return suite;
}
