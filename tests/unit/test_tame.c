/* links: client */
#include <check.h>

#include "client/tame.h"
#include "tests/lib/run_suite.h"

static void check_tamed(const char *given, bool lines, const char *expected)
{
    struct buf text = {0};

    buf_append_text(&text, given);
    tame(&text, lines);
    ck_assert_str_eq(buf_text(&text), expected);
    buf_fini(&text);
}

START_TEST(control_characters_do_not_reach_a_terminal)
{
    check_tamed("a\033[31mb\x7f\r", true, "a?[31mb??");
    check_tamed("a\xc2\x9b"
                "1mb",
                true, "a??1mb"); /* CSI as one character */
    check_tamed("a\x9b\xff\xc2", true, "a???");
    check_tamed("a\nb\tc", true, "a\nb\tc");
    check_tamed("a\nb\tc", false, "a?b?c");
}
END_TEST

START_TEST(letters_of_all_kinds_stay)
{
    check_tamed("gr\xc3\xb6\xc3\x9f\xc2\xb5 \xe2\x82\xac", true,
                "gr\xc3\xb6\xc3\x9f\xc2\xb5 \xe2\x82\xac");
    check_tamed("", true, "");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tame");
    TCase *c = tcase_create("text");

    tcase_add_test(c, control_characters_do_not_reach_a_terminal);
    tcase_add_test(c, letters_of_all_kinds_stay);
    suite_add_tcase(s, c);
    return s;
}
