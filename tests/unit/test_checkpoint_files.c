/* links: executor */
#include <check.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/manifest.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"
#include "worker/executor/checkpoint_files.h"

static char root[64];
static struct buf manifest;
static uint8_t hash[LIMIT_HASH_BYTES];

/* A path in the test's folder; good for four calls. */
static const char *at(const char *name)
{
    static char paths[4][LIMIT_PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, LIMIT_PATH_BYTES, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void folder(const char *name)
{
    ck_assert_int_eq(mkdir(at(name), 0755), 0);
}

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    (void)strcpy(root, "/tmp/assay-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    folder("source");
    folder("stage");
}

static void teardown(void)
{
    buf_fini(&manifest);
    ck_assert_int_eq(fs_remove_tree(root), 0);
}

static enum files_result pack(void)
{
    return files_pack(at("source"), at("stage"));
}

static void manifest_take(void)
{
    buf_reset(&manifest);
    ck_assert_int_eq(fs_read(at("stage/manifest"), LIMIT_MANIFEST_BYTES, &manifest), 0);
    (void)crypto_generichash(hash, sizeof(hash), manifest.data, manifest.size, NULL, 0);
}

/* A manifest of our own making in the stage. */
static void manifest_put(const struct manifest_entry *entries, uint32_t count)
{
    FILE *file = fopen(at("stage/manifest"), "w");

    buf_reset(&manifest);
    manifest_begin(&manifest, count);
    for (uint32_t i = 0; i < count; i++)
        manifest_add(&manifest, &entries[i]);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(manifest.data, 1, manifest.size, file), manifest.size);
    ck_assert_int_eq(fclose(file), 0);
    (void)crypto_generichash(hash, sizeof(hash), manifest.data, manifest.size, NULL, 0);
}

static enum files_result unpack(void)
{
    return files_unpack(at("stage"), hash, at("target"));
}

static void check_nothing_made(void)
{
    ck_assert_int_ne(access(at("target"), F_OK), 0);
    ck_assert_int_ne(access(at("target.tmp"), F_OK), 0);
}

static void check_text(const char *name, const char *text)
{
    struct buf found = {0};

    ck_assert_int_eq(fs_read(at(name), 1u << 20, &found), 0);
    ck_assert(span_is(buf_span(&found), text));
    buf_fini(&found);
}

START_TEST(a_tree_comes_back_as_it_was)
{
    struct stat status;

    folder("source/deep");
    folder("source/deep/empty");
    put("source/deep/weights", "1 2 3");
    put("source/.hidden", "");
    put("source/run", "x");
    ck_assert_int_eq(chmod(at("source/run"), 04755), 0);
    ck_assert_int_eq(pack(), FILES_DONE);
    manifest_take();
    ck_assert_int_eq(unpack(), FILES_DONE);
    check_text("target/deep/weights", "1 2 3");
    check_text("target/.hidden", "");
    ck_assert_int_eq(stat(at("target/run"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0755);
    ck_assert_int_eq(stat(at("target/deep/empty"), &status), 0);
    ck_assert(S_ISDIR(status.st_mode));
    ck_assert_int_eq(stat(at("target"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0700);
    ck_assert_int_ne(access(at("target.tmp"), F_OK), 0);
}
END_TEST

/* The same bytes are one chunk, wherever they stand. */
START_TEST(files_are_cut_into_chunks)
{
    struct manifest_summary summary;
    uint8_t *bytes = calloc(1, LIMIT_CHUNK_BYTES);
    FILE *file = fopen(at("source/big"), "w");

    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(fwrite(bytes, 1, LIMIT_CHUNK_BYTES, file), LIMIT_CHUNK_BYTES);
    ck_assert_int_eq(fputc('x', file), 'x');
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
    ck_assert_int_eq(pack(), FILES_DONE);
    manifest_take();
    ck_assert_int_eq(manifest_check(buf_span(&manifest), &summary), 0);
    ck_assert_uint_eq(summary.chunks, 4);
    ck_assert_uint_eq(summary.bytes, 3 * LIMIT_CHUNK_BYTES + 1);
    ck_assert_int_eq(unpack(), FILES_DONE);
    ck_assert_int_eq(truncate(at("target/big"), 0), 0);
}
END_TEST

static void plant_link(void)
{
    ck_assert_int_eq(symlink("/etc/passwd", at("source/link")), 0);
}

static void plant_folder_link(void)
{
    ck_assert_int_eq(symlink("/etc", at("source/etc")), 0);
}

static void plant_dangling(void)
{
    ck_assert_int_eq(symlink("nothing", at("source/nothing")), 0);
}

static void plant_fifo(void)
{
    ck_assert_int_eq(mkfifo(at("source/pipe"), 0600), 0);
}

static void plant_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/source/socket", root);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd);
}

static void plant_name(void)
{
    put("source/a\nb", "x");
}

static void plant_backslash(void)
{
    put("source/a\\b", "x");
}

static void plant_bytes(void)
{
    put("source/\xff\xfe", "x");
}

static void (*const plants[])(void) = {plant_link,      plant_folder_link, plant_dangling,
                                       plant_fifo,      plant_socket,      plant_name,
                                       plant_backslash, plant_bytes};

START_TEST(what_may_not_be_in_it_refuses_it)
{
    put("source/fine", "x");
    plants[_i]();
    ck_assert_int_eq(pack(), FILES_UNSAFE);
    ck_assert_int_ne(access(at("stage/manifest"), F_OK), 0);
}
END_TEST

START_TEST(limits_refuse_it)
{
    char name[LIMIT_PATH_BYTES] = "source";

    for (unsigned i = 0; i < LIMIT_CHECKPOINT_DEPTH; i++) {
        (void)strcat(name, "/d");
        folder(name);
    }
    ck_assert_int_eq(pack(), FILES_DONE);
    ck_assert_int_eq(fs_remove_tree(at("stage")), 0);
    folder("stage");
    (void)strcat(name, "/d");
    folder(name);
    ck_assert_int_eq(pack(), FILES_BIG);
}
END_TEST

/* Sparse: only its size is too much. */
START_TEST(too_many_bytes_refuse_it)
{
    put("source/huge", "x");
    ck_assert_int_eq(truncate(at("source/huge"), (off_t)LIMIT_CHECKPOINT_BYTES + 1), 0);
    ck_assert_int_eq(pack(), FILES_BIG);
}
END_TEST

START_TEST(no_folder_is_no_checkpoint)
{
    put("file", "x");
    ck_assert_int_eq(files_pack(at("nowhere"), at("stage")), FILES_MISSING);
    ck_assert_int_eq(files_pack(at("file"), at("stage")), FILES_MISSING);
}
END_TEST

static struct manifest_entry entry_of(const char *path, bool is_folder)
{
    return (struct manifest_entry){
        .path = span_text(path), .folder = is_folder, .mode = is_folder ? 0755 : 0644};
}

/* Bytes that came over the network: names that lead out, and a file in a folder's place. */
START_TEST(nothing_is_written_outside)
{
    const struct manifest_entry lists[][2] = {
        {entry_of("../out", false), entry_of("z", false)},
        {entry_of("/tmp/assay-out", false), entry_of("z", false)},
        {entry_of("a", false), entry_of("a/b", false)},
        {entry_of("missing/b", false), entry_of("z", false)},
        {entry_of("a/../../out", false), entry_of("z", false)},
    };

    manifest_put(lists[_i], 2);
    ck_assert_int_eq(unpack(), FILES_UNSAFE);
    check_nothing_made();
    ck_assert_int_ne(access(at("out"), F_OK), 0);
    ck_assert_int_ne(access("/tmp/assay-out", F_OK), 0);
}
END_TEST

START_TEST(bytes_that_are_wrong_are_noticed)
{
    char chunk[FILES_NAME_BYTES + 8] = "stage/";
    struct manifest_reader reader;
    struct manifest_entry entry;

    put("source/a", "right");
    ck_assert_int_eq(pack(), FILES_DONE);
    manifest_take();
    manifest_open(&reader, buf_span(&manifest));
    ck_assert(manifest_next(&reader, &entry));
    files_name(chunk + strlen(chunk), entry.hashes.data);
    put(chunk, "wrong");
    ck_assert_int_eq(unpack(), FILES_WRONG);
    check_nothing_made();
    put(chunk, "right and more");
    ck_assert_int_eq(unpack(), FILES_WRONG);
    ck_assert_int_eq(unlink(at(chunk)), 0);
    ck_assert_int_eq(unpack(), FILES_WRONG);
    ck_assert_int_eq(symlink("/etc/passwd", at(chunk)), 0);
    ck_assert_int_ne(unpack(), FILES_DONE);
    ck_assert_int_eq(unlink(at(chunk)), 0);
    put(chunk, "right");
    hash[0] ^= 1;
    ck_assert_int_eq(unpack(), FILES_WRONG);
    hash[0] ^= 1;
    ck_assert_int_eq(unpack(), FILES_DONE);
    check_text("target/a", "right");
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("checkpoint_files");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 30);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_tree_comes_back_as_it_was);
    tcase_add_test(all, files_are_cut_into_chunks);
    tcase_add_loop_test(all, what_may_not_be_in_it_refuses_it, 0,
                        (int)(sizeof(plants) / sizeof(plants[0])));
    tcase_add_test(all, limits_refuse_it);
    tcase_add_test(all, too_many_bytes_refuse_it);
    tcase_add_test(all, no_folder_is_no_checkpoint);
    tcase_add_loop_test(all, nothing_is_written_outside, 0, 5);
    tcase_add_test(all, bytes_that_are_wrong_are_noticed);
    suite_add_tcase(suite, all);
    return suite;
}
