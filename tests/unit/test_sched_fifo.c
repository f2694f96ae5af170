/* links: core */
#include <check.h>
#include <math.h>
#include <string.h>

#include "head/core/sched.h"
#include "tests/lib/run_suite.h"

static struct spec spec;
static struct sched_view view;
static struct tape tape;
static struct buf text;
static void *fifo;

static void setup(void)
{
    spec = (struct spec){0};
    text = (struct buf){0};
    tape_init(&tape);
    tape_record(&tape);
    fifo = sched_fifo.new(&spec, 1, &view, &tape);
}

static void teardown(void)
{
    sched_fifo.free(fifo);
    tape_fini(&tape);
    buf_fini(&text);
}

/* context: the trials that fit, a bit each. */
static bool fits(void *context, uint32_t trial)
{
    return (*(uint32_t *)context >> trial & 1) != 0;
}

static uint32_t first_paused(void *context)
{
    (void)context;
    return 1;
}

static uint32_t choose(uint32_t fitting)
{
    static const uint32_t pending[] = {4, 5, 6};
    const struct sched_candidates candidates = {
        .context = &fitting,
        .fits = fits,
        .pending = pending,
        .pending_count = 3,
        .first_paused = first_paused,
    };

    return sched_fifo.choose(fifo, &candidates);
}

START_TEST(pending_first_in_order_then_paused)
{
    ck_assert_uint_eq(choose(1u << 4 | 1u << 5 | 1u << 1), 4);
    ck_assert_uint_eq(choose(1u << 5 | 1u << 6 | 1u << 1), 5); /* a large one is passed over */
    ck_assert_uint_eq(choose(1u << 1 | 1u << 2), 1);
    ck_assert_uint_eq(choose(0), NUMBER_NONE);
}
END_TEST

START_TEST(everything_goes_on)
{
    const struct judged judged = {.trial = 3, .has_time = true, .time = 1e9};
    struct sched_verdict verdict;
    struct arena arena = {0};

    sched_fifo.add(fifo, 3);
    sched_fifo.result(fifo, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    ck_assert_uint_eq(verdict.other_count, 0);
    sched_fifo.complete(fifo, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    sched_fifo.error(fifo, 3, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    ck_assert(isinf(sched_fifo.horizon(fifo, 3)) && sched_fifo.horizon(fifo, 3) > 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(says_tunes_line)
{
    sched_fifo.debug(fifo, &text);
    ck_assert_str_eq(buf_text(&text), "Using FIFO scheduling algorithm.\n");
    buf_reset(&text);
    sched_fifo.explain(fifo, 0, &text);
    ck_assert_uint_gt(text.size, 0);
}
END_TEST

START_TEST(image_is_one_item)
{
    struct cursor cursor;

    sched_fifo.save(fifo, &text);
    cursor_init(&cursor, buf_span(&text));
    ck_assert(sched_fifo.load(fifo, &cursor));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    ck_assert(!sched_fifo.load(fifo, &cursor));
}
END_TEST

START_TEST(found_by_either_name)
{
    ck_assert_ptr_eq(sched_find(scheduler_type_find("fifo")), &sched_fifo);
    ck_assert_ptr_eq(sched_find(scheduler_type_find("async_hyperband")), &sched_asha);
    ck_assert_ptr_eq(scheduler_type_find("asha"), scheduler_type_find("async_hyperband"));
    ck_assert_ptr_null(scheduler_type_find("lifo"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sched_fifo");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, pending_first_in_order_then_paused);
    tcase_add_test(tc, everything_goes_on);
    tcase_add_test(tc, says_tunes_line);
    tcase_add_test(tc, image_is_one_item);
    tcase_add_test(tc, found_by_either_name);
    suite_add_tcase(s, tc);
    return s;
}
