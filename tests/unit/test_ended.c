/* links: head */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/pack.h"
#include "common/sys/fs.h"
#include "head/ended.h"
#include "tests/lib/run_suite.h"

static char folder[64];
static char path[96];
static struct arena arena;
static struct buf row;

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-ended-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/ended/7", folder);
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&row);
    (void)fs_remove_tree(folder);
}

static struct ended *make(const char *where)
{
    static char rows[96];

    (void)snprintf(rows, sizeof(rows), "%s/ended", folder);
    return ended_new(where != NULL ? where : rows, 7);
}

/* A row of about size bytes that tells its number. */
static struct span numbered(uint32_t number, size_t size)
{
    static char text[3000000];

    memset(text, 'a' + (int)(number % 26), size);
    buf_reset(&row);
    pack_list(&row, 2);
    pack_uint(&row, number);
    pack_string(&row, span_of(text, size));
    return buf_span(&row);
}

static uint64_t append(struct ended *ended, uint32_t number, size_t size)
{
    uint64_t place = ended_size(ended);

    ended_append(ended, numbered(number, size));
    return place;
}

static void check_row(struct ended *ended, uint64_t place, uint32_t number, size_t size)
{
    struct span found;

    ck_assert_int_eq(ended_read(ended, place, &arena, &found), 0);
    ck_assert(span_equal(found, numbered(number, size)));
}

struct seen {
    uint32_t count;
    uint64_t places[2000];
};

static bool see(void *context, uint64_t place, struct span bytes)
{
    struct seen *seen = context;
    struct cursor cursor;
    uint32_t parts, number;

    cursor_init(&cursor, bytes);
    if (!cursor_list(&cursor, &parts) || !cursor_u32(&cursor, &number) || number != seen->count)
        return false;
    seen->places[seen->count++] = place;
    return true;
}

static void check_rows(bool in_memory)
{
    struct ended *ended = make(NULL);
    struct seen seen = {0};
    uint64_t places[1000];

    if (in_memory) {
        ended_free(ended, true);
        ended = ended_new(NULL, 7);
    }
    ck_assert_int_eq(ended_cut(ended, 0), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        places[i] = append(ended, i, i % 100 == 7 ? 100000 : i % 50);
        if (i == 300)
            ck_assert_int_eq(ended_flush(ended), 0);
    }
    for (uint32_t i = 0; i < 1000; i += 9)
        check_row(ended, places[i], i, i % 100 == 7 ? 100000 : i % 50);
    check_row(ended, places[999], 999, 999 % 50); /* not on disk yet */
    ck_assert_int_eq(ended_scan(ended, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 1000);
    ck_assert(memcmp(seen.places, places, sizeof(places)) == 0);
    ended_free(ended, true);
    ck_assert(access(path, F_OK) != 0);
}

START_TEST(rows_come_back_from_where_they_were_put)
{
    check_rows(false);
    check_rows(true);
}
END_TEST

START_TEST(a_row_longer_than_a_block_is_scanned)
{
    struct ended *ended = make(NULL);
    struct seen seen = {0};

    ck_assert_int_eq(ended_cut(ended, 0), 0);
    (void)append(ended, 0, 5);
    (void)append(ended, 1, 2500000);
    (void)append(ended, 2, 5);
    ck_assert_int_eq(ended_flush(ended), 0);
    ck_assert_int_eq(ended_scan(ended, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 3);
    ended_free(ended, false);
}
END_TEST

START_TEST(a_file_is_cut_to_what_it_was)
{
    struct ended *ended = make(NULL);
    struct seen seen = {0};
    uint64_t size;

    ck_assert_int_eq(ended_cut(ended, 0), 0);
    (void)append(ended, 0, 5);
    (void)append(ended, 1, 5);
    size = ended_size(ended);
    (void)append(ended, 2, 5);
    ended_free(ended, false); /* writes what was gathered */
    ended = make(NULL);
    ck_assert_int_eq(ended_cut(ended, size), 0);
    ck_assert_uint_eq(ended_size(ended), size);
    ck_assert_int_eq(ended_scan(ended, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_uint_eq(append(ended, 2, 9), size);
    check_row(ended, size, 2, 9);
    ck_assert_int_eq(ended_cut(ended, 1000000), ERR_MALFORMED); /* there is not so much */
    ended_free(ended, false);
    ended = make(NULL);
    ck_assert_int_eq(ended_cut(ended, 0), 0);
    ck_assert(access(path, F_OK) != 0); /* and nothing is made for nothing */
    ended_free(ended, false);
}
END_TEST

START_TEST(damage_is_seen)
{
    struct ended *ended = make(NULL);
    struct seen seen = {0};
    struct span found;
    int fd;

    ck_assert_int_eq(ended_cut(ended, 0), 0);
    (void)append(ended, 0, 50);
    (void)append(ended, 1, 50);
    ck_assert_int_eq(ended_flush(ended), 0);
    fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "x", 1, 30), 1);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(ended_read(ended, 0, &arena, &found), ERR_MALFORMED);
    ck_assert_int_eq(ended_scan(ended, see, &seen), ERR_MALFORMED);
    ck_assert_uint_eq(seen.count, 0);
    ck_assert_int_eq(ended_read(ended, ended_size(ended), &arena, &found), ERR_MALFORMED);
    ck_assert_int_eq(truncate(path, 70), 0);
    ck_assert_int_lt(ended_scan(ended, see, &seen), 0);
    ended_free(ended, false);
}
END_TEST

START_TEST(what_cannot_be_written_stays)
{
    struct ended *ended = make("/proc/nowhere");

    (void)append(ended, 0, 5);
    ck_assert_int_eq(ended_flush(ended), ERR_IO);
    check_row(ended, 0, 0, 5);
    ck_assert_int_eq(ended_flush(ended), ERR_IO);
    check_row(ended, 0, 0, 5);
    ended_free(ended, false);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("ended");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, rows_come_back_from_where_they_were_put);
    tcase_add_test(tc, a_row_longer_than_a_block_is_scanned);
    tcase_add_test(tc, a_file_is_cut_to_what_it_was);
    tcase_add_test(tc, damage_is_seen);
    tcase_add_test(tc, what_cannot_be_written_stays);
    suite_add_tcase(s, tc);
    return s;
}
