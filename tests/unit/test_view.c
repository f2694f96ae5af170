/* links: head */
#include <check.h>
#include <string.h>

#include "common/limits.h"
#include "head/query.h"
#include "head/view.h"
#include "proto/msg.h"
#include "tests/lib/run_suite.h"

static struct view *view;
static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
    view = view_new(NULL);
}

static void teardown(void)
{
    view_free(view);
    arena_fini(&arena);
}

static void apply_token(uint32_t number, uint32_t uses_left)
{
    struct effect effect = {.type = EFFECT_TOKEN};
    uint8_t id[8] = {0};

    memcpy(id, &number, sizeof(number));
    effect.token = (struct effect_token){.id = span_of(id, sizeof(id)),
                                         .role = ROLE_WORKER,
                                         .uses_left = uses_left,
                                         .expires_ms = 1000 + number};
    view_apply(view, &effect);
}

START_TEST(tokens_do_not_grow_without_end)
{
    const struct msg_token_list ask = {.limit = 0};
    struct msg_token_rows rows;
    struct buf frame = {0};
    size_t count;

    for (uint32_t i = 0; i < LIMIT_TOKENS; i++)
        apply_token(i, i == 7 ? 0 : 1);
    apply_token(LIMIT_TOKENS, 1); /* in the place of the one that is used up */
    apply_token(LIMIT_TOKENS + 1, 1);
    (void)view_tokens(view, &count);
    ck_assert_uint_eq(count, LIMIT_TOKENS);
    ck_assert_uint_eq(view_tokens(view, &count)[0].id[0], 1); /* 0 would have ended first */
    ck_assert_uint_eq(view_tokens(view, &count)[6].id[0], 8);
    query_tokens(view, &ask, &arena, &rows);
    message_pack(MSG_TOKEN_ROWS, 1, &rows, &frame);
    ck_assert_uint_lt(frame.size, LIMIT_MESSAGE_BYTES);
    buf_fini(&frame);
}
END_TEST

START_TEST(a_list_of_tokens_has_the_newest)
{
    const struct msg_token_list ask = {.limit = 2};
    struct msg_token_rows rows;
    const struct msg_token_row *row;

    for (uint32_t i = 0; i < 5; i++)
        apply_token(i, 1);
    query_tokens(view, &ask, &arena, &rows);
    ck_assert_uint_eq(rows.rows.count, 2);
    row = rows.rows.items;
    ck_assert(span_is(row[1].id, "0400000000000000"));
}
END_TEST

static void apply_node(uint32_t number)
{
    struct effect effect = {.type = EFFECT_NODE};
    char text[LIMIT_NAME_BYTES];

    memset(text, 'n', sizeof(text));
    effect.node = (struct effect_node){.node = number,
                                       .name = span_of(text, sizeof(text)),
                                       .hostname = span_of(text, sizeof(text)),
                                       .node_ip = span_of(text, sizeof(text))};
    view_apply(view, &effect);
}

START_TEST(any_number_of_nodes_fits_into_a_reply)
{
    struct msg_node_rows rows;
    struct buf frame = {0};

    for (uint32_t i = 1; i < LIMIT_SESSIONS + 10; i++)
        apply_node(i);
    query_nodes(view, 5, &arena, &rows);
    message_pack(MSG_NODE_ROWS, 1, &rows, &frame);
    ck_assert_uint_gt(rows.rows.count, 1000);
    ck_assert_uint_lt(frame.size, LIMIT_MESSAGE_BYTES);
    buf_fini(&frame);
}
END_TEST

START_TEST(a_principal_keeps_its_row)
{
    struct effect effect = {.type = EFFECT_PRINCIPAL};
    uint8_t key[32] = {9};
    size_t count;

    effect.principal = (struct effect_principal){
        .principal = 3, .key = span_of(key, 32), .role = ROLE_WORKER, .name = span_text("a")};
    view_apply(view, &effect);
    effect.principal.revoked = true;
    effect.principal.name = span_text("b");
    view_apply(view, &effect);
    (void)view_principals(view, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert(view_principal(view, 3)->revoked);
    ck_assert_str_eq(view_principal(view, 3)->name, "b");
    ck_assert_ptr_eq(view_principal_of_key(view, key), view_principal(view, 3));
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("view");
    TCase *tests = tcase_create("view");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, tokens_do_not_grow_without_end);
    tcase_add_test(tests, a_list_of_tokens_has_the_newest);
    tcase_add_test(tests, any_number_of_nodes_fits_into_a_reply);
    tcase_add_test(tests, a_principal_keeps_its_row);
    suite_add_tcase(suite, tests);
    return suite;
}
