/* links: common */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/pack.h"
#include "tests/lib/run_suite.h"

static uint8_t hashes[8 * LIMIT_HASH_BYTES];
static struct buf packed;

static void teardown(void)
{
    buf_fini(&packed);
}

static struct manifest_entry file_of(const char *path, uint64_t size)
{
    return (struct manifest_entry){
        .path = span_text(path),
        .mode = 0644,
        .size = size,
        .hashes = span_of(hashes, (size_t)manifest_chunks(size) * LIMIT_HASH_BYTES)};
}

static int check_of(const struct manifest_entry *entries, uint32_t count)
{
    struct manifest_summary summary;

    buf_reset(&packed);
    manifest_begin(&packed, count);
    for (uint32_t i = 0; i < count; i++)
        manifest_add(&packed, &entries[i]);
    return manifest_check(buf_span(&packed), &summary);
}

static int check_one(struct manifest_entry entry)
{
    return check_of(&entry, 1);
}

START_TEST(what_was_written_is_read)
{
    const struct manifest_entry entries[] = {
        file_of("a", 0),
        {.path = span_text("b"), .folder = true, .mode = 0755},
        file_of("b/c", LIMIT_CHUNK_BYTES + 1),
    };
    struct manifest_summary summary;
    struct manifest_reader reader;
    struct manifest_entry entry;

    ck_assert_int_eq(check_of(entries, 3), 0);
    ck_assert_int_eq(manifest_check(buf_span(&packed), &summary), 0);
    ck_assert_uint_eq(summary.entries, 3);
    ck_assert_uint_eq(summary.chunks, 2);
    ck_assert_uint_eq(summary.bytes, LIMIT_CHUNK_BYTES + 1);
    manifest_open(&reader, buf_span(&packed));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(manifest_next(&reader, &entry));
        ck_assert(span_equal(entry.path, entries[i].path));
        ck_assert_uint_eq(entry.size, entries[i].size);
        ck_assert(entry.folder == entries[i].folder);
        ck_assert_uint_eq(entry.hashes.size, entries[i].hashes.size);
    }
    ck_assert(!manifest_next(&reader, &entry));
}
END_TEST

static const char *const bad_paths[] = {
    "",     "/etc/passwd", "..",   "../x", "a/../b", "a/..", ".",      "./a", "a/./b",
    "a//b", "a/",          "a\\b", "a\nb", "a\x7f",  "\xff", "a/\x1b", "//",
};

START_TEST(no_path_leads_out)
{
    ck_assert(!manifest_path_is_fine(span_text(bad_paths[_i])));
    ck_assert_int_eq(check_one(file_of(bad_paths[_i], 1)), ERR_MALFORMED);
}
END_TEST

START_TEST(plain_paths_are_fine)
{
    ck_assert(manifest_path_is_fine(span_text("a")));
    ck_assert(manifest_path_is_fine(span_text("...")));
    ck_assert(manifest_path_is_fine(span_text("..a/.b/c d")));
    ck_assert(manifest_path_is_fine(span_text("gr\xc3\xb6\xc3\x9f"
                                              "e")));
    ck_assert(!manifest_path_is_fine(span_of("a\0b", 3)));
}
END_TEST

START_TEST(a_path_has_its_limits)
{
    char text[LIMIT_CHECKPOINT_PATH + 2];
    struct buf deep = {0};

    memset(text, 'x', sizeof(text));
    ck_assert(manifest_path_is_fine(span_of(text, LIMIT_CHECKPOINT_PATH)));
    ck_assert(!manifest_path_is_fine(span_of(text, LIMIT_CHECKPOINT_PATH + 1)));
    for (unsigned i = 1; i < LIMIT_CHECKPOINT_DEPTH; i++)
        buf_append_text(&deep, "d/");
    buf_append_text(&deep, "f");
    ck_assert(manifest_path_is_fine(buf_span(&deep)));
    buf_append_text(&deep, "/g");
    ck_assert(!manifest_path_is_fine(buf_span(&deep)));
    buf_fini(&deep);
}
END_TEST

START_TEST(no_path_comes_twice)
{
    const struct manifest_entry twice[] = {file_of("a", 1), file_of("a", 1)};
    const struct manifest_entry unordered[] = {file_of("b", 1), file_of("a", 1)};

    ck_assert_int_eq(check_of(twice, 2), ERR_MALFORMED);
    ck_assert_int_eq(check_of(unordered, 2), ERR_MALFORMED);
}
END_TEST

START_TEST(sizes_and_hashes_belong_together)
{
    struct manifest_entry entry = file_of("a", LIMIT_CHUNK_BYTES + 1);

    entry.hashes.size -= LIMIT_HASH_BYTES;
    ck_assert_int_eq(check_one(entry), ERR_MALFORMED);
    entry.hashes.size += 2 * LIMIT_HASH_BYTES;
    ck_assert_int_eq(check_one(entry), ERR_MALFORMED);
    entry = file_of("a", 1);
    entry.folder = true;
    ck_assert_int_eq(check_one(entry), ERR_MALFORMED);
    entry = file_of("a", 1);
    entry.size = LIMIT_CHECKPOINT_BYTES + 1;
    ck_assert_int_eq(check_one(entry), ERR_TOO_BIG);
    entry.size = UINT64_MAX;
    ck_assert_int_eq(check_one(entry), ERR_TOO_BIG);
}
END_TEST

/* Each within the limit, and too much in sum. */
START_TEST(the_sum_has_its_limit)
{
    const uint64_t half = LIMIT_CHECKPOINT_BYTES / 2 + 1;
    const size_t bytes = (size_t)manifest_chunks(half) * LIMIT_HASH_BYTES;
    uint8_t *many = calloc(1, bytes);
    struct manifest_entry entries[] = {file_of("a", 0), file_of("b", 0)};

    for (unsigned i = 0; i < 2; i++) {
        entries[i].size = half;
        entries[i].hashes = span_of(many, bytes);
    }
    ck_assert_int_eq(check_of(entries, 1), 0);
    ck_assert_int_eq(check_of(entries, 2), ERR_TOO_BIG);
    free(many);
}
END_TEST

START_TEST(the_count_has_its_limit)
{
    struct manifest_summary summary;

    for (uint32_t count = LIMIT_CHECKPOINT_FILES; count <= LIMIT_CHECKPOINT_FILES + 1; count++) {
        buf_reset(&packed);
        manifest_begin(&packed, count);
        for (uint32_t i = 0; i < count; i++) {
            char name[16];
            struct manifest_entry entry;

            (void)snprintf(name, sizeof(name), "%08u", i);
            entry = file_of(name, 0);
            manifest_add(&packed, &entry);
        }
        ck_assert_int_eq(manifest_check(buf_span(&packed), &summary),
                         count <= LIMIT_CHECKPOINT_FILES ? 0 : ERR_TOO_BIG);
    }
}
END_TEST

/* Whatever stands in a manifest's place, its check comes to an end. */
START_TEST(no_byte_of_it_is_trusted)
{
    const struct manifest_entry entries[] = {file_of("a", 3), file_of("b", 4)};
    struct manifest_summary summary;

    ck_assert_int_eq(check_of(entries, 2), 0);
    for (size_t size = 0; size < packed.size; size++)
        ck_assert_int_lt(manifest_check(span_of(packed.data, size), &summary), 0);
    for (size_t at = 0; at < packed.size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            packed.data[at] ^= (uint8_t)(1u << bit);
            (void)manifest_check(buf_span(&packed), &summary);
            packed.data[at] ^= (uint8_t)(1u << bit);
        }
    buf_append_char(&packed, 'x');
    ck_assert_int_eq(manifest_check(buf_span(&packed), &summary), ERR_MALFORMED);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("manifest");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_add_test(all, what_was_written_is_read);
    tcase_add_loop_test(all, no_path_leads_out, 0, (int)(sizeof(bad_paths) / sizeof(*bad_paths)));
    tcase_add_test(all, plain_paths_are_fine);
    tcase_add_test(all, a_path_has_its_limits);
    tcase_add_test(all, no_path_comes_twice);
    tcase_add_test(all, sizes_and_hashes_belong_together);
    tcase_add_test(all, the_sum_has_its_limit);
    tcase_add_test(all, the_count_has_its_limit);
    tcase_add_test(all, no_byte_of_it_is_trusted);
    suite_add_tcase(suite, all);
    return suite;
}
