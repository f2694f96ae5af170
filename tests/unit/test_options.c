/* links: client */
#include <check.h>
#include <string.h>

#include "client/draft.h"
#include "client/options.h"
#include "common/err.h"
#include "common/json.h"
#include "tests/lib/run_suite.h"

struct values {
    bool flag;
    const char *text;
    struct option_texts texts;
    struct option_texts ordered;
    struct option_number number;
    struct option_number duration;
};

static const struct option_row rows[] = {
    OPTION(values, flag, "flag", 'f', OPTION_FLAG, NULL, "a flag"),
    OPTION(values, text, "text", 't', OPTION_TEXT, "TEXT", "a text"),
    OPTION(values, texts, NULL, 'p', OPTION_TEXTS, "TEXT", "some texts"),
    OPTION(values, ordered, "set", 0, OPTION_ORDERED, "K=V", "one"),
    OPTION(values, ordered, "stop", 0, OPTION_ORDERED, "K=V", "another"),
    OPTION(values, number, "number", 'n', OPTION_NUMBER, "N", "a number"),
    OPTION(values, duration, "timeout", 0, OPTION_DURATION, "D", "a duration"),
};

static const struct option_table table = {rows, sizeof(rows) / sizeof(rows[0])};
static struct arena arena;
static struct option_error error;
static char *arguments[16];
static int count;
static int operands;

/* Words of one text, with the verb in front. */
static int parse(const char *text, struct values *values)
{
    char *copy = arena_strdup(&arena, text);

    memset(values, 0, sizeof(*values));
    count = 0;
    arguments[count++] = arena_strdup(&arena, "verb");
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        arguments[count++] = word;
    arguments[count] = NULL;
    return options_read(&table, 1, count, arguments, values, &arena, &operands, &error);
}

START_TEST(all_kinds)
{
    struct values values;

    ck_assert_int_eq(parse("-f --text a -p x -p y -n 12 --timeout 1m", &values), 0);
    ck_assert(values.flag);
    ck_assert_str_eq(values.text, "a");
    ck_assert_uint_eq(values.texts.count, 2);
    ck_assert_str_eq(values.texts.items[1], "y");
    ck_assert(values.number.given);
    ck_assert_uint_eq(values.number.value, 12);
    ck_assert_uint_eq(values.duration.value, 60000);
    ck_assert_int_eq(operands, count);
}
END_TEST

START_TEST(order_is_kept)
{
    struct values values;

    ck_assert_int_eq(parse("--stop a=1 --set b=2 --stop c=3", &values), 0);
    ck_assert_uint_eq(values.ordered.count, 3);
    ck_assert_str_eq(values.ordered.items[0], "stop=a=1");
    ck_assert_str_eq(values.ordered.items[1], "set=b=2");
    ck_assert_str_eq(values.ordered.items[2], "stop=c=3");
}
END_TEST

START_TEST(flags_behind_operands)
{
    struct values values;

    ck_assert_int_eq(parse("file -f other --text=x", &values), 0);
    ck_assert(values.flag);
    ck_assert_int_eq(count - operands, 2);
    ck_assert_str_eq(arguments[operands], "file");
    ck_assert_str_eq(arguments[operands + 1], "other");
}
END_TEST

START_TEST(unknown_flags)
{
    struct values values;

    ck_assert_int_eq(parse("--flga", &values), ERR_MALFORMED);
    ck_assert_str_eq(error.what, "--flga");
    ck_assert_str_eq(error.mend, "--flag");
    ck_assert_int_eq(parse("file --timeuot=3", &values), ERR_MALFORMED);
    ck_assert_str_eq(error.what, "--timeuot");
    ck_assert_str_eq(error.mend, "--timeout");
    ck_assert_int_eq(parse("-fx", &values), ERR_MALFORMED);
    ck_assert_str_eq(error.what, "-x");
}
END_TEST

START_TEST(bad_values)
{
    struct values values;

    ck_assert_int_eq(parse("--number x", &values), ERR_MALFORMED);
    ck_assert_str_eq(error.what, "--number");
    ck_assert_int_eq(parse("-n -1", &values), ERR_MALFORMED);
    ck_assert_int_eq(parse("--timeout soon", &values), ERR_MALFORMED);
    ck_assert_int_eq(parse("--text", &values), ERR_MALFORMED);
    ck_assert_str_eq(error.what, "--text");
}
END_TEST

START_TEST(a_flag_with_a_value_is_known_all_the_same)
{
    struct values values = {0};

    ck_assert_int_eq(parse("--flag=3", &values), ERR_MALFORMED);
    ck_assert_str_eq(error.what, "--flag");
    ck_assert_str_eq(error.why, "takes no value");
}
END_TEST

START_TEST(help_lines)
{
    struct buf text = {0};

    options_help(&table, &text);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "  -f, --flag                a flag\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "  -p TEXT                   some texts\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "      --timeout D           a duration\n"));
    buf_fini(&text);
}
END_TEST

/* An experiment with flags done, as one line of JSON. */
static const char *drafted(const char *json, struct draft_flags *flags)
{
    struct json_error wrong;
    struct value value;
    struct buf text = {0};
    const char *out;

    ck_assert_int_eq(json_read(span_text(json), &arena, &value, &wrong), 0);
    ck_assert_int_eq(draft_apply_flags(flags, &arena, &value), 0);
    json_write(&value, JSON_LINE, &text);
    out = arena_strdup(&arena, buf_text(&text));
    buf_fini(&text);
    return out;
}

static struct option_texts texts(const char **items, uint32_t many)
{
    return (struct option_texts){items, many};
}

START_TEST(flags_beat_the_file)
{
    const char *sets[] = {"samples=3",     "seed=7",   "scheduler=asha",     "max-t=81",
                          "stop=a.b=1e-3", "cpus=0.5", "set=config.x=[1, 2]"};
    struct draft_flags flags = {.sets = texts(sets, 7)};

    ck_assert_str_eq(
        drafted("{\"num_samples\": 1, \"search\": \"random\", \"stop\": {\"t\": 5}}", &flags),
        "{\"num_samples\": 3, \"search\": {\"type\": \"random\", \"seed\": 7}, \"stop\": {\"t\": "
        "5, \"a.b\": 0.001}, \"scheduler\": {\"type\": \"asha\", \"max_t\": 81}, "
        "\"resources_per_trial\": {\"cpu\": 0.5}, \"config\": {\"x\": [1, 2]}}");
}
END_TEST

START_TEST(the_schedulers_own_metric_is_beaten_too)
{
    const char *sets[] = {"metric=loss", "mode=min", "scheduler=hyperband"};
    struct draft_flags flags = {.sets = texts(sets, 3)};

    ck_assert_str_eq(drafted("{\"scheduler\": {\"type\": \"asha\", \"metric\": \"acc\", "
                             "\"mode\": \"max\", \"max_t\": 9}}",
                             &flags),
                     "{\"scheduler\": {\"type\": \"hyperband\", \"metric\": \"loss\", \"mode\": "
                     "\"min\", \"max_t\": 9}, \"metric\": \"loss\", \"mode\": \"min\"}");
}
END_TEST

START_TEST(spaces)
{
    const char *given[] = {"lr=loguniform:1e-4,1e-1", "act=choice:relu,tanh", "n=grid:1,2",
                           "net.size=randint:10,100", "url=http://x:1",       "k=3"};
    struct draft_flags flags = {.spaces = texts(given, 6)};

    ck_assert_str_eq(drafted("{}", &flags),
                     "{\"config\": {\"lr\": {\"loguniform\": [0.0001, 0.1]}, \"act\": {\"choice\": "
                     "[\"relu\", \"tanh\"]}, \"n\": {\"grid_search\": [1, 2]}, \"net\": {\"size\": "
                     "{\"randint\": [10, 100]}}, \"url\": \"http://x:1\", \"k\": 3}}");
}
END_TEST

START_TEST(words_of_a_command)
{
    char *words[] = {"python3", "train.py", "--lr", "{lr}", "a b", "it's", "", "x|y", NULL};
    struct value value = draft_of_words(words, &arena);
    const struct value *run = value_get(&value, "run");

    ck_assert_str_eq(value_get(run, "command")->text,
                     "python3 train.py --lr {lr} 'a b' 'it'\\''s' '' 'x|y'");
}
END_TEST

static void forget(void)
{
    arena_fini(&arena);
    arena_init(&arena);
}

Suite *suite(void)
{
    Suite *s = suite_create("options");
    TCase *c = tcase_create("options");

    tcase_add_checked_fixture(c, NULL, forget);
    tcase_add_test(c, all_kinds);
    tcase_add_test(c, order_is_kept);
    tcase_add_test(c, flags_behind_operands);
    tcase_add_test(c, unknown_flags);
    tcase_add_test(c, bad_values);
    tcase_add_test(c, a_flag_with_a_value_is_known_all_the_same);
    tcase_add_test(c, help_lines);
    tcase_add_test(c, flags_beat_the_file);
    tcase_add_test(c, the_schedulers_own_metric_is_beaten_too);
    tcase_add_test(c, spaces);
    tcase_add_test(c, words_of_a_command);
    suite_add_tcase(s, c);
    return s;
}
