#include "tests/lib/run_suite.h"

#include <check.h>
#include <stdlib.h>

int main(void)
{
    SRunner *runner;
    int failed;

    /* Whoever runs this has a limit for it; on a busy machine 4 s are none. */
    (void)setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
