/* links: client */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/code_tree.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"

static char folder[64];
static struct arena arena;

static const char *path(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
    ck_assert_int_eq(fs_write_atomic(path(name), 0644, text, span_text(text).size), 0);
}

static void setup(void)
{
    arena_init(&arena);
    strcpy(folder, "/tmp/test_code_tree.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put("train.py", "pass\n");
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(folder), 0);
    arena_fini(&arena);
}

/* The names of a tree's entries, each with a blank behind it. */
static const char *packed(const struct code_plan *plan)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    struct code_tree tree;
    struct buf names = {0};
    size_t count = 0;
    const char *out;

    ck_assert_int_eq(code_tree_pack(plan, &tree), 0);
    ck_assert_int_eq(archive_read_support_format_tar(archive), ARCHIVE_OK);
    ck_assert_int_eq(archive_read_support_filter_zstd(archive), ARCHIVE_OK);
    ck_assert_int_eq(archive_read_open_memory(archive, tree.packed.data, tree.packed.size),
                     ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        ck_assert_uint_lt(count, tree.count);
        ck_assert_str_eq(tree.files[count++].name, archive_entry_pathname(entry));
        buf_printf(&names, "%s ", archive_entry_pathname(entry));
    }
    ck_assert_uint_eq(count, tree.count);
    ck_assert_int_eq(archive_read_free(archive), ARCHIVE_OK);
    out = arena_strdup(&arena, buf_text(&names));
    buf_fini(&names);
    code_tree_fini(&tree);
    return out;
}

START_TEST(only_files_and_links_within_are_shipped)
{
    const struct code_plan plan = {.root = folder, .prefix = "", .asked = true};

    ck_assert_int_eq(fs_make_dirs(path("sub/__pycache__"), 0755), 0);
    put("sub/a.py", "");
    put("sub/__pycache__/a.pyc", "");
    put(".secret", "");
    ck_assert_int_eq(mkfifo(path("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("sub/a.py", path("within")), 0);
    ck_assert_int_eq(symlink("..", path("without")), 0);
    ck_assert_int_eq(symlink("loop", path("loop")), 0);
    ck_assert_str_eq(packed(&plan), "loop sub/a.py train.py within ");
}
END_TEST

START_TEST(an_ignore_file_that_is_none_is_not_opened)
{
    const struct code_plan plan = {.root = folder, .prefix = "", .asked = true};

    ck_assert_int_eq(mkfifo(path(".gitignore"), 0600), 0);
    put(".assayignore", "*.ckpt\n");
    put("a.ckpt", "");
    ck_assert_str_eq(packed(&plan), "train.py ");
}
END_TEST

START_TEST(results_and_keys_stay_however_their_folders_are_written)
{
    const struct code_plan plan = {.root = path("."),
                                   .prefix = "",
                                   .leave_out = {path("sub/../results"), path("home")},
                                   .asked = true};

    ck_assert_int_eq(fs_make_dirs(path("results/exp"), 0755), 0);
    ck_assert_int_eq(fs_make_dirs(path("sub"), 0755), 0);
    put("results/exp/experiment.json", "{}");
    ck_assert_int_eq(fs_make_dirs(path("home/keys"), 0700), 0);
    put("home/keys/admin.key", "secret");
    ck_assert_int_eq(fs_make_dirs(path("head/keys"), 0700), 0);
    put("head/keys/head.key", "secret");
    ck_assert_str_eq(packed(&plan), "train.py ");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("code_tree");
    TCase *c = tcase_create("pack");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, only_files_and_links_within_are_shipped);
    tcase_add_test(c, an_ignore_file_that_is_none_is_not_opened);
    tcase_add_test(c, results_and_keys_stay_however_their_folders_are_written);
    suite_add_tcase(s, c);
    return s;
}
