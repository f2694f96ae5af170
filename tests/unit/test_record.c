#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/record.h"
#include "tests/lib/run_suite.h"

static struct buf metrics, bytes;

static void setup(void)
{
    metrics = bytes = (struct buf){0};
    pack_map(&metrics, 1);
    pack_text(&metrics, "loss");
    pack_double(&metrics, 0.25);
}

static void teardown(void)
{
    buf_fini(&metrics);
    buf_fini(&bytes);
}

static struct record start_of(void)
{
    return (struct record){.kind = RECORD_START, .start = {.pid = 4711, .unix_ms = 1700000000000}};
}

static struct record result_of(int64_t iteration)
{
    return (struct record){
        .kind = RECORD_RESULT,
        .result = {.metrics = buf_span(&metrics), .training_iteration = iteration}};
}

static struct record end_of(struct span text)
{
    return (struct record){
        .kind = RECORD_END,
        .end = {.reason = END_EXIT, .status = 3, .unix_ms = 1700000000001, .text = text}};
}

static void add(struct record record)
{
    record_pack(&record, &bytes);
}

static int check(uint32_t count, uint64_t first_seq)
{
    return record_check(buf_span(&bytes), count, first_seq);
}

START_TEST(comes_back_as_it_went)
{
    struct cursor cursor;
    struct record record;

    add(start_of());
    add(result_of(1));
    add(end_of(span_text("it fell over")));
    cursor_init(&cursor, buf_span(&bytes));
    ck_assert_int_eq(record_unpack(&cursor, &record), 0);
    ck_assert_int_eq(record.kind, RECORD_START);
    ck_assert_int_eq(record.start.pid, 4711);
    ck_assert_uint_eq(record.start.unix_ms, 1700000000000);
    ck_assert_int_eq(record_unpack(&cursor, &record), 0);
    ck_assert_int_eq(record.kind, RECORD_RESULT);
    ck_assert_int_eq(record.result.training_iteration, 1);
    ck_assert(span_equal(record.result.metrics, buf_span(&metrics)));
    ck_assert_int_eq(record_unpack(&cursor, &record), 0);
    ck_assert_int_eq(record.kind, RECORD_END);
    ck_assert_uint_eq(record.end.reason, END_EXIT);
    ck_assert_int_eq(record.end.status, 3);
    ck_assert_uint_eq(record.end.unix_ms, 1700000000001);
    ck_assert(span_is(record.end.text, "it fell over"));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    ck_assert_int_eq(record_unpack(&cursor, &record), ERR_MALFORMED);
    ck_assert_int_eq(check(3, 1), 0);
}
END_TEST

START_TEST(the_bytes_are_as_agreed)
{
    static const char start[] = "\x93\x01\x05\x07", end[] = "\x95\x03\x02\x09\x07\xa1x";
    struct record record = {.kind = RECORD_START, .start = {.pid = 5, .unix_ms = 7}};

    add(record);
    ck_assert(span_equal(buf_span(&bytes), span_of(start, sizeof(start) - 1)));
    buf_reset(&bytes);
    add((struct record){.kind = RECORD_END,
                        .end = {.reason = END_EXIT, .status = 9, .unix_ms = 7, .text = {"x", 1}}});
    ck_assert(span_equal(buf_span(&bytes), span_of(end, sizeof(end) - 1)));
    buf_reset(&bytes);
    add(result_of(1));
    ck_assert_mem_eq(bytes.data, "\x92\x02\x9b\x81\xa4loss", 9);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    add(start_of());
    add(result_of(1));
    add(end_of(span_text("why")));
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *cut = malloc(size > 0 ? size : 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, bytes.data, size);
        ck_assert_int_eq(record_check(span_of(cut, size), 3, 1), ERR_MALFORMED);
        free(cut);
    }
}
END_TEST

START_TEST(changed_bytes_do_no_harm)
{
    struct record record;

    add(start_of());
    add(result_of(1));
    add(end_of(span_text("why")));
    for (size_t at = 0; at < bytes.size; at++) {
        uint8_t before = bytes.data[at];

        for (unsigned value = 0; value < 256; value++) {
            struct cursor cursor;

            bytes.data[at] = (uint8_t)value;
            if (check(3, 1) < 0)
                continue;
            cursor_init(&cursor, buf_span(&bytes));
            for (int i = 0; i < 3; i++)
                ck_assert_int_eq(record_unpack(&cursor, &record), 0);
        }
        bytes.data[at] = before;
    }
}
END_TEST

/* Whatever a worker sends: what was let in can be written to the files. */
START_TEST(what_is_taken_can_be_printed)
{
    static const char nested[] =
        "\x82\xa1l\x01\xa1m\x82\xa1k\x92\xcb\1\2\3\4\5\6\7\x08\x81\xa1x\xc0\xa1n"
        "\xc4\x01z";
    const struct result_constants constants = {.config = {"\x80", 1}};
    struct buf out = {0};

    buf_reset(&metrics);
    buf_append(&metrics, nested, sizeof(nested) - 1);
    add(result_of(1));
    ck_assert_int_eq(check(1, 2), 0);
    for (size_t at = 0; at < bytes.size; at++) {
        uint8_t before = bytes.data[at];

        for (unsigned value = 0; value < 256; value++) {
            struct cursor cursor;
            struct record record;

            bytes.data[at] = (uint8_t)value;
            if (check(1, 2) < 0)
                continue;
            cursor_init(&cursor, buf_span(&bytes));
            ck_assert_int_eq(record_unpack(&cursor, &record), 0);
            buf_reset(&out);
            result_json(&record.result, &constants, false, &out);
            result_dict(&record.result, &constants, &out);
        }
        bytes.data[at] = before;
    }
    buf_fini(&out);
}
END_TEST

START_TEST(the_count_is_exact)
{
    ck_assert_int_eq(check(0, 1), 0);
    add(result_of(1));
    add(result_of(2));
    ck_assert_int_eq(check(2, 2), 0);
    ck_assert_int_eq(check(1, 2), ERR_MALFORMED);
    ck_assert_int_eq(check(3, 2), ERR_MALFORMED);
    ck_assert_int_eq(check(0, 2), ERR_MALFORMED);
}
END_TEST

START_TEST(numbers_begin_at_one_and_have_an_end)
{
    add(result_of(1));
    ck_assert_int_eq(check(1, 0), ERR_MALFORMED);
    ck_assert_int_eq(check(1, UINT64_MAX), ERR_MALFORMED);
    ck_assert_int_eq(check(1, UINT64_MAX - 1), 0);
}
END_TEST

START_TEST(start_is_the_first)
{
    add(start_of());
    ck_assert_int_eq(check(1, 1), 0);
    ck_assert_int_eq(check(1, 2), ERR_MALFORMED);
    add(start_of());
    ck_assert_int_eq(check(2, 1), ERR_MALFORMED);
}
END_TEST

START_TEST(end_is_the_last)
{
    add(end_of(span_text("")));
    ck_assert_int_eq(check(1, 1), 0);
    ck_assert_int_eq(check(1, 9), 0);
    add(result_of(1));
    ck_assert_int_eq(check(2, 9), ERR_MALFORMED);
    buf_reset(&bytes);
    add(end_of(span_text("")));
    add(end_of(span_text("")));
    ck_assert_int_eq(check(2, 9), ERR_MALFORMED);
}
END_TEST

static void keys(uint32_t count)
{
    char key[16];

    buf_reset(&metrics);
    pack_map(&metrics, count);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        pack_text(&metrics, key);
        pack_uint(&metrics, i);
    }
}

START_TEST(a_result_has_so_many_keys)
{
    keys(LIMIT_RESULT_KEYS);
    add(result_of(1));
    ck_assert_int_eq(check(1, 2), 0);
    buf_reset(&bytes);
    keys(LIMIT_RESULT_KEYS + 1);
    add(result_of(1));
    ck_assert_int_eq(check(1, 2), ERR_TOO_BIG);
}
END_TEST

START_TEST(a_result_is_so_deep)
{
    for (uint32_t depth = LIMIT_RESULT_DEPTH; depth <= LIMIT_RESULT_DEPTH + 1; depth++) {
        buf_reset(&metrics);
        buf_reset(&bytes);
        pack_map(&metrics, 1);
        pack_text(&metrics, "k");
        for (uint32_t i = 2; i < depth; i++)
            pack_list(&metrics, 1);
        pack_list(&metrics, 0);
        add(result_of(1));
        ck_assert_int_eq(check(1, 2), depth <= LIMIT_RESULT_DEPTH ? 0 : ERR_TOO_BIG);
    }
}
END_TEST

/* [2, result] with metrics of so many bytes, past record_pack, which would not write them. */
static void big_result(size_t size)
{
    struct result result = {.training_iteration = 1};
    struct buf long_text = {0};

    buf_reset(&metrics);
    pack_map(&metrics, 1);
    pack_text(&metrics, "k");
    size -= metrics.size + 3; /* the text's head */
    memset(buf_reserve(&long_text, size), 'a', size);
    long_text.size = size;
    pack_string(&metrics, buf_span(&long_text));
    buf_fini(&long_text);
    result.metrics = buf_span(&metrics);
    buf_reset(&bytes);
    pack_list(&bytes, 2);
    pack_uint(&bytes, RECORD_RESULT);
    result_pack(&result, &bytes);
}

START_TEST(a_result_has_so_many_bytes)
{
    big_result(LIMIT_RESULT_BYTES);
    ck_assert_uint_eq(metrics.size, LIMIT_RESULT_BYTES);
    ck_assert_int_eq(check(1, 2), 0);
    /* 5 bytes of head from here on: the text itself stays below every other limit */
    big_result(LIMIT_RESULT_BYTES + 1);
    ck_assert_uint_gt(metrics.size, LIMIT_RESULT_BYTES);
    ck_assert_int_eq(check(1, 2), ERR_TOO_BIG);
}
END_TEST

/* What a newer writer puts behind the fields we know is passed over, but bounded. */
START_TEST(later_fields_are_taken_within_bounds)
{
    static char later[LIMIT_RESULT_BYTES];

    for (uint32_t count = 1; count <= 2; count++) {
        buf_reset(&bytes);
        pack_list(&bytes, 3 + count);
        pack_uint(&bytes, RECORD_START);
        pack_int(&bytes, 1);
        pack_uint(&bytes, 2);
        for (uint32_t i = 0; i < count; i++)
            pack_bytes(&bytes, span_of(later, sizeof(later)));
        ck_assert_int_eq(check(1, 1), count == 1 ? 0 : ERR_TOO_BIG);
    }
}
END_TEST

START_TEST(an_end_has_limits)
{
    static char text[LIMIT_END_TEXT + 1];
    struct record record = end_of(span_of(text, LIMIT_END_TEXT));

    memset(text, 'a', sizeof(text));
    add(record);
    ck_assert_int_eq(check(1, 2), 0);
    buf_reset(&bytes);
    pack_list(&bytes, 5);
    pack_uint(&bytes, RECORD_END);
    pack_uint(&bytes, END_EXIT);
    pack_int(&bytes, 1);
    pack_uint(&bytes, 1);
    pack_string(&bytes, span_of(text, LIMIT_END_TEXT + 1));
    ck_assert_int_eq(check(1, 2), ERR_TOO_BIG);
    buf_reset(&bytes);
    buf_append(&bytes, "\x95\x03\x07\x00\x00\xa0", 6);
    ck_assert_int_eq(check(1, 2), 0);
    bytes.data[2] = END_REASON_COUNT;
    ck_assert_int_eq(check(1, 2), ERR_TOO_BIG);
}
END_TEST

static int check_bytes(const char *data, size_t size)
{
    return record_check(span_of(data, size), 1, 1);
}

#define CHECK(literal) check_bytes(literal, sizeof(literal) - 1)

START_TEST(what_is_no_record_is_refused)
{
    ck_assert_int_eq(CHECK("\x93\x01\x05\x07"), 0);
    ck_assert_int_eq(CHECK("\x90"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x91\x01"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x92\x01\x05"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x91\x02"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x92\x02\x90"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x93\x04\x05\x07"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x93\x00\x05\x07"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x93\xff\x05\x07"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x93\x01\xa1x\x07"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x82\x01\x05\x07\x07"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\x95\x03\x02\x09\x07\xa1\xff"), ERR_MALFORMED); /* not UTF-8 */
    ck_assert_int_eq(CHECK("\x05"), ERR_MALFORMED);
    ck_assert_int_eq(CHECK("\xc0"), ERR_MALFORMED);
}
END_TEST

START_TEST(metrics_are_utf8)
{
    add(result_of(1));
    ck_assert_int_eq(check(1, 2), 0);
    bytes.data[5] = 0xff; /* the first letter of "loss" */
    ck_assert_int_eq(check(1, 2), ERR_MALFORMED);
}
END_TEST

START_TEST(a_batch_has_limits)
{
    struct record record = start_of();

    for (uint32_t i = 0; i < LIMIT_BATCH_RECORDS; i++)
        add(result_of(i));
    ck_assert_int_eq(check(LIMIT_BATCH_RECORDS, 2),
                     bytes.size <= LIMIT_BATCH_BYTES ? 0 : ERR_TOO_BIG);
    ck_assert_int_eq(check(LIMIT_BATCH_RECORDS + 1, 2), ERR_TOO_BIG);
    buf_reset(&bytes);
    record_pack(&record, &bytes);
    ck_assert_int_eq(record_check(buf_span(&bytes), 1, 1), 0);
    memset(buf_reserve(&bytes, LIMIT_BATCH_BYTES), 0, LIMIT_BATCH_BYTES);
    bytes.size = LIMIT_BATCH_BYTES + 1;
    ck_assert_int_eq(check(1, 1), ERR_TOO_BIG);
}
END_TEST

START_TEST(every_reason_has_a_name_and_one_blame)
{
    for (uint32_t reason = 0; reason < END_REASON_COUNT; reason++) {
        if (reason != 8) /* kept free */
            ck_assert_str_ne(end_reason_name(reason), "unknown");
        ck_assert(!end_reason_is_failure(reason) || !end_reason_is_infrastructure(reason));
    }
    ck_assert_str_eq(end_reason_name(END_REASON_COUNT), "unknown");
    ck_assert_str_eq(end_reason_name(UINT32_MAX), "unknown");
    ck_assert(end_reason_is_failure(END_EXIT) && end_reason_is_failure(END_SIGNAL));
    ck_assert(end_reason_is_failure(END_PROTOCOL) && end_reason_is_failure(END_START));
    ck_assert(end_reason_is_failure(END_OOM) && end_reason_is_failure(END_TIME_LIMIT));
    ck_assert(end_reason_is_failure(END_REPORT_TIMEOUT));
    ck_assert(end_reason_may_pass(END_OOM) && !end_reason_may_pass(END_TIME_LIMIT));
    ck_assert(end_reason_is_infrastructure(END_DISK_FULL));
    ck_assert(!end_reason_is_failure(END_COMPLETED) && !end_reason_is_failure(END_STOPPED));
    ck_assert(end_reason_is_infrastructure(END_EXECUTOR_LOST));
    ck_assert(end_reason_is_infrastructure(END_NODE_LOST));
    ck_assert(!end_reason_is_infrastructure(END_STOPPED));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("record");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, comes_back_as_it_went);
    tcase_add_test(tc, the_bytes_are_as_agreed);
    tcase_add_test(tc, every_cut_is_refused);
    tcase_add_test(tc, changed_bytes_do_no_harm);
    tcase_add_test(tc, what_is_taken_can_be_printed);
    tcase_add_test(tc, the_count_is_exact);
    tcase_add_test(tc, numbers_begin_at_one_and_have_an_end);
    tcase_add_test(tc, start_is_the_first);
    tcase_add_test(tc, end_is_the_last);
    tcase_add_test(tc, a_result_has_so_many_keys);
    tcase_add_test(tc, a_result_is_so_deep);
    tcase_add_test(tc, a_result_has_so_many_bytes);
    tcase_add_test(tc, later_fields_are_taken_within_bounds);
    tcase_add_test(tc, an_end_has_limits);
    tcase_add_test(tc, what_is_no_record_is_refused);
    tcase_add_test(tc, metrics_are_utf8);
    tcase_add_test(tc, a_batch_has_limits);
    tcase_add_test(tc, every_reason_has_a_name_and_one_blame);
    suite_add_tcase(s, tc);
    return s;
}
