/* links: client */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/source.h"
#include "client/yaml_write.h"
#include "common/err.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"

static char folder[] = "/tmp/test_saved.XXXXXX";
static struct arena arena;
static struct saved saved;

static const char *path(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
    ck_assert_int_eq(fs_write_atomic(path(name), 0644, text, span_text(text).size), 0);
}

static void setup(void)
{
    arena_init(&arena);
    strcpy(folder, "/tmp/test_saved.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(fs_make_dirs(path("exp/one_2026-01-01_00-00-00abcdefgh"), 0755), 0);
    put("exp/one_2026-01-01_00-00-00abcdefgh/params.json", "{\"x\": 1}");
    put("exp/one_2026-01-01_00-00-00abcdefgh/result.json",
        "{\"episode_reward_mean\": 7, \"training_iteration\": 1}\n"
        "{\"episode_reward_mean\": NaN, \"training_iteration\": 2}\n"
        "{\"episode_reward_mean\": 5, \"training_iteration\": 3, \"done\": true}\n{\"half");
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(folder), 0);
    arena_fini(&arena);
}

/* What the trials' own folders say, whatever became of experiment.json. */
static void check_walked(void)
{
    ck_assert_int_eq(saved_read(path("exp"), &arena, &saved), 0);
    ck_assert_uint_eq(saved.count, 1);
    ck_assert(span_is(saved.experiment.name, "exp"));
    ck_assert(span_is(saved.trials[0].name, "one"));
    ck_assert(span_is(saved.trials[0].state, "TERMINATED"));
    ck_assert_uint_eq(saved.trials[0].results, 3);
    ck_assert_double_eq(saved.trials[0].best, 7);
    ck_assert_int_eq(saved.trials[0].best_at, 1);
}

START_TEST(a_damaged_summary_is_as_good_as_none)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"experiment\": 3}",
        "{\"experiment\": {\"name\": 3}, \"trials\": []}",
        "{\"experiment\": {\"name\": \"x\"}, \"trials\": [1]}",
    };

    check_walked();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put("exp/experiment.json", texts[i]);
        check_walked();
    }
}
END_TEST

START_TEST(what_is_no_file_is_not_opened)
{
    ck_assert_int_eq(mkfifo(path("exp/experiment.json"), 0600), 0);
    check_walked();
    ck_assert_int_eq(remove(path("exp/one_2026-01-01_00-00-00abcdefgh/params.json")), 0);
    ck_assert_int_eq(mkfifo(path("exp/one_2026-01-01_00-00-00abcdefgh/params.json"), 0600), 0);
    check_walked();
    ck_assert_int_eq(remove(path("exp/one_2026-01-01_00-00-00abcdefgh/result.json")), 0);
    ck_assert_int_eq(mkfifo(path("exp/one_2026-01-01_00-00-00abcdefgh/result.json"), 0600), 0);
    ck_assert_int_eq(saved_read(path("exp"), &arena, &saved), 0);
    ck_assert(span_is(saved.trials[0].state, "UNKNOWN"));
}
END_TEST

START_TEST(a_total_that_is_not_known_stays_so)
{
    put("exp/experiment.json",
        "{\"experiment\": {\"name\": \"x\", \"total\": null}, \"trials\": []}");
    ck_assert_int_eq(saved_read(path("exp"), &arena, &saved), 0);
    ck_assert_uint_eq(saved.experiment.total, UINT32_MAX);
}
END_TEST

START_TEST(names_that_are_no_utf8_are_shown_all_the_same)
{
    struct value_builder map;
    struct value value;
    struct buf text = {0};

    value_builder_map(&map, &arena);
    value_builder_set(&map, "name", value_text(&arena, "tr\xff\xc3"));
    value = value_builder_done(&map);
    yaml_write(&value, false, &text);
    ck_assert_str_eq(buf_text(&text), "name: \"tr\\uFFFD\\uFFFD\"\n");
    buf_fini(&text);
}
END_TEST

START_TEST(a_folder_is_named_with_and_without_a_dot)
{
    const char *names[] = {"./exp", "exp/", "sub/../exp",
                           arena_printf(&arena, "../%s/exp", strrchr(folder, '/') + 1)};
    char before[LIMIT_PATH_BYTES];

    ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
    ck_assert_int_eq(fs_make_dirs(path("sub"), 0755), 0);
    ck_assert_int_eq(chdir(folder), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = names[i];
        struct source *source;
        struct pick pick;

        ck_assert_int_eq(source_open(NULL, NULL, name, &source), 0);
        ck_assert_int_eq(source_pick_experiment(source, name, &arena, &pick), 0);
        ck_assert_uint_eq(pick.experiment.created, 1);
        source_close(source);
    }
    ck_assert_int_eq(chdir(before), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("saved");
    TCase *c = tcase_create("folder");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_damaged_summary_is_as_good_as_none);
    tcase_add_test(c, what_is_no_file_is_not_opened);
    tcase_add_test(c, a_total_that_is_not_known_stays_so);
    tcase_add_test(c, names_that_are_no_utf8_are_shown_all_the_same);
    tcase_add_test(c, a_folder_is_named_with_and_without_a_dot);
    suite_add_tcase(s, c);
    return s;
}
