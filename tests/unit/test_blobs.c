/* links: head */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "head/blobs.h"
#include "tests/lib/run_suite.h"

static char folder[64];
static struct blobs *blobs;
static char content[3000];
static uint8_t hash_bytes[BLOB_HASH_BYTES];

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-blobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    blobs = blobs_open(folder);
    ck_assert_ptr_nonnull(blobs);
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

START_TEST(chunks_make_a_blob)
{
    bool complete;

    ck_assert_int_eq(put(0, 1000), 0);
    ck_assert_int_eq(put(0, 1000), 0); /* again: passed over */
    ck_assert_uint_eq(blobs_have(blobs, hash(), &complete), 1000);
    ck_assert(!complete);
    ck_assert_int_eq(put(2000, 1000), ERR_MALFORMED); /* a hole */
    blobs_close(blobs);
    blobs = blobs_open(folder); /* goes on after a restart */
    ck_assert_int_eq(put(1000, 1000), 0);
    ck_assert_int_eq(put(2000, 1000), 0);
    check_whole();
    ck_assert_int_eq(put(0, 3000), 0);
}
END_TEST

START_TEST(wrong_bytes_begin_anew)
{
    bool complete;

    ck_assert_int_eq(blobs_put(blobs, hash(), 0, 5, span_text("wrong")), ERR_MALFORMED);
    ck_assert_uint_eq(blobs_have(blobs, hash(), &complete), 0);
    ck_assert_int_eq(put(0, 3000), 0);
    check_whole();
}
END_TEST

START_TEST(a_part_that_is_too_long_is_no_trap)
{
    char junk[3500] = {0};

    ck_assert_int_eq(blobs_put(blobs, hash(), 0, 9000, span_of(junk, sizeof(junk))), 0);
    ck_assert_int_eq(put(0, 3000), ERR_MALFORMED); /* said once, and it begins anew */
    ck_assert_int_eq(put(0, 3000), 0);
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
    ck_assert_int_eq(put(0, 3000), 0);
    ck_assert_int_eq(blobs_get(blobs, hash(), UINT64_MAX, 10, &out, &total), ERR_IO);
    ck_assert_int_eq(blobs_get(blobs, hash(), 3000, 10, &out, &total), 0);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(blobs_get(blobs, hash(), 0, 0, &out, &total), 0);
    ck_assert_uint_eq(out.size, 0);
    buf_fini(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("blobs");
    TCase *tests = tcase_create("blobs");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, chunks_make_a_blob);
    tcase_add_test(tests, wrong_bytes_begin_anew);
    tcase_add_test(tests, a_part_that_is_too_long_is_no_trap);
    tcase_add_test(tests, offsets_that_overflow_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
