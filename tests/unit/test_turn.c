/* links: head */
#include <check.h>
#include <string.h>
#include <zmq.h>

#include "common/limits.h"
#include "head/core/core.h"
#include "head/turn.h"
#include "tests/lib/run_suite.h"

static struct core *core;
static struct turns *turns;

static void setup(void)
{
    core = core_new();
    turns = turns_new(core);
}

static void teardown(void)
{
    turns_free(turns);
    core_free(core);
}

static struct span add_frame(size_t size)
{
    zmq_msg_t frame;
    struct span bytes;

    ck_assert_int_eq(zmq_msg_init_size(&frame, size), 0);
    memset(zmq_msg_data(&frame), 'x', size);
    bytes = turns_frame(turns, &frame);
    zmq_msg_close(&frame);
    return bytes;
}

static enum core_answer add_principal(uint8_t number, uint64_t now_ms)
{
    struct event event = {.type = EVENT_PRINCIPAL_ADD};
    uint8_t key[32] = {number};

    event.principal_add = (struct event_principal_add){
        .key = span_of(key, sizeof(key)), .role = ROLE_WORKER, .name = span_text("w")};
    return turns_step(turns, &event, now_ms);
}

START_TEST(frames_that_came_to_nothing_do_not_fill_a_turn)
{
    struct span entry;

    for (int i = 0; i < 20; i++) {
        ck_assert(turns_ready(turns));
        (void)add_frame(LIMIT_TURN_BYTES);
        ck_assert_ptr_null(turns_close(turns, &entry));
    }
}
END_TEST

START_TEST(a_turn_is_full_of_frames)
{
    struct span entry;
    struct turn *turn;

    ck_assert(turns_ready(turns));
    ck_assert_int_eq(add_principal(1, 5), CORE_ADMITTED);
    (void)add_frame(LIMIT_TURN_BYTES);
    ck_assert(turns_ready(turns));
    (void)add_frame(LIMIT_TURN_BYTES);
    ck_assert(!turns_ready(turns));
    turn = turns_close(turns, &entry);
    ck_assert_ptr_nonnull(turn);
    ck_assert_uint_gt(entry.size, 0);
    ck_assert(turns_ready(turns));
    turn_release(turn);
}
END_TEST

START_TEST(short_frames_stay_where_they_are)
{
    struct span first;

    ck_assert(turns_ready(turns));
    first = add_frame(10);
    for (int i = 0; i < 500; i++)
        (void)add_frame(10);
    ck_assert(span_is(first, "xxxxxxxxxx"));
}
END_TEST

START_TEST(answers_alone_make_no_entry)
{
    struct span entry;
    struct turn *turn;

    ck_assert(turns_ready(turns));
    ck_assert_int_eq(add_principal(1, 5), CORE_ADMITTED);
    turn = turns_close(turns, &entry);
    turn_release(turn);
    ck_assert(turns_ready(turns));
    ck_assert_int_eq(add_principal(1, 6), CORE_REFUSED); /* it is one already */
    turn = turns_close(turns, &entry);
    ck_assert_ptr_nonnull(turn);
    ck_assert_uint_eq(entry.size, 0);
    turn_release(turn);
}
END_TEST

START_TEST(time_never_goes_back)
{
    struct span entry;
    struct turn *turn;

    ck_assert(turns_ready(turns));
    (void)add_principal(1, 1000);
    turn = turns_close(turns, &entry);
    turn_release(turn);
    ck_assert(turns_ready(turns));
    (void)add_principal(2, 10);
    ck_assert_uint_eq(turns_time(turns), 1000);
    turn = turns_close(turns, &entry);
    turn_release(turn);
}
END_TEST

START_TEST(all_taken_is_not_ready_and_a_release_wakes)
{
    struct turn *taken[LIMIT_TURNS];
    zmq_pollitem_t item = {.fd = turns_fd(turns), .events = ZMQ_POLLIN};
    struct span entry;

    for (uint8_t i = 0; i < LIMIT_TURNS; i++) {
        ck_assert(turns_ready(turns));
        ck_assert_int_eq(add_principal((uint8_t)(i + 1), 1), CORE_ADMITTED);
        taken[i] = turns_close(turns, &entry);
        ck_assert_ptr_nonnull(taken[i]);
    }
    ck_assert(!turns_ready(turns));
    ck_assert_uint_eq(turns_free_count(turns), 0);
    ck_assert_int_eq(zmq_poll(&item, 1, 0), 0);
    turn_release(taken[0]);
    ck_assert_int_eq(zmq_poll(&item, 1, 0), 1);
    turns_awake(turns);
    ck_assert_int_eq(zmq_poll(&item, 1, 0), 0);
    turn_release(taken[1]); /* one is free: nobody has to hear of it */
    ck_assert_int_eq(zmq_poll(&item, 1, 0), 0);
    turns_set_eager(turns, true);
    turn_release(taken[2]); /* somebody wants to hear of each */
    ck_assert_int_eq(zmq_poll(&item, 1, 0), 1);
    for (size_t i = 3; i < LIMIT_TURNS; i++)
        turn_release(taken[i]);
}
END_TEST

START_TEST(what_a_burst_took_is_given_back)
{
    size_t grown;

    ck_assert(turns_ready(turns));
    for (int i = 0; i < 64; i++)
        (void)arena_alloc(turns_arena(turns), 65536);
    grown = arena_capacity(turns_arena(turns));
    ck_assert_uint_ge(grown, 64 * 65536);
    for (int i = 0; i < 19; i++)
        turns_trim(turns);
    ck_assert_uint_eq(arena_capacity(turns_arena(turns)), grown);
    turns_trim(turns);
    ck_assert_uint_eq(arena_capacity(turns_arena(turns)), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("turn");
    TCase *tests = tcase_create("turn");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, frames_that_came_to_nothing_do_not_fill_a_turn);
    tcase_add_test(tests, a_turn_is_full_of_frames);
    tcase_add_test(tests, short_frames_stay_where_they_are);
    tcase_add_test(tests, answers_alone_make_no_entry);
    tcase_add_test(tests, time_never_goes_back);
    tcase_add_test(tests, all_taken_is_not_ready_and_a_release_wakes);
    tcase_add_test(tests, what_a_burst_took_is_given_back);
    suite_add_tcase(suite, tests);
    return suite;
}
