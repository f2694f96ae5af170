/* links: common */
#include <string.h>

#include "common/err.h"
#include "common/trouble.h"
#include "tests/lib/run_suite.h"

static struct trouble trouble;

START_TEST(holds_what_why_and_mend)
{
    ck_assert_int_eq(trouble_set(&trouble, ERR_DENIED, "log", "look", "%s is %d", "it", 7),
                     ERR_DENIED);
    ck_assert_str_eq(trouble.what, "log");
    ck_assert_str_eq(trouble.why, "it is 7");
    ck_assert_str_eq(trouble_mend_text(&trouble), "look");
    ck_assert_int_eq(trouble_mend(&trouble, ERR_IO, "chmod %d00 %s", 6, "file"), ERR_IO);
    ck_assert_str_eq(trouble.mend, "chmod 600 file");
    ck_assert_str_eq(trouble.why, "it is 7");
}
END_TEST

START_TEST(nothing_is_left_of_the_one_before)
{
    (void)trouble_set(&trouble, 0, "log", "look", "why");
    (void)trouble_set(&trouble, 0, NULL, NULL, "%%s");
    ck_assert_str_eq(trouble.what, "");
    ck_assert_str_eq(trouble.why, "%s");
    ck_assert_ptr_null(trouble_mend_text(&trouble));
}
END_TEST

START_TEST(long_texts_are_cut)
{
    static char path[2 * sizeof(trouble.why)];

    memset(path, 'a', sizeof(path) - 1);
    (void)trouble_set(&trouble, 0, path, path, "%s", path);
    ck_assert_uint_eq(strlen(trouble.what), sizeof(trouble.what) - 1);
    ck_assert_uint_eq(strlen(trouble.why), sizeof(trouble.why) - 1);
    (void)trouble_mend(&trouble, 0, "rm %s", path);
    ck_assert_uint_eq(strlen(trouble.mend), sizeof(trouble.mend) - 1);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("trouble");
    TCase *tcase = tcase_create("trouble");

    tcase_add_test(tcase, holds_what_why_and_mend);
    tcase_add_test(tcase, nothing_is_left_of_the_one_before);
    tcase_add_test(tcase, long_texts_are_cut);
    suite_add_tcase(suite, tcase);
    return suite;
}
