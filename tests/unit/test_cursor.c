/* links: common */
#include <math.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/pack.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"

static const struct cursor_limits wide = {.depth = 8, .items = 1000, .text_bytes = 100};

static int scan(const char *bytes, size_t size)
{
    return cursor_scan(span_of(bytes, size), &wide);
}

START_TEST(numbers_of_every_width_come_back)
{
    static const int64_t numbers[] = {
        0,  1,   127, 128,  255,  256,    65535,  65536,       4294967295,  4294967296, INT64_MAX,
        -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, INT64_MIN};
    struct buf buf = {0};
    struct cursor cursor;
    int64_t integer;
    double number;
    uint64_t natural;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        pack_int(&buf, numbers[i]);
        pack_int(&buf, numbers[i]);
    }
    pack_uint(&buf, UINT64_MAX);
    pack_uint(&buf, UINT64_MAX);
    cursor_init(&cursor, buf_span(&buf));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ck_assert_int_eq(cursor_peek(&cursor), CURSOR_INT);
        ck_assert(cursor_int(&cursor, &integer));
        ck_assert_int_eq(integer, numbers[i]);
        ck_assert(cursor_double(&cursor, &number));
        ck_assert_double_eq(number, (double)numbers[i]);
    }
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_UINT);
    ck_assert(cursor_uint(&cursor, &natural));
    ck_assert_uint_eq(natural, UINT64_MAX);
    ck_assert(!cursor_int(&cursor, &integer));
    ck_assert(cursor.failed);
    buf_fini(&buf);
}
END_TEST

START_TEST(all_types_come_back)
{
    struct buf buf = {0};
    struct cursor cursor;
    struct span span;
    double number;
    uint32_t count;
    bool boolean;

    pack_map(&buf, 2);
    pack_text(&buf, "k");
    pack_nil(&buf);
    pack_string(&buf, span_text("l"));
    pack_list(&buf, 3);
    pack_bool(&buf, true);
    pack_double(&buf, -0.5);
    pack_bytes(&buf, span_of("\0\1", 2));
    cursor_init(&cursor, buf_span(&buf));
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_MAP);
    ck_assert(cursor_map(&cursor, &count) && count == 2);
    ck_assert(cursor_text(&cursor, &span) && span_is(span, "k"));
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_NIL);
    ck_assert(cursor_nil(&cursor));
    ck_assert(cursor_text(&cursor, &span) && span_is(span, "l"));
    ck_assert(cursor_list(&cursor, &count) && count == 3);
    ck_assert(cursor_bool(&cursor, &boolean) && boolean);
    ck_assert(cursor_double(&cursor, &number));
    ck_assert_double_eq(number, -0.5);
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_BYTES);
    ck_assert(cursor_bytes(&cursor, &span) && span.size == 2);
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_END);
    ck_assert(!cursor.failed);
    buf_fini(&buf);
}
END_TEST

START_TEST(a_failure_sticks_and_touches_nothing)
{
    struct cursor cursor;
    int64_t integer = 17;
    uint32_t small = 18;
    struct span text;

    cursor_init(&cursor, span_of("\xa1x\x05", 3));
    ck_assert(!cursor_int(&cursor, &integer));
    ck_assert_int_eq(integer, 17);
    ck_assert(!cursor_text(&cursor, &text));
    ck_assert(!cursor_skip(&cursor, NULL));
    ck_assert_int_eq(cursor_peek(&cursor), CURSOR_END);
    cursor_init(&cursor, span_of("\xff", 1));
    ck_assert(!cursor_u32(&cursor, &small));
    cursor_init(&cursor, span_of("\xcf\0\0\0\1\0\0\0\0", 9));
    ck_assert(!cursor_u32(&cursor, &small));
    ck_assert_uint_eq(small, 18);
    cursor_init(&cursor, span_of("\x82\x01\x02\x03", 4)); /* claims more than is there */
    ck_assert(!cursor_map(&cursor, &small));
    cursor_init(&cursor, span_of("\x93\x01\x02", 3));
    ck_assert(!cursor_list(&cursor, &small));
    ck_assert_uint_eq(small, 18);
    cursor_init(&cursor, (struct span){0});
    ck_assert(!cursor_nil(&cursor));
}
END_TEST

START_TEST(floats_are_read)
{
    struct cursor cursor;
    double number;

    cursor_init(&cursor, span_of("\xca\x3f\xc0\0\0", 5));
    ck_assert(cursor_double(&cursor, &number));
    ck_assert_double_eq(number, 1.5);
}
END_TEST

START_TEST(skip_passes_whole_items)
{
    static const char bytes[] = "\x82\xa1k\x92\x01\xc4\x02xy\xa1l\x81\xa0\xc0\x07";
    struct cursor cursor;
    struct span item;
    int64_t integer;

    cursor_init(&cursor, span_of(bytes, sizeof(bytes) - 1));
    ck_assert(cursor_skip(&cursor, &item));
    ck_assert_uint_eq(item.size, sizeof(bytes) - 2);
    ck_assert(cursor_int(&cursor, &integer) && integer == 7);
    ck_assert(!cursor_skip(&cursor, NULL));
}
END_TEST

START_TEST(skip_needs_no_stack)
{
    static char deep[1000000];
    struct cursor cursor;

    memset(deep, '\x91', sizeof(deep));
    cursor_init(&cursor, span_of(deep, sizeof(deep)));
    ck_assert(!cursor_skip(&cursor, NULL));
    deep[sizeof(deep) - 1] = '\xc0';
    cursor_init(&cursor, span_of(deep, sizeof(deep)));
    ck_assert(cursor_skip(&cursor, NULL));
}
END_TEST

START_TEST(scan_takes_what_is_good)
{
    ck_assert_int_eq(scan("\xc0", 1), 0);
    ck_assert_int_eq(scan("\x90", 1), 0);
    ck_assert_int_eq(scan("\x82\xa1k\x92\x01\xc4\x02xy\xa1l\x81\xa0\xc0", 14), 0);
    ck_assert_int_eq(scan("\xa2\xc3\xa9", 3), 0);
    ck_assert_int_eq(scan("\xa4\xf0\x9f\x98\x80", 5), 0);
}
END_TEST

START_TEST(scan_refuses_what_is_damaged)
{
    ck_assert_int_eq(scan("", 0), ERR_MALFORMED);
    ck_assert_int_eq(scan("\xc0\xc0", 2), ERR_MALFORMED);     /* something behind it */
    ck_assert_int_eq(scan("\xc1", 1), ERR_MALFORMED);         /* never used */
    ck_assert_int_eq(scan("\xd4\x01\x02", 3), ERR_MALFORMED); /* extension */
    ck_assert_int_eq(scan("\xc7\x00\x01", 3), ERR_MALFORMED); /* extension */
    ck_assert_int_eq(scan("\xcd\x01", 2), ERR_MALFORMED);     /* cut off */
    ck_assert_int_eq(scan("\xa2x", 2), ERR_MALFORMED);
    ck_assert_int_eq(scan("\x92\x01", 2), ERR_MALFORMED);
    ck_assert_int_eq(scan("\xdd\xff\xff\xff\xff\x01", 6), ERR_MALFORMED); /* claims too many */
    ck_assert_int_eq(scan("\x82\x01\x02\x03", 4), ERR_MALFORMED);
    /* keys are texts, and only keys need be */
    ck_assert_int_eq(scan("\x81\x01\x02", 3), ERR_MALFORMED);
    ck_assert_int_eq(scan("\x82\xa1k\x01\x02\xa1l", 7), ERR_MALFORMED);
    ck_assert_int_eq(scan("\x81\x80\x01", 3), ERR_MALFORMED);
    ck_assert_int_eq(scan("\x92\x81\xa1k\x81\x01\x02\x03", 8), ERR_MALFORMED);
    ck_assert_int_eq(scan("\x92\x82\xa1k\x80\xa1l\x91\x01\x02", 10), 0);
}
END_TEST

START_TEST(scan_refuses_bad_utf8)
{
    static const char *const bad[] = {"\xa1\x80",
                                      "\xa2\xc0\x80",
                                      "\xa2\xc1\xbf",
                                      "\xa3\xe0\x80\x80",
                                      "\xa3\xed\xa0\x80",
                                      "\xa4\xf0\x80\x80\x80",
                                      "\xa4\xf4\x90\x80\x80",
                                      "\xa4\xf5\x80\x80\x80",
                                      "\xa1\xc3",
                                      "\xa2\xc3x",
                                      "\xaa"
                                      "12345678\xe2\x82",
                                      "\xa1\xff"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(scan(bad[i], strlen(bad[i])), ERR_MALFORMED);
}
END_TEST

START_TEST(scan_refuses_a_nul_in_a_text)
{
    ck_assert_int_eq(scan("\xa1\x00", 2), ERR_MALFORMED);
    ck_assert_int_eq(scan("\x81\xa1\x00\x01", 4), ERR_MALFORMED);
    ck_assert_int_eq(scan("\xa9zyxwvuts\x00", 10), ERR_MALFORMED);
    ck_assert_int_eq(scan("\xc4\x01\x00", 3), 0); /* bytes are bytes */
}
END_TEST

START_TEST(scan_keeps_the_limits)
{
    struct buf buf = {0};
    const struct cursor_limits items = {.depth = 8, .items = 4, .text_bytes = 3};

    ck_assert_int_eq(scan("\x91\x91\x91\x91\x91\x91\x91\x90", 8), 0);
    ck_assert_int_eq(scan("\x91\x91\x91\x91\x91\x91\x91\x91\x90", 9), ERR_TOO_BIG);
    ck_assert_int_eq(scan("\x92\x91\x90\x91\x90", 5), 0);
    ck_assert_int_eq(cursor_scan(span_of("\x93\1\2\3", 4), &items), 0);
    ck_assert_int_eq(cursor_scan(span_of("\x94\1\2\3\4", 5), &items), ERR_TOO_BIG);
    ck_assert_int_eq(cursor_scan(span_of("\xa3xyz", 4), &items), 0);
    ck_assert_int_eq(cursor_scan(span_of("\xa4xyzz", 5), &items), ERR_TOO_BIG);
    ck_assert_int_eq(cursor_scan(span_of("\xc4\4xyzz", 6), &items), ERR_TOO_BIG);
    buf_fini(&buf);
}
END_TEST

/* What the scan takes, skip passes to the last byte; neither reads outside (the sanitizer sees). */
START_TEST(random_bytes_do_no_harm)
{
    struct rng rng = {.seed = 3};
    uint32_t taken = 0;

    for (int round = 0; round < 100000; round++) {
        size_t size = rng_next_below(&rng, 12);
        struct buf buf = {0};
        struct cursor cursor;

        for (size_t i = 0; i < size; i++)
            buf_append_char(&buf, (char)rng_next_below(&rng, 256));
        cursor_init(&cursor, buf_span(&buf));
        if (cursor_scan(buf_span(&buf), &wide) == 0) {
            taken++;
            ck_assert(cursor_skip(&cursor, NULL));
            ck_assert_int_eq(cursor_peek(&cursor), CURSOR_END);
            ck_assert_ptr_eq(cursor.at, cursor.end);
        } else {
            (void)cursor_skip(&cursor, NULL);
        }
        buf_fini(&buf);
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("cursor");
    TCase *tcase = tcase_create("cursor");

    tcase_add_test(tcase, numbers_of_every_width_come_back);
    tcase_add_test(tcase, all_types_come_back);
    tcase_add_test(tcase, a_failure_sticks_and_touches_nothing);
    tcase_add_test(tcase, floats_are_read);
    tcase_add_test(tcase, skip_passes_whole_items);
    tcase_add_test(tcase, skip_needs_no_stack);
    tcase_add_test(tcase, scan_takes_what_is_good);
    tcase_add_test(tcase, scan_refuses_what_is_damaged);
    tcase_add_test(tcase, scan_refuses_bad_utf8);
    tcase_add_test(tcase, scan_refuses_a_nul_in_a_text);
    tcase_add_test(tcase, scan_keeps_the_limits);
    tcase_add_test(tcase, random_bytes_do_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
