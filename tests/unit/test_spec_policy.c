/* links: common */
/* policy: what pbt_replay changes when. */
#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

static const char *with(const char *policy)
{
    return arena_printf(&arena,
                        "{" NATIVE ", 'config': {'x': {'uniform': [0, 1]}}, 'scheduler': "
                        "{'type': 'pbt_replay'%s%s}}",
                        policy[0] != '\0' ? ", 'policy': " : "", policy);
}

static void check_policy_refused(const char *policy, const char *path, const char *what)
{
    ck_assert_msg(parse(with(policy)) < 0, "%s is taken", policy);
    ck_assert_str_eq(error.path, path);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s: %s", policy, error.what);
}

START_TEST(a_list_of_changes_is_taken)
{
    check_parses(with("[{'at': 0, 'config': {'x': 1, 'y': [1, 2]}}, "
                      "{'at': 2.5, 'config': {'x': 2}}]"));
    ck_assert_uint_eq(spec.scheduler.change_count, 2);
    ck_assert_double_eq(spec.scheduler.changes[1].at, 2.5);
    ck_assert_uint_eq(spec.scheduler.changes[0].config->count, 2);
    ck_assert_str_eq(spec.scheduler.time_attr, "training_iteration");
}
END_TEST

START_TEST(all_else_is_refused)
{
    check_policy_refused("", "scheduler.policy", "what is changed when");
    check_policy_refused("[]", "scheduler.policy", "what is changed when");
    check_policy_refused("'pbt_policy_0.txt'", "scheduler.policy", "is not read here");
    check_policy_refused("3", "scheduler.policy", "must name a file");
    check_policy_refused("[1]", "scheduler.policy.0", "a map of at and config");
    check_policy_refused("[{'at': 1}]", "scheduler.policy.0", "a map of at and config");
    check_policy_refused("[{'at': 1, 'config': {'x': 1}, 'z': 1}]", "scheduler.policy.0",
                         "a map of at and config");
    check_policy_refused("[{'at': 1, 'config': {'x': 1}}, {'at': 'x', 'config': {'x': 1}}]",
                         "scheduler.policy.1", "finite number");
    check_policy_refused("[{'at': NaN, 'config': {'x': 1}}]", "scheduler.policy.0",
                         "finite number");
    check_policy_refused("[{'at': 1, 'config': []}]", "scheduler.policy.0", "a map of values");
    check_policy_refused("[{'at': 1, 'config': {}}]", "scheduler.policy.0", "a map of values");
}
END_TEST

static const char *change_of(uint32_t key, uint32_t bytes)
{
    char *text = arena_alloc(&arena, bytes + 1);

    memset(text, 'a', bytes);
    text[bytes] = '\0';
    return arena_printf(&arena, "{'at': 1, 'config': {'k%u': '%s'}}", key, text);
}

/* A configuration is within its limit, whatever comes together in it. */
START_TEST(what_gets_too_big_is_refused)
{
    check_parses(
        with(arena_printf(&arena, "[%s, %s]", change_of(1, 200000), change_of(1, 100000))));
    check_policy_refused(
        arena_printf(&arena, "[%s, %s]", change_of(1, 200000), change_of(2, 100000)),
        "scheduler.policy", "can have more than");
}
END_TEST

START_TEST(there_is_a_most)
{
    struct buf list = {0};

    buf_append_text(&list, "[");
    for (uint32_t i = 0; i < LIMIT_CHANGES; i++)
        buf_printf(&list, "%s{'at': %u, 'config': {'x': 1}}", i > 0 ? "," : "", i);
    check_parses(with(arena_printf(&arena, "%s]", buf_text(&list))));
    buf_append_text(&list, ", {'at': 1, 'config': {'x': 1}}]");
    check_policy_refused(buf_text(&list), "scheduler.policy", "more than 4096 changes");
    buf_reset(&list);
    buf_append_text(&list, "[{'at': 1, 'config': {");
    for (uint32_t i = 0; i <= LIMIT_MUTATIONS; i++)
        buf_printf(&list, "%s'k%u': 1", i > 0 ? "," : "", i);
    buf_append_text(&list, "}}]");
    check_policy_refused(buf_text(&list), "scheduler.policy.0", "more than 256 values");
    buf_fini(&list);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("spec_policy");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_list_of_changes_is_taken);
    tcase_add_test(all, all_else_is_refused);
    tcase_add_test(all, what_gets_too_big_is_refused);
    tcase_add_test(all, there_is_a_most);
    suite_add_tcase(suite, all);
    return suite;
}
