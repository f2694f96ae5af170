/* links: head */
#include "head/fleet.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/plane_rig.h"

#define WORKER PEER /* the principal, and so the node */

static struct plane_rig rig;
static struct fleet *fleet;

static void apply(const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        (void)fleet_apply(fleet, &effects->items[i]);
    fleet_flush(fleet);
}

static void setup(void)
{
    rig_open(&rig, LINK_WORKER, PRINCIPAL_WORKER);
    fleet = fleet_new(&(struct fleet_parts){.socket = rig.router,
                                            .view = rig.view,
                                            .turns = rig.turns,
                                            .sinks = rig.sinks,
                                            .blobs = rig.blobs,
                                            .checkpoints = rig.checkpoints,
                                            .epoch = 3});
    rig.apply = apply;
    rig_admit(&rig, ROLE_WORKER);
}

static void teardown(void)
{
    fleet_free(fleet);
    rig_close(&rig);
}

/* One message of the worker into the fleet. */
static int say(enum msg_type type, const void *body, uint64_t now_ms)
{
    struct link_message message;
    struct message unpacked;
    int err;

    rig_say(&rig, type, body, &message, &unpacked);
    err = fleet_message(fleet, &message.route, message.principal, &unpacked, now_ms, 1);
    link_message_fini(&message);
    return err;
}

static const void *hear(enum msg_type type)
{
    return rig_hear(&rig, type, NULL);
}

static void hear_nothing(void)
{
    struct link_message message;

    ck_assert_int_eq(link_receive(rig.peer, &message), ERR_AGAIN);
}

static int say_register(uint64_t now_ms)
{
    const struct msg_register body = {.version = span_text("1"),
                                      .name = span_text("n"),
                                      .hostname = span_text("h"),
                                      .node_ip = span_text("127.0.0.1"),
                                      .incarnation = 1,
                                      .capacity = {.cpu = 4 * RESOURCE_ONE}};

    return say(MSG_REGISTER, &body, now_ms);
}

static void come(uint64_t now_ms)
{
    const struct msg_ready ready = {.credit = 8};
    const struct msg_registered *known;
    uint64_t request;

    ck_assert_int_eq(say_register(now_ms), 0);
    known = hear(MSG_REGISTERED);
    ck_assert_uint_eq(known->epoch, 3);
    ck_assert_int_eq(say(MSG_READY, &ready, now_ms), 0);
    rig_commit(&rig);
    known = rig_hear(&rig, MSG_REGISTERED, &request);
    ck_assert_uint_eq(known->node, WORKER);
    ck_assert_uint_eq(request, PEER_REQUEST); /* of the READY that it answers */
}

static uint32_t node_state(void)
{
    return view_node(rig.view, WORKER)->row.state;
}

START_TEST(a_stranger_session_is_unknown)
{
    const struct msg_heartbeat beat = {0};

    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 1), 0);
    (void)hear(MSG_UNKNOWN);
    come(5);
    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 6), 0);
    ck_assert(((const struct msg_heartbeat *)hear(MSG_HEARTBEAT))->committing);
    ck_assert_uint_eq(fleet_sessions(fleet), 1);
}
END_TEST

START_TEST(a_silent_node_is_lost_once)
{
    come(1000);
    for (uint64_t now_ms = 1000; now_ms <= 11000; now_ms += 100)
        fleet_tick(fleet, now_ms, now_ms, 1);
    rig_commit(&rig);
    ck_assert_uint_eq(node_state(), NODE_UP);
    fleet_tick(fleet, 11100, 11100, 1);
    ck_assert_uint_eq(fleet_sessions(fleet), 0);
    /* Its loss is not committed yet: it is not declared again and again meanwhile. */
    ck_assert(view_node(rig.view, WORKER)->given_up);
    fleet_tick(fleet, 11200, 11200, 1);
    rig_commit(&rig);
    ck_assert_uint_eq(node_state(), NODE_LOST);
    come(12000);
    ck_assert_uint_eq(node_state(), NODE_UP);
    ck_assert(!view_node(rig.view, WORKER)->given_up);
}
END_TEST

START_TEST(what_waits_unread_is_no_silence)
{
    come(1000);
    for (uint64_t now_ms = 1000; now_ms <= 60000; now_ms += 100)
        fleet_tick(fleet, now_ms, 2000, 1); /* the socket was last empty at 2 s */
    ck_assert_uint_eq(fleet_sessions(fleet), 1);
    ck_assert(!view_node(rig.view, WORKER)->given_up);
}
END_TEST

START_TEST(the_heads_own_pause_is_forgiven)
{
    come(1000);
    fleet_tick(fleet, 1000, 1000, 1);
    fleet_tick(fleet, 90000, 90000, 1);
    ck_assert_uint_eq(fleet_sessions(fleet), 1);
}
END_TEST

START_TEST(a_worker_that_registers_anew_is_heard_before_its_ready_is_committed)
{
    const struct msg_heartbeat beat = {0};

    come(1000);
    fleet_tick(fleet, 1000, 1000, 1);
    ck_assert_int_eq(say_register(9000), 0);
    (void)hear(MSG_REGISTERED);
    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 15000), 0);
    (void)hear(MSG_HEARTBEAT);
    for (uint64_t now_ms = 1100; now_ms <= 20000; now_ms += 100)
        fleet_tick(fleet, now_ms, now_ms, 1);
    ck_assert(!view_node(rig.view, WORKER)->given_up);
}
END_TEST

START_TEST(while_nothing_is_read_all_hear_that_the_head_lives)
{
    struct turn *taken[LIMIT_TURNS];
    struct span entry;
    uint32_t count = 0;

    come(1000);
    fleet_set_committing(fleet, false);
    while (turns_ready(rig.turns)) {
        struct event event = {.type = EVENT_PRINCIPAL_ADD};
        uint8_t key[KEY_BYTES] = {1, 2, (uint8_t)count};

        event.principal_add =
            (struct event_principal_add){.key = span_of(key, KEY_BYTES), .role = ROLE_READ};
        (void)turns_step(rig.turns, &event, 1);
        taken[count++] = turns_close(rig.turns, &entry);
    }
    fleet_tick(fleet, 1100, 1000, 1);
    fleet_tick(fleet, 1200, 1000, 1); /* once a second is enough */
    ck_assert(!((const struct msg_heartbeat *)hear(MSG_HEARTBEAT))->committing);
    hear_nothing();
    while (count > 0)
        turn_release(taken[--count]);
}
END_TEST

START_TEST(reports_that_make_no_sense_change_nothing)
{
    struct msg_batch batch = {.experiment = 7, .trial = UINT32_MAX, .attempt = 0, .first_seq = 1};
    const struct msg_reports reports = {.batches = {.items = &batch, .count = 1}};
    uint64_t before;

    come(1);
    before = core_digest(rig.core);
    (void)say(MSG_REPORTS, &reports, 2);
    batch.count = LIMIT_BATCH_RECORDS;
    ck_assert_int_ne(say(MSG_REPORTS, &reports, 3), 0);
    batch.count = 1;
    batch.first_seq = UINT64_MAX;
    batch.records = span_text("\x93\xff\xff\xff");
    ck_assert_int_ne(say(MSG_REPORTS, &reports, 4), 0);
    rig_commit(&rig);
    ck_assert_uint_eq(core_digest(rig.core), before);
}
END_TEST

START_TEST(other_hostile_messages_are_survived)
{
    const struct msg_output output = {.experiment = 1, .attempt = 1, .offset = UINT64_MAX};
    const uint8_t hash[BLOB_HASH_BYTES] = {0};
    const struct msg_blob_get get = {
        .hash = span_of(hash, sizeof(hash)), .offset = UINT64_MAX, .size = 0};
    const struct msg_heartbeat beat = {0};
    struct msg_held held[2] = {{.experiment = UINT32_MAX,
                                .trial = UINT32_MAX,
                                .attempt = UINT32_MAX,
                                .last_seq = UINT64_MAX}};
    const struct msg_ready ready = {.credit = LIMIT_LEASES, .held = {.items = held, .count = 2}};
    const struct msg_leaving leaving = {.reason = span_text("")};
    const struct msg_welcome wrong = {.role = ROLE_NONE};

    come(1);
    ck_assert_int_eq(say(MSG_OUTPUT, &output, 2), 0);
    (void)hear(MSG_OK); /* taken and forgotten */
    ck_assert_int_eq(say(MSG_BLOB_GET, &get, 2), 0);
    (void)hear(MSG_ERROR);
    ck_assert_int_eq(say(MSG_WELCOME, &wrong, 2), ERR_MALFORMED);
    ck_assert_int_eq(say(MSG_READY, &ready, 2), 0);
    rig_commit(&rig);
    ck_assert_int_eq(say(MSG_LEAVING, &leaving, 3), 0);
    ck_assert_uint_eq(fleet_sessions(fleet), 0);
    rig_commit(&rig);
    ck_assert_uint_eq(node_state(), NODE_LOST);
    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 4), 0);
}
END_TEST

START_TEST(only_the_last_ready_is_answered)
{
    const struct msg_ready ready = {.credit = 8};
    const struct msg_heartbeat beat = {0};

    ck_assert_int_eq(say_register(1), 0);
    (void)hear(MSG_REGISTERED);
    ck_assert_int_eq(say(MSG_READY, &ready, 1), 0);
    ck_assert_int_eq(say_register(2), 0);
    (void)hear(MSG_REGISTERED);
    ck_assert_int_eq(say(MSG_READY, &ready, 3), 0);
    rig_commit(&rig);
    (void)hear(MSG_REGISTERED);
    /* A key without a session is answered, and behind a second REGISTERED, if there were one. */
    fleet_revoke(fleet, WORKER);
    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 4), 0);
    (void)hear(MSG_UNKNOWN);
}
END_TEST

START_TEST(a_revoked_key_has_no_session)
{
    const struct msg_heartbeat beat = {0};

    come(1);
    fleet_revoke(fleet, WORKER);
    ck_assert_uint_eq(fleet_sessions(fleet), 0);
    fleet_revoke(fleet, WORKER);
    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 2), 0);
    (void)hear(MSG_UNKNOWN);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("fleet");
    TCase *tests = tcase_create("fleet");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_stranger_session_is_unknown);
    tcase_add_test(tests, a_silent_node_is_lost_once);
    tcase_add_test(tests, what_waits_unread_is_no_silence);
    tcase_add_test(tests, the_heads_own_pause_is_forgiven);
    tcase_add_test(tests, a_worker_that_registers_anew_is_heard_before_its_ready_is_committed);
    tcase_add_test(tests, while_nothing_is_read_all_hear_that_the_head_lives);
    tcase_add_test(tests, reports_that_make_no_sense_change_nothing);
    tcase_add_test(tests, other_hostile_messages_are_survived);
    tcase_add_test(tests, only_the_last_ready_is_answered);
    tcase_add_test(tests, a_revoked_key_has_no_session);
    suite_add_tcase(suite, tests);
    return suite;
}
