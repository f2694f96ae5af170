/* links: store */
/* An archive that is filled from the log in Redis. */
#include "common/err.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/archive_rig.h"

static struct redis_server server;
static struct store *store;
static const char *const settings[] = {"--appendonly", "no", NULL};

static void setup_redis(void)
{
    setup();
    redis_server_start(&server, 0, settings);
    store = store_new(&server.address);
    ck_assert_int_eq(store_connect(store, clock_ms() + REDIS_LIMIT_MS), 0);
}

static void teardown_redis(void)
{
    store_free(store);
    redis_server_stop(&server);
    teardown();
}

static void tell(const struct span *words, size_t count)
{
    struct redisReply *reply;

    ck_assert_int_eq(store_call(store, clock_ms() + REDIS_LIMIT_MS, words, count, &reply), 0);
    ck_assert_msg(!store_reply_is_error(reply, NULL), "%.*s", SPAN(store_reply_text(reply)));
    store_reply_free(reply);
}

static void log_entries(uint32_t from, uint32_t to)
{
    const struct span key = span_text("assay:{c.1}:log");
    char id[LOG_ID_BYTES];

    for (uint32_t i = from; i < to; i++) {
        const struct stream_entry entry = entry_at(i);

        if (entry.takeover)
            tell(STORE_WORDS(span_text("XADD"), key, log_id_print(entry.id, id),
                             span_text(STREAM_TAKEOVER), entry.bytes, span_text(STREAM_BOOT),
                             entry.boot));
        else
            tell(STORE_WORDS(span_text("XADD"), key, log_id_print(entry.id, id),
                             span_text(STREAM_ENTRY), entry.bytes));
    }
}

/* All before this one is cut. */
static void cut_log(uint32_t place)
{
    char id[LOG_ID_BYTES];

    tell(STORE_WORDS(span_text("XTRIM"), span_text("assay:{c.1}:log"), span_text("MINID"),
                     span_text("="), log_id_print(entry_at(place).id, id)));
}

static int take(uint32_t last)
{
    return archive_take_log(archive, store, "c.1", entry_at(last).id, &trouble);
}

static int joins(void)
{
    const struct archive_end end = archive_end(archive);

    return archive_joins(&end, store, "c.1", (struct log_id){0}, &trouble);
}

START_TEST(the_log_is_taken_and_taken_on)
{
    char path[256];

    ck_assert_int_eq(joins(), 0);
    log_entries(0, 15);
    ck_assert_msg(take(11) == 0, "%s", trouble.why);
    check_holds(12);
    /* A head that died before the cut. */
    open_again();
    ck_assert_int_eq(joins(), 0);
    ck_assert_int_eq(take(11), 0);
    ck_assert_uint_eq(files(1, path), 1);
    cut_log(12);
    log_entries(15, ENTRIES);
    ck_assert_int_eq(joins(), 0);
    ck_assert_msg(take(ENTRIES - 1) == 0, "%s", trouble.why);
    check_holds(ENTRIES);
    /* All of it is cut. */
    tell(STORE_WORDS(span_text("XTRIM"), span_text("assay:{c.1}:log"), span_text("MAXLEN"),
                     span_text("0")));
    ck_assert_int_eq(joins(), 0);
    ck_assert_int_eq(take(ENTRIES - 1), 0);
}
END_TEST

START_TEST(what_was_cut_without_it_is_told)
{
    log_entries(0, 9);
    ck_assert_int_eq(take(4), 0);
    cut_log(7);
    ck_assert_int_eq(joins(), ERR_MALFORMED);
    ck_assert_int_eq(take(8), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "1-4"));
    ck_assert_ptr_nonnull(strstr(trouble.why, "1-7"));
    tell(STORE_WORDS(span_text("XTRIM"), span_text("assay:{c.1}:log"), span_text("MAXLEN"),
                     span_text("0")));
    ck_assert_int_eq(joins(), ERR_MALFORMED);
    check_holds(5);
}
END_TEST

/* A head without an archive has cut the log to its end; or the newest file was lost. */
START_TEST(what_an_image_cut_is_told_where_it_does_not_show)
{
    const struct log_id image = entry_at(9).id;
    struct archive_end end;

    log_entries(0, 12);
    ck_assert_int_eq(take(4), 0);
    end = archive_end(archive);
    ck_assert_int_eq(archive_joins(&end, store, "c.1", image, &trouble), 0);
    cut_log(10);
    ck_assert_int_eq(archive_joins(&end, store, "c.1", image, &trouble), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "1-9"));
}
END_TEST

START_TEST(an_epoch_that_is_missing_is_a_gap)
{
    log_entries(0, 9);
    ck_assert_int_eq(take(8), 0);
    tell(STORE_WORDS(span_text("XADD"), span_text("assay:{c.1}:log"), span_text("3-0"),
                     span_text(STREAM_TAKEOVER), span_text("who"), span_text(STREAM_BOOT),
                     span_text("boot")));
    cut_log(10);
    ck_assert_int_eq(joins(), ERR_MALFORMED);
}
END_TEST

START_TEST(the_log_of_another_cluster_is_told)
{
    log_entries(0, 9);
    ck_assert_int_eq(take(8), 0);
    tell(STORE_WORDS(span_text("DEL"), span_text("assay:{c.1}:log")));
    ck_assert_int_eq(joins(), ERR_MALFORMED);
    /* It has the same name, and began later. */
    log_entries(0, 5);
    ck_assert_int_eq(joins(), ERR_MALFORMED);
    ck_assert_int_eq(take(4), ERR_MALFORMED);
    tell(STORE_WORDS(span_text("XADD"), span_text("assay:{c.1}:log"), span_text("1-8"),
                     span_text(STREAM_ENTRY), span_text("else")));
    ck_assert_int_eq(joins(), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "another cluster"));
    check_holds(9);
}
END_TEST

START_TEST(entries_that_are_not_there_are_not_cut)
{
    log_entries(0, 9);
    ck_assert_int_eq(take(20), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "2-10"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("archive_log");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup_redis, teardown_redis);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_log_is_taken_and_taken_on);
    tcase_add_test(tc, what_was_cut_without_it_is_told);
    tcase_add_test(tc, what_an_image_cut_is_told_where_it_does_not_show);
    tcase_add_test(tc, an_epoch_that_is_missing_is_a_gap);
    tcase_add_test(tc, the_log_of_another_cluster_is_told);
    tcase_add_test(tc, entries_that_are_not_there_are_not_cut);
    suite_add_tcase(s, tc);
    return s;
}
