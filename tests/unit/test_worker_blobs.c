/* links: worker */
/* Code trees on a worker: fetched in chunks, kept, unpacked; and the END records that it reports.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/action.h"
#include "common/err.h"
#include "common/record.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "tests/lib/run_suite.h"
#include "worker/blob_cache.h"
#include "worker/ends.h"
#include "worker/unpack.h"

static char root[] = "/tmp/assay-blobs-XXXXXX";
static struct blob_cache *cache;
static uint8_t hash[LIMIT_HASH_BYTES];
static char path[LIMIT_PATH_BYTES];

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    cache = blob_cache_open(root);
    ck_assert_ptr_nonnull(cache);
}

static void tear_down(void)
{
    blob_cache_close(cache);
    ck_assert_int_eq(fs_remove_tree(root), 0);
}

static const char *under(const char *name)
{
    ck_assert_int_eq(fs_join(path, root, name), 0);
    return path;
}

/* ---- the cache ---- */

#define BIG_BYTES (5 * LIMIT_CHUNK_BYTES + 17)

static uint8_t *big_make(void)
{
    uint8_t *bytes = xmalloc(BIG_BYTES);

    for (size_t i = 0; i < BIG_BYTES; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 4096);
    (void)crypto_generichash(hash, sizeof(hash), bytes, BIG_BYTES, NULL, 0);
    return bytes;
}

/* The head's answer to a request. */
static int answer(const struct msg_blob_get *ask, const uint8_t *bytes, bool *complete)
{
    uint64_t left = BIG_BYTES - ask->offset;
    struct msg_blob_chunk chunk = {
        .hash = ask->hash,
        .offset = ask->offset,
        .total = BIG_BYTES,
        .bytes = span_of(bytes + ask->offset, left < ask->size ? left : ask->size)};

    return blob_cache_take(cache, &chunk, 1000, complete);
}

START_TEST(a_blob_comes_in_chunks)
{
    uint8_t *bytes = big_make();
    struct msg_blob_get asks[LIMIT_CHUNKS_ASKED];
    struct msg_blob_get ask;
    uint64_t request;
    uint32_t waiting = 0;
    struct buf read = {0};
    bool complete;

    ck_assert(!blob_cache_ask(cache, 0, &ask, &request));
    blob_cache_want(cache, hash);
    blob_cache_want(cache, hash);
    /* One at first, which tells how many there are; then as many as may be on the way. */
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    ck_assert_uint_eq(ask.offset, 0);
    ck_assert(!blob_cache_ask(cache, 1000, &asks[0], &request));
    ck_assert_int_eq(answer(&ask, bytes, &complete), 0);
    ck_assert(!complete);
    while (blob_cache_ask(cache, 1000, &asks[waiting], &request))
        waiting++;
    ck_assert_uint_eq(waiting, LIMIT_CHUNKS_ASKED);
    for (uint32_t i = 0; i < waiting; i++)
        ck_assert_int_eq(answer(&asks[i], bytes, &complete), 0);
    ck_assert(!complete && !blob_cache_has(cache, hash));
    /* A double changes nothing. */
    ck_assert_int_eq(answer(&asks[0], bytes, &complete), 0);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    ck_assert_int_eq(answer(&ask, bytes, &complete), 0);
    ck_assert(complete && blob_cache_has(cache, hash));
    ck_assert(!blob_cache_ask(cache, 100000, &ask, &request));

    blob_cache_path(cache, hash, path);
    ck_assert_int_eq(fs_read(path, BIG_BYTES, &read), 0);
    ck_assert(span_equal(buf_span(&read), span_of(bytes, BIG_BYTES)));
    buf_fini(&read);
    free(bytes);
}
END_TEST

START_TEST(a_fetch_goes_on_where_it_stopped)
{
    uint8_t *bytes = big_make();
    struct msg_blob_get ask;
    uint64_t request;
    bool complete;

    blob_cache_want(cache, hash);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    ck_assert_int_eq(answer(&ask, bytes, &complete), 0);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    /* The connection is lost, and this one with it. */
    blob_cache_rewind(cache);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    ck_assert_uint_eq(ask.offset, LIMIT_CHUNK_BYTES);

    blob_cache_close(cache);
    cache = blob_cache_open(root);
    blob_cache_want(cache, hash);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    ck_assert_uint_eq(ask.offset, LIMIT_CHUNK_BYTES);
    ck_assert_uint_eq(blob_cache_next_ms(cache), 6000);
    /* Nothing came for a while: once more. */
    ck_assert(blob_cache_ask(cache, 7000, &ask, &request));
    ck_assert_uint_eq(ask.offset, LIMIT_CHUNK_BYTES);
    free(bytes);
}
END_TEST

START_TEST(what_is_refused_or_too_big_is_given_up)
{
    struct msg_blob_get ask;
    struct msg_blob_chunk chunk = {.total = LIMIT_BLOB_BYTES + 1ull, .bytes = span_text("x")};
    uint64_t request;
    bool complete;

    blob_cache_want(cache, hash);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    ck_assert_ptr_null(blob_cache_refused(cache, request + 1));
    ck_assert_mem_eq(blob_cache_refused(cache, request), hash, sizeof(hash));
    ck_assert(!blob_cache_ask(cache, 100000, &ask, &request));

    blob_cache_want(cache, hash);
    ck_assert(blob_cache_ask(cache, 1000, &ask, &request));
    chunk.hash = ask.hash;
    ck_assert_int_eq(blob_cache_take(cache, &chunk, 1000, &complete), ERR_TOO_BIG);
    ck_assert(!blob_cache_ask(cache, 100000, &ask, &request));
}
END_TEST

static void put(const char *name, time_t when, size_t size)
{
    const struct timespec times[] = {{.tv_sec = when}, {.tv_sec = when}};
    int fd = open(under(name), O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    ck_assert_int_eq(futimens(fd, times), 0);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(the_oldest_go_when_there_are_too_many)
{
    put("blobs/a", 3, 100);
    put("blobs/b", 1, 100);
    put("blobs/c", 2, 100);
    blob_cache_trim(cache, 250);
    ck_assert_int_ne(access(under("blobs/b"), F_OK), 0);
    ck_assert_int_eq(access(under("blobs/c"), F_OK), 0);
    blob_cache_trim(cache, 100);
    ck_assert_int_eq(access(under("blobs/a"), F_OK), 0);
    ck_assert_int_ne(access(under("blobs/c"), F_OK), 0);
}
END_TEST

/* ---- unpacking ---- */

struct entry {
    const char *path;
    mode_t type;
    mode_t mode;
    const char *text; /* or target */
};

static void archive_make(const struct entry *entries, size_t count, bool zstd)
{
    struct archive *archive = archive_write_new();
    struct buf bytes = {0};

    if (zstd)
        archive_write_add_filter_zstd(archive);
    else
        archive_write_add_filter_gzip(archive);
    archive_write_set_format_pax_restricted(archive);
    ck_assert_int_eq(archive_write_open_filename(archive, under("tree.tar")), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        size_t size = entries[i].type == AE_IFREG ? strlen(entries[i].text) : 0;

        archive_entry_set_pathname(entry, entries[i].path);
        archive_entry_set_filetype(entry, entries[i].type);
        archive_entry_set_perm(entry, entries[i].mode);
        archive_entry_set_size(entry, (la_int64_t)size);
        if (entries[i].type == AE_IFLNK)
            archive_entry_set_symlink(entry, entries[i].text);
        ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
        if (size > 0)
            ck_assert_int_eq(archive_write_data(archive, entries[i].text, size), (la_ssize_t)size);
        archive_entry_free(entry);
    }
    ck_assert_int_eq(archive_write_free(archive), ARCHIVE_OK);
    ck_assert_int_eq(fs_read(under("tree.tar"), 1 << 20, &bytes), 0);
    (void)crypto_generichash(hash, sizeof(hash), bytes.data, bytes.size, NULL, 0);
    buf_fini(&bytes);
}

static enum unpack_result unpack(void)
{
    char archive[LIMIT_PATH_BYTES];

    ck_assert_int_eq(fs_join(archive, root, "tree.tar"), 0);
    return unpack_tree(archive, hash, under("code"));
}

static void check_text(const char *name, const char *text)
{
    struct buf bytes = {0};

    ck_assert_int_eq(fs_read(under(name), 1000, &bytes), 0);
    ck_assert_str_eq(buf_text(&bytes), text);
    buf_fini(&bytes);
}

START_TEST(a_tree_is_unpacked_whole)
{
    const struct entry entries[] = {
        {"train.py", AE_IFREG, 0644, "print(1)"},    {"bin", AE_IFDIR, 0700, NULL},
        {"bin/run", AE_IFREG, 04755, "#!/bin/sh"},   {"deep/er/data", AE_IFREG, 0600, "data"},
        {"bin/link", AE_IFLNK, 0777, "../train.py"}, {"./dot", AE_IFREG, 0600, ""},
    };
    struct stat status;

    for (int zstd = 0; zstd < 2; zstd++) {
        archive_make(entries, sizeof(entries) / sizeof(entries[0]), zstd);
        /* The second time it takes the place of the first. */
        ck_assert_int_eq(unpack(), UNPACK_DONE);
        check_text("code/train.py", "print(1)");
        check_text("code/bin/link", "print(1)");
        check_text("code/deep/er/data", "data");
        check_text("code/dot", "");
        ck_assert_int_eq(stat(under("code/bin/run"), &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, 0755);
        ck_assert_int_ne(access(under("code.tmp"), F_OK), 0);
    }
}
END_TEST

static const struct {
    struct entry entries[2];
    size_t count;
} unsafe[] = {
    {{{"/tmp/assay-absolute", AE_IFREG, 0644, "x"}}, 1},
    {{{"../outside", AE_IFREG, 0644, "x"}}, 1},
    {{{"a/../../outside", AE_IFREG, 0644, "x"}}, 1},
    {{{"link", AE_IFLNK, 0777, "/etc"}}, 1},
    {{{"link", AE_IFLNK, 0777, ".."}}, 1},
    {{{"a/link", AE_IFLNK, 0777, "../../x"}}, 1},
    {{{"a/link", AE_IFLNK, 0777, "b/../../.."}}, 1},
    {{{"link", AE_IFLNK, 0777, "."}, {"link/outside", AE_IFREG, 0644, "x"}}, 2},
    {{{"pipe", AE_IFIFO, 0644, NULL}}, 1},
};

START_TEST(what_leads_out_of_the_tree_refuses_it)
{
    archive_make(unsafe[_i].entries, unsafe[_i].count, false);
    ck_assert_int_eq(unpack(), UNPACK_UNSAFE);
    ck_assert_int_ne(access(under("code"), F_OK), 0);
    ck_assert_int_ne(access(under("code.tmp"), F_OK), 0);
    ck_assert_int_ne(access(under("outside"), F_OK), 0);
    ck_assert_int_ne(access("/tmp/assay-absolute", F_OK), 0);
}
END_TEST

START_TEST(wrong_bytes_are_refused)
{
    const struct entry entry = {"file", AE_IFREG, 0644, "text"};
    int fd;

    archive_make(&entry, 1, false);
    hash[0] ^= 1;
    ck_assert_int_eq(unpack(), UNPACK_WRONG);
    ck_assert_int_ne(access(under("code"), F_OK), 0);

    fd = open(under("tree.tar"), O_WRONLY | O_TRUNC);
    ck_assert_int_eq(fs_write_all(fd, "no archive", 10), 0);
    ck_assert_int_eq(close(fd), 0);
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)"no archive", 10, NULL, 0);
    ck_assert_int_eq(unpack(), UNPACK_BROKEN);
}
END_TEST

/* ---- the daemon's own END records ---- */

static struct msg_verdict verdict(uint32_t trial, uint64_t acked, uint32_t action)
{
    return (struct msg_verdict){
        .experiment = 1, .trial = trial, .attempt = 1, .acked_seq = acked, .action = action};
}

/* The batches of the next frame; 0: there is none. */
static uint32_t take(struct ends *ends, struct arena *arena, struct buf *frame,
                     const struct msg_batch **batches)
{
    struct message message;
    const struct msg_reports *reports;

    if (!ends_take(ends, frame))
        return 0;
    ck_assert_int_eq(message_unpack(buf_span(frame), arena, &message, NULL), 0);
    ck_assert_int_eq(message.type, MSG_REPORTS);
    reports = message.body;
    *batches = reports->batches.items;
    return reports->batches.count;
}

START_TEST(an_end_is_kept_until_it_is_acknowledged)
{
    const struct agent_attempt first = {1, 4, 1};
    const struct agent_attempt second = {1, 5, 1};
    struct ends *ends = ends_new();
    struct arena arena = {0};
    struct buf frame = {0};
    const struct msg_batch *batches;
    struct msg_verdict said;

    ends_add(ends, &first, 8, END_EXECUTOR_LOST, "it died", 1);
    ends_add(ends, &first, 9, END_STOPPED, NULL, 1);
    ends_add(ends, &second, 1, END_STOPPED, NULL, 1);
    ck_assert_uint_eq(take(ends, &arena, &frame, &batches), 2);
    ck_assert_uint_eq(batches[0].trial, 4);
    ck_assert_uint_eq(batches[0].first_seq, 8);
    ck_assert_uint_eq(batches[1].first_seq, 1);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(record_check(batches[i].records, 1, batches[i].first_seq), 0);
    ck_assert_uint_eq(take(ends, &arena, &frame, &batches), 0);

    /* Another's verdict; then the head misses what died with the executor. */
    said = verdict(9, 3, ACTION_CONTINUE);
    ck_assert(!ends_verdict(ends, &said));
    said = verdict(4, 5, ACTION_RESEND);
    ck_assert(ends_verdict(ends, &said));
    ck_assert_uint_eq(take(ends, &arena, &frame, &batches), 1);
    ck_assert_uint_eq(batches[0].first_seq, 6);
    said = verdict(4, 6, ACTION_STOP);
    ck_assert(ends_verdict(ends, &said));
    ck_assert(!ends_has(ends, &first) && ends_has(ends, &second));
    ends_rewind(ends);
    ck_assert_uint_eq(take(ends, &arena, &frame, &batches), 1);
    said = verdict(5, 0, ACTION_FENCED);
    ck_assert(ends_verdict(ends, &said));
    ck_assert_uint_eq(ends_count(ends), 0);
    ck_assert(!ends_has_unsent(ends));
    ends_free(ends);
    arena_fini(&arena);
    buf_fini(&frame);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("worker_blobs");
    TCase *tcase = tcase_create("worker_blobs");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_blob_comes_in_chunks);
    tcase_add_test(tcase, a_fetch_goes_on_where_it_stopped);
    tcase_add_test(tcase, what_is_refused_or_too_big_is_given_up);
    tcase_add_test(tcase, the_oldest_go_when_there_are_too_many);
    tcase_add_test(tcase, a_tree_is_unpacked_whole);
    tcase_add_loop_test(tcase, what_leads_out_of_the_tree_refuses_it, 0,
                        sizeof(unsafe) / sizeof(unsafe[0]));
    tcase_add_test(tcase, wrong_bytes_are_refused);
    tcase_add_test(tcase, an_end_is_kept_until_it_is_acknowledged);
    suite_add_tcase(suite, tcase);
    return suite;
}
