/* What is run: its name, its trials' names, and command lines. */
#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

START_TEST(run_names)
{
    static const struct {
        const char *run;
        const char *name;
    } rows[] = {
        {"'native': '/a/b/libsigmoid.so'", "sigmoid"},
        {"'native': 'libsigmoid.so.1.2'", "sigmoid"},
        {"'native': 'sigmoid.so'", "sigmoid"},
        {"'native': 'lib.so'", "lib"},
        {"'command': 'python3 train.py --lr 1'", "train"},
        {"'command': 'python3.11 -u ./my/train_it.py'", "train_it"},
        {"'command': 'sh -c \\\"echo a.b\\\"'", "sh"},
        {"'command': './train'", "train"},
        {"'command': '/bin/true'", "true"},
        {"'command': 'env A=b.c ./x.sh'", "x"},
        {"'command': 'run --file={config}.yaml'", "run"},
        {"'command': '.hidden'", ".hidden"},
    };
    char json[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(json, sizeof(json), "{'run': {%s}, 'name': 'x'}", rows[i].run);
        check_parses(json);
        ck_assert_str_eq(spec.run_name, rows[i].name);
    }
}
END_TEST

START_TEST(trial_names)
{
    char tag[1024];

    check_parses("{" NATIVE "}");
    ck_assert_str_eq(spec_trial_name(&spec, "00ab", 3, "3_lr=0.1,act=a/b", &arena),
                     "x_3_lr=0.1,act=a_b");
    ck_assert_str_eq(spec_trial_name(&spec, "00ab", 3, "", &arena), "x");
    check_parses("{" NATIVE ", 'trial_name': '{run}-{{{id}}-{n}-{tag}'}");
    ck_assert_str_eq(spec_trial_name(&spec, "00ab", 3, "T", &arena), "x-{00ab}-3-T");
    check_parses("{" NATIVE ", 'trial_name': '{tag}'}");
    ck_assert_str_eq(spec_trial_name(&spec, "00ab", 3, "..", &arena), "00ab");
    ck_assert_str_eq(spec_trial_name(&spec, "00ab", 3, "", &arena), "00ab");
    ck_assert_str_eq(spec_trial_name(&spec, "00ab", 3, "a\nb", &arena), "a_b");
    memset(tag, 'y', sizeof(tag) - 1);
    tag[sizeof(tag) - 1] = '\0';
    ck_assert_uint_eq(strlen(spec_trial_name(&spec, "00ab", 3, tag, &arena)), LIMIT_TRIAL_NAME);
}
END_TEST

static const char *config_text = "{'lr': 0.1, 'n': 5, 'act': 'two words', 'on': true, 'off': null, "
                                 "'net': {'layers': [16, 32]}, 'a.b': 7, 'a': {'b': 8}}";

/* The words with '|' between them. */
static const char *words_of(const char *command)
{
    struct value config = quoted(config_text);
    struct buf out = {0};
    const char *text;
    char **argv;

    error = (struct spec_error){0};
    if (spec_command(command, &config, "/t/params.json", &arena, &argv, &error) < 0)
        return NULL;
    for (size_t i = 0; argv[i] != NULL; i++)
        buf_printf(&out, "%s%s", i ? "|" : "", argv[i]);
    text = arena_strdup(&arena, buf_text(&out));
    buf_fini(&out);
    return text;
}

START_TEST(commands_are_split_as_the_shell_does)
{
    static const struct {
        const char *command;
        const char *words;
    } rows[] = {
        {"a b  c\t\nd ", "a|b|c|d"},
        {"a 'b  c' \"d e\"f", "a|b  c|d ef"},
        {"a '' \"\"", "a||"},
        {"a b\\ c \\\\ \\'", "a|b c|\\|'"},
        {"a \"x\\\"y\\\\z\\n\" '\\'", "a|x\"y\\z\\n|\\"},
        {"a\\\nb", "ab"},
        {"a $HOME ~ *", "a|$HOME|~|*"},
        {"train --lr {lr} -n={n} {act}", "train|--lr|0.1|-n=5|two words"},
        {"x {on} {off} {net} {net.layers} {net.layers.1}",
         "x|true|null|{\"layers\": [16, 32]}|[16, 32]|32"},
        {"x {a.b} {config}", "x|7|/t/params.json"},
        {"sh -c 'echo {lr} \"{act}\"'", "sh|-c|echo 0.1 \"two words\""},
        {"x {{lr} ${HOME} ${lr} '{print $1}' {} {a,b} {1} \\{lr}",
         "x|{lr}|${HOME}|${lr}|{print $1}|{}|{a,b}|{1}|{lr}"},
        {"x '{\"lr\": {lr}}'", "x|{\"lr\": 0.1}"},
        {"x '>' \\| a>b", "x|>|||a>b"},
        {"x {a.} {.a} {a..b} {lr", "x|{a.}|{.a}|{a..b}|{lr"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *words = words_of(rows[i].command);

        ck_assert_msg(words != NULL, "%s: %s", rows[i].command, error.what);
        ck_assert_str_eq(words, rows[i].words);
    }
}
END_TEST

START_TEST(bad_commands_are_refused)
{
    static const struct {
        const char *command;
        const char *what;
        const char *mend;
    } rows[] = {
        {"", "names no program", ""},
        {"  ", "names no program", ""},
        {"a 'b", "single quote", ""},
        {"a \"b", "double quote", ""},
        {"a \\", "backslash", ""},
        {"a {acts}", "no 'acts'", "did you mean {act}?"},
        {"a {something_else}", "no 'something_else'", "write {{something_else}"},
        {"a {net.layers.2}", "no 'net.layers.2'", ""},
        {"a {net.layers.x}", "no 'net.layers.x'", ""},
        {"a {lr.x}", "no 'lr.x'", ""},
        {"a > b", "no shell runs it", "sh -c"},
        {"a && b", "no shell runs it", "sh -c"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(words_of(rows[i].command) == NULL, "%s", rows[i].command);
        ck_assert_str_eq(error.path, "run.command");
        ck_assert_msg(strstr(error.what, rows[i].what) != NULL, "%s", error.what);
        ck_assert_msg(strstr(error.mend, rows[i].mend) != NULL, "%s", error.mend);
    }
}
END_TEST

/* Each place is looked for in all of the configuration. */
START_TEST(commands_have_so_many_places)
{
    struct value config = quoted("{'v': 1}");
    struct buf command = {0};
    char **argv;

    buf_append_text(&command, "x");
    for (uint32_t i = 0; i < LIMIT_PLACES; i++)
        buf_append_text(&command, " {v}");
    ck_assert_int_eq(spec_command(buf_text(&command), &config, "p", &arena, &argv, &error), 0);
    buf_append_text(&command, " {v}");
    ck_assert_int_eq(spec_command(buf_text(&command), &config, "p", &arena, &argv, &error),
                     ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(error.what, "more than 1024 places"));
    buf_fini(&command);
}
END_TEST

START_TEST(commands_do_not_grow_without_end)
{
    struct buf text = {0}, command = {0};
    struct value config;
    char **argv;

    buf_append_text(&text, "{'v': '");
    for (int i = 0; i < 200000; i++)
        buf_append_char(&text, 'v');
    buf_append_text(&text, "'}");
    config = quoted(buf_text(&text));
    buf_append_text(&command, "x");
    for (int i = 0; i < 1000; i++)
        buf_append_text(&command, " {v}");
    ck_assert_int_eq(spec_command(buf_text(&command), &config, "p", &arena, &argv, &error),
                     ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(error.what, "too long"));
    buf_fini(&text);
    buf_fini(&command);
}
END_TEST

START_TEST(placeholders_are_checked_against_the_space)
{
    check_parses("{'run': {'command': 't {lr} {net.size} {o.k} {config}'}, "
                 "'config': {'lr': {'uniform': [0, 1]}, 'net': {'size': {'choice': [1, 2]}}, "
                 "'o': {'choice': [{'k': 1}, 5]}}}");
    check_parses("{'run': {'command': 't {lr}'}, "
                 "'search': {'type': 'list', 'points': [{'lr': 1}]}}");
    check_refused("{'run': {'command': 't {lr.x}'}, 'config': {'lr': {'uniform': [0, 1]}}}",
                  "run.command", "no 'lr.x'");
    check_refused("{'run': {'command': 't {uniform}'}, 'config': {'lr': {'uniform': [0, 1]}}}",
                  "run.command", "no 'uniform'");
    check_refused("{'run': {'command': 't {lr}'}}", "run.command", "no 'lr'");
}
END_TEST

START_TEST(something_of_a_python_module)
{
    check_parses("{'run': {'python': 'nets.small:Model.Tiny'}}");
    ck_assert_int_eq(spec.run_kind, RUN_PYTHON);
    ck_assert_int_eq(spec.start, START_ZYGOTE);
    ck_assert_str_eq(spec.run, "nets.small:Model.Tiny");
    ck_assert_str_eq(spec.run_name, "Model.Tiny");
    ck_assert_str_eq(spec.name, "Model.Tiny");
    ck_assert_ptr_null(spec.interpreter);
    check_parses("{'run': {'python': '_m1:f', 'interpreter': '/opt/py/bin/python3'}, "
                 "'start': 'exec'}");
    ck_assert_str_eq(spec.interpreter, "/opt/py/bin/python3");
    ck_assert_int_eq(spec.start, START_EXEC);
    check_refused("{'run': {'python': 'train'}}", "run.python", "which class or function of train");
    ck_assert_str_eq(error.mend, "write \"module:Name\"");
    check_refused("{'run': {'python': 'a/train.py:Model'}}", "run.python", "names a file");
    ck_assert_str_eq(error.mend, "write \"train:Name\", and code: FOLDER for its folder");
    check_refused("{'run': {'python': 'train.py'}}", "run.python", "names a file");
    check_refused("{'run': {'python': 'a..b:c'}}", "run.python", "no module and name");
    check_refused("{'run': {'python': '1a:c'}}", "run.python", "no module and name");
    check_refused("{'run': {'python': 'a:c.'}}", "run.python", "no module and name");
    check_refused("{'run': {'python': 'a:'}}", "run.python", "no module and name");
    check_refused("{'run': {'python': ':c'}}", "run.python", "no module and name");
    check_refused("{'run': {'python': 'a:b', 'native': 'c'}}", "run.native",
                  "both python and native");
    check_refused("{'run': {'command': 'true', 'interpreter': 'python3'}}", "run.interpreter",
                  "for python alone");
    check_refused("{'run': {'python': 'a:b', 'interpreter': 'bin/python'}}", "run.interpreter",
                  "absolute path");
    check_refused("{'run': {'interpreter': 'python3'}}", "", "what to run");
}
END_TEST

START_TEST(reuse_is_for_forks_of_python)
{
    check_parses("{'run': {'python': 'a:b'}}");
    ck_assert(!spec.reuse);
    check_parses("{'run': {'python': 'a:b', 'reuse': true}, 'start': 'zygote'}");
    ck_assert(spec.reuse);
    check_parses("{'run': {'command': 'true', 'reuse': false}}");
    check_refused("{'run': {'python': 'a:b', 'reuse': 'always'}}", "run.reuse", "true or false");
    check_refused("{'run': {'command': 'true', 'reuse': true}}", "run.reuse", "a command");
    ck_assert_str_eq(error.mend, "take it away, or write {python: \"module:Name\"}");
    check_refused("{'run': {'native': 'a.so', 'reuse': true}}", "run.reuse", "for python alone");
    check_refused("{'run': {'python': 'a:b', 'reuse': true}, 'start': 'exec'}", "run.reuse",
                  "fresh process");
    check_refused("{'run': {'reuse': true, 'python': 'a:b'}, "
                  "'resources_per_trial': {'memory': '1G'}}",
                  "run.reuse", "limit of memory");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spec_run");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, run_names);
    tcase_add_test(tc, trial_names);
    tcase_add_test(tc, commands_are_split_as_the_shell_does);
    tcase_add_test(tc, bad_commands_are_refused);
    tcase_add_test(tc, commands_do_not_grow_without_end);
    tcase_add_test(tc, commands_have_so_many_places);
    tcase_add_test(tc, placeholders_are_checked_against_the_space);
    tcase_add_test(tc, something_of_a_python_module);
    tcase_add_test(tc, reuse_is_for_forks_of_python);
    suite_add_tcase(s, tc);
    return s;
}
