/* links: common */
#include <check.h>
#include <math.h>

#include "common/normal.h"
#include "tests/lib/run_suite.h"

/* From scipy.special.ndtri, of the middle, the near tail and the far one. */
START_TEST(quantiles_are_those_of_the_normal_distribution)
{
    static const double rows[][2] = {
        {1e-300, -37.0470962993612},       {1e-20, -9.262340089798409},
        {1e-10, -6.361340902404056},       {0x1p-33, -6.3379577545537895},
        {0.001, -3.090232306167813},       {0.02425, -1.972961051311885},
        {0.07499, -1.4396021182393162},    {0.0750001, -1.4395307645017301},
        {0.3, -0.5244005127080409},        {0.5, 0},
        {0.925, 1.4395314709384563},       {0.975, 1.959963984540054},
        {1 - 0x1p-33, 6.3379577545537895},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_double_eq_tol(normal_quantile(rows[i][0]), rows[i][1],
                                1e-14 * (1 + fabs(rows[i][1])));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("normal");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, quantiles_are_those_of_the_normal_distribution);
    suite_add_tcase(s, tc);
    return s;
}
