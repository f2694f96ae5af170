/* links: core */
#include <stdlib.h>

#include "head/core/state.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
}

static void teardown(void)
{
    rig_fini(&rig);
}

static void node(unsigned principal, unsigned cpus, unsigned credit)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "node_back principal=%u name=n capacity={cpu=%u} credit=%u",
                   principal, cpus * RESOURCE_ONE, credit);
    ck_assert(rig_turn(&rig, line) == CORE_ADMITTED);
}

/* START and END of a trial that is leased as its first attempt. */
static void finish(unsigned experiment, unsigned trial, unsigned node_number)
{
    struct record records[2] = {{.kind = RECORD_START}, {.kind = RECORD_END}};
    struct event event = {.type = EVENT_REPORT, .now_ms = rig.now_ms};
    struct buf bytes = {0};

    rig_reset(&rig);
    record_pack(&records[0], &bytes);
    record_pack(&records[1], &bytes);
    event.report = (struct event_report){.node = node_number,
                                         .experiment = experiment,
                                         .trial = trial,
                                         .attempt = 1,
                                         .first_seq = 1,
                                         .count = 2,
                                         .records = buf_span(&bytes)};
    ck_assert(core_step(rig.core, &event, &rig.tape, &rig.effects) == CORE_ADMITTED);
    core_place(rig.core, rig.now_ms, &rig.tape, &rig.effects);
    ck_assert(core_check(rig.core) == NULL);
    buf_fini(&bytes);
}

START_TEST(proposals_are_made_ahead_up_to_the_limit)
{
    rig_submit(&rig, 1, 100000, "");
    ck_assert_uint_eq(core_experiment(rig.core, 1)->pending.count, LIMIT_TRIALS_AHEAD);
    node(2, 3, 3);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 3);
    ck_assert_uint_eq(core_experiment(rig.core, 1)->pending.count, LIMIT_TRIALS_AHEAD);
    ck_assert_uint_eq(core_experiment(rig.core, 1)->created, LIMIT_TRIALS_AHEAD + 3);
}
END_TEST

/* More slots than may wait: all are filled in one turn. */
START_TEST(a_large_node_is_filled_at_once)
{
    rig_submit(&rig, 1, 5000, "");
    node(2, 1000, 2000);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 1000);
}
END_TEST

START_TEST(credit_limits_the_leases)
{
    rig_submit(&rig, 1, 10, "");
    node(2, 8, 2);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 2);
}
END_TEST

START_TEST(every_equal_experiment_gets_its_share)
{
    for (unsigned i = 1; i <= 4; i++)
        rig_submit(&rig, i, 100, "");
    node(2, 40, 100);
    for (unsigned i = 1; i <= 4; i++)
        ck_assert_uint_eq(core_experiment(rig.core, i)->leases, 10);
}
END_TEST

/* A trial of two cores waits; one core gets free and is given to somebody; when two are free on
 * the same node it starts there. */
START_TEST(a_blocked_one_sees_every_node_that_gets_room)
{
    node(2, 2, 10);
    rig_submit(&rig, 1, 2, "");
    rig_submit(&rig, 2, 1, ",\"resources_per_trial\":{\"cpu\":2}");
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 0);
    finish(1, 0, 2);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 0);
    finish(1, 1, 2);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 1);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_LAUNCH, 0)->launch.experiment, 2);
}
END_TEST

/* The node that gets free has no room for this one, another one had all the time. */
START_TEST(max_concurrent_does_not_hide_nodes)
{
    node(2, 1, 10);
    rig_submit(&rig, 1, 3, ",\"max_concurrent\":1");
    ck_assert_uint_eq(core_experiment(rig.core, 1)->leases, 1);
    finish(1, 0, 2);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 1);
    finish(1, 1, 2);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 1);
    finish(1, 2, 2);
    ck_assert(core_experiment(rig.core, 1)->state == EXPERIMENT_DONE);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_RELEASE), 1);
}
END_TEST

START_TEST(nothing_changed_is_nothing_done)
{
    rig_submit(&rig, 1, 10, "");
    node(2, 2, 10);
    rig_reset(&rig);
    core_place(rig.core, rig.now_ms, &rig.tape, &rig.effects);
    ck_assert_uint_eq(rig.effects.count, 0);
    ck_assert_uint_eq(rig.tape.written.size, 0);
}
END_TEST

START_TEST(queues_keep_their_order)
{
    struct queue queue = {0};

    for (uint32_t i = 0; i < 300; i++)
        queue_push(&queue, i);
    for (uint32_t i = 0; i < 300; i++)
        queue_push_front(&queue, 1000 + i);
    ck_assert_uint_eq(queue.count, 600);
    ck_assert_uint_eq(queue_items(&queue)[0], 1299);
    ck_assert_uint_eq(queue_items(&queue)[300], 0);
    ck_assert_uint_eq(queue_items(&queue)[599], 299);
    ck_assert(queue_remove(&queue, 1299) && queue_remove(&queue, 5) && queue_remove(&queue, 299));
    ck_assert(!queue_remove(&queue, 5));
    ck_assert_uint_eq(queue.count, 597);
    ck_assert_uint_eq(queue_items(&queue)[0], 1298);
    ck_assert_uint_eq(queue_items(&queue)[304], 6);
    ck_assert_uint_eq(queue_items(&queue)[596], 298);
    queue_fini(&queue);
}
END_TEST

/* A queue that is used like a pipe does not wander through memory. */
START_TEST(a_queue_as_a_pipe_stays_small)
{
    struct queue queue = {0};

    for (uint32_t i = 0; i < 100000; i++) {
        queue_push(&queue, i);
        if (i >= 10)
            ck_assert(queue_remove(&queue, i - 10));
    }
    ck_assert_uint_le(queue.capacity, 256);
    queue_fini(&queue);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("place");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, proposals_are_made_ahead_up_to_the_limit);
    tcase_add_test(tc, a_large_node_is_filled_at_once);
    tcase_add_test(tc, credit_limits_the_leases);
    tcase_add_test(tc, every_equal_experiment_gets_its_share);
    tcase_add_test(tc, a_blocked_one_sees_every_node_that_gets_room);
    tcase_add_test(tc, max_concurrent_does_not_hide_nodes);
    tcase_add_test(tc, nothing_changed_is_nothing_done);
    tcase_add_test(tc, queues_keep_their_order);
    tcase_add_test(tc, a_queue_as_a_pipe_stays_small);
    suite_add_tcase(s, tc);
    return s;
}
