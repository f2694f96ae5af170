/* links: head */
#include <check.h>
#include <poll.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "head/blobs.h"
#include "tests/lib/run_suite.h"

static char folder[64];
static struct blobs *blobs;
static char content[3000];
static uint8_t hash_bytes[BLOB_HASH_BYTES];

static void reopen(uint64_t limit_bytes, uint32_t limit_count)
{
    const struct blobs_config config = {.limit_bytes = limit_bytes, .limit_count = limit_count};
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/blobs", folder);
    blobs_close(blobs);
    blobs = blobs_open(path, &config);
    ck_assert_ptr_nonnull(blobs);
}

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-blobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    blobs = NULL;
    reopen(1u << 20, 100);
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)(i * 7);
    ck_assert_int_eq(crypto_generichash(hash_bytes, sizeof(hash_bytes), (const uint8_t *)content,
                                        sizeof(content), NULL, 0),
                     0);
}

static void teardown(void)
{
    blobs_close(blobs);
    (void)fs_remove_tree(folder);
}

static struct span hash(void)
{
    return span_of(hash_bytes, sizeof(hash_bytes));
}

static int put(uint64_t offset, size_t size)
{
    return blobs_put(blobs, hash(), offset, sizeof(content), span_of(content + offset, size));
}

/* What became of the blob that is being verified. */
static int sealed(void)
{
    struct pollfd wait = {.fd = blobs_fd(blobs), .events = POLLIN};
    uint8_t which[BLOB_HASH_BYTES];
    int ignored;
    int err = ERR_TIMEOUT;

    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    ck_assert(blobs_sealed(blobs, which, &err));
    ck_assert(!blobs_sealed(blobs, which, &ignored));
    ck_assert_int_eq(poll(&wait, 1, 0), 0);
    return err;
}

/* Without poll, which takes no more descriptors than there may be. */
static void look(void)
{
    uint8_t which[BLOB_HASH_BYTES];
    int err;

    (void)sched_yield();
    if (blobs_sealed(blobs, which, &err))
        ck_assert_int_eq(err, 0);
}

static int put_and_seal(uint64_t offset, size_t size)
{
    ck_assert_int_eq(put(offset, size), ERR_AGAIN);
    ck_assert(blobs_sealing(blobs, hash()));
    return sealed();
}

static void check_whole(void)
{
    struct buf out = {0};
    uint64_t total = 0;
    bool complete;

    ck_assert_uint_eq(blobs_have(blobs, hash(), &complete), sizeof(content));
    ck_assert(complete);
    ck_assert_int_eq(blobs_get(blobs, hash(), 1000, 5000, &out, &total), 0);
    ck_assert_uint_eq(total, sizeof(content));
    ck_assert_uint_eq(out.size, 2000);
    ck_assert_mem_eq(out.data, content + 1000, 2000);
    buf_fini(&out);
}

/* There is no descriptor for a look at it now: which says nothing of its bytes. */
START_TEST(one_that_cannot_be_looked_at_again_stays)
{
    struct rlimit before;

    ck_assert_int_eq(put_and_seal(0, 3000), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){4, before.rlim_max}), 0);
    blobs_recheck(blobs, hash());
    while (blobs_sealing(blobs, hash()))
        look();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    check_whole();
    blobs_recheck(blobs, hash());
    ck_assert_int_eq(sealed(), 0);
    check_whole();
}
END_TEST

START_TEST(chunks_make_a_blob)
{
    bool complete;

    ck_assert_int_eq(put(0, 1000), 0);
    ck_assert_int_eq(put(0, 1000), 0); /* again: passed over */
    ck_assert_uint_eq(blobs_have(blobs, hash(), &complete), 1000);
    ck_assert(!complete);
    ck_assert_int_eq(put(2000, 1000), ERR_MALFORMED); /* a hole */
    reopen(1u << 20, 100);                            /* goes on after a restart */
    ck_assert_int_eq(put(1000, 1000), 0);
    ck_assert_int_eq(put_and_seal(2000, 1000), 0);
    check_whole();
    ck_assert_int_eq(put(0, 3000), 0);
}
END_TEST

START_TEST(wrong_bytes_begin_anew)
{
    bool complete;

    ck_assert_int_eq(blobs_put(blobs, hash(), 0, 5, span_text("wrong")), ERR_AGAIN);
    ck_assert_int_eq(put(0, 10), ERR_AGAIN); /* waits with the other */
    ck_assert_int_eq(sealed(), ERR_MALFORMED);
    ck_assert_uint_eq(blobs_have(blobs, hash(), &complete), 0);
    ck_assert_int_eq(put_and_seal(0, 3000), 0);
    check_whole();
}
END_TEST

START_TEST(a_part_that_is_too_long_is_no_trap)
{
    char junk[3500] = {0};

    ck_assert_int_eq(blobs_put(blobs, hash(), 0, 9000, span_of(junk, sizeof(junk))), 0);
    ck_assert_int_eq(put(0, 3000), ERR_MALFORMED); /* said once, and it begins anew */
    ck_assert_int_eq(put_and_seal(0, 3000), 0);
    check_whole();
}
END_TEST

START_TEST(offsets_that_overflow_are_refused)
{
    struct buf out = {0};
    uint64_t total = 0;

    ck_assert_int_eq(blobs_put(blobs, hash(), UINT64_MAX, 3000, span_of(content, 10)), ERR_TOO_BIG);
    ck_assert_int_eq(blobs_put(blobs, hash(), 0, 5, span_of(content, 10)), ERR_TOO_BIG);
    ck_assert_int_eq(blobs_put(blobs, hash(), 0, (uint64_t)LIMIT_BLOB_BYTES + 1, span_text("x")),
                     ERR_TOO_BIG);
    ck_assert_int_eq(blobs_get(blobs, hash(), 0, 10, &out, &total), ERR_NOT_FOUND);
    ck_assert_int_eq(put_and_seal(0, 3000), 0);
    ck_assert_int_eq(blobs_get(blobs, hash(), UINT64_MAX, 10, &out, &total), ERR_IO);
    ck_assert_int_eq(blobs_get(blobs, hash(), 3000, 10, &out, &total), 0);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(blobs_get(blobs, hash(), 0, 0, &out, &total), 0);
    ck_assert_uint_eq(out.size, 0);
    buf_fini(&out);
}
END_TEST

/* A blob of 1000 bytes that are all the same; its hash. */
static struct span put_small(char byte)
{
    static uint8_t hashes[128][BLOB_HASH_BYTES];
    uint8_t *small = hashes[(uint8_t)byte];
    char bytes[1000];

    memset(bytes, byte, sizeof(bytes));
    (void)crypto_generichash(small, BLOB_HASH_BYTES, (const uint8_t *)bytes, sizeof(bytes), NULL,
                             0);
    ck_assert_int_eq(blobs_put(blobs, span_of(small, BLOB_HASH_BYTES), 0, sizeof(bytes),
                               span_of(bytes, sizeof(bytes))),
                     ERR_AGAIN);
    ck_assert_int_eq(sealed(), 0);
    return span_of(small, BLOB_HASH_BYTES);
}

static bool is_here(struct span which)
{
    bool complete;

    (void)blobs_have(blobs, which, &complete);
    return complete;
}

static struct span kept_hash;

static void keep_one(void *context, struct table *kept)
{
    (void)table_put(kept, kept_hash, context);
}

START_TEST(an_upload_that_was_whole_is_verified_after_a_restart)
{
    char path[256];
    char hex[BLOB_HASH_BYTES * 2 + 1];
    FILE *part;

    (void)sodium_bin2hex(hex, sizeof(hex), hash_bytes, sizeof(hash_bytes));
    (void)snprintf(path, sizeof(path), "%s/blobs/%s.part", folder, hex);
    part = fopen(path, "w");
    ck_assert_ptr_nonnull(part);
    ck_assert_uint_eq(fwrite(content, 1, sizeof(content), part), sizeof(content));
    ck_assert_int_eq(fclose(part), 0);
    reopen(1u << 20, 100);
    ck_assert_int_eq(put_and_seal(0, 1000), 0); /* so a client begins that is told nothing else */
    check_whole();
}
END_TEST

START_TEST(what_was_used_longest_ago_makes_room)
{
    struct span a, b, c, d;

    reopen(3000, 100);
    a = put_small('a');
    b = put_small('b');
    c = put_small('c');
    ck_assert_uint_eq(blobs_bytes(blobs), 3000);
    blobs_use(blobs, a);
    d = put_small('d');
    ck_assert(is_here(a) && !is_here(b) && is_here(c) && is_here(d));
    reopen(3000, 100);
    ck_assert_uint_eq(blobs_bytes(blobs), 3000);
    b = put_small('b');
    ck_assert(is_here(a) && is_here(b) && !is_here(c) && is_here(d));
}
END_TEST

START_TEST(a_store_of_what_is_needed_is_full)
{
    reopen(2000, 100);
    kept_hash = put_small('a');
    blobs_keep(blobs, keep_one, blobs);
    ck_assert_int_eq(put(0, 1000), ERR_FULL); /* all of its 3000 bytes have to fit */
    ck_assert(is_here(kept_hash));
    (void)put_small('b');
    (void)put_small('c'); /* in the place of b */
    ck_assert(is_here(kept_hash));
    ck_assert_uint_eq(blobs_bytes(blobs), 2000);
    reopen(1u << 20, 1);
    ck_assert_int_eq(put_and_seal(0, 3000), 0); /* one file and no more */
    ck_assert_uint_eq(blobs_bytes(blobs), 3000);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("blobs");
    TCase *tests = tcase_create("blobs");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, chunks_make_a_blob);
    tcase_add_test(tests, one_that_cannot_be_looked_at_again_stays);
    tcase_add_test(tests, wrong_bytes_begin_anew);
    tcase_add_test(tests, a_part_that_is_too_long_is_no_trap);
    tcase_add_test(tests, offsets_that_overflow_are_refused);
    tcase_add_test(tests, an_upload_that_was_whole_is_verified_after_a_restart);
    tcase_add_test(tests, what_was_used_longest_ago_makes_room);
    tcase_add_test(tests, a_store_of_what_is_needed_is_full);
    suite_add_tcase(suite, tests);
    return suite;
}
