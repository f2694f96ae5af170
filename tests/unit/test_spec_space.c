/* links: common */
#include <check.h>
#include <string.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

/* Those inside the values of others count, and grids do not. */
static const char *space_of(uint32_t domains, const char *search, struct buf *text)
{
    buf_reset(text);
    buf_printf(text,
               "{" NATIVE ", 'search': '%s', 'config': {'g': {'grid_search': [1, 2]}, "
               "'c': {'choice': [0, {'x': {'uniform': [0, 1]}}]}",
               search);
    for (uint32_t i = 2; i < domains; i++)
        buf_printf(text, ", 'd%u': {'uniform': [0, 1]}", i);
    buf_append_text(text, "}}");
    return buf_text(text);
}

START_TEST(sequences_have_so_many_dimensions)
{
    struct buf text = {0};

    check_parses(space_of(LIMIT_DIMENSIONS + 1, "random", &text));
    check_parses(space_of(LIMIT_DIMENSIONS, "sobol", &text));
    ck_assert_str_eq(spec.search.type, "sobol");
    check_refused(space_of(LIMIT_DIMENSIONS + 1, "sobol", &text), "config.d256",
                  "sobol has 256 dimensions, and this domain would be one more");
    ck_assert_str_eq(error.mend, "use search: random, or choose less");
    check_refused(space_of(LIMIT_DIMENSIONS + 1, "halton", &text), "config.d256",
                  "halton has 256 dimensions");
    buf_fini(&text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spec_space");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sequences_have_so_many_dimensions);
    suite_add_tcase(s, tc);
    return s;
}
