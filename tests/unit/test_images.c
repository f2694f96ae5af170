/* links: store */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/rng.h"
#include "common/trouble.h"
#include "head/store/images.h"
#include "head/store/stream.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

static struct redis_server server;
static struct store *store;
static struct trouble trouble;
static const char *const settings[] = {"--appendonly", "no", NULL};

static void setup(void)
{
    redis_server_start(&server, 0, settings);
    store = store_new(&server.address);
    ck_assert_int_eq(store_connect(store, clock_ms() + REDIS_LIMIT_MS), 0);
}

static void teardown(void)
{
    store_free(store);
    redis_server_stop(&server);
}

static long long number_of(const struct span *words, size_t count)
{
    struct redisReply *reply;
    long long number;

    ck_assert_int_eq(store_call(store, clock_ms() + REDIS_LIMIT_MS, words, count, &reply), 0);
    ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s", reply->str);
    number = reply->integer;
    store_reply_free(reply);
    return number;
}

static void fill_log(uint64_t epoch, uint64_t count)
{
    const struct span log = span_text("assay:{test}:log");
    char id[LOG_ID_BYTES];

    (void)number_of(STORE_WORDS(span_text("XADD"), log, log_id_print((struct log_id){epoch, 0}, id),
                                span_text(STREAM_TAKEOVER), span_text("who"),
                                span_text(STREAM_BOOT), span_text("boot")));
    for (uint64_t n = 1; n < count; n++)
        (void)number_of(STORE_WORDS(span_text("XADD"), log,
                                    log_id_print((struct log_id){epoch, n}, id),
                                    span_text(STREAM_ENTRY), span_text("x")));
}

static long long log_length(void)
{
    return number_of(STORE_WORDS(span_text("XLEN"), span_text("assay:{test}:log")));
}

static struct buf random_bytes(size_t size)
{
    struct rng rng = {.seed = size};
    struct buf bytes = {0};

    for (size_t i = 0; i < size; i++)
        buf_append_char(&bytes, (char)rng_next(&rng));
    return bytes;
}

static void check_found(uint64_t epoch, uint64_t n)
{
    struct log_id id;
    bool found;

    ck_assert_int_eq(images_find(store, "test", &found, &id, &trouble), 0);
    ck_assert(found);
    ck_assert_int_eq(log_id_compare(id, (struct log_id){epoch, n}), 0);
}

START_TEST(images_come_back_whatever_their_size)
{
    static const size_t sizes[] = {1, 262143, 262144, 262145, 1000000};
    bool found = true;
    struct log_id id;

    ck_assert_int_eq(images_find(store, "test", &found, &id, &trouble), 0);
    ck_assert(!found);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf bytes = random_bytes(sizes[i]);
        size_t cut = sizes[i] / 3;
        struct buf back = {0};

        buf_append_text(&back, "before");
        ck_assert_int_eq(images_write(store, "test", (struct log_id){2, 10 + i},
                                      STORE_WORDS(span_of(bytes.data, cut), span_of(NULL, 0),
                                                  span_of(bytes.data + cut, sizes[i] - cut)),
                                      &trouble),
                         0);
        check_found(2, 10 + i);
        ck_assert_int_eq(images_read(store, "test", (struct log_id){2, 10 + i}, &back, &trouble),
                         0);
        ck_assert_uint_eq(back.size, 6 + sizes[i]);
        ck_assert(memcmp(back.data + 6, bytes.data, sizes[i]) == 0);
        buf_fini(&bytes);
        buf_fini(&back);
    }
    /* By epoch, then by number: no matter who wrote last. */
    ck_assert_int_eq(
        images_write(store, "test", (struct log_id){1, 900}, STORE_WORDS(span_text("x")), &trouble),
        0);
    check_found(2, 14);
}
END_TEST

START_TEST(what_was_begun_and_not_ended_counts_for_nothing)
{
    ck_assert_int_eq(images_write(store, "test", (struct log_id){1, 5},
                                  STORE_WORDS(span_text("whole")), &trouble),
                     0);
    (void)number_of(STORE_WORDS(span_text("HSET"), span_text("assay:{test}:head"),
                                span_text("image:1-9"), span_text("")));
    (void)number_of(STORE_WORDS(span_text("HSET"), span_text("assay:{test}:image:1-9"),
                                span_text("0"), span_text("half")));
    check_found(1, 5);
    ck_assert_int_eq(images_start(store, "test", 2, (struct log_id){1, 5}, &trouble), 0);
    ck_assert_int_eq(
        number_of(STORE_WORDS(span_text("EXISTS"), span_text("assay:{test}:image:1-9"))), 0);
    ck_assert_int_eq(number_of(STORE_WORDS(span_text("HLEN"), span_text("assay:{test}:head"))), 2);
    check_found(1, 5);
}
END_TEST

START_TEST(an_image_that_does_not_fit_leaves_nothing_behind)
{
    struct buf bytes = random_bytes(4000000);
    char most[24];
    struct redisReply *reply;

    ck_assert_int_eq(images_write(store, "test", (struct log_id){1, 5},
                                  STORE_WORDS(span_text("whole")), &trouble),
                     0);
    ck_assert_int_eq(store_call(store, clock_ms() + REDIS_LIMIT_MS,
                                STORE_WORDS(span_text("INFO"), span_text("memory")), &reply),
                     0);
    (void)snprintf(most, sizeof(most), "%ld",
                   strtol(strstr(reply->str, "used_memory:") + 12, NULL, 10) + 2000000);
    store_reply_free(reply);
    (void)number_of(STORE_WORDS(span_text("CONFIG"), span_text("SET"), span_text("maxmemory"),
                                span_text(most)));
    ck_assert_int_lt(
        images_write(store, "test", (struct log_id){1, 9}, STORE_WORDS(buf_span(&bytes)), &trouble),
        0);
    ck_assert_int_eq(
        number_of(STORE_WORDS(span_text("EXISTS"), span_text("assay:{test}:image:1-9"))), 0);
    ck_assert_int_eq(number_of(STORE_WORDS(span_text("HLEN"), span_text("assay:{test}:head"))), 1);
    check_found(1, 5);
    buf_fini(&bytes);
}
END_TEST

/* The log may be cut behind it. */
START_TEST(an_image_that_is_whole_is_not_begun_again)
{
    const struct log_id id = {1, 5};
    struct redisReply *reply;

    ck_assert_int_eq(images_write(store, "test", id, STORE_WORDS(span_text("whole")), &trouble), 0);
    ck_assert_int_eq(number_of(STORE_WORDS(span_text("CONFIG"), span_text("RESETSTAT"))), 0);
    ck_assert_int_eq(images_write(store, "test", id, STORE_WORDS(span_text("whole")), &trouble), 0);
    ck_assert_int_eq(store_call(store, clock_ms() + REDIS_LIMIT_MS,
                                STORE_WORDS(span_text("INFO"), span_text("commandstats")), &reply),
                     0);
    ck_assert_ptr_null(strstr(reply->str, "cmdstat_hset"));
    store_reply_free(reply);
}
END_TEST

START_TEST(damage_and_other_formats_are_told)
{
    const struct log_id id = {1, 5};
    struct buf bytes = random_bytes(600000);
    struct buf back = {0};

    ck_assert_int_eq(images_write(store, "test", id, STORE_WORDS(buf_span(&bytes)), &trouble), 0);
    (void)number_of(STORE_WORDS(span_text("HSET"), span_text("assay:{test}:image:1-5"),
                                span_text("1"), span_of(bytes.data, 262144)));
    ck_assert_int_eq(images_read(store, "test", id, &back, &trouble), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "damaged"));
    (void)number_of(
        STORE_WORDS(span_text("HDEL"), span_text("assay:{test}:image:1-5"), span_text("1")));
    ck_assert_int_eq(images_read(store, "test", id, &back, &trouble), ERR_MALFORMED);
    (void)number_of(STORE_WORDS(span_text("HSET"), span_text("assay:{test}:head"),
                                span_text("image:1-5"), span_text("format 99 size 5 crc 1f")));
    ck_assert_int_eq(images_read(store, "test", id, &back, &trouble), ERR_VERSION);
    (void)number_of(STORE_WORDS(span_text("HSET"), span_text("assay:{test}:head"),
                                span_text("image:1-5"), span_text("hello")));
    ck_assert_int_eq(images_read(store, "test", id, &back, &trouble), ERR_MALFORMED);
    buf_fini(&bytes);
    buf_fini(&back);
}
END_TEST

START_TEST(the_log_is_cut_behind_an_image_and_no_further)
{
    fill_log(1, 1300);
    fill_log(2, 700);
    fill_log(3, 10);
    for (uint64_t n = 0; n < 3; n++)
        ck_assert_int_eq(images_write(store, "test", (struct log_id){2, 100 * n},
                                      STORE_WORDS(span_text("x")), &trouble),
                         0);
    ck_assert_int_eq(images_trim(store, "test", (struct log_id){2, 200}, 2, &trouble), ERR_FENCED);
    ck_assert_int_eq(log_length(), 2010);
    ck_assert_int_eq(images_trim(store, "test", (struct log_id){2, 200}, 3, &trouble), 0);
    ck_assert_int_eq(log_length(), 499 + 10);
    check_found(2, 200);
    ck_assert_int_eq(number_of(STORE_WORDS(span_text("HLEN"), span_text("assay:{test}:head"))), 1);
    ck_assert_int_eq(
        number_of(STORE_WORDS(span_text("EXISTS"), span_text("assay:{test}:image:2-100"))), 0);
    ck_assert_int_eq(images_trim(store, "test", (struct log_id){2, 200}, 3, &trouble), 0);
    ck_assert_int_eq(log_length(), 499 + 10);
    ck_assert_int_eq(
        images_write(store, "test", (struct log_id){3, 9}, STORE_WORDS(span_text("x")), &trouble),
        0);
    ck_assert_int_eq(images_trim(store, "test", (struct log_id){3, 9}, 3, &trouble), 0);
    ck_assert_int_eq(log_length(), 0);
}
END_TEST

static void write_short(uint64_t epoch, uint64_t n)
{
    ck_assert_int_eq(images_write(store, "test", (struct log_id){epoch, n},
                                  STORE_WORDS(span_text("x")), &trouble),
                     0);
}

/* A head that was stopped, and goes on while another one leads: a file that the new one has cut
 * would not be what such an image knows. */
START_TEST(what_is_written_late_does_not_count)
{
    fill_log(1, 100);
    write_short(1, 10);
    fill_log(2, 5);
    ck_assert_int_eq(images_start(store, "test", 2, (struct log_id){1, 10}, &trouble), 0);
    write_short(1, 90);
    check_found(1, 10);
    ck_assert_int_eq(images_trim(store, "test", (struct log_id){1, 90}, 1, &trouble), ERR_FENCED);
    ck_assert_int_eq(log_length(), 105);
    write_short(2, 3);
    check_found(2, 3);
    ck_assert_int_eq(images_trim(store, "test", (struct log_id){2, 3}, 2, &trouble), 0);
    check_found(2, 3);
    /* start:2, image:2-3. */
    ck_assert_int_eq(number_of(STORE_WORDS(span_text("HLEN"), span_text("assay:{test}:head"))), 2);
    ck_assert_int_eq(images_start(store, "test", 3, (struct log_id){2, 3}, &trouble), 0);
    ck_assert_int_eq(number_of(STORE_WORDS(span_text("HLEN"), span_text("assay:{test}:head"))), 2);
    write_short(2, 4);
    check_found(2, 3);
}
END_TEST

START_TEST(a_head_that_began_without_an_image_wants_none_of_before)
{
    struct log_id id;
    bool found;

    ck_assert_int_eq(images_start(store, "test", 2, (struct log_id){0, 0}, &trouble), 0);
    write_short(1, 90);
    ck_assert_int_eq(images_find(store, "test", &found, &id, &trouble), 0);
    ck_assert(!found);
}
END_TEST

START_TEST(an_image_that_is_gone_is_missed)
{
    struct log_id id;
    bool found;

    ck_assert_int_eq(images_start(store, "test", 2, (struct log_id){1, 10}, &trouble), 0);
    ck_assert_int_eq(images_find(store, "test", &found, &id, &trouble), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "1-10: the last head began with it, and it is gone"));
}
END_TEST

START_TEST(a_start_tells_who_leads_and_what_is_forgotten)
{
    fill_log(3, 5);
    write_short(3, 2);
    ck_assert_int_eq(images_start(store, "test", 3, (struct log_id){3, 2}, &trouble), ERR_AMNESIA);
    fill_log(4, 5);
    ck_assert_int_eq(images_start(store, "test", 4, (struct log_id){3, 2}, &trouble), 0);
    ck_assert_int_eq(images_start(store, "test", 3, (struct log_id){2, 2}, &trouble), ERR_FENCED);
    (void)number_of(STORE_WORDS(span_text("DEL"), span_text("assay:{test}:log")));
    fill_log(1, 1);
    ck_assert_int_eq(images_start(store, "test", 1, (struct log_id){3, 2}, &trouble), ERR_AMNESIA);
    ck_assert_ptr_nonnull(strstr(trouble.why, "before what its images tell of"));
}
END_TEST

START_TEST(images_of_the_version_before_are_read)
{
    struct buf back = {0};

    write_short(1, 5);
    (void)number_of(STORE_WORDS(span_text("HSET"), span_text("assay:{test}:head"),
                                span_text("image:1-5"), span_text("format 1 size 1 crc 8cdc1683")));
    ck_assert_int_eq(images_read(store, "test", (struct log_id){1, 5}, &back, &trouble), 0);
    ck_assert(span_is(buf_span(&back), "x"));
    buf_fini(&back);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("images");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, images_come_back_whatever_their_size);
    tcase_add_test(tc, what_was_begun_and_not_ended_counts_for_nothing);
    tcase_add_test(tc, an_image_that_does_not_fit_leaves_nothing_behind);
    tcase_add_test(tc, an_image_that_is_whole_is_not_begun_again);
    tcase_add_test(tc, damage_and_other_formats_are_told);
    tcase_add_test(tc, the_log_is_cut_behind_an_image_and_no_further);
    tcase_add_test(tc, what_is_written_late_does_not_count);
    tcase_add_test(tc, a_head_that_began_without_an_image_wants_none_of_before);
    tcase_add_test(tc, an_image_that_is_gone_is_missed);
    tcase_add_test(tc, a_start_tells_who_leads_and_what_is_forgotten);
    tcase_add_test(tc, images_of_the_version_before_are_read);
    suite_add_tcase(s, tc);
    return s;
}
