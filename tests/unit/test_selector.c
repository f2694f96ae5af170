/* links: client */
#include <check.h>

#include "client/selector.h"
#include "common/units.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static struct selector parsed(const char *text)
{
    struct selector selector;
    const char *why;

    ck_assert_msg(selector_parse(text, &arena, &selector, &why), "%s", text);
    return selector;
}

static const char *refused(const char *text)
{
    struct selector selector;
    const char *why = NULL;

    ck_assert_msg(!selector_parse(text, &arena, &selector, &why), "%s", text);
    return why;
}

START_TEST(experiments)
{
    struct selector number = parsed("3");

    ck_assert_int_eq(number.kind, SELECT_NUMBER);
    ck_assert_uint_eq(number.number, 3);
    ck_assert(!number.has_trials);
    ck_assert_int_eq(parsed("last").kind, SELECT_LAST);
    ck_assert_int_eq(parsed("all").kind, SELECT_ALL);
    ck_assert_int_eq(parsed("3x").kind, SELECT_TEXT);
    ck_assert_str_eq(parsed("hyper").text, "hyper");
    /* what is beyond a number is a name */
    ck_assert_int_eq(parsed("4294967295").kind, SELECT_TEXT);
}
END_TEST

START_TEST(one_trial)
{
    struct selector selector = parsed("3/17");
    uint32_t trial = 0;

    ck_assert_int_eq(selector.kind, SELECT_NUMBER);
    ck_assert(selector.has_trials);
    ck_assert_ptr_null(selector.trial);
    ck_assert(selector_single(&selector, &trial));
    ck_assert_uint_eq(trial, 17);
    ck_assert(selector_has(&selector, 17));
    ck_assert(!selector_has(&selector, 16));
    ck_assert(!selector_has(&selector, 18));
}
END_TEST

START_TEST(several_trials)
{
    struct selector selector = parsed("last/1,4-8");
    uint32_t trial = 99;

    ck_assert_int_eq(selector.kind, SELECT_LAST);
    ck_assert(!selector_single(&selector, &trial));
    ck_assert_uint_eq(trial, 99);
    for (uint32_t i = 0; i < 12; i++)
        ck_assert_int_eq(selector_has(&selector, i), i == 1 || (i >= 4 && i <= 8));
}
END_TEST

START_TEST(trials_by_id)
{
    struct selector selector = parsed("sig/1f0e");

    ck_assert_int_eq(selector.kind, SELECT_TEXT);
    ck_assert_str_eq(selector.text, "sig");
    ck_assert_str_eq(selector.trial, "1f0e");
    /* what is no range is the beginning of a name */
    ck_assert_str_eq(parsed("3/8-4").trial, "8-4");
    ck_assert_str_eq(parsed("3/1,").trial, "1,");
}
END_TEST

START_TEST(paths)
{
    static const char *const texts[] = {"/a/b", "./x", "../x", "~/x", ".", ".."};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct selector selector = parsed(texts[i]);

        ck_assert_int_eq(selector.kind, SELECT_PATH);
        ck_assert_str_eq(selector.text, texts[i]);
    }
}
END_TEST

START_TEST(none)
{
    ck_assert_ptr_nonnull(refused(""));
    ck_assert_ptr_nonnull(refused("3/"));
    ck_assert_ptr_nonnull(refused("all/3"));
}
END_TEST

START_TEST(beginnings)
{
    ck_assert(selector_begins(span_text("hyperband"), "hyper"));
    ck_assert(selector_begins(span_text("hyper"), "hyper"));
    ck_assert(!selector_begins(span_text("hype"), "hyper"));
    ck_assert(!selector_begins(span_text("hyper"), ""));
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"90s", 90000},    {"10m", 600000}, {"1h30m", 5400000}, {"250ms", 250},
                {"2d", 172800000}, {"15", 15000},   {"0", 0},           {"1m5s", 65000}};
    static const char *const bad[] = {
        "", "s", "1x", "-1s", "1.5h", "30m1h", "1h1h", "99999d", "18446744073709551616s", "1h30"};
    uint64_t ms;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(duration_parse(good[i].text, &ms), "%s", good[i].text);
        ck_assert_uint_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ms = 7;
        ck_assert_msg(!duration_parse(bad[i], &ms), "%s", bad[i]);
        ck_assert_uint_eq(ms, 7);
    }
}
END_TEST

START_TEST(amounts_for_people)
{
    ck_assert_str_eq(duration_text(999, &arena), "0s");
    ck_assert_str_eq(duration_text(185000, &arena), "3m05s");
    ck_assert_str_eq(duration_text(7800000, &arena), "2h10m");
    ck_assert_str_eq(duration_text(4ull * 86400000 + 7200000, &arena), "4d02h");
    ck_assert_str_eq(size_text(512, &arena), "512 B");
    ck_assert_str_eq(size_text(1536, &arena), "1.5 KiB");
    ck_assert_str_eq(size_text(25ull << 30, &arena), "25.0 GiB");
}
END_TEST

static void forget(void)
{
    arena_fini(&arena);
    arena_init(&arena);
}

Suite *suite(void)
{
    Suite *s = suite_create("selector");
    TCase *c = tcase_create("selector");

    tcase_add_checked_fixture(c, NULL, forget);
    tcase_add_test(c, experiments);
    tcase_add_test(c, one_trial);
    tcase_add_test(c, several_trials);
    tcase_add_test(c, trials_by_id);
    tcase_add_test(c, paths);
    tcase_add_test(c, none);
    tcase_add_test(c, beginnings);
    tcase_add_test(c, durations);
    tcase_add_test(c, amounts_for_people);
    suite_add_tcase(s, c);
    return s;
}
