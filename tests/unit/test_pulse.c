/* links: head */
#include "common/limits.h"
#include "head/pulse.h"
#include "tests/lib/run_suite.h"

#define START_MS 1000000u
#define STEP_MS  100u

static struct pulse pulse;
static uint64_t now_ms;

static void setup(void)
{
    now_ms = START_MS;
    pulse_begin(&pulse, now_ms);
}

/* Looks until the head is taken for dead, or for so long; what was looked for. */
static uint64_t looks_for(uint64_t most_ms, struct log_id last, struct log_id beat)
{
    uint64_t begun_ms = now_ms;

    while (now_ms - begun_ms < most_ms) {
        now_ms += STEP_MS;
        if (pulse_look(&pulse, now_ms, last, beat))
            break;
    }
    return now_ms - begun_ms;
}

START_TEST(silence_is_told_after_its_time)
{
    const struct log_id last = {3, 7};

    /* The first look is itself a sight of something. */
    ck_assert_uint_eq(looks_for(60000, last, last), LIMIT_SILENT_MS + STEP_MS);
    ck_assert(pulse_look(&pulse, now_ms + STEP_MS, last, last));
}
END_TEST

START_TEST(an_entry_or_a_beat_is_a_sign_of_life)
{
    struct log_id last = {3, 7};
    struct log_id beat = {3, 1};

    for (int i = 0; i < 100; i++) {
        if (i % 2 == 0)
            last.n++;
        else
            beat.n++;
        ck_assert_uint_eq(looks_for(LIMIT_SILENT_MS, last, beat), LIMIT_SILENT_MS);
        ck_assert(!pulse_look(&pulse, now_ms, last, beat));
    }
}
END_TEST

START_TEST(a_head_that_leads_no_more_gives_no_sign)
{
    const struct log_id last = {4, 0};
    struct log_id beat = {3, 1};

    (void)pulse_look(&pulse, now_ms, last, beat);
    for (uint64_t ms = 0; ms < LIMIT_SILENT_MS - STEP_MS; ms += STEP_MS) {
        beat.n++;
        now_ms += STEP_MS;
        ck_assert(!pulse_look(&pulse, now_ms, last, beat));
    }
    beat.n++;
    ck_assert(pulse_look(&pulse, now_ms + STEP_MS, last, beat));
}
END_TEST

START_TEST(a_pause_of_ones_own_counts_for_nothing)
{
    const struct log_id last = {3, 7};

    (void)looks_for(LIMIT_SILENT_MS - STEP_MS, last, last);
    now_ms += 3600000;
    ck_assert(!pulse_look(&pulse, now_ms, last, last));
    ck_assert_uint_eq(looks_for(60000, last, last), LIMIT_SILENT_MS);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("pulse");
    TCase *tcase = tcase_create("pulse");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, silence_is_told_after_its_time);
    tcase_add_test(tcase, an_entry_or_a_beat_is_a_sign_of_life);
    tcase_add_test(tcase, a_head_that_leads_no_more_gives_no_sign);
    tcase_add_test(tcase, a_pause_of_ones_own_counts_for_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
