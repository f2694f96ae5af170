/* links: core */
#include <stdlib.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/tpe_rig.h"

static struct tpe_past past;
static struct buf saved;

static void setup(void)
{
    arena_init(&arena);
    open_space("{'x': {'uniform': [0, 1]}}");
    tpe_past_init(&past, &space, 11);
    saved = (struct buf){0};
}

static void teardown(void)
{
    tpe_past_fini(&past);
    tpe_space_fini(&space);
    buf_fini(&saved);
    arena_fini(&arena);
}

static void begin(uint32_t number)
{
    double x = number / 1e6;

    tpe_past_begin(&past, number, &x);
}

static void end(uint32_t number, enum tpe_end how, double value, double time)
{
    begin(number);
    tpe_past_end(&past, number, how, value, time);
}

static const struct tpe_row *list[4096];

static uint32_t good(void)
{
    ck_assert_uint_le(tpe_past_most(&past), 4096);
    return tpe_past_good(&past, (struct tpe_row **)list);
}

static uint32_t others(void)
{
    ck_assert_uint_le(tpe_past_most(&past), 4096);
    return tpe_past_others(&past, (struct tpe_row **)list);
}

static uint32_t number_of(const struct tpe_row *row)
{
    return (uint32_t)lround(row->numbers[0] * 1e6);
}

/* ceil(n / 10), at most 25. */
START_TEST(a_tenth_is_good)
{
    static const uint32_t table[][2] = {{0, 0},    {1, 1},    {9, 1},    {10, 1},    {11, 2},
                                        {20, 2},   {21, 3},   {100, 10}, {101, 11},  {240, 24},
                                        {241, 25}, {250, 25}, {251, 25}, {10000, 25}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        ck_assert_uint_eq(tpe_good_count(table[i][0]), table[i][1]);
    for (uint32_t n = 1; n <= 280; n++) {
        end(n, TPE_COMPLETE, (n * 7919) % 1009, 1);
        ck_assert_uint_eq(good(), tpe_good_count(n));
        ck_assert_uint_eq(others(), n - tpe_good_count(n));
    }
}
END_TEST

/* Complete ones by value, then early ones by time and value, then those without a value, which are
 * never good. */
START_TEST(the_best_are_the_best)
{
    static const uint32_t order[] = {5, 1, 3, 2, 4, 6};

    end(1, TPE_COMPLETE, 7, 3);
    end(2, TPE_EARLY, 100, 9);
    end(3, TPE_COMPLETE, -INFINITY, 3);
    end(4, TPE_EARLY, 99, 9);
    end(5, TPE_COMPLETE, 8, 1);
    end(6, TPE_EARLY, 1000, 8);
    end(7, TPE_COMPLETE, NAN, 8);
    end(8, TPE_WORTHLESS, NAN, 0);
    ck_assert_uint_eq(past.best.count, 6);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_uint_eq(past.best.items[i]->number, order[i]);
    ck_assert_uint_eq(past.rest.count, 2);
    ck_assert_uint_eq(past.ended, 8);
    ck_assert_uint_eq(good(), 1);
    ck_assert_uint_eq(number_of(list[0]), 5);
}
END_TEST

START_TEST(what_is_worth_nothing_is_not_good)
{
    for (uint32_t n = 0; n < 30; n++)
        end(n, TPE_WORTHLESS, NAN, 0);
    ck_assert_uint_eq(good(), 0);
    ck_assert_uint_eq(others(), 30);
}
END_TEST

/* By their number, wherever they are kept; those that run are there. */
START_TEST(the_others_come_by_number)
{
    for (uint32_t n = 0; n < 60; n++)
        end(n, TPE_COMPLETE, (n * 37) % 61, 1);
    for (uint32_t n = 60; n < 64; n++)
        begin(n);
    ck_assert_uint_eq(others(), 64 - 6);
    for (uint32_t i = 1; i < 58; i++)
        ck_assert_uint_lt(number_of(list[i - 1]), number_of(list[i]));
    ck_assert_uint_eq(number_of(list[57]), 63);
    tpe_past_forget(&past, 61);
    ck_assert_uint_eq(others(), 57);
    ck_assert_uint_eq(past.ended, 60);
}
END_TEST

/* One that goes on after its end is counted once, with what it ended with the last time. */
START_TEST(an_end_can_be_outdone)
{
    for (uint32_t n = 0; n < 40; n++)
        end(n, TPE_COMPLETE, -(double)n, 1);
    tpe_past_end(&past, 35, TPE_COMPLETE, 5, 2);
    tpe_past_end(&past, 0, TPE_COMPLETE, -1000, 2);
    tpe_past_end(&past, 77, TPE_COMPLETE, 99, 2); /* never heard of */
    ck_assert_uint_eq(past.ended, 40);
    ck_assert_uint_eq(good(), 4);
    ck_assert_uint_eq(number_of(list[0]), 35);
    ck_assert_uint_eq(number_of(list[1]), 1);
    ck_assert_uint_eq(others(), 36);
}
END_TEST

/* What is kept does not grow without end, the best are among it, and what is of the rest is spread
 * over all of them. */
START_TEST(a_long_history_is_thinned)
{
    uint32_t old = 0, count;

    for (uint32_t n = 0; n < 20000; n++)
        end(n, TPE_COMPLETE, n % 1000 == 500 ? n : -(double)(n % 97), 1);
    count = others();
    ck_assert_uint_le(count, TPE_REST);
    ck_assert_uint_gt(count, TPE_REST / 4);
    ck_assert_uint_gt(past.thinned, 0);
    for (uint32_t i = 0; i < count; i++)
        old += number_of(list[i]) < 10000;
    ck_assert_uint_gt(old, count / 3);
    ck_assert_uint_lt(old, count - count / 3);
    ck_assert_uint_eq(good(), 25);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_uint_eq(number_of(list[i]), 19500 - 1000 * i);
    begin(20000);
    for (uint32_t n = 20001; n < 20200; n++)
        begin(n);
    ck_assert_uint_lt(others(), count + 60); /* so are those that run */
}
END_TEST

START_TEST(known_rows_are_known)
{
    double x = 3 / 1e6;

    ck_assert(!tpe_past_has(&past, &x));
    begin(3);
    ck_assert(tpe_past_has(&past, &x));
    tpe_past_end(&past, 3, TPE_COMPLETE, 1, 1);
    ck_assert(tpe_past_has(&past, &x));
    x = 4 / 1e6;
    ck_assert(!tpe_past_has(&past, &x));
}
END_TEST

static void fill(void)
{
    for (uint32_t n = 0; n < 700; n++)
        end(n, n % 5 == 0 ? TPE_EARLY : n % 7 == 0 ? TPE_WORTHLESS : TPE_COMPLETE, n % 89, n % 11);
    for (uint32_t n = 700; n < 705; n++)
        begin(n);
    tpe_past_save(&past, &saved);
}

static bool load(struct span bytes)
{
    struct cursor cursor;

    tpe_past_fini(&past);
    tpe_past_init(&past, &space, 11);
    cursor_init(&cursor, bytes);
    return tpe_past_load(&past, &cursor);
}

START_TEST(what_was_saved_is_loaded)
{
    struct buf again = {0};

    fill();
    ck_assert(load(buf_span(&saved)));
    tpe_past_save(&past, &again);
    ck_assert(span_equal(buf_span(&saved), buf_span(&again)));
    ck_assert_uint_eq(past.live.count, 5);
    ck_assert_uint_eq(past.ended, 700);
    buf_fini(&again);
}
END_TEST

/* No cut and no changed byte does harm; what is loaded then is sound. */
START_TEST(damaged_states_are_refused_or_sound)
{
    struct buf again = {0};

    fill();
    for (size_t size = 0; size < saved.size; size += 1 + size / 40)
        ck_assert(!load(span_of(saved.data, size)));
    for (size_t at = 0; at < saved.size; at += 1 + at / 60) {
        uint8_t byte = saved.data[at];

        for (uint32_t i = 1; i < 256; i += 50) {
            saved.data[at] = (uint8_t)(byte + i);
            if (!load(buf_span(&saved)))
                continue;
            buf_reset(&again);
            tpe_past_save(&past, &again);
            ck_assert_uint_le(good(), TPE_BEST);
            (void)others();
        }
        saved.data[at] = byte;
    }
    buf_fini(&again);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tpe_past");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_tenth_is_good);
    tcase_add_test(tc, the_best_are_the_best);
    tcase_add_test(tc, what_is_worth_nothing_is_not_good);
    tcase_add_test(tc, the_others_come_by_number);
    tcase_add_test(tc, an_end_can_be_outdone);
    tcase_add_test(tc, a_long_history_is_thinned);
    tcase_add_test(tc, known_rows_are_known);
    tcase_add_test(tc, what_was_saved_is_loaded);
    tcase_add_test(tc, damaged_states_are_refused_or_sound);
    suite_add_tcase(s, tc);
    return s;
}
