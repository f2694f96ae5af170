/* links: store */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/rng.h"
#include "head/store/images.h"
#include "head/store/rows.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

#define CHUNK 262144u

static struct redis_server server;
static struct store *store;
static struct trouble trouble;
static struct rows *rows;
static char folder[] = "/tmp/assay-rows-XXXXXX";
static char theirs[64]; /* another head's */
static int file;        /* of the rows of experiment 7 */

static void setup(void)
{
    redis_server_start(&server, 0, (const char *const[]){"--appendonly", "no", NULL});
    store = store_new(&server.address);
    rows = rows_new("test", 3);
    (void)snprintf(folder, sizeof(folder), "/tmp/assay-rows-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(theirs, sizeof(theirs), "%s/theirs", folder);
    file = openat(AT_FDCWD, folder, O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_ge(file, 0);
}

static void teardown(void)
{
    (void)close(file);
    rows_free(rows);
    store_free(store);
    redis_server_stop(&server);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}

static uint64_t size_of(int fd)
{
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    return (uint64_t)st.st_size;
}

/* So many more bytes, and all of the file goes to Redis. */
static struct rows_part grow(size_t size)
{
    struct rng rng = {.seed = size + size_of(file)};
    struct rows_part part;
    struct buf bytes = {0};

    for (size_t i = 0; i < size; i++)
        buf_append_char(&bytes, (char)rng_next(&rng));
    ck_assert_int_eq(fs_write_all(file, bytes.data, bytes.size), 0);
    buf_fini(&bytes);
    ck_assert_int_eq(rows_write(rows, store, 7, file, size_of(file), &part, &trouble), 0);
    ck_assert_uint_eq(part.size, size_of(file));
    ck_assert_uint_eq(part.experiment, 7);
    return part;
}

/* What is there of them is the beginning of our file. */
static void check_theirs(uint64_t size)
{
    char path[96];
    struct buf got = {0};
    uint8_t *own = malloc(size);

    (void)snprintf(path, sizeof(path), "%s/7", theirs);
    ck_assert_int_eq(fs_read(path, 1u << 24, &got), 0);
    ck_assert_uint_eq(got.size, size);
    ck_assert_int_eq(pread(file, own, size, 0), (ssize_t)size);
    ck_assert(memcmp(own, got.data, size) == 0);
    free(own);
    buf_fini(&got);
}

static int fetch(const struct rows_part *part)
{
    return rows_fetch(store, "test", 3, part, theirs, &trouble);
}

static long long sets_so_far(void)
{
    struct redisReply *reply = REDIS_ASK(&server.address, W("INFO"), W("commandstats"));
    const char *at = strstr(reply->str, "cmdstat_hset:calls=");
    long long calls = at != NULL ? strtoll(at + 19, NULL, 10) : 0;

    store_reply_free(reply);
    return calls;
}

START_TEST(another_head_gets_them_as_they_were_at_each_image)
{
    static const size_t more[] = {10, 1, CHUNK - 12, 1, 1, 3 * CHUNK + 5, 100};
    struct rows_part parts[sizeof(more) / sizeof(more[0])];

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        parts[i] = grow(more[i]);
        ck_assert_int_eq(fetch(&parts[i]), 0);
        check_theirs(parts[i].size);
    }
    /* Of what came behind an image that is not the newest nothing is taken. */
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        ck_assert_int_eq(fs_remove_tree(theirs), 0);
        ck_assert_int_eq(fetch(&parts[i]), 0);
        check_theirs(parts[i].size);
    }
}
END_TEST

START_TEST(only_what_is_new_is_written)
{
    struct rows_part part = grow(3 * CHUNK + 5);
    long long before = sets_so_far();

    ck_assert_int_eq(before, 1 + 4);
    part = grow(0);
    ck_assert_int_eq(sets_so_far(), before);
    part = grow(2);
    ck_assert_int_eq(sets_so_far(), before + 1);
    ck_assert_int_eq(fetch(&part), 0);
    check_theirs(part.size);
}
END_TEST

START_TEST(what_is_there_is_kept_where_it_is_the_same)
{
    struct rows_part part = grow(CHUNK + 5);
    char path[96];
    int fd;

    ck_assert_int_eq(fetch(&part), 0);
    (void)snprintf(path, sizeof(path), "%s/7", theirs);
    fd = open(path, O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(fd, "more", 4), 4);
    (void)REDIS_DO(&server.address, W("DEL"), W("assay:{test}:ended:3/7"));
    ck_assert_int_eq(fetch(&part), 0); /* nobody is asked */
    ck_assert_uint_eq(size_of(fd), part.size + 4);
    (void)close(fd);
    fd = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, "other", 5, 100), 5);
    (void)close(fd);
    ck_assert_int_eq(fetch(&part), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "missing"));
}
END_TEST

START_TEST(other_bytes_take_the_place_of_old_ones)
{
    struct rows_part part = grow(CHUNK + 5);
    char path[96];

    ck_assert_int_eq(fs_make_dirs(theirs, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/7", theirs);
    ck_assert_int_eq(fs_write_atomic(path, 0600, "of another life", 15), 0);
    ck_assert_int_eq(fetch(&part), 0);
    check_theirs(part.size);
}
END_TEST

START_TEST(damage_is_told)
{
    struct rows_part part = grow(CHUNK + 5);
    char path[96];

    (void)REDIS_DO(&server.address, W("HSET"), W("assay:{test}:ended:3/7"), W("1"), W("other"));
    ck_assert_int_eq(fetch(&part), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "damaged"));
    (void)snprintf(path, sizeof(path), "%s/7", theirs);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static bool is_there(const char *key)
{
    return REDIS_DO(&server.address, W("EXISTS"), W(key)) == 1;
}

START_TEST(what_nobody_needs_goes)
{
    struct rows *former = rows_new("test", 2);
    struct rows *later = rows_new("test", 4);
    struct rows_part part = grow(10), other;
    struct log_id id;
    bool found;

    ck_assert_int_eq(rows_write(former, store, 7, file, 10, &other, &trouble), 0);
    ck_assert_int_eq(rows_write(later, store, 7, file, 10, &other, &trouble), 0);
    ck_assert_int_eq(rows_write(rows, store, 8, file, 5, &other, &trouble), 0);
    ck_assert_int_eq(rows_forget(rows, store, &part, 1, &trouble), 0);
    ck_assert(!is_there("assay:{test}:ended:2/7") && !is_there("assay:{test}:ended:3/8"));
    ck_assert(is_there("assay:{test}:ended:3/7") && is_there("assay:{test}:ended:4/7"));
    ck_assert_int_eq(REDIS_DO(&server.address, W("HLEN"), W("assay:{test}:head")), 2);
    /* One that was forgotten is written whole where it comes again. */
    ck_assert_int_eq(rows_write(rows, store, 8, file, 10, &other, &trouble), 0);
    ck_assert_int_eq(rows_fetch(store, "test", 3, &other, theirs, &trouble), 0);
    ck_assert_int_eq(REDIS_DO(&server.address, W("HLEN"), W("assay:{test}:head")), 3);
    ck_assert_int_eq(images_find(store, "test", &found, &id, &trouble), 0);
    ck_assert(!found); /* fields of rows are none of images */
    rows_free(former);
    rows_free(later);
}
END_TEST

START_TEST(a_file_that_is_shorter_than_it_was_is_told)
{
    struct rows_part part = grow(10);

    ck_assert_int_eq(rows_write(rows, store, 7, file, 20, &part, &trouble), ERR_IO);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("rows");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, another_head_gets_them_as_they_were_at_each_image);
    tcase_add_test(tc, only_what_is_new_is_written);
    tcase_add_test(tc, what_is_there_is_kept_where_it_is_the_same);
    tcase_add_test(tc, other_bytes_take_the_place_of_old_ones);
    tcase_add_test(tc, damage_is_told);
    tcase_add_test(tc, what_nobody_needs_goes);
    tcase_add_test(tc, a_file_that_is_shorter_than_it_was_is_told);
    suite_add_tcase(s, tc);
    return s;
}
