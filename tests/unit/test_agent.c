/* links: agent */
#include <stdio.h>

#include "common/action.h"
#include "common/buf.h"
#include "common/record.h"
#include "tests/lib/run_suite.h"
#include "worker/agent/agent.h"

static struct agent *agent;
static const struct agent_effect *effects;
static uint32_t count;

static const struct resources one_cpu = {.cpu = RESOURCE_ONE};
static const struct resources two_cpus = {.cpu = 2 * RESOURCE_ONE};

static void set_up(void)
{
    const struct resources capacity = {.cpu = 2 * RESOURCE_ONE, .memory_bytes = 1000};

    agent = agent_new(&capacity, 2);
}

static void tear_down(void)
{
    agent_free(agent);
}

static struct agent_attempt who(uint32_t trial, uint32_t attempt)
{
    return (struct agent_attempt){1, trial, attempt};
}

static void step(const struct agent_event *event)
{
    effects = agent_step(agent, event, &count);
}

static void launch(uint32_t trial, uint32_t attempt, const struct resources *need)
{
    char text[16];
    struct agent_event event = {.type = AGENT_LAUNCH, .who = who(trial, attempt), .need = need};

    snprintf(text, sizeof(text), "%u/%u", trial, attempt);
    event.payload = span_text(text);
    step(&event);
}

static void tell(enum agent_event_type type, uint32_t trial, uint32_t attempt, uint64_t seq,
                 uint32_t action)
{
    step(&(struct agent_event){
        .type = type, .who = who(trial, attempt), .seq = seq, .action = action});
}

static void check_effect(uint32_t at, enum agent_effect_type type, uint32_t trial)
{
    ck_assert_uint_lt(at, count);
    ck_assert_int_eq(effects[at].type, type);
    ck_assert_uint_eq(effects[at].who.trial, trial);
}

static void check_end(uint32_t at, uint32_t trial, uint64_t seq, enum end_reason reason)
{
    check_effect(at, AGENT_END, trial);
    ck_assert_uint_eq(effects[at].seq, seq);
    ck_assert_uint_eq(effects[at].reason, reason);
}

START_TEST(leases_start_in_their_order)
{
    launch(0, 1, &one_cpu);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 0);
    ck_assert(span_is(effects[0].payload, "0/1"));
    launch(1, 1, &two_cpus);
    ck_assert_uint_eq(count, 0);
    /* There is room for this one, but nobody overtakes. */
    launch(2, 1, &one_cpu);
    launch(3, 1, &one_cpu);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(agent_running(agent), 1);
    ck_assert_uint_eq(agent_count(agent, 1), 4);

    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 1);
    tell(AGENT_VACATED, 1, 1, 0, 0);
    ck_assert_uint_eq(count, 2);
    check_effect(0, AGENT_START, 2);
    check_effect(1, AGENT_START, 3);
    ck_assert(span_is(effects[1].payload, "3/1"));
}
END_TEST

START_TEST(a_lease_that_comes_again_changes_nothing)
{
    launch(0, 1, &two_cpus);
    launch(0, 1, &two_cpus);
    ck_assert_uint_eq(count, 0);
    launch(1, 1, &two_cpus);
    launch(1, 1, &two_cpus);
    ck_assert_uint_eq(agent_count(agent, 1), 2);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 1);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(agent_used(agent)->cpu, 2 * RESOURCE_ONE);
}
END_TEST

START_TEST(what_waits_is_stopped_without_an_executor)
{
    launch(0, 1, &two_cpus);
    launch(1, 1, &two_cpus);
    launch(2, 1, &one_cpu);
    launch(3, 1, &one_cpu);
    tell(AGENT_VERDICT, 1, 1, 0, ACTION_STOP);
    ck_assert_uint_eq(count, 1);
    check_end(0, 1, 1, END_STOPPED);
    /* Fenced: nobody wants to hear of it. */
    tell(AGENT_VERDICT, 2, 1, 0, ACTION_FENCED);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VERDICT, 3, 1, 0, ACTION_CONTINUE);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VERDICT, 0, 1, 0, ACTION_STOP);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_FORWARD, 0);
    tell(AGENT_VERDICT, 9, 1, 0, ACTION_STOP);
    check_effect(0, AGENT_FORWARD, 9);
    ck_assert_uint_eq(agent_count(agent, 1), 2);
}
END_TEST

START_TEST(stopping_the_first_makes_way)
{
    launch(0, 1, &one_cpu);
    launch(1, 1, &two_cpus);
    launch(2, 1, &one_cpu);
    tell(AGENT_VERDICT, 1, 1, 0, ACTION_STOP);
    ck_assert_uint_eq(count, 2);
    check_end(0, 1, 1, END_STOPPED);
    check_effect(1, AGENT_START, 2);
}
END_TEST

START_TEST(an_attempt_is_kept_until_its_end_is_acknowledged)
{
    launch(0, 1, &one_cpu);
    tell(AGENT_SEEN, 0, 1, 5, 0);
    tell(AGENT_VERDICT, 0, 1, 5, ACTION_STOP);
    tell(AGENT_VACATED, 0, 1, 6, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 1);
    ck_assert_int_eq(agent_used(agent)->cpu, 0);
    tell(AGENT_VERDICT, 0, 1, 6, ACTION_STOP);
    check_effect(0, AGENT_FORWARD, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 0);

    /* More of it comes by, after all. */
    tell(AGENT_SEEN, 0, 1, 7, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 1);
    ck_assert_uint_eq(agent_running(agent), 0);
    tell(AGENT_VERDICT, 0, 1, 7, ACTION_STOP);
    ck_assert_uint_eq(agent_count(agent, 1), 0);
}
END_TEST

START_TEST(a_head_that_has_lost_what_it_acknowledged_is_believed)
{
    launch(0, 1, &one_cpu);
    tell(AGENT_SEEN, 0, 1, 9, 0);
    tell(AGENT_VERDICT, 0, 1, 7, ACTION_CONTINUE);
    tell(AGENT_VERDICT, 0, 1, 4, ACTION_RESEND);
    check_effect(0, AGENT_FORWARD, 0);
    tell(AGENT_SEEN, 0, 1, 5, 0);
    tell(AGENT_VACATED, 0, 1, 5, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 1);
    tell(AGENT_VERDICT, 0, 1, 5, ACTION_STOP);
    ck_assert_uint_eq(agent_count(agent, 1), 0);
}
END_TEST

START_TEST(a_fenced_one_goes_with_its_processes)
{
    launch(0, 1, &one_cpu);
    tell(AGENT_SEEN, 0, 1, 5, 0);
    tell(AGENT_VERDICT, 0, 1, 0, ACTION_FENCED);
    check_effect(0, AGENT_FORWARD, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 1);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 0);
}
END_TEST

START_TEST(a_new_attempt_waits_for_the_old_one_to_go)
{
    launch(0, 1, &one_cpu);
    tell(AGENT_VERDICT, 0, 1, 0, ACTION_FENCED);
    launch(0, 2, &one_cpu);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 1);
    ck_assert(span_is(effects[0].payload, "0/2"));
}
END_TEST

START_TEST(a_lost_executor_ends_what_it_had)
{
    launch(0, 1, &one_cpu);
    launch(1, 1, &one_cpu);
    launch(2, 1, &one_cpu);
    tell(AGENT_SEEN, 0, 1, 7, 0);
    tell(AGENT_VERDICT, 1, 1, 0, ACTION_FENCED);
    tell(AGENT_LOST, 0, 0, 0, 0);
    ck_assert_uint_eq(count, 2);
    check_end(0, 0, 8, END_EXECUTOR_LOST);
    check_effect(1, AGENT_START, 2);
    tell(AGENT_REFUSE, 0, 0, 0, 0);
    ck_assert_uint_eq(count, 1);
    check_end(0, 2, 1, END_START);
    ck_assert_uint_eq(agent_count(agent, 1), 0);
    ck_assert_int_eq(agent_used(agent)->cpu, 0);
}
END_TEST

START_TEST(found_ones_hold_what_they_need)
{
    struct agent_event found = {.type = AGENT_FOUND, .who = who(4, 2), .need = &two_cpus, .seq = 9};
    const void *at = NULL;
    struct agent_row row;

    step(&found);
    step(&found);
    ck_assert_uint_eq(agent_running(agent), 1);
    launch(5, 1, &one_cpu);
    ck_assert_uint_eq(count, 0);
    ck_assert(agent_next(agent, &at, &row));
    ck_assert_uint_eq(row.who.trial, 4);
    ck_assert_uint_eq(row.seen, 9);
    ck_assert(!row.waiting);
    ck_assert(agent_next(agent, &at, &row));
    ck_assert_uint_eq(row.who.trial, 5);
    ck_assert(row.waiting);
    ck_assert(!agent_next(agent, &at, &row));

    /* One that waits here turns out to run already. */
    found.who = who(5, 1);
    found.need = &one_cpu;
    step(&found);
    ck_assert_uint_eq(agent_running(agent), 2);
    tell(AGENT_VACATED, 4, 2, 0, 0);
    ck_assert_uint_eq(count, 0);
    launch(6, 1, &one_cpu);
    check_effect(0, AGENT_START, 6);
}
END_TEST

START_TEST(devices_are_not_shared_beyond_one)
{
    const struct resources half = {.gpu = RESOURCE_ONE / 2};
    const struct resources whole = {.gpu = RESOURCE_ONE};
    const uint32_t devices[] = {1, 7};
    struct agent_event event = {.type = AGENT_LAUNCH,
                                .who = who(0, 1),
                                .need = &half,
                                .devices = devices,
                                .device_count = 1};

    step(&event);
    event.who = who(1, 1);
    step(&event);
    check_effect(0, AGENT_START, 1);
    event.who = who(2, 1);
    event.need = &whole;
    step(&event);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 1, 1, 0, 0);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 2);

    event.who = who(3, 1);
    event.devices = &devices[1];
    step(&event);
    ck_assert_uint_eq(count, 1);
    check_end(0, 3, 1, END_START);
}
END_TEST

START_TEST(found_ones_hold_their_devices)
{
    const struct resources half = {.gpu = RESOURCE_ONE / 2};
    const struct resources whole = {.gpu = RESOURCE_ONE};
    const uint32_t devices[] = {1, 7};
    struct agent_event event = {.type = AGENT_FOUND,
                                .who = who(0, 1),
                                .need = &half,
                                .devices = devices,
                                .device_count = 2}; /* the second one is lent no more */

    step(&event);
    step(&event); /* said twice, held once */
    event.who = who(1, 1);
    event.need = NULL; /* then it is all of them */
    event.devices = (const uint32_t[]){0};
    event.device_count = 1;
    step(&event);

    event.type = AGENT_LAUNCH;
    event.who = who(2, 1);
    event.need = &half;
    event.devices = devices;
    step(&event);
    check_effect(0, AGENT_START, 2);
    event.who = who(3, 1);
    event.need = &whole;
    step(&event);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 2, 1, 0, 0);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 3);

    event.who = who(4, 1);
    event.need = &half;
    event.devices = (const uint32_t[]){0};
    step(&event);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 1, 1, 0, 0);
    check_effect(0, AGENT_START, 4);
}
END_TEST

static void found(uint32_t trial, uint64_t seq)
{
    step(&(struct agent_event){
        .type = AGENT_FOUND, .who = who(trial, 1), .need = &one_cpu, .seq = seq});
}

START_TEST(what_did_not_come_to_its_executor_is_handed_over_again)
{
    launch(0, 1, &one_cpu);
    launch(1, 1, &one_cpu);
    launch(2, 1, &one_cpu);
    tell(AGENT_SEEN, 0, 1, 3, 0);
    found(0, 4);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_ALL, 0, 0, 0, 0);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 1);
    ck_assert(span_is(effects[0].payload, "1/1"));
    ck_assert_int_eq(agent_used(agent)->cpu, 2 * RESOURCE_ONE);

    /* It came this time. What waits is not the executor's to know. */
    found(0, 4);
    found(1, 0);
    tell(AGENT_ALL, 0, 0, 0, 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(agent_count(agent, 1), 3);
}
END_TEST

START_TEST(what_its_executor_has_no_more_is_over)
{
    launch(0, 1, &one_cpu);
    launch(1, 1, &one_cpu);
    launch(2, 1, &two_cpus);
    tell(AGENT_SEEN, 0, 1, 2, 0);
    tell(AGENT_VERDICT, 0, 1, 2, ACTION_STOP);
    tell(AGENT_VERDICT, 1, 1, 0, ACTION_FENCED);
    /* Both have ended, and the word of it was lost. */
    tell(AGENT_ALL, 0, 0, 0, 0);
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 2);
    ck_assert_uint_eq(agent_count(agent, 1), 1);
}
END_TEST

START_TEST(an_executor_that_left_takes_what_it_had)
{
    launch(0, 1, &one_cpu);
    launch(1, 1, &one_cpu);
    launch(2, 1, &one_cpu);
    tell(AGENT_SEEN, 0, 1, 1, 0);
    tell(AGENT_VERDICT, 0, 1, 0, ACTION_FENCED);
    tell(AGENT_LEFT, 0, 0, 0, 0);
    /* The second one is for the next executor; the third has its place at last. */
    ck_assert_uint_eq(count, 1);
    check_effect(0, AGENT_START, 2);
    ck_assert_uint_eq(agent_count(agent, 1), 2);
}
END_TEST

START_TEST(who_speaks_runs)
{
    launch(0, 1, &two_cpus);
    launch(1, 1, &two_cpus);
    tell(AGENT_VACATED, 1, 1, 1, 0); /* of one that was not begun: nonsense */
    tell(AGENT_SEEN, 1, 1, 1, 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(agent_running(agent), 2);
    tell(AGENT_VACATED, 0, 1, 0, 0);
    ck_assert_uint_eq(count, 0);
    tell(AGENT_VACATED, 1, 1, 0, 0);
    ck_assert_int_eq(agent_used(agent)->cpu, 0);
}
END_TEST

START_TEST(what_can_never_fit_is_ended)
{
    const struct resources big = {.cpu = 3 * RESOURCE_ONE};
    const struct resource_custom licence = {span_text("licence"), RESOURCE_ONE};
    const struct resources odd = {.custom = {(void *)&licence, 1}};

    launch(0, 1, &big);
    check_end(0, 0, 1, END_START);
    launch(1, 1, &odd);
    check_end(0, 1, 1, END_START);
    ck_assert_uint_eq(agent_count(agent, 1), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("agent");
    TCase *tcase = tcase_create("agent");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, leases_start_in_their_order);
    tcase_add_test(tcase, a_lease_that_comes_again_changes_nothing);
    tcase_add_test(tcase, what_waits_is_stopped_without_an_executor);
    tcase_add_test(tcase, stopping_the_first_makes_way);
    tcase_add_test(tcase, an_attempt_is_kept_until_its_end_is_acknowledged);
    tcase_add_test(tcase, a_head_that_has_lost_what_it_acknowledged_is_believed);
    tcase_add_test(tcase, a_fenced_one_goes_with_its_processes);
    tcase_add_test(tcase, a_new_attempt_waits_for_the_old_one_to_go);
    tcase_add_test(tcase, a_lost_executor_ends_what_it_had);
    tcase_add_test(tcase, found_ones_hold_what_they_need);
    tcase_add_test(tcase, devices_are_not_shared_beyond_one);
    tcase_add_test(tcase, found_ones_hold_their_devices);
    tcase_add_test(tcase, what_did_not_come_to_its_executor_is_handed_over_again);
    tcase_add_test(tcase, what_its_executor_has_no_more_is_over);
    tcase_add_test(tcase, an_executor_that_left_takes_what_it_had);
    tcase_add_test(tcase, who_speaks_runs);
    tcase_add_test(tcase, what_can_never_fit_is_ended);
    suite_add_tcase(suite, tcase);
    return suite;
}
