/* links: head */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/audit.h"
#include "tests/lib/run_suite.h"

#define LIMIT_BYTES 20000u
#define FLOOD       20000u

static char folder[64];
static struct audit *audit;

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-audit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    audit = audit_open(folder, LIMIT_BYTES);
    ck_assert_ptr_nonnull(audit);
}

static void teardown(void)
{
    audit_close(audit);
    (void)fs_remove_tree(folder);
}

/* How often a text is in audit.log, or in an old one of this number. */
static unsigned found(unsigned number, const char *text)
{
    char path[128];
    struct buf content = {0};
    unsigned count = 0;

    (void)snprintf(path, sizeof(path), number > 0 ? "%s/audit.log.%u" : "%s/audit.log", folder,
                   number);
    ck_assert_int_eq(fs_read(path, 1u << 20, &content), 0);
    for (const char *at = buf_text(&content); (at = strstr(at, text)) != NULL; at++)
        count++;
    buf_fini(&content);
    return count;
}

START_TEST(equal_lines_are_counted)
{
    for (unsigned i = 0; i < 3020; i++)
        audit_line(audit, "refused", "a stranger from %s", "10.0.0.7");
    ck_assert_uint_eq(found(0, " refused a stranger from 10.0.0.7\n"), 20);
    audit_tend(audit, clock_ms());
    ck_assert_uint_eq(found(0, "repeated"), 0);
    audit_tend(audit, clock_ms() + 60000);
    ck_assert_uint_eq(found(0, "10.0.0.7 (repeated 3000 times)\n"), 1);
    audit_line(audit, "refused", "a stranger from %s", "10.0.0.7"); /* begins anew */
    ck_assert_uint_eq(found(0, " refused a stranger from 10.0.0.7\n"), 21);
}
END_TEST

START_TEST(what_was_counted_is_told_at_the_end)
{
    for (unsigned i = 0; i < 25; i++)
        audit_line(audit, "refused", "x");
    audit_close(audit);
    ck_assert_uint_eq(found(0, "refused x (repeated 5 times)\n"), 1);
    audit = audit_open(folder, LIMIT_BYTES);
    ck_assert_ptr_nonnull(audit);
}
END_TEST

START_TEST(a_crowd_hides_nothing_and_fills_nothing)
{
    uint64_t begun_ms = clock_ms();
    unsigned most;
    struct stat st;
    char path[128];

    audit_line(audit, "joined", "principal 5");
    for (unsigned i = 0; i < FLOOD; i++)
        audit_line(audit, "refused", "key %u", i);
    audit_line(audit, "token", "revoked 77");
    most = 200 + (unsigned)((clock_ms() - begun_ms) / 500) + 1;
    ck_assert_uint_le(found(0, " refused "), most);
    ck_assert_uint_ge(found(0, " refused "), 200);
    ck_assert_uint_eq(found(0, "joined principal 5"), 1);
    ck_assert_uint_eq(found(0, "token revoked 77"), 1);
    (void)snprintf(path, sizeof(path), "%s/audit.log", folder);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* Whatever is said often enough to be counted, and often enough to be forgotten. */
START_TEST(a_crowd_of_counted_lines_is_held_back_too)
{
    uint64_t begun_ms = clock_ms();

    for (unsigned i = 0; i < 400; i++)
        for (unsigned k = 0; k < 30; k++)
            audit_line(audit, "refused", "%u", i);
    ck_assert_uint_le(found(0, " refused "), 201 + (unsigned)((clock_ms() - begun_ms) / 500));
}
END_TEST

START_TEST(a_full_file_makes_room)
{
    char path[128];
    struct stat st;
    char fill[701];

    memset(fill, 'f', sizeof(fill) - 1);
    fill[sizeof(fill) - 1] = '\0';
    for (unsigned i = 0; i < 190; i++)
        audit_line(audit, "refused", "%s %u", fill, i);
    for (unsigned i = 0; i <= LIMIT_AUDIT_FILES; i++) {
        ck_assert_uint_ge(found(i, " refused "), 1);
        (void)snprintf(path, sizeof(path), i > 0 ? "%s/audit.log.%u" : "%s/audit.log", folder, i);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_le((uint64_t)st.st_size, LIMIT_BYTES);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
    }
    (void)snprintf(path, sizeof(path), "%s/audit.log.%u", folder, LIMIT_AUDIT_FILES + 1);
    ck_assert_int_ne(stat(path, &st), 0);
    ck_assert_uint_eq(found(0, " 189\n"), 1);
}
END_TEST

START_TEST(nobody_makes_a_line_of_his_own)
{
    audit_line(audit, "joined", "named %s", "x\n2026-01-01T00:00:00Z token made up\r\x1b[2J");
    ck_assert_uint_eq(found(0, "\n"), 1);
    ck_assert_uint_eq(found(0, "\x1b"), 0);
    ck_assert_uint_eq(found(0, "named x?2026"), 1);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("audit");
    TCase *tests = tcase_create("audit");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, equal_lines_are_counted);
    tcase_add_test(tests, what_was_counted_is_told_at_the_end);
    tcase_add_test(tests, a_crowd_hides_nothing_and_fills_nothing);
    tcase_add_test(tests, a_crowd_of_counted_lines_is_held_back_too);
    tcase_add_test(tests, a_full_file_makes_room);
    tcase_add_test(tests, nobody_makes_a_line_of_his_own);
    suite_add_tcase(suite, tests);
    return suite;
}
