/* links: sys */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "tests/lib/run_suite.h"

static char folder[64];
static char path[LIMIT_PATH_BYTES];
static struct buf buf;

static void setup(void)
{
    strcpy(folder, "/tmp/assay-fs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    buf_init(&buf);
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(folder), 0);
    ck_assert_int_eq(access(folder, F_OK), -1);
    buf_fini(&buf);
}

static const char *in_folder(const char *name)
{
    ck_assert_int_eq(fs_join(path, folder, name), 0);
    return path;
}

static void make_file(const char *name)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_write_all(fd, "x", 1), 0);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(atomic_write_replaces_whole)
{
    struct stat status;
    mode_t old = umask(077);

    ck_assert_int_eq(fs_write_atomic(in_folder("f"), 0600, "one", 3), 0);
    ck_assert_int_eq(fs_write_atomic(in_folder("f"), 0644, "second", 6), 0);
    (void)umask(old);
    ck_assert_int_eq(fs_read(in_folder("f"), 6, &buf), 0);
    ck_assert_str_eq(buf_text(&buf), "second");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0644);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* so nothing else was left there */
    ck_assert_int_eq(fs_write_atomic(in_folder("f"), 0600, "x", 1), ERR_NOT_FOUND);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}
END_TEST

START_TEST(read_keeps_its_limit)
{
    buf_append_text(&buf, "kept");
    ck_assert_int_eq(fs_read(in_folder("none"), 100, &buf), ERR_NOT_FOUND);
    ck_assert_int_eq(fs_write_atomic(in_folder("f"), 0600, "0123456789", 10), 0);
    ck_assert_int_eq(fs_read(in_folder("f"), 9, &buf), ERR_TOO_BIG);
    ck_assert_str_eq(buf_text(&buf), "kept");
    ck_assert_int_eq(fs_read(in_folder("f"), 10, &buf), 0);
    ck_assert_str_eq(buf_text(&buf), "kept0123456789");
    ck_assert_int_lt(fs_read(folder, 10, &buf), 0);
}
END_TEST

START_TEST(large_files_come_back)
{
    struct buf large = {0};

    for (int i = 0; i < 300000; i++)
        buf_append_char(&large, (char)(i % 251));
    ck_assert_int_eq(fs_write_atomic(in_folder("f"), 0600, large.data, large.size), 0);
    ck_assert_int_eq(fs_read(in_folder("f"), 300000, &buf), 0);
    ck_assert(span_equal(buf_span(&buf), buf_span(&large)));
    buf_fini(&large);
}
END_TEST

START_TEST(folders_are_made)
{
    struct stat status;

    ck_assert_int_eq(fs_make_dirs(in_folder("a/b//c/"), 0700), 0);
    ck_assert_int_eq(fs_make_dirs(in_folder("a/b/c"), 0700), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    make_file("a/file");
    ck_assert_int_lt(fs_make_dirs(in_folder("a/file"), 0700), 0);
    ck_assert_int_lt(fs_make_dirs(in_folder("a/file/b"), 0700), 0);
}
END_TEST

START_TEST(removal_spares_what_links_lead_to)
{
    char target[LIMIT_PATH_BYTES];

    ck_assert_int_eq(fs_make_dirs(in_folder("t/x/y"), 0700), 0);
    ck_assert_int_eq(fs_make_dirs(in_folder("outside"), 0700), 0);
    make_file("outside/file");
    make_file("t/x/file");
    ck_assert_int_eq(fs_join(target, folder, "outside"), 0);
    ck_assert_int_eq(symlink(target, in_folder("t/x/link")), 0);
    ck_assert_int_eq(chmod(in_folder("t/x/y"), 0), 0);
    ck_assert_int_eq(chmod(in_folder("t/x"), 0500), 0);
    ck_assert_int_eq(fs_remove_tree(in_folder("t")), 0);
    ck_assert_int_eq(access(in_folder("t"), F_OK), -1);
    ck_assert_int_eq(access(in_folder("outside/file"), F_OK), 0);
    ck_assert_int_eq(symlink(target, in_folder("link")), 0);
    ck_assert_int_eq(fs_remove_tree(in_folder("link")), 0);
    ck_assert_int_eq(access(in_folder("outside/file"), F_OK), 0);
    ck_assert_int_eq(fs_remove_tree(in_folder("nothing")), 0);
    ck_assert_int_eq(fs_remove_tree(in_folder("nothing/at/all")), 0);
}
END_TEST

/* Deeper than a path can be written, and than there are descriptors. */
START_TEST(removal_of_a_deep_tree)
{
    const struct rlimit few = {.rlim_cur = 256, .rlim_max = 256};
    int fd, next;

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_int_eq(mkdir(in_folder("deep"), 0700), 0);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(mkdirat(fd, "level", 0700), 0);
        next = openat(fd, "level", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        ck_assert_int_eq(close(fd), 0);
        fd = next;
    }
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(fs_remove_tree(in_folder("deep")), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(private_is_owned_and_closed)
{
    const char *why = NULL;

    make_file("f");
    ck_assert(fs_is_private(in_folder("f"), &why));
    ck_assert(fs_is_private(folder, &why));
    ck_assert_ptr_null(why);
    ck_assert_int_eq(chmod(in_folder("f"), 0640), 0);
    ck_assert(!fs_is_private(path, &why));
    ck_assert_ptr_nonnull(why);
    ck_assert(!fs_is_private(in_folder("none"), &why));
    ck_assert_int_eq(symlink("f", in_folder("l")), 0);
    ck_assert(!fs_is_private(path, &why));
}
END_TEST

START_TEST(a_lock_is_held_once)
{
    int fd = fs_lock(in_folder("lock"));

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_lock(in_folder("lock")), ERR_AGAIN);
    ck_assert_int_eq(close(fd), 0);
    fd = fs_lock(in_folder("lock"));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(paths_are_joined)
{
    static char big[LIMIT_PATH_BYTES + 1];
    char out[LIMIT_PATH_BYTES];

    ck_assert_int_eq(fs_join(out, "/a", "b"), 0);
    ck_assert_str_eq(out, "/a/b");
    ck_assert_int_eq(fs_join(out, "/", "b"), 0);
    ck_assert_str_eq(out, "/b");
    memset(big, 'x', LIMIT_PATH_BYTES - 4);
    ck_assert_int_eq(fs_join(out, "/a", big), 0);
    ck_assert_uint_eq(strlen(out), LIMIT_PATH_BYTES - 1);
    memset(big, 'x', LIMIT_PATH_BYTES - 3);
    ck_assert_int_eq(fs_join(out, "/a", big), ERR_TOO_BIG);
}
END_TEST

START_TEST(home_is_where_it_is_said)
{
    char *expanded;

    ck_assert_int_eq(setenv("HOME", folder, 1), 0);
    ck_assert_int_eq(setenv("ASSAY_HOME", in_folder("here/home"), 1), 0);
    ck_assert_str_eq(home_dir(), path);
    ck_assert_int_eq(access(path, F_OK), 0);
    expanded = home_expand("~/x");
    ck_assert_str_eq(expanded, in_folder("x"));
    free(expanded);
    expanded = home_expand("~");
    ck_assert_str_eq(expanded, folder);
    free(expanded);
    expanded = home_expand("/abs");
    ck_assert_str_eq(expanded, "/abs");
    free(expanded);
    ck_assert_int_eq(chdir(folder), 0);
    expanded = home_expand("rel/y");
    ck_assert_str_eq(expanded, in_folder("rel/y"));
    free(expanded);
}
END_TEST

static int stderr_kept;

/* What is said to stderr goes to a file from here on. */
static void log_catch(void)
{
    int fd = open(in_folder("log"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    stderr_kept = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    ck_assert_int_eq(close(fd), 0);
}

/* What it was. */
static const char *log_caught(void)
{
    ck_assert_int_ge(dup2(stderr_kept, STDERR_FILENO), 0);
    ck_assert_int_eq(close(stderr_kept), 0);
    buf_reset(&buf);
    ck_assert_int_eq(fs_read(in_folder("log"), 10000, &buf), 0);
    return buf_text(&buf);
}

static const char *logged(enum log_level level, const char *word)
{
    log_catch();
    log_line(level, "test_code", "something %s n=%d", word, 5);
    return log_caught();
}

START_TEST(errors_for_people_are_two_lines)
{
    log_catch();
    log_error_for_people("Redis\n", "it said \x1b[31m\n no", "rm a\nb");
    ck_assert_str_eq(log_caught(), "assay: Redis?: it said ?[31m? no\n  try: rm a?b\n");
    log_catch();
    log_error_for_people("caf\xc3\xa9 \xe2\x82\xac", "\xff \xc2\x9b[31m \xe2\x82", "\xc2\xa0\xc3");
    ck_assert_str_eq(log_caught(), "assay: caf\xc3\xa9 \xe2\x82\xac: ? ?"
                                   "?[31m ?"
                                   "?\n  try: \xc2\xa0?\n");
    log_catch();
    log_error_for_people("Redis", "it is away", NULL);
    ck_assert_str_eq(log_caught(),
                     "assay: Redis: it is away\n  try: again with -v, which says more\n");
}
END_TEST

START_TEST(log_lines_are_single_lines)
{
    static char big[6000];
    const char *text = logged(LOG_WARNING, "bad\nthing\x1b");

    ck_assert_uint_gt(strlen(text), 25);
    ck_assert_int_eq(text[10], 'T');
    ck_assert_int_eq(text[23], 'Z');
    ck_assert_str_eq(text + 24, " warning test_code: something bad?thing? n=5\n");
    ck_assert_str_eq(logged(LOG_DEBUG, "x"), "");
    log_toggle_debug();
    ck_assert_str_ne(logged(LOG_DEBUG, "x"), "");
    log_toggle_debug();
    ck_assert_str_eq(logged(LOG_DEBUG, "x"), "");
    log_set_level(LOG_ERROR);
    ck_assert_str_eq(logged(LOG_WARNING, "x"), "");
    memset(big, 'y', sizeof(big) - 1);
    text = logged(LOG_ERROR, big);
    ck_assert_uint_le(strlen(text), 4096);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    log_set_level(LOG_INFO);
}
END_TEST

START_TEST(clocks_go_forward)
{
    uint64_t ms = clock_ms();
    uint64_t ns = clock_ns();

    ck_assert_uint_ge(clock_ms(), ms);
    ck_assert_uint_ge(clock_ns(), ns);
    ck_assert_uint_gt(clock_unix_ms(), 1500000000000u);
    ck_assert_int_eq(setenv("TZ", "UTC-2", 1), 0);
    ck_assert_int_eq(clock_utc_offset_s(), 7200);
}
END_TEST

START_TEST(signals_can_be_read)
{
    static const int wanted[] = {SIGUSR1, SIGTERM, 0};
    int fd = sig_open(wanted);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sig_next(fd), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(sig_next(fd), SIGUSR1);
    ck_assert_int_eq(sig_next(fd), 0);
    sig_reset();
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("fs");
    TCase *tcase = tcase_create("fs");

    tcase_set_timeout(tcase, 60); /* a deep tree, on a busy disk */

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, atomic_write_replaces_whole);
    tcase_add_test(tcase, read_keeps_its_limit);
    tcase_add_test(tcase, large_files_come_back);
    tcase_add_test(tcase, folders_are_made);
    tcase_add_test(tcase, removal_spares_what_links_lead_to);
    tcase_add_test(tcase, removal_of_a_deep_tree);
    tcase_add_test(tcase, private_is_owned_and_closed);
    tcase_add_test(tcase, a_lock_is_held_once);
    tcase_add_test(tcase, paths_are_joined);
    tcase_add_test(tcase, home_is_where_it_is_said);
    tcase_add_test(tcase, log_lines_are_single_lines);
    tcase_add_test(tcase, errors_for_people_are_two_lines);
    tcase_add_test(tcase, clocks_go_forward);
    tcase_add_test(tcase, signals_can_be_read);
    suite_add_tcase(suite, tcase);
    return suite;
}
