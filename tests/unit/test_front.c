/* links: head */
#include <poll.h>
#include <sodium.h>
#include <string.h>

#include "common/json.h"
#include "head/front.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/plane_rig.h"

static struct plane_rig rig;
static struct audit *audit;
static struct front *front;

static void apply(const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == EFFECT_REPLY)
            front_apply(front, &effects->items[i].reply);
}

static void setup(void)
{
    rig_open(&rig, LINK_CLIENT, PRINCIPAL_ADMIN);
    audit = audit_open(rig.folder, LIMIT_AUDIT_BYTES);
    ck_assert_ptr_nonnull(audit);
    front = front_new(&(struct front_parts){.client_socket = rig.router,
                                            .join_socket = rig.router,
                                            .view = rig.view,
                                            .core = rig.core,
                                            .turns = rig.turns,
                                            .sinks = rig.sinks,
                                            .blobs = rig.blobs,
                                            .audit = audit,
                                            .head_key = rig.head_keys.public_key,
                                            .name = "test"});
    rig.apply = apply;
    rig_admit(&rig, ROLE_ADMIN);
}

static void teardown(void)
{
    front_free(front);
    audit_close(audit);
    rig_close(&rig);
}

static void ask(enum msg_type type, const void *body, uint64_t now_ms)
{
    struct link_message message;
    struct message unpacked;

    rig_say(&rig, type, body, &message, &unpacked);
    front_message(front, LINK_CLIENT, &message, &unpacked, now_ms, 1000);
    rig_commit(&rig);
    link_message_fini(&message);
}

static const void *answer(enum msg_type type)
{
    uint64_t request;
    const void *body = rig_hear(&rig, type, &request);

    ck_assert_uint_eq(request, PEER_REQUEST);
    return body;
}

static void hear_nothing(void)
{
    struct link_message message;

    ck_assert_int_eq(link_receive(rig.peer, &message), ERR_AGAIN);
}

static const char *audited(void)
{
    char path[128];
    struct buf content = {0};
    const char *text;

    (void)snprintf(path, sizeof(path), "%s/audit.log", rig.folder);
    ck_assert_int_eq(fs_read(path, LIMIT_AUDIT_BYTES, &content), 0);
    text = arena_strdup(&rig.arena, buf_text(&content));
    buf_fini(&content);
    return text;
}

static void ask_submit(const char *submission, struct span code)
{
    struct msg_submit body = {.submission = span_text(submission), .code = code};
    struct json_error error;
    struct value value;
    struct buf packed = {0};

    ck_assert_int_eq(json_read(span_text("{\"run\": {\"command\": \"true\"}, \"name\": \"e\", "
                                         "\"local_dir\": \"/tmp/none\"}"),
                               &rig.arena, &value, &error),
                     0);
    value_pack(&value, &packed);
    body.spec = buf_span(&packed);
    ask(MSG_SUBMIT, &body, 1);
    buf_fini(&packed);
}

static uint32_t submit(void)
{
    ask_submit("0123456789abcdef", (struct span){0});
    return ((const struct msg_submitted *)answer(MSG_SUBMITTED))->experiment;
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
        view_apply(rig.view, &effect);
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

/* Put bytes that make a blob, in one piece. */
static void put_blob(const char *bytes, size_t size, uint8_t hash[BLOB_HASH_BYTES])
{
    struct msg_blob_put put = {.total = size, .bytes = span_of(bytes, size)};

    (void)crypto_generichash(hash, BLOB_HASH_BYTES, (const uint8_t *)bytes, size, NULL, 0);
    put.hash = span_of(hash, BLOB_HASH_BYTES);
    ask(MSG_BLOB_PUT, &put, 1);
}

static void wait_sealed(void)
{
    struct pollfd wait = {.fd = blobs_fd(rig.blobs), .events = POLLIN};

    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    front_sealed(front);
}

START_TEST(the_end_of_an_upload_is_answered_when_it_is_verified)
{
    uint8_t hash[BLOB_HASH_BYTES] = {0};
    const struct msg_blob_ask blob_ask = {.hash = span_of(hash, sizeof(hash))};
    struct msg_blob_put wrong = {.hash = span_of(hash, sizeof(hash)), .total = 5};
    const struct msg_blob_state *state;

    put_blob("code", 4, hash);
    ask(MSG_BLOB_ASK, &blob_ask, 1); /* another, at the same time */
    hear_nothing();
    wait_sealed();
    for (int i = 0; i < 2; i++) {
        state = answer(MSG_BLOB_STATE);
        ck_assert(state->complete);
        ck_assert_uint_eq(state->have, 4);
    }
    ask_submit("0123456789abcdef", span_of(hash, sizeof(hash)));
    (void)answer(MSG_SUBMITTED);

    memset(hash, 7, sizeof(hash));
    wrong.bytes = span_text("wrong");
    ask(MSG_BLOB_PUT, &wrong, 1);
    wait_sealed();
    ck_assert_uint_eq(((const struct msg_error *)answer(MSG_ERROR))->code, ERROR_INVALID);
    ask_submit("123456789abcdef0", span_of(hash, sizeof(hash)));
    ck_assert_uint_eq(((const struct msg_error *)answer(MSG_ERROR))->code, ERROR_NOT_FOUND);
}
END_TEST

START_TEST(code_that_is_needed_fills_the_store)
{
    static char big[(1u << 20) - 2000]; /* nearly all that fits */
    uint8_t hash[BLOB_HASH_BYTES];
    uint8_t other[BLOB_HASH_BYTES];
    struct effect over = {.type = EFFECT_EXPERIMENT};
    const struct msg_error *error;
    bool complete;

    put_blob(big, sizeof(big), hash);
    wait_sealed();
    (void)answer(MSG_BLOB_STATE);
    ask_submit("0123456789abcdef", span_of(hash, sizeof(hash)));
    (void)answer(MSG_SUBMITTED);

    big[0] = 1;
    put_blob(big, sizeof(big), other);
    error = answer(MSG_ERROR);
    ck_assert_uint_eq(error->code, ERROR_LIMIT);
    ck_assert_uint_gt(error->mend.size, 0);
    (void)blobs_have(rig.blobs, span_of(hash, sizeof(hash)), &complete);
    ck_assert(complete);

    /* When the experiment is over its code makes room. */
    over.experiment = view_experiment(rig.view, 1)->row;
    over.experiment.spec = (struct span){0};
    over.experiment.state = EXPERIMENT_DONE;
    view_apply(rig.view, &over);
    put_blob(big, sizeof(big), other);
    wait_sealed();
    ck_assert(((const struct msg_blob_state *)answer(MSG_BLOB_STATE))->complete);
    (void)blobs_have(rig.blobs, span_of(hash, sizeof(hash)), &complete);
    ck_assert(!complete);
}
END_TEST

START_TEST(readers_of_a_revoked_key_hear_nothing_more)
{
    const struct msg_trials ask_trials = {
        .experiment = submit(), .after_version = 1000, .wait_ms = 5000};

    ask(MSG_TRIALS, &ask_trials, 100);
    front_revoke(front, PEER + 1);
    ck_assert_uint_eq(front_waiting(front), 1);
    front_revoke(front, PEER);
    ck_assert_uint_eq(front_waiting(front), 0);
    front_wake(front, 9000);
    hear_nothing();
}
END_TEST

START_TEST(tokens_are_in_the_audit_log_by_their_ids)
{
    const struct msg_token_create create = {.role = ROLE_WORKER, .uses = 2, .expires_s = 60};
    struct msg_token_revoke revoke;
    const struct msg_token_rows *rows;
    const struct msg_token_list list = {.limit = 10};
    char line[128];
    struct span id;

    ask(MSG_TOKEN_CREATE, &create, 1);
    (void)answer(MSG_TOKEN);
    ask(MSG_TOKEN_LIST, &list, 1);
    rows = answer(MSG_TOKEN_ROWS);
    ck_assert_uint_eq(rows->rows.count, 1);
    id = ((const struct msg_token_row *)rows->rows.items)->id;
    (void)snprintf(line, sizeof(line), "token created %.*s role=worker uses=2 by=1\n", SPAN(id));
    ck_assert_ptr_nonnull(strstr(audited(), line));
    revoke = (struct msg_token_revoke){.id = id};
    ask(MSG_TOKEN_REVOKE, &revoke, 1);
    (void)answer(MSG_OK);
    (void)snprintf(line, sizeof(line), "token revoked %.*s by=1\n", SPAN(id));
    ck_assert_ptr_nonnull(strstr(audited(), line));
    revoke.id = span_text("0000000000000000");
    ask(MSG_TOKEN_REVOKE, &revoke, 1);
    (void)answer(MSG_ERROR);
    ck_assert_ptr_null(strstr(audited(), "token revoked 0000000000000000"));
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
    tcase_add_test(tests, the_end_of_an_upload_is_answered_when_it_is_verified);
    tcase_add_test(tests, code_that_is_needed_fills_the_store);
    tcase_add_test(tests, readers_of_a_revoked_key_hear_nothing_more);
    tcase_add_test(tests, tokens_are_in_the_audit_log_by_their_ids);
    suite_add_tcase(suite, tests);
    return suite;
}
