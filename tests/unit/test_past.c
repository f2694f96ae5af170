/* links: head */
/* How a trial's attempts ended: what is kept of it, and what readers are shown. */
#include "common/limits.h"
#include "head/core/past.h"
#include "head/query.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static struct rig rig;
static struct view *view;
static struct msg_show_reply shown;

/* What was decided is committed: readers may know. */
static void see(void)
{
    for (size_t i = 0; i < rig.effects.count; i++)
        view_apply(view, &rig.effects.items[i]);
}

/* A trial that may fail as often as it likes, its first attempt launched. */
static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
    view = view_new(NULL);
    rig_submit(&rig, 1, 1, ",\"max_failures\":-1");
    see();
    ck_assert(rig_turn(&rig, "node_back principal=2 name=n2 hostname=h incarnation=1 "
                             "capacity={cpu=20000} credit=9") == CORE_ADMITTED);
    see();
}

static void teardown(void)
{
    view_free(view);
    rig_fini(&rig);
}

static struct record result_record(int64_t iteration)
{
    static const uint8_t metrics[] = {0x81, 0xa1, 'm', 1};

    return (struct record){
        .kind = RECORD_RESULT,
        .result = {.metrics = {metrics, sizeof(metrics)}, .training_iteration = iteration}};
}

static struct record end_record(uint32_t reason, int64_t status)
{
    struct record record = {.kind = RECORD_END};

    record.end = (struct record_end){.reason = reason, .status = status};
    return record;
}

/* An attempt that begins now, reports twice, saves behind that where it is to, and ends five
 * seconds later. */
static void attempt(uint32_t number, int64_t iteration, bool saves, uint32_t reason, int64_t status)
{
    struct record records[6] = {{.kind = RECORD_START}};
    uint32_t count = 1;

    records[0].start.pid = 9;
    records[count++] = result_record(iteration + 1);
    records[count++] = result_record(iteration + 2);
    if (saves) {
        records[count].kind = RECORD_MARK;
        records[count].mark = (struct record_mark){.number = 1};
        records[count++].mark.counters.training_iteration = iteration + 2;
        records[count].kind = RECORD_CHECKPOINT;
        records[count].checkpoint = (struct record_checkpoint){
            .number = 1, .manifest = span_of("0123456789abcdef0123456789abcdef", LIMIT_HASH_BYTES)};
        count++;
    }
    rig_report(&rig, 0, number, 1, records, count);
    see();
    rig.now_ms += 5000;
    records[0] = end_record(reason, status);
    rig_report(&rig, 0, number, count + 1, records, 1);
}

/* The next attempt, when the rest is over, where there is one. */
static void next(void)
{
    rig.now_ms += LIMIT_REST_MS;
    (void)rig_turn(&rig, "tick");
    see();
}

static const struct past *past_of(uint32_t count)
{
    const struct record_list *list = core_past(rig.core, 1, 0);

    ck_assert_ptr_nonnull(list);
    ck_assert_uint_eq(list->count, count);
    return list->items;
}

static const struct msg_attempt_row *show(uint32_t count)
{
    const struct msg_show ask = {.experiment = 1, .trial = 0};

    ck_assert_int_eq(query_show(view, rig.core, &ask, &rig.arena, &shown), 0);
    ck_assert_uint_eq(shown.attempts.count, count);
    return shown.attempts.items;
}

/* Three ends: an exit, a signal behind a checkpoint, and a good one. */
static void three_attempts(void)
{
    attempt(1, 0, true, END_EXIT, 3);
    see();
    next();
    attempt(2, 2, false, END_SIGNAL, 9);
    see();
    next();
    attempt(3, 2, false, END_COMPLETED, 0);
    see();
}

static void check_three(const struct past *past)
{
    static const struct past wanted[] = {
        {.attempt = 1, .reason = END_EXIT, .status = 3},
        {.attempt = 2, .reason = END_SIGNAL, .status = 9, .restored = true, .from_iteration = 2},
        {.attempt = 3, .reason = END_COMPLETED, .restored = true, .from_iteration = 2},
    };

    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(past[i].attempt, wanted[i].attempt);
        ck_assert_uint_eq(past[i].reason, wanted[i].reason);
        ck_assert_int_eq(past[i].status, wanted[i].status);
        ck_assert_uint_eq(past[i].node, 2);
        ck_assert_uint_eq(past[i].ran_ms, 5000);
        ck_assert_uint_eq(past[i].ended_ms, 6000 + i * (5000 + LIMIT_REST_MS));
        ck_assert_uint_eq(past[i].results, 2);
        ck_assert(past[i].restored == wanted[i].restored);
        ck_assert_int_eq(past[i].from_iteration, wanted[i].from_iteration);
    }
}

START_TEST(each_attempt_is_kept_with_how_it_began_and_ended)
{
    three_attempts();
    check_three(past_of(3));
    ck_assert_ptr_null(core_past(rig.core, 1, 1));
    ck_assert_ptr_null(core_past(rig.core, 2, 0));
}
END_TEST

/* In the middle, where the trial lives, and at the end, where it is a row. */
START_TEST(an_image_keeps_them)
{
    struct buf image = {0};
    struct core *copy = core_new();

    attempt(1, 0, true, END_EXIT, 3);
    see();
    next();
    core_save(rig.core, &image);
    ck_assert_int_eq(core_load(copy, buf_span(&image)), 0);
    core_free(rig.core);
    rig.core = copy;
    attempt(2, 2, false, END_SIGNAL, 9);
    see();
    next();
    attempt(3, 2, false, END_COMPLETED, 0);
    buf_reset(&image);
    core_save(rig.core, &image);
    copy = core_new();
    ck_assert_int_eq(core_load(copy, buf_span(&image)), 0);
    ck_assert(core_digest(copy) == core_digest(rig.core));
    core_free(rig.core);
    rig.core = copy;
    check_three(past_of(3));
    buf_fini(&image);
}
END_TEST

/* As heads before these fields wrote it. */
START_TEST(one_of_an_older_image_is_read)
{
    const uint8_t old[] = {0x95, 2, END_EXIT, 3, 7, 40};
    struct past past = {0};
    struct cursor cursor;

    cursor_init(&cursor, span_of(old, sizeof(old)));
    ck_assert_int_eq(schema_unpack(&past_schema, &cursor, NULL, &past, NULL), 0);
    ck_assert_uint_eq(past.attempt, 2);
    ck_assert_uint_eq(past.ran_ms, 40);
    ck_assert_uint_eq(past.ended_ms, 0);
    ck_assert(!past.restored);
}
END_TEST

START_TEST(the_last_ones_are_kept)
{
    const struct past *past;

    for (uint32_t number = 1; number <= LIMIT_PAST + 3; number++) {
        attempt(number, 0, false, END_EXIT, (int64_t)number);
        see();
        next();
    }
    past = past_of(LIMIT_PAST);
    for (uint32_t i = 0; i < LIMIT_PAST; i++)
        ck_assert_int_eq(past[i].status, 4 + i);
}
END_TEST

/* A lease that its node gives back before anything has begun. */
START_TEST(what_never_began_has_taken_nothing)
{
    const struct past *past;

    attempt(1, 0, true, END_EXIT, 3);
    next();
    ck_assert(rig_turn(&rig, "node_lost node=2 reason=gone") == CORE_ADMITTED);
    past = past_of(2);
    ck_assert_uint_eq(past[1].reason, END_NODE_LOST);
    ck_assert_uint_eq(past[1].ran_ms, 0);
    ck_assert_uint_eq(past[1].results, 0);
    ck_assert(past[1].restored);
}
END_TEST

START_TEST(readers_are_shown_them)
{
    const struct msg_attempt_row *rows;

    three_attempts();
    rows = show(3);
    ck_assert(span_is(rows[0].node, "n2"));
    ck_assert(span_is(rows[0].reason, "exit"));
    ck_assert_int_eq(rows[0].status, 3);
    ck_assert(!rows[0].restored);
    ck_assert(span_is(rows[1].reason, "signal"));
    ck_assert(rows[1].restored);
    ck_assert_int_eq(rows[1].from_iteration, 2);
    ck_assert_uint_eq(rows[1].ran_ms, 5000);
    ck_assert_uint_eq(rows[1].results, 2);
    ck_assert(span_is(rows[2].reason, "completed"));
    ck_assert_uint_eq(rows[2].ended_ms, rig.now_ms);
}
END_TEST

/* Its end is decided, and not on the disk yet. */
START_TEST(nobody_is_shown_what_is_not_committed)
{
    attempt(1, 0, false, END_EXIT, 3);
    (void)show(0);
    see();
    (void)show(1);
    next();
    (void)show(1);
}
END_TEST

START_TEST(an_only_attempt_is_shown_as_its_row_has_it)
{
    const struct msg_attempt_row *rows;

    (void)show(0);
    attempt(1, 0, false, END_COMPLETED, 0);
    see();
    (void)past_of(0);
    rows = show(1);
    ck_assert_uint_eq(rows[0].attempt, 1);
    ck_assert(span_is(rows[0].node, "n2"));
    ck_assert(span_is(rows[0].reason, "completed"));
    ck_assert_uint_eq(rows[0].ran_ms, 5000);
    ck_assert_uint_eq(rows[0].ended_ms, rig.now_ms);
    ck_assert_uint_eq(rows[0].results, 2);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("past");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_attempt_is_kept_with_how_it_began_and_ended);
    tcase_add_test(tc, an_image_keeps_them);
    tcase_add_test(tc, one_of_an_older_image_is_read);
    tcase_add_test(tc, the_last_ones_are_kept);
    tcase_add_test(tc, what_never_began_has_taken_nothing);
    tcase_add_test(tc, readers_are_shown_them);
    tcase_add_test(tc, nobody_is_shown_what_is_not_committed);
    tcase_add_test(tc, an_only_attempt_is_shown_as_its_row_has_it);
    suite_add_tcase(s, tc);
    return s;
}
