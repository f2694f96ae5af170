/* links: head store redis */
/* Who leads: the epoch, the beat, and what a Redis says of both. */
#include "common/deadlines.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/redis/lead.h"
#include "head/journal.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

#define LOG  "assay:{test}:log"
#define HEAD "assay:{test}:head"

static struct redis_server server;
static struct trouble trouble;

static void setup(void)
{
    redis_server_start(&server, 0, (const char *const[]){"--appendonly", "no", NULL});
}

static void teardown(void)
{
    redis_server_stop(&server);
}

static int claim(uint64_t epoch, struct journal **out)
{
    const struct journal_config config = {
        .address = &server.address, .name = "test", .who = "a test", .epoch = epoch, .beats = true};

    return journal_open(&config, clock_ms() + REDIS_LIMIT_MS, out, &trouble);
}

static struct journal *open_one(void)
{
    struct journal *journal = NULL;

    ck_assert_int_eq(claim(0, &journal), 0);
    return journal;
}

/* As the head's loop does: poll, and poll again. */
static int step(struct journal *journal, uint64_t now_ms)
{
    struct pollfd wait = {.fd = journal_fd(journal), .events = POLLIN};

    (void)poll(&wait, 1, 1);
    return journal_poll(journal, now_ms);
}

static struct lead lead(void)
{
    struct store *store = store_new(&server.address);
    struct redisReply *reply;
    struct lead lead;

    ck_assert_int_eq(store_connect(store, clock_ms() + REDIS_LIMIT_MS), 0);
    lead_ask(store, "test");
    ck_assert_int_eq(store_wait(store, clock_ms() + REDIS_LIMIT_MS, &reply), 0);
    ck_assert_int_eq(lead_read(reply, &lead), 0);
    store_reply_free(reply);
    store_free(store);
    return lead;
}

static int lead_fails(void)
{
    struct redisReply *reply = REDIS_ASK(&server.address, W("HMGET"), W(HEAD), W(LEAD_EPOCH),
                                         W(LEAD_ENDPOINT), W(LEAD_KEY), W(LEAD_BEAT));
    struct lead read;
    int err = lead_read(reply, &read);

    store_reply_free(reply);
    return err;
}

START_TEST(an_idle_head_beats_and_the_log_does_not_grow)
{
    struct journal *journal = open_one();
    uint64_t until_ms = clock_ms() + REDIS_LIMIT_MS;
    uint64_t now_ms = clock_ms();

    while (lead_fails() != 0 || lead().beat.n < 5) {
        ck_assert_uint_lt(clock_ms(), until_ms);
        now_ms += LIMIT_BEAT_MS;
        ck_assert_int_eq(step(journal, now_ms), JOURNAL_IDLE);
    }
    ck_assert_uint_eq(lead().beat.epoch, 1);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 1);
    journal_free(journal);
}
END_TEST

START_TEST(the_next_beat_has_its_time)
{
    struct journal *journal = open_one();
    uint64_t sure_ms = journal_leads_until_ms(journal) - LIMIT_LEAD_MS;

    ck_assert_uint_eq(journal_deadline_ms(journal), sure_ms + LIMIT_BEAT_MS);
    ck_assert_int_eq(journal_poll(journal, sure_ms + LIMIT_BEAT_MS - 1), JOURNAL_IDLE);
    ck_assert_uint_eq(journal_deadline_ms(journal), sure_ms + LIMIT_BEAT_MS);
    ck_assert_int_eq(journal_poll(journal, sure_ms + LIMIT_BEAT_MS), JOURNAL_IDLE);
    ck_assert_uint_gt(journal_deadline_ms(journal), sure_ms + LIMIT_BEAT_MS);
    journal_free(journal);
}
END_TEST

START_TEST(an_entry_that_meets_a_beat_is_appended_behind_it)
{
    struct journal *journal = open_one();
    uint64_t now_ms = clock_ms() + LIMIT_BEAT_MS;
    int state;

    ck_assert_int_eq(journal_poll(journal, now_ms), JOURNAL_IDLE); /* asked, and not answered */
    journal_append(journal, W("first"), now_ms);
    while ((state = step(journal, now_ms)) == JOURNAL_PENDING)
        ck_assert_uint_lt(clock_ms(), now_ms + REDIS_LIMIT_MS);
    ck_assert_int_eq(state, JOURNAL_COMMITTED);
    ck_assert_uint_eq(lead().beat.n, 1);
    journal_free(journal);
}
END_TEST

START_TEST(an_idle_stale_head_finds_out_by_itself)
{
    struct journal *old = open_one();
    struct journal *new = open_one();
    uint64_t now_ms = clock_ms();
    int state;

    while ((state = step(old, now_ms)) == JOURNAL_IDLE)
        now_ms += LIMIT_BEAT_MS;
    ck_assert_int_eq(state, ERR_FENCED);
    ck_assert_uint_eq(journal_leads_until_ms(old), 0);
    ck_assert_int_eq(REDIS_DO(&server.address, W("EXISTS"), W(HEAD)), 0); /* it has said nothing */
    journal_free(old);
    journal_free(new);
}
END_TEST

START_TEST(a_head_that_was_stopped_doubts_and_asks)
{
    struct journal *journal = open_one();
    uint64_t now_ms = clock_ms();

    ck_assert(!journal_is_doubted(journal));
    journal_doubt(journal, clock_ms());
    ck_assert(journal_is_doubted(journal));
    ck_assert_uint_le(journal_deadline_ms(journal), now_ms);
    while (journal_is_doubted(journal))
        ck_assert_int_eq(step(journal, clock_ms()), JOURNAL_IDLE);
    ck_assert_uint_ge(journal_leads_until_ms(journal), now_ms + LIMIT_LEAD_MS);
    journal_free(journal);
}
END_TEST

/* Redis may have answered before the head stood still, and the answer be read after it. */
START_TEST(what_was_asked_before_it_was_stopped_settles_no_doubt)
{
    struct journal *journal = open_one();
    uint64_t now_ms = clock_ms();
    int state;

    journal_append(journal, W("first"), now_ms);
    journal_doubt(journal, now_ms + 1);
    while ((state = step(journal, now_ms + 1)) == JOURNAL_PENDING)
        ck_assert_uint_lt(clock_ms(), now_ms + REDIS_LIMIT_MS);
    ck_assert_int_eq(state, JOURNAL_COMMITTED);
    ck_assert(journal_is_doubted(journal));
    while (journal_is_doubted(journal))
        ck_assert_int_eq(step(journal, now_ms + 2), JOURNAL_IDLE);
    journal_free(journal);
}
END_TEST

/* Its entry is in the log, and no replica has it: it leads all the same, and says so. */
START_TEST(a_head_that_waits_for_a_replica_beats)
{
    const struct journal_config config = {
        .address = &server.address, .name = "test", .who = "a test", .replicas = 1, .beats = true};
    struct journal *journal = NULL;
    uint64_t end_ms = clock_ms() + REDIS_LIMIT_MS;

    ck_assert_int_eq(journal_open(&config, end_ms, &journal, &trouble), 0);
    journal_append(journal, W("first"), clock_ms());
    do {
        ck_assert_int_eq(step(journal, clock_ms()), JOURNAL_PENDING);
        ck_assert_uint_lt(clock_ms(), end_ms);
    } while (lead_fails() != 0 || lead().beat.n < 2);
    journal_free(journal);
}
END_TEST

START_TEST(a_beat_that_a_replica_refuses_ends_the_connection)
{
    struct journal *journal = open_one();
    uint64_t now_ms = clock_ms();

    (void)REDIS_DO(&server.address, W("REPLICAOF"), W("127.0.0.1"), W("1"));
    for (now_ms += LIMIT_BEAT_MS; journal_is_connected(journal); now_ms++)
        ck_assert_int_eq(step(journal, now_ms), JOURNAL_IDLE);
    ck_assert_ptr_nonnull(strstr(journal_why(journal), "READONLY"));
    journal_free(journal);
}
END_TEST

START_TEST(a_head_without_an_answer_does_not_believe_that_it_leads)
{
    struct journal *journal = open_one();
    uint64_t until_ms = journal_leads_until_ms(journal);

    ck_assert_int_eq(kill(server.pid, SIGSTOP), 0);
    for (uint64_t now_ms = until_ms - LIMIT_LEAD_MS; now_ms < until_ms + 1000; now_ms += 100) {
        ck_assert_int_eq(step(journal, now_ms), JOURNAL_IDLE);
        ck_assert(journal_is_stalled(journal, now_ms) == (now_ms >= until_ms));
    }
    ck_assert_uint_eq(journal_leads_until_ms(journal), until_ms);
    ck_assert_int_eq(kill(server.pid, SIGCONT), 0);
    while (journal_is_stalled(journal, until_ms + 1000))
        ck_assert_int_eq(step(journal, until_ms + 1000), JOURNAL_IDLE);
    journal_free(journal);
}
END_TEST

START_TEST(of_two_who_want_an_epoch_one_gets_it)
{
    struct journal *first = open_one();
    struct journal *second = NULL;
    struct journal *third = NULL;

    ck_assert_int_eq(claim(2, &second), 0);
    ck_assert_uint_eq(journal_epoch(second), 2);
    ck_assert_int_eq(claim(2, &third), ERR_FENCED);
    ck_assert_ptr_null(third);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 2);
    journal_free(first);
    journal_free(second);
}
END_TEST

START_TEST(the_epoch_of_a_log_that_is_gone_is_not_taken)
{
    struct journal *first = open_one();
    struct journal *second = NULL;

    (void)REDIS_DO(&server.address, W("FLUSHALL"));
    ck_assert_int_eq(claim(2, &second), ERR_AMNESIA);
    ck_assert_int_eq(REDIS_DO(&server.address, W("EXISTS"), W(LOG)), 0);
    journal_free(first);
}
END_TEST

static void set_head(const char *field, const char *text)
{
    (void)REDIS_DO(&server.address, W("HSET"), W(HEAD), W(field), W(text));
}

START_TEST(what_stands_of_the_head_is_read)
{
    struct lead read;

    ck_assert_int_eq(lead_fails(), ERR_NOT_FOUND);
    set_head(LEAD_EPOCH, "7");
    set_head(LEAD_ENDPOINT, "host:7420");
    read = lead();
    ck_assert_uint_eq(read.epoch, 7);
    ck_assert_str_eq(read.endpoint, "host:7420");
    ck_assert_str_eq(read.key, "");
    ck_assert_uint_eq(read.beat.n, 0);
    set_head(LEAD_BEAT, "7-31");
    set_head(LEAD_KEY, "0011223344556677");
    read = lead();
    ck_assert_str_eq(read.key, "0011223344556677");
    ck_assert_uint_eq(read.beat.n, 31);
}
END_TEST

START_TEST(what_no_head_writes_is_refused)
{
    static const char *const wrong[][2] = {
        {LEAD_EPOCH, "seven"},
        {LEAD_EPOCH, "-1"},
        {LEAD_EPOCH, "7-1"},
        {LEAD_EPOCH, "99999999999999999999"},
        {LEAD_ENDPOINT, "a host:1"},
        {LEAD_ENDPOINT, "h\xc3\xa9:1"},
        {LEAD_ENDPOINT, "h:1\nkey x"},
        {LEAD_BEAT, "7"},
        {LEAD_BEAT, "7-x"},
        {LEAD_KEY, "\x1b[2J"},
    };
    char long_text[LEAD_ENDPOINT_BYTES + 1];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        set_head(LEAD_EPOCH, "7");
        set_head(wrong[i][0], wrong[i][1]);
        ck_assert_msg(lead_fails() == ERR_MALFORMED, "%s", wrong[i][1]);
        (void)REDIS_DO(&server.address, W("DEL"), W(HEAD));
    }
    memset(long_text, 'h', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    set_head(LEAD_ENDPOINT, long_text);
    ck_assert_int_eq(lead_fails(), ERR_MALFORMED);
    (void)REDIS_DO(&server.address, W("DEL"), W(HEAD));
    (void)REDIS_DO(&server.address, W("SET"), W(HEAD), W("text"));
    ck_assert_int_eq(lead_fails(), ERR_DENIED);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("lead");
    TCase *tcase = tcase_create("lead");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_idle_head_beats_and_the_log_does_not_grow);
    tcase_add_test(tcase, the_next_beat_has_its_time);
    tcase_add_test(tcase, an_entry_that_meets_a_beat_is_appended_behind_it);
    tcase_add_test(tcase, an_idle_stale_head_finds_out_by_itself);
    tcase_add_test(tcase, a_head_that_was_stopped_doubts_and_asks);
    tcase_add_test(tcase, what_was_asked_before_it_was_stopped_settles_no_doubt);
    tcase_add_test(tcase, a_head_that_waits_for_a_replica_beats);
    tcase_add_test(tcase, a_beat_that_a_replica_refuses_ends_the_connection);
    tcase_add_test(tcase, a_head_without_an_answer_does_not_believe_that_it_leads);
    tcase_add_test(tcase, of_two_who_want_an_epoch_one_gets_it);
    tcase_add_test(tcase, the_epoch_of_a_log_that_is_gone_is_not_taken);
    tcase_add_test(tcase, what_stands_of_the_head_is_read);
    tcase_add_test(tcase, what_no_head_writes_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
