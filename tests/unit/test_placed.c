/* links: head */
/* Blobs that nodes put into the head's folder themselves: taken, verified, and what nobody speaks
 * of removed. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/checkpoint_store.h"
#include "head/placed.h"
#include "tests/lib/run_suite.h"

#define WAIT_MS 10000u

static char folder[64];
static struct blobs *blobs;
static struct checkpoint_store *store; /* of which they are; NULL: nobody's */

static void open_blobs(uint64_t limit_bytes, bool shared)
{
    const struct blobs_config config = {
        .limit_bytes = limit_bytes, .limit_count = 100, .shared = shared};

    blobs_close(blobs);
    blobs = blobs_open(folder, &config);
    ck_assert_ptr_nonnull(blobs);
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    (void)strcpy(folder, "/tmp/test-placed-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    blobs = NULL;
    open_blobs(1u << 20, true);
}

static void teardown(void)
{
    blobs_close(blobs);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}

static struct span hash_of(const char *text)
{
    static uint8_t hash[BLOB_HASH_BYTES];

    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, strlen(text), NULL, 0);
    return span_of(hash, sizeof(hash));
}

/* Where the blob of that text is, below the folder; good for two calls. */
static const char *path_of(const char *below, const char *text)
{
    static char paths[2][256];
    static unsigned next;
    char *path = paths[next++ % 2];
    char name[2 * BLOB_HASH_BYTES + 1];

    (void)sodium_bin2hex(name, sizeof(name), hash_of(text).data, BLOB_HASH_BYTES);
    (void)snprintf(path, sizeof(paths[0]), "%s%s/%s", folder, below, name);
    return path;
}

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void place(const char *text)
{
    write_to(path_of("/placed", text), text);
}

static bool is_file(const char *path)
{
    return access(path, F_OK) == 0;
}

static int sealed(void)
{
    struct pollfd wait = {.fd = blobs_fd(blobs), .events = POLLIN};
    uint8_t which[BLOB_HASH_BYTES];
    int err = ERR_TIMEOUT;

    ck_assert_int_eq(poll(&wait, 1, (int)WAIT_MS), 1);
    ck_assert(store != NULL ? checkpoint_store_sealed(store, which, &err)
                            : blobs_sealed(blobs, which, &err));
    return err;
}

static int adopt(const char *text, uint64_t total)
{
    ck_assert_int_eq(blobs_adopt(blobs, hash_of(text), total), ERR_AGAIN);
    ck_assert(blobs_sealing(blobs, hash_of(text)));
    return sealed();
}

static bool is_here(const char *text)
{
    bool complete;

    (void)blobs_have(blobs, hash_of(text), &complete);
    return complete;
}

static void check_whole(const char *text)
{
    struct buf out = {0};
    uint64_t total;

    ck_assert(is_here(text));
    ck_assert_int_eq(blobs_get(blobs, hash_of(text), 0, 1000, &out, &total), 0);
    ck_assert(span_is(buf_span(&out), text));
    ck_assert_uint_eq(total, strlen(text));
    buf_fini(&out);
}

START_TEST(what_is_placed_is_taken)
{
    struct stat status;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/placed", folder);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0700);
    place("one");
    ck_assert_int_eq(adopt("one", 3), 0);
    check_whole("one");
    ck_assert(!is_file(path_of("/placed", "one")));
    ck_assert_uint_eq(blobs_bytes(blobs), 3);
    /* Somebody else who placed it, too. */
    place("one");
    ck_assert_int_eq(blobs_adopt(blobs, hash_of("one"), 3), 0);
    check_whole("one");
    open_blobs(1u << 20, true);
    check_whole("one");
}
END_TEST

START_TEST(what_is_not_there_can_be_sent)
{
    ck_assert_int_eq(adopt("one", 3), ERR_NOT_FOUND);
    ck_assert_uint_eq(blobs_bytes(blobs), 0);
    ck_assert_uint_eq(blobs_count(blobs), 0);
    ck_assert_int_eq(blobs_put(blobs, hash_of("one"), 0, 3, span_text("one")), ERR_AGAIN);
    ck_assert_int_eq(sealed(), 0);
    check_whole("one");
}
END_TEST

START_TEST(wrong_bytes_and_wrong_lengths_are_noticed)
{
    write_to(path_of("/placed", "one"), "0ne");
    ck_assert_int_eq(adopt("one", 3), ERR_MALFORMED);
    ck_assert(!is_here("one"));
    ck_assert(!is_file(path_of("/placed", "one")) && !is_file(path_of("", "one")));
    place("one");
    ck_assert_int_eq(adopt("one", 4), ERR_MALFORMED);
    ck_assert(!is_here("one"));
    ck_assert_int_eq(symlink("/etc/passwd", path_of("/placed", "one")), 0);
    ck_assert_int_eq(adopt("one", 3), ERR_MALFORMED);
    ck_assert_uint_eq(blobs_bytes(blobs), 0);
    ck_assert_int_eq(blobs_adopt(blobs, hash_of("one"), LIMIT_BLOB_BYTES + 1), ERR_TOO_BIG);
    place("one");
    ck_assert_int_eq(adopt("one", 3), 0);
    check_whole("one");
}
END_TEST

START_TEST(a_part_gives_way_to_the_whole)
{
    ck_assert_int_eq(blobs_put(blobs, hash_of("one"), 0, 3, span_text("o")), 0);
    place("one");
    ck_assert_int_eq(adopt("one", 3), 0);
    check_whole("one");
    ck_assert_uint_eq(blobs_bytes(blobs), 3);
    ck_assert_uint_eq(blobs_count(blobs), 1);
    /* Also where it is not there after all: nothing of the part is forgotten on the disk. */
    ck_assert_int_eq(blobs_put(blobs, hash_of("two"), 0, 3, span_text("t")), 0);
    ck_assert_int_eq(adopt("two", 3), ERR_NOT_FOUND);
    open_blobs(1u << 20, true);
    ck_assert_uint_eq(blobs_count(blobs), 1);
}
END_TEST

static void keep_all(void *context, struct table *kept)
{
    (void)table_put(kept, hash_of("one"), context);
}

START_TEST(the_limit_holds_for_it)
{
    open_blobs(4, true);
    blobs_keep(blobs, keep_all, blobs);
    place("one");
    ck_assert_int_eq(adopt("one", 3), 0);
    place("two");
    ck_assert_int_eq(blobs_adopt(blobs, hash_of("two"), 3), ERR_FULL);
    check_whole("one");
    ck_assert(!is_here("two"));
    ck_assert(is_file(path_of("/placed", "two")));
}
END_TEST

START_TEST(nothing_is_taken_where_nothing_is_shared)
{
    place("one");
    open_blobs(1u << 20, false);
    ck_assert_int_eq(blobs_adopt(blobs, hash_of("one"), 3), ERR_NOT_FOUND);
}
END_TEST

/* As what died there before it was spoken of. */
static void age(const char *path, int64_t seconds)
{
    const struct timespec at = {.tv_sec = time(NULL) - seconds};

    ck_assert_int_eq(utimensat(AT_FDCWD, path, (struct timespec[]){at, at}, 0), 0);
}

START_TEST(what_nobody_speaks_of_goes_when_it_is_old)
{
    uint64_t until_ms = clock_ms() + WAIT_MS;
    char temporary[300];

    (void)snprintf(temporary, sizeof(temporary), "%s.0123", path_of("/placed", "one"));
    place("one");
    place("two");
    place("new");
    write_to(temporary, "o");
    age(path_of("/placed", "one"), PLACED_STALE_S + 60);
    age(path_of("/placed", "two"), PLACED_STALE_S - 600);
    age(temporary, PLACED_STALE_S + 60);
    blobs_sweep_placed(blobs);
    while (is_file(path_of("/placed", "one")) || is_file(temporary)) {
        ck_assert_uint_lt(clock_ms(), until_ms);
        (void)poll(NULL, 0, 1);
    }
    ck_assert(is_file(path_of("/placed", "two")) && is_file(path_of("/placed", "new")));
    ck_assert_int_eq(adopt("one", 3), ERR_NOT_FOUND);
    ck_assert_int_eq(adopt("new", 3), 0);
}
END_TEST

/* A sweep of what nobody needs leaves alone what was just placed, and what an upload holds. */
START_TEST(fresh_ones_outlive_every_sweep)
{
    const struct store_owner owner = {1, 0, 1, 1};

    blobs_close(blobs);
    store = checkpoint_store_open(folder);
    ck_assert_ptr_nonnull(store);
    checkpoint_store_settle(store, 0);
    blobs = checkpoint_store_blobs(store);
    place("one");
    place("two");
    checkpoint_store_hold(store, &owner, hash_of("one"));
    ck_assert_int_eq(adopt("one", 3), 0);
    checkpoint_store_tend(store, STORE_STALE_MS);
    checkpoint_store_tend(store, STORE_STALE_MS + STORE_SWEEP_MS);
    check_whole("one");
    checkpoint_store_hold(store, &owner, hash_of("two"));
    ck_assert_int_eq(adopt("two", 3), 0);
    check_whole("two");
    place("three");
    ck_assert_int_eq(adopt("three", 5), 0);
    ck_assert_msg(!is_here("three"), "no upload is of it");
    checkpoint_store_close(store);
    blobs = NULL;
    store = NULL;
}
END_TEST

/* What another head has put into the folder since this one looked. */
START_TEST(a_second_look_sees_what_is_there_now)
{
    place("one");
    ck_assert_int_eq(adopt("one", 3), 0);
    ck_assert_int_eq(unlink(path_of("", "one")), 0);
    write_to(path_of("", "two"), "two");
    ck_assert(!is_here("two"));
    ck_assert_int_eq(blobs_look_again(blobs), 0);
    ck_assert(!is_here("one"));
    check_whole("two");
    ck_assert_uint_eq(blobs_bytes(blobs), 3);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("placed");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 30);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, what_is_placed_is_taken);
    tcase_add_test(all, what_is_not_there_can_be_sent);
    tcase_add_test(all, wrong_bytes_and_wrong_lengths_are_noticed);
    tcase_add_test(all, a_part_gives_way_to_the_whole);
    tcase_add_test(all, the_limit_holds_for_it);
    tcase_add_test(all, nothing_is_taken_where_nothing_is_shared);
    tcase_add_test(all, what_nobody_speaks_of_goes_when_it_is_old);
    tcase_add_test(all, fresh_ones_outlive_every_sweep);
    tcase_add_test(all, a_second_look_sees_what_is_there_now);
    suite_add_tcase(suite, all);
    return suite;
}
