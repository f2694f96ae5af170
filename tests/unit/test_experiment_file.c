/* links: client */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/experiment_file.h"
#include "client/yaml_write.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/spec.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct buf text;
static struct experiment_file file;
static struct experiment_error error;

static void setup(void)
{
    arena_init(&arena);
    text = (struct buf){0};
    error = (struct experiment_error){0};
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&text);
}

static const char *json_of(const struct value *value)
{
    buf_reset(&text);
    json_write(value, JSON_LINE, &text);
    return buf_text(&text);
}

static void check_reads(const char *yaml, const char *json)
{
    int err = experiment_file_parse(span_text(yaml), &arena, &file, &error);

    ck_assert_msg(err == 0, "%s: %u:%u %s", yaml, error.line, error.column, error.what);
    ck_assert_str_eq(json_of(&file.entries[0].value), json);
}

static void check_refused_span(struct span yaml, int err, uint32_t line, uint32_t column,
                               const char *what)
{
    int found = experiment_file_parse(yaml, &arena, &file, &error);

    ck_assert_msg(found == err, "%.40s: %d", (const char *)yaml.data, found);
    ck_assert_msg(error.line == line && error.column == column, "%.40s: %u:%u %s",
                  (const char *)yaml.data, error.line, error.column, error.what);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s", error.what);
}

static void check_refused(const char *yaml, uint32_t line, uint32_t column, const char *what)
{
    check_refused_span(span_text(yaml), ERR_MALFORMED, line, column, what);
}

START_TEST(scalars_are_what_the_core_schema_says)
{
    static const struct {
        const char *yaml;
        const char *json;
    } rows[] = {
        {"1", "1"},
        {"-17", "-17"},
        {"+5", "5"},
        {"010", "10"},
        {"0o17", "15"},
        {"0x1F", "31"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1.5", "1.5"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"1e-4", "0.0001"},
        {"1E5", "100000.0"},
        {"-1.5e+3", "-1500.0"},
        {".inf", "Infinity"},
        {"-.INF", "-Infinity"},
        {".nan", "NaN"},
        {"true", "true"},
        {"False", "false"},
        {"~", "null"},
        {"null", "null"},
        {"", "null"},
        {"yes", "\"yes\""},
        {"on", "\"on\""},
        {"1_000", "\"1_000\""},
        {"1e", "\"1e\""},
        {"e5", "\"e5\""},
        {".", "\".\""},
        {"-", "[null]"},
        {"0x", "\"0x\""},
        {"inf", "\"inf\""},
        {"12:30", "\"12:30\""},
        {"1 2", "\"1 2\""},
        {"'1'", "\"1\""},
        {"\"true\"", "\"true\""},
        {"\"\"", "\"\""},
        {"!!str 1", "\"1\""},
        {"! 1", "\"1\""},
        {"!!float 1", "1.0"},
        {"!!int 1", "1"},
    };
    char yaml[128], json[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(yaml, sizeof(yaml), "a:\n  %s\n", rows[i].yaml);
        (void)snprintf(json, sizeof(json), "{\"a\": %s}", rows[i].json);
        check_reads(yaml, json);
    }
}
END_TEST

START_TEST(reads_yaml_and_json)
{
    check_reads("# an experiment\nname: x\nrun: {command: \"python3 train.py --lr {lr}\"}\n"
                "config:\n  lr: {loguniform: [1e-4, 1e-1]}\n  layers:\n  - 16\n  - size: 3\n"
                "text: |\n  two\n  lines\n",
                "{\"name\": \"x\", \"run\": {\"command\": \"python3 train.py --lr {lr}\"}, "
                "\"config\": {\"lr\": {\"loguniform\": [0.0001, 0.1]}, "
                "\"layers\": [16, {\"size\": 3}]}, \"text\": \"two\\nlines\\n\"}");
    check_reads("{\n\t\"a\": {\n\t\t\"b\": 1e5, \"c\": [true, null, \"\\u00e9\\n\"]\n\t}\n}\n",
                "{\"a\": {\"b\": 100000.0, \"c\": [true, null, \"\\u00e9\\n\"]}}");
    check_reads("\xef\xbb\xbf"
                "a: 1\r\nb: 2\r\n",
                "{\"a\": 1, \"b\": 2}");
    check_reads("1: x\ntrue: y\n", "{\"1\": \"x\", \"true\": \"y\"}");
    ck_assert_uint_eq(file.count, 1);
    ck_assert_ptr_null(file.entries[0].name);
}
END_TEST

START_TEST(bad_texts_say_where)
{
    check_refused("", 1, 1, "nothing in it");
    check_refused("# only this\n", 2, 1, "nothing in it");
    check_refused("- 1\n", 1, 1, "is a map, not a list");
    check_refused("a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' is there twice");
    check_refused("{\"a\": 1, \"a\": 2}", 1, 10, "twice");
    check_refused("a: [1, 2\n", 2, 1, "bracket");
    check_refused("a:\n\t- 1\n", 2, 1, "tab");
    check_refused("\ta: 1\n", 1, 1, "tab");
    check_refused("a: b: c\n", 1, 5, "");
    check_refused("a: \"\\q\"\n", 1, 5, "escape");
    check_refused("a: \"\\0\"\n", 1, 4, "zero byte");
    check_refused("a: \"\\ud800\"\n", 1, 5, "");
    check_refused("a: 99999999999999999999\n", 1, 4, "64 bits");
    check_refused("a: 1e999\n", 1, 4, "too big");
    check_refused("a: 1\n---\nb: 1\n", 2, 1, "second document");
    check_refused("a: !thing 1\n", 1, 11, "tag !thing");
    check_refused("a: !!int x\n", 1, 10, "!!int: the value is none");
    check_refused("? [1]\n: 2\n", 1, 3, "key must be");
    check_refused("<<: {a: 1}\n", 1, 1, "merge");
    check_refused("'': 1\n", 1, 1, "must not be empty");
    check_refused("a: *x\n", 1, 4, "nothing before it is called &x");
    check_refused("a: &x [*x]\n", 1, 8, "nothing before it is called &x");
    check_refused_span(span_of("a: 1\nb\0: 2\n", 11), ERR_MALFORMED, 2, 2, "zero byte");
    check_refused("a: 1\nb: \xc3\xa9\xff\n", 2, 5, "not UTF-8");
    check_refused("\xff", 1, 1, "not UTF-8");
    check_refused("a: \xc3", 1, 4, "not UTF-8");
}
END_TEST

START_TEST(aliases_repeat_their_anchor)
{
    check_reads("a: &x {b: [1, 2]}\nc: *x\nd: [*x, &y z, *y]\n",
                "{\"a\": {\"b\": [1, 2]}, \"c\": {\"b\": [1, 2]}, "
                "\"d\": [{\"b\": [1, 2]}, \"z\", \"z\"]}");
}
END_TEST

/* Ten levels of ten aliases each are 10^10 values. */
START_TEST(aliases_do_not_explode)
{
    struct buf yaml = {0};

    buf_append_text(&yaml, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i <= 9; i++) {
        buf_printf(&yaml, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_printf(&yaml, "%s*a%d", k ? ", " : "", i - 1);
        buf_append_text(&yaml, "]\n");
    }
    ck_assert_int_eq(experiment_file_parse(buf_span(&yaml), &arena, &file, &error), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(error.what, "more than 262144 values"));
    ck_assert_uint_eq(error.line, 6);

    buf_reset(&yaml);
    buf_append_text(&yaml, "a: &a ");
    for (int i = 0; i < 100000; i++)
        buf_append_char(&yaml, 'x');
    buf_append_text(&yaml, "\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n");
    ck_assert_int_eq(experiment_file_parse(buf_span(&yaml), &arena, &file, &error), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(error.what, "bytes of text"));

    buf_reset(&yaml);
    buf_append_text(&yaml, "a0: &a0 [x]\n");
    for (int i = 1; i <= 16; i++)
        buf_printf(&yaml, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    ck_assert_int_eq(experiment_file_parse(buf_span(&yaml), &arena, &file, &error), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(error.what, "inside one another"));
    buf_fini(&yaml);
}
END_TEST

static struct span nested(struct buf *yaml, uint32_t lists)
{
    buf_reset(yaml);
    buf_append_text(yaml, "a: ");
    for (uint32_t i = 0; i < lists; i++)
        buf_append_char(yaml, '[');
    buf_append_char(yaml, '1');
    for (uint32_t i = 0; i < lists; i++)
        buf_append_char(yaml, ']');
    return buf_span(yaml);
}

START_TEST(depth_and_size_are_bounded)
{
    struct buf yaml = {0};

    ck_assert_int_eq(
        experiment_file_parse(nested(&yaml, LIMIT_VALUE_DEPTH - 1), &arena, &file, &error), 0);
    check_refused_span(nested(&yaml, LIMIT_VALUE_DEPTH), ERR_TOO_BIG, 1, 4 + LIMIT_VALUE_DEPTH - 1,
                       "inside one another");
    /* deep enough to use up the stack of anything that recurses */
    ck_assert_int_lt(experiment_file_parse(nested(&yaml, 400000), &arena, &file, &error), 0);
    buf_reset(&yaml);
    for (unsigned i = 0; i <= LIMIT_SPEC_BYTES; i++)
        buf_append_char(&yaml, '#');
    check_refused_span(buf_span(&yaml), ERR_TOO_BIG, 1, 1, "1 MiB");
    buf_fini(&yaml);
}
END_TEST

START_TEST(several_experiments_stand_under_their_names)
{
    check_reads("one:\n  run: {native: a.so}\ntwo:\n  run: {native: b.so}\n  num_samples: 2\n",
                "{\"name\": \"one\", \"run\": {\"native\": \"a.so\"}}");
    ck_assert_uint_eq(file.count, 2);
    ck_assert_str_eq(file.entries[1].name, "two");
    ck_assert_str_eq(json_of(&file.entries[1].value),
                     "{\"name\": \"two\", \"run\": {\"native\": \"b.so\"}, \"num_samples\": 2}");
    check_reads("run: {native: a.so}\n", "{\"run\": {\"native\": \"a.so\"}}");
    ck_assert_ptr_null(file.entries[0].name);
    check_reads("{}", "{}");
    check_refused("one:\n  run: {native: a.so}\n  name: two\n", 3, 3, "named twice");
}
END_TEST

static void check_place(uint32_t entry, const char *path, uint32_t line, uint32_t column)
{
    uint32_t found_line, found_column;

    experiment_file_place(&file.entries[entry], path, &found_line, &found_column);
    ck_assert_msg(found_line == line && found_column == column, "%s: %u:%u", path, found_line,
                  found_column);
}

START_TEST(paths_lead_back_to_places)
{
    const char *yaml = "run: {native: a.so}\n"
                       "config:\n"
                       "  lr: {uniform: [0, 1]}\n"
                       "  layers:\n"
                       "  - 16\n"
                       "  - size: 3\n"
                       "  a: {b: 2}\n"
                       "  \"a.b\": {c: 1}\n";

    ck_assert_int_eq(experiment_file_parse(span_text(yaml), &arena, &file, &error), 0);
    check_place(0, "", 1, 1);
    check_place(0, "config", 2, 1);
    check_place(0, "config.lr", 3, 3);
    check_place(0, "config.lr.uniform.1", 3, 21);
    check_place(0, "config.layers.0", 5, 5);
    check_place(0, "config.layers.1.size", 6, 5);
    check_place(0, "config.a.b.c", 8, 3 + 8);
    check_place(0, "config.a", 7, 3);
    check_place(0, "config.missing", 2, 1);
    check_place(0, "config.layers.7", 4, 3);
    check_place(0, "stop", 1, 1);
    yaml = "one:\n  run: {native: a.so}\ntwo:\n  run: {native: b.so}\n  stop: 5\n";
    ck_assert_int_eq(experiment_file_parse(span_text(yaml), &arena, &file, &error), 0);
    check_place(1, "stop", 5, 3);
    check_place(1, "name", 3, 1);
    check_place(0, "run.native", 2, 9);
}
END_TEST

/* The way of a mistake: the file is read, the check fails, the line is named. */
START_TEST(errors_of_the_check_lead_to_their_line)
{
    const char *yaml = "run: {command: \"train --lr {lr}\"}\n"
                       "config:\n"
                       "  lr: {uniform: [2, 1]}\n"
                       "num_sample: 3\n";
    struct spec_error wrong = {0};
    struct spec spec;

    ck_assert_int_eq(experiment_file_parse(span_text(yaml), &arena, &file, &error), 0);
    ck_assert_int_eq(spec_parse(&file.entries[0].value, &arena, &spec, &wrong), ERR_MALFORMED);
    check_place(0, wrong.path, 3, 3);
}
END_TEST

static void check_set(const char *assignment, const char *json)
{
    struct value root, out;
    struct json_error wrong;

    ck_assert_int_eq(
        json_read(span_text("{\"a\": {\"b\": 1}, \"l\": [1, 2]}"), &arena, &root, &wrong), 0);
    ck_assert_msg(experiment_file_apply_set(&root, assignment, &arena, &out, &error) == 0, "%s",
                  error.what);
    ck_assert_str_eq(json_of(&out), json);
}

START_TEST(sets_one_value)
{
    check_set("a.b=2", "{\"a\": {\"b\": 2}, \"l\": [1, 2]}");
    check_set("a.c=1e-4", "{\"a\": {\"b\": 1, \"c\": 0.0001}, \"l\": [1, 2]}");
    check_set("l.1=x", "{\"a\": {\"b\": 1}, \"l\": [1, \"x\"]}");
    check_set("x.y={uniform: [0, 1]}",
              "{\"a\": {\"b\": 1}, \"l\": [1, 2], \"x\": {\"y\": {\"uniform\": [0, 1]}}}");
    check_set("a=[1, two]", "{\"a\": [1, \"two\"], \"l\": [1, 2]}");
    check_set("a='1'", "{\"a\": \"1\", \"l\": [1, 2]}");
    check_set("a=", "{\"a\": null, \"l\": [1, 2]}");
    check_set("a=python3 t.py --x={lr}: y", "{\"a\": \"python3 t.py --x={lr}: y\", \"l\": [1, 2]}");
}
END_TEST

START_TEST(bad_sets_are_refused)
{
    static const char *const rows[] = {"a",     "=1",     "l.9=1",  "a=[1",   "a={b: 1, b: 2}",
                                       "l.x=1", "a=\xff", "\xff=1", "a=1e999"};
    struct value root, out;
    struct json_error wrong;

    ck_assert_int_eq(json_read(span_text("{\"l\": [1, 2]}"), &arena, &root, &wrong), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        error = (struct experiment_error){0};
        ck_assert_msg(experiment_file_apply_set(&root, rows[i], &arena, &out, &error) ==
                          ERR_MALFORMED,
                      "%s", rows[i]);
        ck_assert_uint_gt(strlen(error.what), 0);
    }
}
END_TEST

START_TEST(files_are_read)
{
    char path[] = "/tmp/test_experiment_file_XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, "run: {native: a.so}\n", 20), 20);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(experiment_file_read(path, &arena, &file, &error), 0);
    ck_assert_uint_eq(file.count, 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(experiment_file_read(path, &arena, &file, &error), ERR_NOT_FOUND);
    ck_assert_uint_eq(error.line, 0);
    ck_assert_ptr_nonnull(strstr(error.what, "No such file"));
    ck_assert_int_lt(experiment_file_read("/tmp", &arena, &file, &error), 0);
}
END_TEST

/* What looks like a number here, but not to those who read results, is among them. */
START_TEST(written_texts_stay_texts)
{
    static const char *const texts[] = {"0o17",
                                        "1e5",
                                        "+.5",
                                        "0x1F",
                                        "12",
                                        "~",
                                        "",
                                        "true",
                                        ".inf",
                                        "a",
                                        "---",
                                        "- a",
                                        "99999999999999999999"};
    struct yaml_error wrong;
    struct yaml_place place;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct value_builder map;
        struct value value, again;

        value_builder_map(&map, &arena);
        value_builder_set(&map, texts[i][0] != '\0' ? texts[i] : "k", value_text(&arena, texts[i]));
        value = value_builder_done(&map);
        buf_reset(&text);
        yaml_write_file(&value, &text);
        ck_assert_int_eq(yaml_read(buf_span(&text), &arena, &again, &place, &wrong), 0);
        ck_assert_msg(value_equal(&value, &again), "written as %s", buf_text(&text));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("experiment_file");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, scalars_are_what_the_core_schema_says);
    tcase_add_test(tc, reads_yaml_and_json);
    tcase_add_test(tc, bad_texts_say_where);
    tcase_add_test(tc, aliases_repeat_their_anchor);
    tcase_add_test(tc, aliases_do_not_explode);
    tcase_add_test(tc, depth_and_size_are_bounded);
    tcase_add_test(tc, several_experiments_stand_under_their_names);
    tcase_add_test(tc, paths_lead_back_to_places);
    tcase_add_test(tc, errors_of_the_check_lead_to_their_line);
    tcase_add_test(tc, sets_one_value);
    tcase_add_test(tc, bad_sets_are_refused);
    tcase_add_test(tc, files_are_read);
    tcase_add_test(tc, written_texts_stay_texts);
    suite_add_tcase(s, tc);
    return s;
}
