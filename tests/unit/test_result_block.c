/* links: client */
#include <check.h>

#include "client/result_block.h"
#include "client/yaml_write.h"
#include "common/json.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static struct value value_of(const char *json)
{
    struct json_error error;
    struct value value;

    ck_assert_msg(json_read(span_text(json), &arena, &value, &error) == 0, "%s: %s", json,
                  error.what);
    return value;
}

static const char *yaml(const char *json)
{
    struct value value = value_of(json);
    struct buf text = {0};
    const char *out;

    yaml_write(&value, true, &text);
    out = arena_strdup(&arena, buf_text(&text));
    buf_fini(&text);
    return out;
}

START_TEST(a_result)
{
    struct value result =
        value_of("{\"episode_reward_mean\": 0.19046719267795137, \"done\": false, "
                 "\"timesteps_total\": null, \"training_iteration\": 1, \"experiment_id\": "
                 "\"7263a08cbc554d5a9256fef77c290c34\", \"date\": \"2019-04-21_16-54-53\", "
                 "\"time_total_s\": 5.173683166503906e-05, \"node_ip\": \"192.168.4.102\", "
                 "\"config\": {\"height\": 16}}");
    struct buf text = {0};

    result_block_write(span_text("T_245fefff_123"), &result, &arena, &text);
    ck_assert_str_eq(buf_text(&text), "Result for T_245fefff_123:\n"
                                      "  date: 2019-04-21_16-54-53\n"
                                      "  done: false\n"
                                      "  episode_reward_mean: 0.19046719267795137\n"
                                      "  experiment_id: 7263a08cbc554d5a9256fef77c290c34\n"
                                      "  node_ip: 192.168.4.102\n"
                                      "  time_total_s: 5.173683166503906e-05\n"
                                      "  training_iteration: 1\n"
                                      "  \n");
    buf_fini(&text);
}
END_TEST

START_TEST(a_row_without_a_result)
{
    struct msg_trial_row row = {.name = span_text("T")};
    struct buf text = {0};

    result_block(&row, &arena, &text);
    ck_assert_uint_eq(text.size, 0);
    buf_fini(&text);
}
END_TEST

/* Each line was printed by PyYAML's safe_dump. */
START_TEST(numbers)
{
    ck_assert_str_eq(yaml("{\"a\": 1e-07, \"b\": 1e+22, \"c\": NaN, \"d\": Infinity, \"e\": "
                          "-Infinity, \"f\": 1.5e-07, \"g\": 10.0, \"h\": -3}"),
                     "a: 1.0e-07\nb: 1.0e+22\nc: .nan\nd: .inf\ne: -.inf\nf: 1.5e-07\ng: 10.0\n"
                     "h: -3\n");
}
END_TEST

START_TEST(texts)
{
    static const struct {
        const char *json;
        const char *yaml;
    } cases[] = {
        {"\"12\"", "'12'"},
        {"\"yes\"", "'yes'"},
        {"\"\"", "''"},
        {"\"1.5\"", "'1.5'"},
        {"\"1e5\"", "1e5"},
        {"\"0x1f\"", "'0x1f'"},
        {"\"1:30\"", "'1:30'"},
        {"\"2019-04-30\"", "'2019-04-30'"},
        {"\"null\"", "'null'"},
        {"\"~\"", "'~'"},
        {"\"=\"", "'='"},
        {"\"a: b\"", "'a: b'"},
        {"\"a:b\"", "a:b"},
        {"\"a #b\"", "'a #b'"},
        {"\"-\"", "'-'"},
        {"\"-x\"", "-x"},
        {"\"[a\"", "'[a'"},
        {"\"it's\"", "it's"},
        {"\"'q\"", "'''q'"},
        {"\" a\"", "' a'"},
        {"\"a\\tb\"", "\"a\\tb\""},
        {"\"\\u00e9\"", "\"\\xE9\""},
        {"\"\\u20ac\"", "\"\\u20AC\""},
        {"\"a\\nb\"", "'a\n\n  b'"},
        {"\"---\"", "'---'"},
        {"true", "true"},
        {"null", "null"},
        {"[]", "[]"},
        {"{}", "{}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(yaml(arena_printf(&arena, "{\"k\": %s}", cases[i].json)),
                         arena_printf(&arena, "k: %s\n", cases[i].yaml));
}
END_TEST

START_TEST(nests)
{
    ck_assert_str_eq(yaml("{\"b\": {\"z\": 1, \"a\": [1, [2, 3], {\"y\": 4, \"x\": 5}]}, \"a\": "
                          "[\"x\"]}"),
                     "a:\n- x\nb:\n  a:\n  - 1\n  - - 2\n    - 3\n  - x: 5\n    y: 4\n  z: 1\n");
}
END_TEST

START_TEST(long_texts_are_folded)
{
    ck_assert_str_eq(
        yaml("{\"k\": \"aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb cccccccccccccccccccc "
             "dddddddddddddddddddd eeeeeeeeee ffffffff\"}"),
        "k: aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb cccccccccccccccccccc dddddddddddddddddddd\n"
        "  eeeeeeeeee ffffffff\n");
}
END_TEST

static void forget(void)
{
    arena_fini(&arena);
    arena_init(&arena);
}

Suite *suite(void)
{
    Suite *s = suite_create("result_block");
    TCase *c = tcase_create("result_block");

    tcase_add_checked_fixture(c, NULL, forget);
    tcase_add_test(c, a_result);
    tcase_add_test(c, a_row_without_a_result);
    tcase_add_test(c, numbers);
    tcase_add_test(c, texts);
    tcase_add_test(c, nests);
    tcase_add_test(c, long_texts_are_folded);
    suite_add_tcase(s, c);
    return s;
}
