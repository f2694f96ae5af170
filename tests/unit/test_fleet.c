/* links: head */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/fleet.h"
#include "tests/lib/run_suite.h"

#define WORKER  1u /* the principal, and so the node */
#define WAIT_MS 10000u

static char folder[64];
static void *context;
static struct zap *zap;
static struct fault fault;
static struct key_pair head_keys;
static struct key_pair worker_keys;
static void *router;
static void *worker;
static struct core *core;
static struct view *view;
static struct turns *turns;
static struct sinks *sinks;
static struct blobs *blobs;
static struct fleet *fleet;
static struct arena arena;
static struct buf frame;

/* What a head does with a committed turn. */
static void commit(void)
{
    struct span entry;
    struct turn *turn = turns_close(turns, &entry);

    if (turn == NULL)
        return;
    for (size_t i = 0; i < turn_effects(turn)->count; i++)
        view_apply(view, &turn_effects(turn)->items[i]);
    for (size_t i = 0; i < turn_effects(turn)->count; i++)
        (void)fleet_apply(fleet, &turn_effects(turn)->items[i]);
    fleet_flush(fleet);
    turn_release(turn);
}

static void setup(void)
{
    struct event event = {.type = EVENT_PRINCIPAL_ADD};
    struct address address = {.host = "127.0.0.1"};

    (void)snprintf(folder, sizeof(folder), "/tmp/test-fleet-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    fault_init(&fault);
    arena_init(&arena);
    buf_init(&frame);
    context = link_context_new(1);
    zap = zap_start(context);
    key_pair_make(&head_keys);
    key_pair_make(&worker_keys);
    ck_assert_int_eq(zap_add(zap, worker_keys.public_key, WORKER, PRINCIPAL_WORKER), 0);
    ck_assert_int_eq(link_bind(context, LINK_WORKER, address.host, 0, &head_keys, &router,
                               &address.port, NULL, &fault),
                     0);
    ck_assert_int_eq(link_connect(context, &address, head_keys.public_key, &worker_keys,
                                  LIMIT_MESSAGE_BYTES, &worker, NULL, &fault),
                     0);
    core = core_new();
    view = view_new();
    turns = turns_new(core);
    sinks = sinks_new();
    blobs = blobs_open(folder);
    fleet = fleet_new(&(struct fleet_parts){.socket = router,
                                            .view = view,
                                            .turns = turns,
                                            .sinks = sinks,
                                            .blobs = blobs,
                                            .epoch = 3});
    event.principal_add = (struct event_principal_add){
        .key = span_of(worker_keys.public_key, KEY_BYTES), .role = ROLE_WORKER};
    ck_assert(turns_ready(turns));
    ck_assert_int_eq(turns_step(turns, &event, 1), CORE_ADMITTED);
    commit();
}

static void teardown(void)
{
    fleet_free(fleet);
    blobs_close(blobs);
    sinks_free(sinks);
    turns_free(turns);
    view_free(view);
    core_free(core);
    link_close(worker, NULL);
    link_close(router, NULL);
    zap_stop(zap);
    link_context_free(context);
    key_pair_fini(&head_keys);
    key_pair_fini(&worker_keys);
    buf_fini(&frame);
    arena_fini(&arena);
    fault_fini(&fault);
    (void)fs_remove_tree(folder);
}

static void poll_one(void *socket, uint64_t end_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    ck_assert_uint_lt(clock_ms(), end_ms);
    (void)zmq_poll(&item, 1, 50);
}

/* One message of the worker into the fleet. */
static int say(enum msg_type type, const void *body, uint64_t now_ms)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct link_message message;
    struct schema_error error;
    struct message unpacked;
    int err;

    message_pack(type, 9, body, &frame);
    while (link_send_to_head(worker, buf_span(&frame)) == ERR_AGAIN) {
        zmq_pollitem_t item = {.socket = worker, .events = ZMQ_POLLOUT};

        ck_assert_uint_lt(clock_ms(), end_ms);
        (void)zmq_poll(&item, 1, 50);
    }
    while ((err = link_receive(router, &message)) == ERR_AGAIN)
        poll_one(router, end_ms);
    ck_assert_int_eq(err, 0);
    ck_assert(turns_ready(turns));
    ck_assert_int_eq(
        message_unpack(turns_frame(turns, &message.body), turns_arena(turns), &unpacked, &error),
        0);
    err = fleet_message(fleet, &message.route, message.principal, &unpacked, now_ms, 1);
    link_message_fini(&message);
    return err;
}

/* The next message to the worker; it must be of this type. */
static const void *hear(enum msg_type type)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct link_message message;
    struct schema_error error;
    struct message unpacked;

    while (link_receive(worker, &message) == ERR_AGAIN)
        poll_one(worker, end_ms);
    ck_assert_int_eq(
        message_unpack(arena_copy(&arena, link_message_body(&message)), &arena, &unpacked, &error),
        0);
    link_message_fini(&message);
    ck_assert_int_eq(unpacked.type, type);
    return unpacked.body;
}

static void hear_nothing(void)
{
    struct link_message message;

    ck_assert_int_eq(link_receive(worker, &message), ERR_AGAIN);
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

    ck_assert_int_eq(say_register(now_ms), 0);
    known = hear(MSG_REGISTERED);
    ck_assert_uint_eq(known->epoch, 3);
    ck_assert_int_eq(say(MSG_READY, &ready, now_ms), 0);
    commit();
    known = hear(MSG_REGISTERED);
    ck_assert_uint_eq(known->node, WORKER);
}

static uint32_t node_state(void)
{
    return view_node(view, WORKER)->row.state;
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
    commit();
    ck_assert_uint_eq(node_state(), NODE_UP);
    fleet_tick(fleet, 11100, 11100, 1);
    ck_assert_uint_eq(fleet_sessions(fleet), 0);
    /* Its loss is not committed yet: it is not declared again and again meanwhile. */
    ck_assert(view_node(view, WORKER)->given_up);
    fleet_tick(fleet, 11200, 11200, 1);
    commit();
    ck_assert_uint_eq(node_state(), NODE_LOST);
    come(12000);
    ck_assert_uint_eq(node_state(), NODE_UP);
    ck_assert(!view_node(view, WORKER)->given_up);
}
END_TEST

START_TEST(what_waits_unread_is_no_silence)
{
    come(1000);
    for (uint64_t now_ms = 1000; now_ms <= 60000; now_ms += 100)
        fleet_tick(fleet, now_ms, 2000, 1); /* the socket was last empty at 2 s */
    ck_assert_uint_eq(fleet_sessions(fleet), 1);
    ck_assert(!view_node(view, WORKER)->given_up);
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
    ck_assert(!view_node(view, WORKER)->given_up);
}
END_TEST

START_TEST(while_nothing_is_read_all_hear_that_the_head_lives)
{
    struct turn *taken[LIMIT_TURNS];
    struct span entry;
    uint32_t count = 0;

    come(1000);
    fleet_set_committing(fleet, false);
    while (turns_ready(turns)) {
        struct event event = {.type = EVENT_PRINCIPAL_ADD};
        uint8_t key[KEY_BYTES] = {1, 2, (uint8_t)count};

        event.principal_add =
            (struct event_principal_add){.key = span_of(key, KEY_BYTES), .role = ROLE_READ};
        (void)turns_step(turns, &event, 1);
        taken[count++] = turns_close(turns, &entry);
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
    before = core_digest(core);
    (void)say(MSG_REPORTS, &reports, 2);
    batch.count = LIMIT_BATCH_RECORDS;
    ck_assert_int_ne(say(MSG_REPORTS, &reports, 3), 0);
    batch.count = 1;
    batch.first_seq = UINT64_MAX;
    batch.records = span_text("\x93\xff\xff\xff");
    ck_assert_int_ne(say(MSG_REPORTS, &reports, 4), 0);
    commit();
    ck_assert_uint_eq(core_digest(core), before);
}
END_TEST

START_TEST(other_hostile_messages_are_survived)
{
    const struct msg_output output = {.experiment = 1, .attempt = 1, .offset = UINT64_MAX};
    const uint8_t hash[BLOB_HASH_BYTES] = {0};
    const struct msg_blob_get get = {
        .hash = span_of(hash, sizeof(hash)), .offset = UINT64_MAX, .size = 0};
    const struct msg_heartbeat beat = {0};
    struct msg_held held[2] = {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX}, {0}};
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
    commit();
    ck_assert_int_eq(say(MSG_LEAVING, &leaving, 3), 0);
    ck_assert_uint_eq(fleet_sessions(fleet), 0);
    commit();
    ck_assert_uint_eq(node_state(), NODE_LOST);
    ck_assert_int_eq(say(MSG_HEARTBEAT, &beat, 4), 0);
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
    tcase_add_test(tests, a_revoked_key_has_no_session);
    suite_add_tcase(suite, tests);
    return suite;
}
