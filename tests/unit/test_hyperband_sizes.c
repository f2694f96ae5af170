/* links: core */
/* Tune's table of brackets, the paper's, and every product exact. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "common/buf.h"
#include "head/core/hyperband_sizes.h"
#include "tests/lib/run_suite.h"

static struct buf text;

static void setup(void)
{
    text = (struct buf){0};
}

static void teardown(void)
{
    buf_fini(&text);
}

static struct hyperband_keys keys_of(double max_t, double eta, bool paper, enum semantics semantics)
{
    const double numbers[SCHEDULER_KEYS] = {max_t, eta, paper};
    struct spec_scheduler scheduler = {.type = scheduler_type_find("hyperband"),
                                       .semantics = semantics};
    struct hyperband_keys keys;

    memcpy(scheduler.numbers, numbers, sizeof(numbers));
    hyperband_read_keys(&scheduler, &keys);
    return keys;
}

/* "8@3 3@9": a bracket's life. */
static const char *life(const struct hyperband_keys *keys, uint32_t place)
{
    struct hyperband_size size = hyperband_bracket(keys, place);

    buf_reset(&text);
    if (size.n == 0)
        return "none";
    buf_printf(&text, "%.15g@%.15g", size.n, size.milestone);
    while (size.halvings > 0) {
        hyperband_halve(keys, &size);
        buf_printf(&text, " %.15g@%.15g", size.n, size.milestone);
    }
    return buf_text(&text);
}

static const struct {
    double max_t;
    const char *lives[5];
} tune[] = {
    {9, {"5@9", "8@3 3@9", "15@1 5@4 2@9", "none", "none"}},
    {20, {"5@20", "8@6 3@20", "15@2 5@8 2@20", "none", "none"}},
    {27, {"5@27", "8@9 3@27", "15@3 5@12 2@27", "34@1 12@4 4@13 2@27", "none"}},
    {81,
     {"5@81", "8@27 3@81", "15@9 5@36 2@81", "34@3 12@12 4@39 2@81", "81@1 27@4 9@13 3@40 1@81"}},
    {100,
     {"5@100", "8@33 3@100", "15@11 5@44 2@100", "34@3 12@12 4@39 2@100",
      "81@1 27@4 9@13 3@40 1@100"}},
    {243,
     {"5@243", "8@81 3@243", "15@27 5@108 2@243", "34@9 12@36 4@117 2@243",
      "81@3 27@12 9@39 3@120 1@243"}},
    {50, {"5@50", "8@16 3@50", "15@5 5@20 2@50", "34@1 12@4 4@13 2@40", "none"}},
    {1, {"5@1", "none", "none", "none", "none"}},
};

START_TEST(tunes_table)
{
    struct hyperband_keys keys = keys_of(tune[_i].max_t, 3, false, SEMANTICS_TUNE_07);

    ck_assert_uint_eq(keys.counts, 5);
    for (uint32_t s = 0; s < 5; s++)
        ck_assert_str_eq(life(&keys, s), tune[_i].lives[s]);
}
END_TEST

START_TEST(tunes_work)
{
    static const double at_81[] = {405, 378, 414, 474, 404}, at_100[] = {500, 465, 508, 480, 405};
    struct hyperband_keys keys = keys_of(81, 3, false, SEMANTICS_TUNE_07);

    for (uint32_t s = 0; s < 5; s++)
        ck_assert_double_eq(hyperband_bracket(&keys, s).work, at_81[s]);
    keys = keys_of(100, 3, false, SEMANTICS_TUNE_07);
    for (uint32_t s = 0; s < 5; s++)
        ck_assert_double_eq(hyperband_bracket(&keys, s).work, at_100[s]);
}
END_TEST

/* The same at its own max_t; others have as many brackets as the nearest power. */
START_TEST(tune_2_counts_its_brackets)
{
    struct hyperband_keys keys = keys_of(81, 3, false, SEMANTICS_TUNE_2);

    ck_assert_uint_eq(keys.counts, 5);
    ck_assert_str_eq(life(&keys, 4), "81@1 27@4 9@13 3@40 1@81");
    ck_assert_uint_eq(keys_of(243, 3, false, SEMANTICS_TUNE_2).counts, 6);
    ck_assert_uint_eq(keys_of(1000, 10, false, SEMANTICS_TUNE_2).counts, 4);
    ck_assert_uint_eq(keys_of(15, 3, false, SEMANTICS_TUNE_2).counts, 3);
    ck_assert_uint_eq(keys_of(16, 3, false, SEMANTICS_TUNE_2).counts, 4);
    ck_assert_uint_eq(keys_of(8, 4, false, SEMANTICS_TUNE_2).counts, 3);
    ck_assert_uint_eq(keys_of(32, 4, false, SEMANTICS_TUNE_2).counts, 3);
}
END_TEST

START_TEST(the_papers_table)
{
    struct hyperband_keys keys = keys_of(81, 3, true, SEMANTICS_TUNE_2);

    ck_assert_uint_eq(keys.counts, 5);
    ck_assert_str_eq(life(&keys, 0), "81@1 27@3 9@9 3@27 1@81");
    ck_assert_str_eq(life(&keys, 1), "34@3 11@9 3@27 1@81");
    ck_assert_str_eq(life(&keys, 2), "15@9 5@27 1@81");
    ck_assert_str_eq(life(&keys, 3), "8@27 2@81");
    ck_assert_str_eq(life(&keys, 4), "5@81");
}
END_TEST

/* Every size once more in whole numbers alone. */
START_TEST(sizes_are_exact)
{
    static const uint64_t reaches[] = {27, 81, 243, 1000, 10000};

    for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
        for (uint64_t eta = 2; eta <= 5; eta++) {
            struct hyperband_keys keys =
                keys_of((double)reaches[i], (double)eta, true, SEMANTICS_TUNE_2);
            uint64_t counts = 1, power = 1;

            while (power * eta <= reaches[i]) {
                power *= eta;
                counts++;
            }
            ck_assert_uint_eq(keys.counts, counts);
            for (uint32_t place = 0; place < counts; place++, power /= eta) {
                struct hyperband_size size = hyperband_bracket(&keys, place);
                uint64_t s = counts - 1 - place;
                uint64_t n = (counts * power + s) / (s + 1);
                uint64_t left = power;

                ck_assert_double_eq(size.n, (double)n);
                ck_assert_uint_eq(size.halvings, s);
                for (;; left /= eta) {
                    ck_assert_double_eq(size.n, (double)(n / (power / left)));
                    ck_assert_double_eq(size.milestone, (double)reaches[i] / (double)left);
                    if (size.halvings == 0)
                        break;
                    hyperband_halve(&keys, &size);
                }
                ck_assert_uint_eq(left, 1);
            }
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("hyperband_sizes");
    TCase *tcase = tcase_create("hyperband_sizes");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, tunes_table, 0, sizeof(tune) / sizeof(tune[0]));
    tcase_add_test(tcase, tunes_work);
    tcase_add_test(tcase, tune_2_counts_its_brackets);
    tcase_add_test(tcase, the_papers_table);
    tcase_add_test(tcase, sizes_are_exact);
    suite_add_tcase(suite, tcase);
    return suite;
}
