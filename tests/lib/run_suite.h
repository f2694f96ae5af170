/* run_suite.h - one test file, one program: the file gives its suite, main is shared. */
#ifndef TESTS_RUN_SUITE_H
#define TESTS_RUN_SUITE_H

#include <check.h>

/* Defined by each tests/unit/test_*.c. */
Suite *suite(void);

#endif
