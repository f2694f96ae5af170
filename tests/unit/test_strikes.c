/* links: head */
#include <check.h>
#include <string.h>

#include "head/strikes.h"
#include "tests/lib/run_suite.h"

static struct strikes *strikes;

static void setup(void)
{
    strikes = strikes_new();
}

static void teardown(void)
{
    strikes_free(strikes);
}

static const uint8_t *key(uint32_t number)
{
    static uint8_t bytes[32];

    memcpy(bytes, &number, sizeof(number));
    return bytes;
}

START_TEST(ten_in_a_minute_are_too_many)
{
    for (uint32_t i = 0; i < 9; i++)
        ck_assert(!strikes_add(strikes, key(1), 1000 + i));
    ck_assert(!strikes_ignored(strikes, key(1), 1010));
    ck_assert(strikes_add(strikes, key(1), 1010));
    ck_assert(strikes_ignored(strikes, key(1), 1010));
    ck_assert(strikes_ignored(strikes, key(1), 61009));
    ck_assert(!strikes_ignored(strikes, key(2), 1010));
    ck_assert(!strikes_ignored(strikes, key(1), 61010));
}
END_TEST

START_TEST(ten_in_an_hour_are_not)
{
    for (uint32_t i = 0; i < 30; i++)
        ck_assert(!strikes_add(strikes, key(1), i * 7000u));
    ck_assert(!strikes_ignored(strikes, key(1), 30 * 7000));
}
END_TEST

START_TEST(a_crowd_pushes_out_the_oldest_only)
{
    for (uint32_t i = 0; i < 10; i++)
        (void)strikes_add(strikes, key(1), 5000);
    for (uint32_t i = 0; i < 255; i++)
        (void)strikes_add(strikes, key(100 + i), 4000);
    (void)strikes_add(strikes, key(7), 6000);
    ck_assert(strikes_ignored(strikes, key(1), 6000));
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("strikes");
    TCase *tests = tcase_create("strikes");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, ten_in_a_minute_are_too_many);
    tcase_add_test(tests, ten_in_an_hour_are_not);
    tcase_add_test(tests, a_crowd_pushes_out_the_oldest_only);
    suite_add_tcase(suite, tests);
    return suite;
}
