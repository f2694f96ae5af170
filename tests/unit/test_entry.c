/* links: head */
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/pack.h"
#include "head/core/core.h"
#include "head/entry.h"
#include "tests/lib/run_suite.h"

static struct buf bytes;

static void setup(void)
{
    buf_init(&bytes);
}

static void teardown(void)
{
    buf_fini(&bytes);
}

/* An entry of `count` numbers in the place of events, and a tape of `tape`. */
static void write_entry(uint32_t count, const char *tape)
{
    buf_reset(&bytes);
    entry_begin(&bytes, 1700000000123u);
    for (uint32_t i = 0; i < count; i++)
        pack_uint(&bytes, i);
    entry_end(&bytes, count, span_text(tape));
}

START_TEST(what_was_written_is_read)
{
    static const uint32_t counts[] = {0, 1, 300, 200000};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct entry entry;
        struct cursor cursor;
        uint64_t number = 0;

        write_entry(counts[i], "tape");
        ck_assert_int_eq(entry_read(buf_span(&bytes), &entry), 0);
        ck_assert_uint_eq(entry.rules, CORE_RULES);
        ck_assert_uint_eq(entry.now_ms, 1700000000123u);
        ck_assert_uint_eq(entry.count, counts[i]);
        ck_assert(span_is(entry.tape, "tape"));
        cursor_init(&cursor, entry.events);
        for (uint32_t k = 0; k < counts[i]; k++) {
            ck_assert(cursor_uint(&cursor, &number));
            ck_assert_uint_eq(number, k);
        }
        ck_assert_ptr_eq(cursor.at, cursor.end);
    }
}
END_TEST

START_TEST(events_are_measured_as_they_come)
{
    entry_begin(&bytes, 1);
    ck_assert_uint_eq(entry_event_bytes(&bytes), 0);
    pack_uint(&bytes, 1);
    ck_assert_uint_eq(entry_event_bytes(&bytes), 1);
}
END_TEST

START_TEST(any_bit_that_flips_is_noticed)
{
    struct entry entry;

    write_entry(20, "decided");
    for (size_t i = 0; i < bytes.size * 8; i++) {
        bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert_int_eq(entry_read(buf_span(&bytes), &entry), ERR_MALFORMED);
        bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    ck_assert_int_eq(entry_read(buf_span(&bytes), &entry), 0);
}
END_TEST

START_TEST(any_cut_and_any_addition_is_noticed)
{
    struct entry entry;

    write_entry(20, "decided");
    for (size_t size = 0; size < bytes.size; size++) {
        /* Its own memory, so that a read behind the end is seen. */
        uint8_t *cut = malloc(size + 1);

        memcpy(cut, bytes.data, size);
        ck_assert_int_eq(entry_read(span_of(cut, size), &entry), ERR_MALFORMED);
        free(cut);
    }
    buf_append_char(&bytes, 0);
    ck_assert_int_eq(entry_read(buf_span(&bytes), &entry), ERR_MALFORMED);
}
END_TEST

START_TEST(other_bytes_are_no_entry)
{
    struct entry entry;

    ck_assert_int_eq(entry_read(span_text("a foreign stream's value"), &entry), ERR_MALFORMED);
    ck_assert_int_eq(entry_read(span_text(""), &entry), ERR_MALFORMED);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("entry");
    TCase *tcase = tcase_create("entry");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_was_written_is_read);
    tcase_add_test(tcase, events_are_measured_as_they_come);
    tcase_add_test(tcase, any_bit_that_flips_is_noticed);
    tcase_add_test(tcase, any_cut_and_any_addition_is_noticed);
    tcase_add_test(tcase, other_bytes_are_no_entry);
    suite_add_tcase(suite, tcase);
    return suite;
}
