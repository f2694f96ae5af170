/* links: core */
#include <check.h>
#include <string.h>

#include "common/err.h"
#include "head/core/effect.h"
#include "head/core/event.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

static const char *const lines[] = {
    "submit submission=00112233445566778899aabbccddeeff principal=3 spec={\"name\": \"e\"} "
    "code=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "stop experiment=1 trial=4294967295 principal=2",
    "remove experiment=1 principal=2",
    "node_back principal=2 name=n1 hostname=h node_ip=10.0.0.1 incarnation=5 "
    "capacity={cpu=20000 gpu=0 memory_bytes=7 custom=[{name=licence amount=10000}]} gpus=2 "
    "credit=9 shares_results=true held=[{experiment=1 trial=2 attempt=3 last_seq=4}]",
    "node_lost node=2 reason=\"silent for 10 s\"",
    "drain node=2 on=true",
    "report node=2 experiment=1 trial=3 attempt=1 first_seq=4 count=1 records=93010203",
    "principal_add key=aabb role=4 name=root",
    "token_create id=0011223344556677 secret_hash=aa role=1 uses=1 expires_ms=99 principal=1",
    "token_revoke id=0011223344556677",
    "join token=0011223344556677 secret_hash=aa key=bb name=n3",
};

/* Text to event to bytes to event to text: every field is in the tables. */
START_TEST(lines_and_bytes_come_back)
{
    struct event first = {.now_ms = 5, .origin = 6};
    struct event second = {.now_ms = 7, .origin = 8};
    struct schema_error error = {0};
    struct buf packed = {0};
    struct buf text = {0};
    struct cursor cursor;

    ck_assert_msg(event_parse(lines[_i], &arena, &first, &error) == 0, "%s: %s", error.field,
                  error.what);
    ck_assert_uint_eq(first.now_ms, 5);
    event_pack(&first, &packed);
    cursor_init(&cursor, buf_span(&packed));
    ck_assert_int_eq(event_unpack(&cursor, &arena, &second), 0);
    ck_assert(cursor.at == cursor.end);
    ck_assert_uint_eq(second.origin, 8);
    event_print(&second, &text);
    ck_assert_str_eq(buf_text(&text), lines[_i]);
    buf_fini(&packed);
    buf_fini(&text);
}
END_TEST

START_TEST(what_is_cut_off_is_refused)
{
    struct event event = {0};
    struct event out = {.type = EVENT_TICK, .now_ms = 3};
    struct buf packed = {0};
    struct cursor cursor;

    ck_assert_int_eq(event_parse(lines[3], &arena, &event, NULL), 0);
    event_pack(&event, &packed);
    for (size_t size = 0; size < packed.size; size++) {
        cursor_init(&cursor, span_of(packed.data, size));
        ck_assert_int_eq(event_unpack(&cursor, &arena, &out), ERR_MALFORMED);
        ck_assert(out.type == EVENT_TICK);
    }
    buf_fini(&packed);
}
END_TEST

START_TEST(unknown_types_are_refused)
{
    const uint8_t type_99[] = {0x92, 99, 0x90};
    struct schema_error error = {0};
    struct event out = {0};
    struct cursor cursor;

    cursor_init(&cursor, span_of(type_99, sizeof(type_99)));
    ck_assert_int_eq(event_unpack(&cursor, &arena, &out), ERR_MALFORMED);
    ck_assert_int_eq(event_parse("nonsense a=1", &arena, &out, &error), ERR_MALFORMED);
    ck_assert_int_eq(event_parse("stop nonsense=1", &arena, &out, &error), ERR_MALFORMED);
    ck_assert(event_schema(0) == NULL && event_schema(99) == NULL);
    ck_assert(effect_schema(0) == NULL && effect_schema(99) == NULL);
}
END_TEST

/* Numbers stand in logs. */
START_TEST(types_keep_their_numbers)
{
    ck_assert_str_eq(event_schema(1)->name, "submit");
    ck_assert_str_eq(event_schema(7)->name, "report");
    ck_assert_str_eq(event_schema(12)->name, "tick");
}
END_TEST

START_TEST(effects_grow_and_print)
{
    struct effects effects;
    struct buf text = {0};

    effects_init(&effects, &arena);
    for (uint32_t i = 0; i < 1000; i++) {
        struct effect *effect = effects_add(&effects, EFFECT_VERDICT);

        effect->verdict.trial = i;
        effect->verdict.action = ACTION_STOP;
    }
    ck_assert_uint_eq(effects.count, 1000);
    effect_print(&effects.items[999], &text);
    ck_assert_str_eq(buf_text(&text), "verdict trial=999 action=3 # stop");
    effects_reset(&effects);
    ck_assert_uint_eq(effects_add(&effects, EFFECT_CLOSE)->close.trial, 0);
    ck_assert_uint_eq(effects.count, 1);
    ck_assert_str_eq(action_name(ACTION_RESEND), "resend");
    ck_assert_str_eq(action_name(99), "unknown");
    effects_fini(&effects);
    buf_fini(&text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("event");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, lines_and_bytes_come_back, 0, (int)(sizeof(lines) / sizeof(lines[0])));
    tcase_add_test(tc, what_is_cut_off_is_refused);
    tcase_add_test(tc, unknown_types_are_refused);
    tcase_add_test(tc, types_keep_their_numbers);
    tcase_add_test(tc, effects_grow_and_print);
    suite_add_tcase(s, tc);
    return s;
}
