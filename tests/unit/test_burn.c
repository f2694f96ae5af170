/* links: core */
/* How long an attempt ran is its node's to say: what comes in one batch after a cut need not have
 * failed at once. */
#include "common/record.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

#define TRIALS 16u

static struct rig rig;

static void setup(void)
{
    char line[160];

    rig_init(&rig);
    rig_principals(&rig);
    (void)snprintf(line, sizeof(line),
                   "node_back principal=2 name=n hostname=h incarnation=1 "
                   "capacity={cpu=%u} credit=64",
                   2 * TRIALS * RESOURCE_ONE);
    ck_assert_int_eq(rig_turn(&rig, line), CORE_ADMITTED);
    rig_submit(&rig, 1, 2 * TRIALS, "");
}

static void teardown(void)
{
    rig_fini(&rig);
}

/* START and END of an attempt in one batch, as long apart by its node's clock. */
static void fail_after(uint32_t trial, uint64_t ms)
{
    struct record start = {.kind = RECORD_START, .start = {.pid = 5, .unix_ms = 1000}};
    struct record end = {.kind = RECORD_END,
                         .end = {.reason = END_EXIT, .status = 1, .unix_ms = 1000 + ms}};
    struct event event = {.type = EVENT_REPORT, .now_ms = rig.now_ms};
    struct buf records = {0};

    record_pack(&start, &records);
    record_pack(&end, &records);
    event.report = (struct event_report){.node = 2,
                                         .experiment = 1,
                                         .trial = trial,
                                         .attempt = 1,
                                         .first_seq = 1,
                                         .count = 2,
                                         .records = buf_span(&records)};
    rig_reset(&rig);
    ck_assert_int_eq(core_step(rig.core, &event, &rig.tape, &rig.effects), CORE_ADMITTED);
    buf_fini(&records);
}

static bool is_ended(void)
{
    struct buf text = {0};
    bool ended;

    ck_assert(core_explain(rig.core, 1, 0, &text));
    ended = strstr(buf_text(&text), "Its experiment was ended") != NULL;
    buf_fini(&text);
    return ended;
}

START_TEST(what_fails_at_once_burns)
{
    for (uint32_t i = 0; i < TRIALS; i++) {
        ck_assert(!is_ended());
        fail_after(i, 10000);
    }
    ck_assert(is_ended());
    ck_assert_ptr_null(core_check(rig.core));
}
END_TEST

START_TEST(what_was_only_heard_of_at_once_does_not)
{
    for (uint32_t i = 0; i < TRIALS; i++)
        fail_after(i, 10001);
    ck_assert(!is_ended());
}
END_TEST

START_TEST(one_that_ran_for_longer_begins_the_row_anew)
{
    for (uint32_t i = 0; i < TRIALS - 1; i++)
        fail_after(i, 5);
    fail_after(TRIALS - 1, 60000);
    fail_after(TRIALS, 5);
    ck_assert(!is_ended());
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("burn");
    TCase *t = tcase_create("burn");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_fails_at_once_burns);
    tcase_add_test(t, what_was_only_heard_of_at_once_does_not);
    tcase_add_test(t, one_that_ran_for_longer_begins_the_row_anew);
    suite_add_tcase(s, t);
    return s;
}
