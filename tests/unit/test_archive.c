/* links: store */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/archive_rig.h"

static int count_only(void *context, const struct stream_entry *entry, struct trouble *why)
{
    (void)entry;
    (void)why;
    ++*(uint32_t *)context;
    return 0;
}

static int read_it(const char *of, uint32_t *count)
{
    char name[STORE_NAME_BYTES + 1] = "";
    struct archive_end end;

    *count = 0;
    (void)snprintf(name, sizeof(name), "%s", of);
    return archive_read(folder, name, count_only, count, &end, &trouble);
}

START_TEST(what_was_added_comes_back)
{
    char path[256] = "";
    struct stat st;

    add_sealed(0, 7);
    add_sealed(7, 25);
    open_again();
    add_sealed(25, ENTRIES);
    check_holds(ENTRIES);
    ck_assert_uint_eq(files(2, path), 3);
    ck_assert_ptr_nonnull(strstr(path, "/00000002.c.1.1-7_2-14.assaylog"));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(nothing_is_there_twice)
{
    char path[256];

    add_sealed(0, 12);
    add_sealed(0, 12);
    open_again();
    add_sealed(5, 12);
    ck_assert_uint_eq(files(1, path), 1);
    add_sealed(3, 20);
    ck_assert_uint_eq(files(1, path), 2);
    check_holds(20);
}
END_TEST

START_TEST(what_is_not_sealed_counts_for_nothing)
{
    char path[256];

    add_sealed(0, 5);
    add(5, 9);
    ck_assert_uint_gt(archive_unsealed(archive), 0);
    ck_assert_int_eq(log_id_compare(archive_end(archive).id, entry_at(4).id), 0);
    open_again();
    ck_assert_uint_eq(files(1, path), 1);
    add(5, 9);
    archive_forget(archive);
    check_holds(5);
    add_sealed(5, 10);
    check_holds(10);
}
END_TEST

START_TEST(what_does_not_follow_is_refused)
{
    struct stream_entry entry = entry_at(7);

    add_sealed(0, 6);
    ck_assert_int_eq(archive_add(archive, &entry, &trouble), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "1-5"));
    /* The same place in another log. */
    entry = entry_at(5);
    entry.bytes = span_text("else");
    ck_assert_int_eq(archive_add(archive, &entry, &trouble), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "another cluster"));
    add_sealed(6, 8);
    check_holds(8);
}
END_TEST

START_TEST(a_missing_file_is_told)
{
    char path[256];
    uint32_t count;

    add_sealed(0, 5);
    add_sealed(5, 8);
    add_sealed(8, 15);
    (void)files(2, path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(read_it("", &count), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "00000002 is missing"));
    ck_assert_uint_eq(count, 0);
    /* Who writes needs the last one only. */
    open_again();
    ck_assert_int_eq(log_id_compare(archive_end(archive).id, entry_at(14).id), 0);
}
END_TEST

/* One that was named by hand so that its number fits. */
START_TEST(a_gap_between_files_is_told)
{
    char path[256], other[256];
    uint32_t count;

    add_sealed(0, 5);
    add_sealed(5, 8);
    add_sealed(8, 15);
    (void)files(2, path);
    ck_assert_int_eq(unlink(path), 0);
    (void)files(3, path);
    (void)snprintf(other, sizeof(other), "%s/00000002%s", folder, strrchr(path, '/') + 9);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(read_it("", &count), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "a gap between the entries 1-4 and 1-8"));
}
END_TEST

static void put(const char *path, const struct buf *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes->data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Every byte another, and every length. */
START_TEST(damage_is_found)
{
    struct buf bytes = {0};
    char path[256];
    uint32_t count;

    add_sealed(0, 12);
    (void)files(1, path);
    ck_assert_int_eq(fs_read(path, 1 << 20, &bytes), 0);
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.data[at] ^= 0x41;
        put(path, &bytes, bytes.size);
        ck_assert_msg(read_it("", &count) < 0, "the byte %zu", at);
        bytes.data[at] ^= 0x41;
    }
    for (size_t size = 0; size < bytes.size; size++) {
        put(path, &bytes, size);
        ck_assert_msg(read_it("", &count) == ERR_MALFORMED, "cut at %zu", size);
    }
    archive_close(archive);
    archive = NULL;
    ck_assert_int_eq(archive_open(folder, "c.1", &archive, &trouble), ERR_MALFORMED);
    put(path, &bytes, bytes.size);
    check_holds(12);
    bytes.data[11] = 9; /* its format */
    put(path, &bytes, bytes.size);
    ck_assert_int_eq(read_it("", &count), ERR_VERSION);
    buf_fini(&bytes);
}
END_TEST

START_TEST(another_cluster_s_folder_is_refused)
{
    char path[256], other[256];
    uint32_t count;

    add_sealed(0, 5);
    ck_assert_int_eq(read_it("c.2", &count), ERR_EXISTS);
    archive_close(archive);
    archive = NULL;
    ck_assert_int_eq(archive_open(folder, "c", &archive, &trouble), ERR_EXISTS);
    ck_assert_ptr_nonnull(strstr(trouble.why, "c.1"));
    /* Also where somebody has given the file another name. */
    (void)files(1, path);
    (void)snprintf(other, sizeof(other), "%s/00000001.c.1-0_1-4.assaylog", folder);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(read_it("c", &count), ERR_EXISTS);
}
END_TEST

START_TEST(one_head_writes_at_a_time)
{
    struct archive *second = NULL;

    ck_assert_int_eq(archive_open(folder, "c.1", &second, &trouble), ERR_AGAIN);
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(what_is_no_folder_is_refused)
{
    struct archive *second = NULL;
    char path[256];
    uint32_t count;
    FILE *file;

    ck_assert_int_eq(read_it("", &count), ERR_NOT_FOUND);
    (void)snprintf(path, sizeof(path), "%s/file", base);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_lt(archive_open(path, "c.1", &second, &trouble), 0);
    ck_assert_ptr_nonnull(strstr(trouble.why, path));
    (void)strcat(path, "/below");
    ck_assert_int_lt(archive_open(path, "c.1", &second, &trouble), 0);
}
END_TEST

/* As a full disk does: a write fails half way. */
START_TEST(what_finds_no_room_is_written_later)
{
    struct rlimit before, little;
    char path[256];

    add_sealed(0, 5);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = before;
    little.rlim_cur = 100;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    add(5, 20);
    ck_assert_int_lt(archive_seal(archive, &trouble), 0);
    ck_assert_ptr_nonnull(strstr(trouble.why, folder));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_uint_eq(archive_unsealed(archive), 0);
    check_holds(5);
    add_sealed(5, 20);
    ck_assert_uint_eq(files(2, path), 2);
    check_holds(20);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("archive");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_was_added_comes_back);
    tcase_add_test(tc, nothing_is_there_twice);
    tcase_add_test(tc, what_is_not_sealed_counts_for_nothing);
    tcase_add_test(tc, what_does_not_follow_is_refused);
    tcase_add_test(tc, a_missing_file_is_told);
    tcase_add_test(tc, a_gap_between_files_is_told);
    tcase_add_test(tc, damage_is_found);
    tcase_add_test(tc, another_cluster_s_folder_is_refused);
    tcase_add_test(tc, one_head_writes_at_a_time);
    tcase_add_test(tc, what_is_no_folder_is_refused);
    tcase_add_test(tc, what_finds_no_room_is_written_later);
    suite_add_tcase(s, tc);
    return s;
}
