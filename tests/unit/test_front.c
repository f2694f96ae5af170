/* links: head */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/front.h"
#include "tests/lib/run_suite.h"

#define CLIENT  1u
#define WAIT_MS 10000u

static char folder[64];
static void *context;
static struct zap *zap;
static struct fault fault;
static struct key_pair head_keys;
static struct key_pair client_keys;
static void *router;
static void *client;
static struct core *core;
static struct view *view;
static struct turns *turns;
static struct sinks *sinks;
static struct blobs *blobs;
static struct audit *audit;
static struct front *front;
static struct arena arena;
static struct buf frame;

static void commit(void)
{
    struct span entry;
    struct turn *turn = turns_close(turns, &entry);

    if (turn == NULL)
        return;
    for (size_t i = 0; i < turn_effects(turn)->count; i++)
        view_apply(view, &turn_effects(turn)->items[i]);
    for (size_t i = 0; i < turn_effects(turn)->count; i++)
        if (turn_effects(turn)->items[i].type == EFFECT_REPLY)
            front_apply(front, &turn_effects(turn)->items[i].reply);
    turn_release(turn);
}

static void setup(void)
{
    struct event event = {.type = EVENT_PRINCIPAL_ADD};
    struct address address = {.host = "127.0.0.1"};

    (void)snprintf(folder, sizeof(folder), "/tmp/test-front-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    fault_init(&fault);
    arena_init(&arena);
    buf_init(&frame);
    context = link_context_new(1);
    zap = zap_start(context);
    key_pair_make(&head_keys);
    key_pair_make(&client_keys);
    ck_assert_int_eq(zap_add(zap, client_keys.public_key, CLIENT, PRINCIPAL_ADMIN), 0);
    ck_assert_int_eq(link_bind(context, LINK_CLIENT, address.host, 0, &head_keys, &router,
                               &address.port, NULL, &fault),
                     0);
    ck_assert_int_eq(link_connect(context, &address, head_keys.public_key, &client_keys,
                                  LIMIT_MESSAGE_BYTES, &client, NULL, &fault),
                     0);
    core = core_new();
    view = view_new();
    turns = turns_new(core);
    sinks = sinks_new();
    blobs = blobs_open(folder);
    audit = audit_open(folder);
    front = front_new(&(struct front_parts){.client_socket = router,
                                            .join_socket = router,
                                            .view = view,
                                            .core = core,
                                            .turns = turns,
                                            .sinks = sinks,
                                            .blobs = blobs,
                                            .audit = audit,
                                            .head_key = head_keys.public_key,
                                            .name = "test"});
    event.principal_add = (struct event_principal_add){
        .key = span_of(client_keys.public_key, KEY_BYTES), .role = ROLE_ADMIN};
    ck_assert(turns_ready(turns));
    ck_assert_int_eq(turns_step(turns, &event, 1), CORE_ADMITTED);
    commit();
}

static void teardown(void)
{
    front_free(front);
    audit_close(audit);
    blobs_close(blobs);
    sinks_free(sinks);
    turns_free(turns);
    view_free(view);
    core_free(core);
    link_close(client, NULL);
    link_close(router, NULL);
    zap_stop(zap);
    link_context_free(context);
    key_pair_fini(&head_keys);
    key_pair_fini(&client_keys);
    buf_fini(&frame);
    arena_fini(&arena);
    fault_fini(&fault);
    (void)fs_remove_tree(folder);
}

static void poll_one(void *socket, short events, uint64_t end_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = events};

    ck_assert_uint_lt(clock_ms(), end_ms);
    (void)zmq_poll(&item, 1, 50);
}

static void ask(enum msg_type type, const void *body, uint64_t now_ms)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct link_message message;
    struct schema_error error;
    struct message unpacked;
    int err;

    message_pack(type, 9, body, &frame);
    while (link_send_to_head(client, buf_span(&frame)) == ERR_AGAIN)
        poll_one(client, ZMQ_POLLOUT, end_ms);
    while ((err = link_receive(router, &message)) == ERR_AGAIN)
        poll_one(router, ZMQ_POLLIN, end_ms);
    ck_assert_int_eq(err, 0);
    ck_assert(turns_ready(turns));
    ck_assert_int_eq(
        message_unpack(link_message_body(&message), turns_arena(turns), &unpacked, &error), 0);
    front_message(front, LINK_CLIENT, &message, &unpacked, now_ms, 1000);
    commit();
    link_message_fini(&message);
}

static const void *answer(enum msg_type type)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct link_message message;
    struct schema_error error;
    struct message unpacked;

    while (link_receive(client, &message) == ERR_AGAIN)
        poll_one(client, ZMQ_POLLIN, end_ms);
    ck_assert_int_eq(
        message_unpack(arena_copy(&arena, link_message_body(&message)), &arena, &unpacked, &error),
        0);
    link_message_fini(&message);
    ck_assert_int_eq(unpacked.type, type);
    ck_assert_uint_eq(unpacked.request, 9);
    return unpacked.body;
}

static uint32_t submit(void)
{
    struct msg_submit body = {.submission = span_text("0123456789abcdef")};
    struct json_error error;
    struct value value;
    struct buf packed = {0};
    uint32_t number;

    ck_assert_int_eq(json_read(span_text("{\"run\": {\"command\": \"true\"}, \"name\": \"e\", "
                                         "\"local_dir\": \"/tmp/none\"}"),
                               &arena, &value, &error),
                     0);
    value_pack(&value, &packed);
    body.spec = buf_span(&packed);
    ask(MSG_SUBMIT, &body, 1);
    number = ((const struct msg_submitted *)answer(MSG_SUBMITTED))->experiment;
    buf_fini(&packed);
    return number;
}

START_TEST(a_submission_is_answered_once_committed)
{
    uint32_t number = submit();
    const struct msg_list list = {0};
    const struct msg_experiments *rows;

    ck_assert_uint_eq(submit(), number); /* the same again */
    ck_assert_uint_eq(front_requests(front), 0);
    ask(MSG_LIST, &list, 1);
    rows = answer(MSG_EXPERIMENTS);
    ck_assert_uint_eq(rows->rows.count, 1);
}
END_TEST

START_TEST(a_reader_waits_for_what_comes_or_for_its_time)
{
    const struct msg_trials ask_trials = {
        .experiment = submit(), .after_version = 1000, .wait_ms = 5000};
    const struct msg_trial_rows *rows;

    ask(MSG_TRIALS, &ask_trials, 100);
    ck_assert_uint_eq(front_waiting(front), 1);
    ck_assert_uint_eq(front_deadline_ms(front), 5100);
    front_wake(front, 5000);
    ck_assert_uint_eq(front_waiting(front), 1);
    front_wake(front, 5100);
    ck_assert_uint_eq(front_waiting(front), 0);
    rows = answer(MSG_TRIAL_ROWS);
    ck_assert_uint_eq(rows->rows.count, 0);
    ck_assert_uint_eq(front_deadline_ms(front), UINT64_MAX);
}
END_TEST

START_TEST(a_change_wakes_a_reader)
{
    const struct msg_trials ask_trials = {
        .experiment = submit(), .after_version = 1000, .wait_ms = 5000};
    struct effect effect = {.type = EFFECT_TRIAL};

    ask(MSG_TRIALS, &ask_trials, 100);
    front_wake(front, 101);
    effect.trial = (struct effect_trial){
        .experiment = ask_trials.experiment, .trial = 0, .state = TRIAL_DONE, .node = NUMBER_NONE};
    for (int i = 0; i < 1000; i++)
        view_apply(view, &effect);
    front_wake(front, 102);
    ck_assert_uint_eq(front_waiting(front), 0);
    (void)answer(MSG_TRIAL_ROWS);
}
END_TEST

START_TEST(more_readers_than_places_are_answered_at_once)
{
    const struct msg_trials body = {
        .experiment = submit(), .after_version = 1000, .wait_ms = LIMIT_WAIT_MS};

    for (uint32_t i = 0; i < LIMIT_CLIENTS * 4; i++)
        ask(MSG_TRIALS, &body, 100);
    ck_assert_uint_eq(front_waiting(front), LIMIT_CLIENTS * 4);
    ask(MSG_TRIALS, &body, 100);
    (void)answer(MSG_TRIAL_ROWS);
    ck_assert_uint_eq(front_waiting(front), LIMIT_CLIENTS * 4);
}
END_TEST

START_TEST(while_the_log_stalls_only_reading_goes_on)
{
    const struct msg_stop stop = {.experiment = 1, .trial = MSG_ALL};
    const struct msg_status status = {.experiment = submit(), .whole = true};

    front_set_committing(front, false);
    ask(MSG_STOP, &stop, 1);
    ck_assert_uint_eq(((const struct msg_error *)answer(MSG_ERROR))->code, ERROR_UNAVAILABLE);
    ck_assert_uint_eq(front_requests(front), 0);
    ask(MSG_STATUS, &status, 1);
    ck_assert(!((const struct msg_status_reply *)answer(MSG_STATUS_REPLY))->committing);
}
END_TEST

START_TEST(hostile_numbers_are_answered)
{
    const struct msg_results results = {
        .experiment = submit(), .trial = MSG_ALL, .cursor = UINT64_MAX, .limit_bytes = 0};
    const struct msg_results unknown = {.experiment = 1, .trial = 77, .cursor = UINT64_MAX};
    const struct msg_logs logs = {.experiment = 1, .trial = UINT32_MAX, .offset = UINT64_MAX};
    const struct msg_best best = {.experiment = 1, .count = 0};
    const struct msg_show show = {.experiment = 1, .trial = 0xfffffffe};
    const struct msg_explain explain = {.experiment = UINT32_MAX, .trial = UINT32_MAX};
    const struct msg_token_revoke revoke = {.id = span_text("00")};
    const struct msg_token_create create = {.role = ROLE_ADMIN, .uses = 1, .expires_s = UINT64_MAX};
    const struct msg_drain drain = {.node = UINT32_MAX, .on = true};

    ask(MSG_RESULTS, &results, 1);
    (void)answer(MSG_LINES);
    ask(MSG_RESULTS, &unknown, 1);
    (void)answer(MSG_ERROR);
    ask(MSG_LOGS, &logs, 1);
    (void)answer(MSG_ERROR);
    ask(MSG_BEST, &best, 1);
    (void)answer(MSG_TRIAL_ROWS);
    ask(MSG_SHOW, &show, 1);
    (void)answer(MSG_ERROR);
    ask(MSG_EXPLAIN, &explain, 1);
    (void)answer(MSG_ERROR);
    ask(MSG_TOKEN_REVOKE, &revoke, 1);
    (void)answer(MSG_ERROR);
    ask(MSG_TOKEN_CREATE, &create, 1);
    (void)answer(MSG_ERROR);
    ask(MSG_DRAIN, &drain, 1);
    (void)answer(MSG_ERROR);
    ck_assert_uint_eq(front_requests(front), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("front");
    TCase *tests = tcase_create("front");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_submission_is_answered_once_committed);
    tcase_add_test(tests, a_reader_waits_for_what_comes_or_for_its_time);
    tcase_add_test(tests, a_change_wakes_a_reader);
    tcase_add_test(tests, more_readers_than_places_are_answered_at_once);
    tcase_add_test(tests, while_the_log_stalls_only_reading_goes_on);
    tcase_add_test(tests, hostile_numbers_are_answered);
    suite_add_tcase(suite, tests);
    return suite;
}
