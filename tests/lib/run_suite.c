#include "tests/lib/run_suite.h"

#include <check.h>
#include <stdlib.h>

int main(void)
{
    SRunner *runner;
    int failed;

    /* Four seconds of wall time, which Check gives a test, are over while it waits for a processor
     * on a machine that builds something; what hangs is ended by ctest. */
    (void)setenv("CK_DEFAULT_TIMEOUT", "50", 0);
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
