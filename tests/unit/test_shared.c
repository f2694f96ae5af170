/* links: worker */
/* Whose a folder of checkpoints is: its mark, and what a worker makes of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "proto/mark.h"
#include "tests/lib/run_suite.h"
#include "worker/shared.h"

static char folder[64];
static const struct mark ours = {.key = {1, 2, 3, 0xff}, .epoch = 18446744073709551615u};

static void setup(void)
{
    key_library_init();
    (void)strcpy(folder, "/tmp/test-shared-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}

static const char *file(void)
{
    static char path[96];

    (void)snprintf(path, sizeof(path), "%s/cluster", folder);
    return path;
}

static void put(const char *text)
{
    ck_assert_int_eq(fs_write_atomic(file(), 0600, text, strlen(text)), 0);
}

START_TEST(a_mark_comes_back_as_it_was)
{
    struct mark found;

    ck_assert_int_eq(mark_read(folder, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(mark_write(folder, &ours), 0);
    ck_assert_int_eq(mark_read(folder, &found), 0);
    ck_assert_mem_eq(found.key, ours.key, KEY_BYTES);
    ck_assert_uint_eq(found.epoch, ours.epoch);
    ck_assert_int_eq(mark_read("/nowhere/at/all", &found), ERR_NOT_FOUND);
}
END_TEST

START_TEST(what_is_no_mark_is_not_taken_for_one)
{
    static const char *const texts[] = {
        "%s",    "%s\n",   "%s 1",      "%s -1\n",    "%s 1 \n",
        "%s1\n", "%s x\n", "%.63s 1\n", "%.63sx 1\n", "%s 18446744073709551616\n",
        "\n",    ""};
    char key[KEY_TEXT];
    char text[200];
    struct mark found;

    key_text(ours.key, key);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        (void)snprintf(text, sizeof(text), texts[i], key);
#pragma GCC diagnostic pop
        put(text);
        ck_assert_msg(mark_read(folder, &found) == ERR_MALFORMED, "%s", text);
    }
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    put(text);
    ck_assert_int_eq(mark_read(folder, &found), ERR_MALFORMED);
}
END_TEST

static void expect(const char *why, const char *heads, uint64_t epoch)
{
    struct trouble trouble;

    ck_assert(!shared_is_heads(folder, heads, ours.key, epoch, &trouble));
    ck_assert_msg(strstr(trouble.why, why) != NULL && strstr(trouble.why, folder) != NULL &&
                      strstr(trouble.why, heads) != NULL,
                  "%s", trouble.why);
    ck_assert(strstr(trouble.mend, "--checkpoints") != NULL);
}

START_TEST(only_the_heads_folder_as_it_is_now_will_do)
{
    struct mark mark = ours;
    struct trouble trouble;

    expect("no file `cluster`", "/head/ck", 7);
    put("rubbish");
    expect("cannot be read", "/head/ck", 7);
    mark.epoch = 7;
    ck_assert_int_eq(mark_write(folder, &mark), 0);
    ck_assert(shared_is_heads(folder, "/head/ck", ours.key, 7, &trouble));
    expect("has left", "/head/ck", 8);
    expect("has not said", "", 7);
    ck_assert_int_eq(chmod(folder, 0750), 0);
    expect("others may read or change it", "/head/ck", 7);
    ck_assert_int_eq(chmod(folder, 0700), 0);
    mark.key[0]++;
    ck_assert_int_eq(mark_write(folder, &mark), 0);
    expect("another cluster's", "/head/ck", 7);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("shared");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_mark_comes_back_as_it_was);
    tcase_add_test(all, what_is_no_mark_is_not_taken_for_one);
    tcase_add_test(all, only_the_heads_folder_as_it_is_now_will_do);
    suite_add_tcase(suite, all);
    return suite;
}
