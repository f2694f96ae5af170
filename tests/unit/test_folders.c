/* links: executor sys */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"
#include "worker/executor/folders.h"

static char dir[64];
static char first[LIMIT_PATH_BYTES], second[LIMIT_PATH_BYTES];
static struct folders folders;

static void setup(void)
{
    char below[LIMIT_PATH_BYTES];

    strcpy(dir, "/tmp/assay-folders-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(fs_join(below, dir, "checkpoints"), 0);
    ck_assert_int_eq(mkdir(below, 0700), 0);
    ck_assert_int_eq(fs_join(first, below, "1-1"), 0);
    ck_assert_int_eq(fs_join(second, below, "2-1"), 0);
    folders = (struct folders){0};
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(dir), 0);
}

static ino_t inode(const char *path)
{
    struct stat status;

    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert(S_ISDIR(status.st_mode));
    return status.st_ino;
}

START_TEST(an_empty_one_is_used_again)
{
    ino_t made;

    ck_assert_int_eq(folder_take(&folders, dir, first), 0);
    made = inode(first);
    ck_assert(folder_give(&folders, dir, first));
    ck_assert_int_eq(access(first, F_OK), -1);
    ck_assert_int_eq(folder_take(&folders, dir, second), 0);
    ck_assert_uint_eq(inode(second), made);
    ck_assert_uint_eq(folders.spare, 0);
}
END_TEST

START_TEST(one_with_a_file_is_the_callers)
{
    char file[LIMIT_PATH_BYTES];
    int fd;

    ck_assert_int_eq(folder_take(&folders, dir, first), 0);
    ck_assert_int_eq(fs_join(file, first, ".hidden"), 0);
    fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert(!folder_give(&folders, dir, first));
    ck_assert_int_eq(access(file, F_OK), 0);
    ck_assert_uint_eq(folders.spare, 0);
}
END_TEST

START_TEST(one_whose_mode_was_changed_is_not_kept)
{
    ck_assert_int_eq(folder_take(&folders, dir, first), 0);
    ck_assert_int_eq(chmod(first, 0777), 0);
    ck_assert(folder_give(&folders, dir, first));
    ck_assert_int_eq(access(first, F_OK), -1);
    ck_assert_uint_eq(folders.spare, 0);
}
END_TEST

START_TEST(a_link_in_its_place_is_not_followed)
{
    ck_assert_int_eq(mkdir(second, 0700), 0);
    ck_assert_int_eq(symlink(second, first), 0);
    ck_assert(!folder_give(&folders, dir, first));
    ck_assert_int_eq(access(second, F_OK), 0);
    ck_assert_uint_eq(folders.spare, 0);
}
END_TEST

START_TEST(one_that_was_never_made_is_no_trouble)
{
    ck_assert(folder_give(&folders, dir, first));
    ck_assert_uint_eq(folders.spare, 0);
}
END_TEST

/* Somebody has taken the spare one away; and one that is there already stays. */
START_TEST(one_is_made_where_there_is_no_spare)
{
    char spare[LIMIT_PATH_BYTES];

    ck_assert_int_eq(folder_take(&folders, dir, first), 0);
    ck_assert(folder_give(&folders, dir, first));
    ck_assert_int_eq(fs_join(spare, dir, "checkpoints/spare-0"), 0);
    ck_assert_int_eq(rmdir(spare), 0);
    ck_assert_int_eq(folder_take(&folders, dir, second), 0);
    ck_assert_uint_ne(inode(second), 0);
    ck_assert_int_eq(folder_take(&folders, dir, second), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("folders");
    TCase *tcase = tcase_create("folders");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_empty_one_is_used_again);
    tcase_add_test(tcase, one_with_a_file_is_the_callers);
    tcase_add_test(tcase, one_whose_mode_was_changed_is_not_kept);
    tcase_add_test(tcase, a_link_in_its_place_is_not_followed);
    tcase_add_test(tcase, one_that_was_never_made_is_no_trouble);
    tcase_add_test(tcase, one_is_made_where_there_is_no_spare);
    suite_add_tcase(suite, tcase);
    return suite;
}
