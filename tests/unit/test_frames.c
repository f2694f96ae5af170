/* links: proto */
#include <check.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/pack.h"
#include "proto/messages.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct buf frame, text;

static void setup(void)
{
    arena_init(&arena);
    frame = text = (struct buf){0};
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&frame);
    buf_fini(&text);
}

static void write_repeated(uint8_t byte, size_t size, struct buf *out)
{
    memset(buf_reserve(out, size), byte, size);
    out->size += size;
}

static int unpack_head(uint32_t protocol, uint32_t type, uint64_t request, struct message *message,
                       struct schema_error *error)
{
    buf_reset(&frame);
    pack_list(&frame, 4);
    pack_uint(&frame, protocol);
    pack_uint(&frame, type);
    pack_uint(&frame, request);
    pack_uint(&frame, 1);
    return message_unpack(buf_span(&frame), &arena, message, error);
}

#define MESSAGE(...) +1
static const uint32_t all_count =
#include "proto/messages.def"
    ;
#undef MESSAGE

START_TEST(unknown_types_are_refused)
{
    static const uint32_t types[] = {0, 3, 9, 33, 49, 99, 1000, UINT32_MAX};
    struct message message;
    struct schema_error error;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        ck_assert_int_eq(unpack_head(PROTOCOL_VERSION, types[i], 6, &message, &error),
                         ERR_MALFORMED);
        ck_assert_str_eq(error.field, "type");
        ck_assert_uint_eq(message.request, 6);
    }
    ck_assert_int_eq(unpack_head(PROTOCOL_VERSION, MSG_OK, 6, &message, &error), 0);
}
END_TEST

START_TEST(another_version_is_told_apart)
{
    struct message message;
    struct schema_error error;

    ck_assert_int_eq(unpack_head(PROTOCOL_VERSION + 1, MSG_OK, 8, &message, &error), ERR_VERSION);
    ck_assert_uint_eq(message.request, 8);
    ck_assert_ptr_null(message.body);
    /* What its messages are is not ours to judge. */
    ck_assert_int_eq(unpack_head(0, 1000, 9, &message, &error), ERR_VERSION);
    ck_assert_uint_eq(message.request, 9);
}
END_TEST

static int unpack_bytes(const char *bytes, size_t size)
{
    struct message message;
    struct schema_error error = {0};
    int err = message_unpack(span_of(bytes, size), &arena, &message, &error);

    ck_assert(err == 0 || error.what != NULL);
    return err;
}

#define UNPACK(bytes) unpack_bytes(bytes, sizeof(bytes) - 1)

START_TEST(heads_are_checked)
{
    ck_assert_int_eq(UNPACK("\x94\x01\x01\x00\x05"), 0);
    ck_assert_int_eq(UNPACK("\x93\x01\x01\x00"), ERR_MALFORMED); /* a field missing */
    ck_assert_int_eq(UNPACK("\x92\x01\x01"), ERR_MALFORMED);     /* no request id */
    ck_assert_int_eq(UNPACK("\x90"), ERR_MALFORMED);
    ck_assert_int_eq(UNPACK("\x01"), ERR_MALFORMED);                     /* no list */
    ck_assert_int_eq(UNPACK("\x82\x01\x01\x00\x05"), ERR_MALFORMED);     /* a map */
    ck_assert_int_eq(UNPACK("\x94\x01\x01\xff\x05"), ERR_MALFORMED);     /* request -1 */
    ck_assert_int_eq(UNPACK("\x94\x01\xa1x\x00\x05"), ERR_MALFORMED);    /* type is a text */
    ck_assert_int_eq(UNPACK("\x94\xc0\x01\x00\x05"), ERR_MALFORMED);     /* protocol nil */
    ck_assert_int_eq(UNPACK("\x94\x01\x01\x00\x05\x05"), ERR_MALFORMED); /* bytes behind it */
    ck_assert_int_eq(UNPACK("\x95\x01\x01\x00\x05\xa3new"), 0);          /* a newer peer's field */
    ck_assert_int_eq(UNPACK("\xdd\xff\xff\xff\xff\x01\x01\x00"), ERR_MALFORMED);
    /* A text that is not UTF-8: HELLO. */
    ck_assert_int_eq(UNPACK("\x94\x01\x0a\x00\xa1\xff"), ERR_MALFORMED);
}
END_TEST

static void begin_hello(uint32_t fields)
{
    buf_reset(&frame);
    pack_list(&frame, 3 + fields);
    pack_uint(&frame, PROTOCOL_VERSION);
    pack_uint(&frame, MSG_HELLO);
    pack_uint(&frame, 4);
    pack_text(&frame, "1.0");
}

static int unpack_frame(void)
{
    struct message message;
    int err = message_unpack(buf_span(&frame), &arena, &message, NULL);

    ck_assert_uint_eq(message.request, 4);
    return err;
}

/* In a field that we do not know, so that only the scan can see it. */
START_TEST(frames_have_limits)
{
    for (uint32_t depth = LIMIT_MESSAGE_DEPTH - 1; depth <= LIMIT_MESSAGE_DEPTH; depth++) {
        begin_hello(2);
        for (uint32_t i = 1; i < depth; i++)
            pack_list(&frame, 1);
        pack_list(&frame, 0);
        ck_assert_int_eq(unpack_frame(), depth < LIMIT_MESSAGE_DEPTH ? 0 : ERR_TOO_BIG);
    }
    for (uint32_t items = LIMIT_MESSAGE_ITEMS; items <= LIMIT_MESSAGE_ITEMS + 1; items++) {
        begin_hello(2);
        pack_list(&frame, items - 6); /* the frame's list, its head, the version, this list */
        write_repeated(0xc0, items - 6, &frame);
        ck_assert_int_eq(unpack_frame(), items <= LIMIT_MESSAGE_ITEMS ? 0 : ERR_TOO_BIG);
    }
    for (uint32_t above = 0; above <= 1; above++) {
        size_t size;
        struct buf bytes = {0};

        begin_hello(2);
        size = LIMIT_MESSAGE_BYTES - frame.size - 5 + above;
        write_repeated('a', size, &bytes);
        pack_bytes(&frame, buf_span(&bytes));
        buf_fini(&bytes);
        ck_assert_uint_eq(frame.size, LIMIT_MESSAGE_BYTES + above);
        ck_assert_int_eq(unpack_frame(), above == 0 ? 0 : ERR_TOO_BIG);
    }
}
END_TEST

static int unpack_body(enum msg_type type, const void *body)
{
    struct message message;

    message_pack(type, 1, body, &frame);
    return message_unpack(buf_span(&frame), &arena, &message, NULL);
}

START_TEST(hashes_and_ids_have_one_size)
{
    static const char bytes[LIMIT_HASH_BYTES];
    struct msg_blob_ask ask = {.hash = {bytes, 32}};
    struct msg_submit submit = {.submission = {bytes, 16}, .spec = {"\x80", 1}};
    struct msg_join join = {.token = {bytes, 8}, .secret = {bytes, 20}};
    struct msg_experiment experiment = {0};

    ck_assert_int_eq(unpack_body(MSG_BLOB_ASK, &ask), 0);
    ask.hash.size = 31;
    ck_assert_int_eq(unpack_body(MSG_BLOB_ASK, &ask), ERR_MALFORMED);
    ask.hash.size = 0;
    ck_assert_int_eq(unpack_body(MSG_BLOB_ASK, &ask), ERR_MALFORMED);

    ck_assert_int_eq(unpack_body(MSG_SUBMIT, &submit), 0);
    submit.code = span_of(bytes, 32);
    ck_assert_int_eq(unpack_body(MSG_SUBMIT, &submit), 0);
    submit.code.size = 5;
    ck_assert_int_eq(unpack_body(MSG_SUBMIT, &submit), ERR_MALFORMED);
    submit.code.size = 0;
    submit.submission.size = 15;
    ck_assert_int_eq(unpack_body(MSG_SUBMIT, &submit), ERR_MALFORMED);

    ck_assert_int_eq(unpack_body(MSG_JOIN, &join), 0);
    join.secret.size = 0;
    ck_assert_int_eq(unpack_body(MSG_JOIN, &join), ERR_MALFORMED);
    join.secret.size = 20;
    join.token.size = 7;
    ck_assert_int_eq(unpack_body(MSG_JOIN, &join), ERR_MALFORMED);

    ck_assert_int_eq(unpack_body(MSG_EXPERIMENT, &experiment), 0);
    experiment.code = span_of(bytes, 1);
    ck_assert_int_eq(unpack_body(MSG_EXPERIMENT, &experiment), ERR_MALFORMED);
}
END_TEST

START_TEST(prints_a_line_without_secrets)
{
    struct msg_join join = {.token = span_text("12345678"),
                            .secret = span_text("the secret of it all"),
                            .name = span_text("node-1")};
    struct msg_token token = {.token = span_text("assay-join-verysecret")};
    struct message message = {.type = MSG_JOIN, .request = 3, .body = &join};

    message_print(&message, &text);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "3 msg_join "));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "name=node-1"));
    ck_assert_ptr_null(strstr(buf_text(&text), "74686520736563726574"));
    ck_assert_uint_eq(join.secret.size, 20);
    message = (struct message){.type = MSG_TOKEN, .body = &token};
    buf_reset(&text);
    message_print(&message, &text);
    ck_assert_ptr_null(strstr(buf_text(&text), "verysecret"));
}
END_TEST

START_TEST(describes_all_as_json)
{
    struct value value;
    const struct value *messages;
    struct json_error error;

    message_describe(&text);
    ck_assert_int_eq(json_read(buf_span(&text), &arena, &value, &error), 0);
    messages = value_get(&value, "messages");
    ck_assert_ptr_nonnull(messages);
    ck_assert_int_eq(messages->type, VALUE_LIST);
    ck_assert_uint_eq(messages->count, all_count);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("frames");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, unknown_types_are_refused);
    tcase_add_test(tc, another_version_is_told_apart);
    tcase_add_test(tc, heads_are_checked);
    tcase_add_test(tc, frames_have_limits);
    tcase_add_test(tc, hashes_and_ids_have_one_size);
    tcase_add_test(tc, prints_a_line_without_secrets);
    tcase_add_test(tc, describes_all_as_json);
    suite_add_tcase(s, tc);
    return s;
}
