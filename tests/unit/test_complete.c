/* links: client */
#include <check.h>
#include <string.h>

#include "client/complete.h"
#include "client/daemon_flags.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct option_table tables[COMMAND_TABLES];
static struct completion completion;
static struct buf printed;

/* Words with blanks between them; a blank at the end begins an empty one. */
static void look(const char *text)
{
    char *words[16];
    int count = 0;
    uint32_t table_count = 0;
    const struct command *command;

    for (;;) {
        size_t size = strcspn(text, " ");

        words[count++] = arena_strdup(&arena, arena_text(&arena, span_of(text, size)));
        if (text[size] == '\0')
            break;
        text += size + 1;
    }
    command = complete_command(words, count);
    if (command != NULL && command->program == NULL)
        table_count = command_tables(command, tables);
    complete_look(words, count, tables, table_count, &arena, &completion);
    buf_fini(&printed);
    printed = (struct buf){0};
    complete_print(&completion, tables, table_count, &arena, &printed);
}

/* The kind of paths, and each candidate without what is said of it. */
static void expect(const char *text, const char *wanted)
{
    struct buf words = {0};
    const char *at;

    look(text);
    for (at = buf_text(&printed); *at != '\0'; at += strcspn(at, "\n") + 1)
        buf_printf(&words, "%s%.*s", words.size > 0 ? " " : "", (int)strcspn(at, "\t\n"), at);
    ck_assert_msg(strcmp(buf_text(&words), wanted) == 0, "%s: %s", text, buf_text(&words));
    buf_fini(&words);
}

static void setup(void)
{
    memset(&arena, 0, sizeof(arena));
    memset(&printed, 0, sizeof(printed));
}

static void teardown(void)
{
    buf_fini(&printed);
    arena_fini(&arena);
}

START_TEST(verbs)
{
    expect("st", "words status stop");
    expect("--v", "words --version");
    expect("help expl", "words explain");
    expect("comp", "words completion"); /* and not the hidden one */
    expect("nothing --", "words");
}
END_TEST

START_TEST(flags_and_their_values)
{
    expect("trials --st", "words --state");
    expect("submit --w", "words --wait --watch");
    expect("run -", "words --set -p --samples --name --stop --metric --mode --search --seed "
                    "--scheduler --max-t --cpus --gpus --time-limit --report-timeout --save "
                    "--address --token-file "
                    "--worker-cpus --json --verbose --help --");
    expect("run --mode ", "words max min");
    expect("run --mode=m", "words --mode=max --mode=min");
    expect("run --mode =", "words max min");
    expect("run --mode = mi", "words min");
    expect("run --scheduler a", "words async_hyperband asha");
    expect("run --search ", "words random grid list halton sobol tpe external");
    expect("token create --role s", "words submit");
    expect("trials --state T", "words TERMINATED");
    expect("run -n ", "words");
    expect("run --save ", "files");
    expect("run --save=", "files");
    expect("list --json=", "words");
}
END_TEST

START_TEST(operands)
{
    expect("run ", "files");
    expect("run --seed 3 ", "files");
    expect("run -- python3 tr", "files");
    expect("list -- ", "words");
    expect("replay ", "folders");
    expect("token ", "words create list revoke");
    expect("completion f", "words fish");
    expect("status ", "words last");
    expect("stop 3 a", "words all");
    expect("logs ", "words");
}
END_TEST

START_TEST(what_the_head_is_asked)
{
    look("status ");
    ck_assert_int_eq(complete_needs(&completion), OPERAND_EXPERIMENT);
    look("status 1 ");
    ck_assert_int_eq(complete_needs(&completion), OPERAND_OTHER);
    look("explain 3/");
    ck_assert_int_eq(complete_needs(&completion), OPERAND_TRIAL);
    ck_assert_str_eq(completion.written, "3/");
    look("token list ");
    ck_assert_int_eq(complete_needs(&completion), OPERAND_OTHER);
    look("token revoke ");
    ck_assert_int_eq(complete_needs(&completion), OPERAND_TOKEN);
    look("show --address h:1 ");
    ck_assert_int_eq(complete_needs(&completion), OPERAND_EITHER);
    ck_assert_str_eq(completion.address, "h:1");
    look("show --address=h:2 --json ");
    ck_assert_str_eq(completion.address, "h:2");
    look("show --address = h ");
    ck_assert_str_eq(completion.address, "h");
    ck_assert_int_eq(completion.operands, 0);
    look("show --address ");
    ck_assert_ptr_null(completion.address);
    ck_assert_int_eq(complete_needs(&completion), OPERAND_OTHER);
}
END_TEST

START_TEST(names_that_would_play_tricks)
{
    struct buf out = {0};

    look("status ");
    complete_offer(&completion, "a\nb", "", &out);
    complete_offer(&completion, "a\tb", "", &out);
    complete_offer(&completion, "a\x1b[2J", "", &out);
    complete_offer(&completion, "a\xff", "", &out);
    ck_assert_uint_eq(out.size, 0);
    complete_offer(&completion, "a b", "x\ny\tz", &out);
    ck_assert_str_eq(buf_text(&out), "a b\tx?y?z\n");
    buf_fini(&out);
}
END_TEST

START_TEST(flags_of_a_help_text)
{
    struct option_table table = daemon_flags_parse("usage: assay head [options]\n"
                                                   "       assay head replay\n"
                                                   "\n"
                                                   "Run a head - in the foreground.\n"
                                                   "\n"
                                                   "  --port N             port (7420)\n"
                                                   "  --redis-address URL  use this Redis\n"
                                                   "                       or that - one\n"
                                                   "  -v, --verbose        say more\n"
                                                   "  -q N  how many\n"
                                                   "      --help\n"
                                                   "\n"
                                                   "example: assay head --port 1\n",
                                                   &arena);

    ck_assert_uint_eq(table.count, 5);
    ck_assert_str_eq(table.rows[0].name, "port");
    ck_assert_str_eq(table.rows[0].argument, "N");
    ck_assert_int_eq(table.rows[0].kind, OPTION_TEXT);
    ck_assert_str_eq(table.rows[0].help, "port (7420)");
    ck_assert_str_eq(table.rows[1].help, "use this Redis or that - one");
    ck_assert_int_eq(table.rows[2].letter, 'v');
    ck_assert_str_eq(table.rows[2].name, "verbose");
    ck_assert_int_eq(table.rows[2].kind, OPTION_FLAG);
    ck_assert_ptr_null(table.rows[3].name);
    ck_assert_str_eq(table.rows[3].argument, "N");
    ck_assert_str_eq(table.rows[4].name, "help");
    ck_assert_str_eq(table.rows[4].help, "");
}
END_TEST

/* Each listed verb says what it does at length, and by an example. */
START_TEST(every_verb_is_told_of)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);

    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i]->name;

        if (commands[i]->hidden)
            continue;
        ck_assert_msg(commands[i]->about != NULL, "%s: no about", name);
        ck_assert_msg(commands[i]->example != NULL && strstr(commands[i]->example, name) != NULL,
                      "%s: no example", name);
        ck_assert_msg(commands[i]->least == 0 || commands[i]->operands[0] != '\0', "%s", name);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("complete");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, verbs);
    tcase_add_test(tc, flags_and_their_values);
    tcase_add_test(tc, operands);
    tcase_add_test(tc, what_the_head_is_asked);
    tcase_add_test(tc, names_that_would_play_tricks);
    tcase_add_test(tc, flags_of_a_help_text);
    tcase_add_test(tc, every_verb_is_told_of);
    suite_add_tcase(s, tc);
    return s;
}
