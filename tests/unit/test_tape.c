/* links: core */
#include <check.h>
#include <math.h>
#include <string.h>

#include "common/pack.h"
#include "head/core/tape.h"
#include "tests/lib/run_suite.h"

static struct tape tape;
static struct buf decided;

/* What a turn would put there. */
static void record(double number, const char *text, uint64_t confirmed)
{
    const uint64_t numbers[] = {confirmed, UINT64_MAX};
    struct buf packed = {0};

    tape_record(&tape);
    pack_text(&packed, text);
    ck_assert(tape_double(&tape, number) == number);
    ck_assert(span_equal(tape_packed(&tape, buf_span(&packed)), buf_span(&packed)));
    tape_confirm(&tape, "launch", numbers, 2);
    buf_fini(&packed);
    buf_append_span(&decided, buf_span(&tape.written));
}

static void setup(void)
{
    tape_init(&tape);
    buf_init(&decided);
}

static void teardown(void)
{
    tape_fini(&tape);
    buf_fini(&decided);
}

START_TEST(a_replay_reads_what_was_decided)
{
    const uint64_t numbers[] = {4, UINT64_MAX};
    struct cursor cursor;
    struct span text;

    record(0.1, "lr", 4);
    tape_replay(&tape, buf_span(&decided));
    ck_assert(tape_double(&tape, 0.2) == 0.1);
    cursor_init(&cursor, tape_packed(&tape, (struct span){0}));
    ck_assert(cursor_text(&cursor, &text) && span_is(text, "lr"));
    ck_assert(!tape_ended_well(&tape));
    tape_confirm(&tape, "launch", numbers, 2);
    ck_assert(tape_ended_well(&tape));
}
END_TEST

START_TEST(another_decision_is_found_and_named)
{
    const uint64_t numbers[] = {5, UINT64_MAX};

    record(0.1, "lr", 4);
    tape_replay(&tape, buf_span(&decided));
    (void)tape_double(&tape, 0.1);
    (void)tape_packed(&tape, (struct span){0});
    tape_confirm(&tape, "launch", numbers, 2);
    ck_assert(tape.diverged && !tape_ended_well(&tape));
    ck_assert_str_eq(tape.what, "launch: number 1 is 5, the log says 4");
}
END_TEST

START_TEST(fewer_numbers_or_none_differ)
{
    const uint64_t numbers[] = {4};

    record(0.1, "lr", 4);
    tape_replay(&tape, buf_span(&decided));
    tape_confirm(&tape, "verdict", numbers, 1);
    ck_assert(tape.diverged);
    tape_replay(&tape, (struct span){0});
    ck_assert(!tape.diverged);
    ck_assert(tape_packed(&tape, (struct span){0}).size == 0);
    ck_assert(tape.diverged);
    tape_replay(&tape, (struct span){0});
    ck_assert(tape_double(&tape, 3) == 3);
    ck_assert(tape.diverged);
}
END_TEST

START_TEST(numbers_come_back_bit_for_bit)
{
    tape_record(&tape);
    (void)tape_double(&tape, (double)NAN);
    (void)tape_double(&tape, (double)-INFINITY);
    (void)tape_double(&tape, 5e-324);
    buf_append_span(&decided, buf_span(&tape.written));
    tape_replay(&tape, buf_span(&decided));
    ck_assert(isnan(tape_double(&tape, 0)));
    ck_assert(isinf(tape_double(&tape, 0)));
    ck_assert(tape_double(&tape, 0) == 5e-324);
    ck_assert(tape_ended_well(&tape));
}
END_TEST

START_TEST(recording_again_forgets)
{
    record(0.1, "lr", 4);
    tape_record(&tape);
    ck_assert_uint_eq(tape.written.size, 0);
    ck_assert(tape_ended_well(&tape));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tape");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_replay_reads_what_was_decided);
    tcase_add_test(tc, another_decision_is_found_and_named);
    tcase_add_test(tc, fewer_numbers_or_none_differ);
    tcase_add_test(tc, numbers_come_back_bit_for_bit);
    tcase_add_test(tc, recording_again_forgets);
    suite_add_tcase(s, tc);
    return s;
}
