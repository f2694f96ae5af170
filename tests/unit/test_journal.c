/* links: head store */
#include <stdlib.h>

#include "common/deadlines.h"
#include "common/err.h"
#include "head/journal.h"
#include "head/redisd.h"
#include "head/store/stream.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

#define LOG   "assay:{test}:log"
#define MANY  200u
#define KILLS 4u

static struct redis_server server;
static struct trouble trouble;
static const char *const no_settings[] = {"--appendonly", "no", NULL};

static void setup(void)
{
    redis_server_start(&server, 0, no_settings);
}

static void teardown(void)
{
    redis_server_stop(&server);
}

static struct journal *open_on(const struct store_address *address, uint32_t replicas)
{
    struct journal_config config = {
        .address = address, .name = "test", .who = "a test", .replicas = replicas};
    struct journal *journal = NULL;
    int err = journal_open(&config, clock_ms() + REDIS_LIMIT_MS, &journal, &trouble);

    ck_assert_msg(err == 0, "%s: %s", trouble.what, trouble.why);
    return journal;
}

static int open_fails(const struct store_address *address)
{
    struct journal_config config = {.address = address, .name = "test", .who = "a test"};
    struct journal *journal = NULL;

    return journal_open(&config, clock_ms() + 200, &journal, &trouble);
}

/* One poll, after the socket had something to say or the journal's time has come. */
static int step(struct journal *journal)
{
    uint64_t now_ms = clock_ms();
    uint64_t due_ms = journal_deadline_ms(journal);
    int wait_ms = due_ms <= now_ms ? 0 : due_ms - now_ms < 50 ? (int)(due_ms - now_ms) : 50;
    struct pollfd poll_fd = {.fd = journal_fd(journal), .events = POLLIN};

    if (journal_wants_write(journal))
        poll_fd.events |= POLLOUT;
    (void)poll(&poll_fd, 1, wait_ms);
    return journal_poll(journal, clock_ms());
}

/* Until it is committed or has failed. */
static int settle(struct journal *journal, struct redisd *redisd)
{
    uint64_t until_ms = clock_ms() + REDIS_LIMIT_MS;
    int state;

    while ((state = step(journal)) == JOURNAL_PENDING) {
        ck_assert_msg(clock_ms() < until_ms, "%s", journal_why(journal));
        if (redisd != NULL && !journal_is_connected(journal))
            (void)redisd_tend(redisd, clock_ms());
    }
    return state;
}

static int append(struct journal *journal, const char *text)
{
    journal_append(journal, span_text(text), clock_ms());
    return settle(journal, NULL);
}

/* The log's entry at an id, as text; free it. */
static char *entry_at(const struct store_address *address, const char *id)
{
    struct redisReply *reply = REDIS_ASK(address, W("XRANGE"), W(LOG), W(id), W(id));
    struct stream_entry entry;
    char *text;

    ck_assert_int_eq(stream_count(reply), 1);
    ck_assert_int_eq(stream_read_entry(reply, 0, &entry), 0);
    text = strndup(entry.bytes.data, entry.bytes.size);
    store_reply_free(reply);
    return text;
}

static void check_entry(const char *id, const char *text)
{
    char *found = entry_at(&server.address, id);

    ck_assert_str_eq(found, text);
    free(found);
}

START_TEST(entries_are_numbered_and_kept)
{
    struct journal *journal = open_on(&server.address, 0);

    ck_assert_uint_eq(journal_epoch(journal), 1);
    ck_assert_uint_eq(journal_committed(journal).n, 0);
    ck_assert_int_eq(journal_poll(journal, clock_ms()), JOURNAL_IDLE);
    ck_assert_uint_eq(journal_deadline_ms(journal), DEADLINE_NEVER);
    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    ck_assert_int_eq(append(journal, "second"), JOURNAL_COMMITTED);
    ck_assert_int_eq(journal_poll(journal, clock_ms()), JOURNAL_IDLE);
    ck_assert_uint_eq(journal_committed(journal).n, 2);
    check_entry("1-0", "a test");
    check_entry("1-1", "first");
    check_entry("1-2", "second");
    journal_free(journal);
}
END_TEST

START_TEST(the_next_head_takes_the_next_epoch)
{
    struct journal *journal = open_on(&server.address, 0);

    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    journal_free(journal);
    journal = open_on(&server.address, 0);
    ck_assert_uint_eq(journal_epoch(journal), 2);
    ck_assert_int_eq(append(journal, "second"), JOURNAL_COMMITTED);
    check_entry("1-1", "first");
    check_entry("2-1", "second");
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 4);
    journal_free(journal);
}
END_TEST

START_TEST(a_log_that_was_cut_keeps_its_epoch)
{
    struct journal *journal = open_on(&server.address, 0);

    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XTRIM"), W(LOG), W("MAXLEN"), W("0")), 2);
    ck_assert_int_eq(append(journal, "second"), JOURNAL_COMMITTED);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XTRIM"), W(LOG), W("MAXLEN"), W("0")), 1);
    journal_free(journal);
    journal = open_on(&server.address, 0);
    ck_assert_uint_eq(journal_epoch(journal), 2);
    journal_free(journal);
}
END_TEST

START_TEST(a_stale_head_is_shut_out)
{
    struct journal *old = open_on(&server.address, 0);
    struct journal *new;

    ck_assert_int_eq(append(old, "first"), JOURNAL_COMMITTED);
    new = open_on(&server.address, 0);
    ck_assert_int_eq(append(old, "too late"), ERR_FENCED);
    ck_assert_int_eq(journal_poll(old, clock_ms()), ERR_FENCED);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 3);
    ck_assert_int_eq(append(new, "second"), JOURNAL_COMMITTED);
    journal_free(old);
    journal_free(new);
}
END_TEST

/* Cut all connections but that of the one who asks. */
static void cut(void)
{
    ck_assert_int_ge(REDIS_DO(&server.address, W("CLIENT"), W("KILL"), W("TYPE"), W("normal")), 1);
}

START_TEST(an_idle_head_comes_back)
{
    struct journal *journal = open_on(&server.address, 0);

    cut();
    while (journal_is_connected(journal))
        ck_assert_int_eq(step(journal), JOURNAL_IDLE);
    while (!journal_is_connected(journal))
        ck_assert_int_eq(step(journal), JOURNAL_IDLE);
    ck_assert_str_eq(journal_why(journal), "");
    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    journal_free(journal);
}
END_TEST

START_TEST(an_idle_stale_head_finds_out_when_it_comes_back)
{
    struct journal *old = open_on(&server.address, 0);
    struct journal *new = open_on(&server.address, 0);
    int state;

    cut();
    while ((state = step(old)) == JOURNAL_IDLE)
        continue;
    ck_assert_int_eq(state, ERR_FENCED);
    journal_free(old);
    journal_free(new);
}
END_TEST

START_TEST(an_answer_that_got_lost_is_found_by_its_id)
{
    struct journal *journal = open_on(&server.address, 0);

    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    journal_append(journal, W("second"), clock_ms());
    while (REDIS_DO(&server.address, W("XLEN"), W(LOG)) < 3)
        continue; /* it is there, and its answer on the way: which nobody reads */
    cut();
    ck_assert_int_eq(shutdown(journal_fd(journal), SHUT_RDWR), 0);
    while (recv(journal_fd(journal), (char[256]){0}, 256, 0) > 0)
        continue;
    ck_assert_int_eq(settle(journal, NULL), JOURNAL_COMMITTED);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 3);
    ck_assert_int_eq(append(journal, "third"), JOURNAL_COMMITTED);
    check_entry("1-2", "second");
    check_entry("1-3", "third");
    journal_free(journal);
}
END_TEST

START_TEST(what_never_arrived_is_sent_again)
{
    struct journal *journal = open_on(&server.address, 0);

    cut();
    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    check_entry("1-1", "first");
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 2);
    journal_free(journal);
}
END_TEST

START_TEST(our_id_with_other_bytes_is_somebody_elses)
{
    struct journal *journal = open_on(&server.address, 0);

    (void)REDIS_DO(&server.address, W("XADD"), W(LOG), W("1-1"), W("e"), W("not ours"));
    ck_assert_int_eq(append(journal, "ours"), ERR_FENCED);
    journal_free(journal);
}
END_TEST

START_TEST(a_log_that_is_gone_is_not_begun_anew)
{
    struct journal *journal = open_on(&server.address, 0);

    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    (void)REDIS_DO(&server.address, W("FLUSHALL"));
    ck_assert_int_eq(append(journal, "second"), ERR_AMNESIA);
    ck_assert_int_eq(REDIS_DO(&server.address, W("EXISTS"), W(LOG)), 0);
    journal_free(journal);
}
END_TEST

START_TEST(an_older_log_is_amnesia)
{
    struct journal *journal = open_on(&server.address, 0);
    int state;

    ck_assert_int_eq(append(journal, "first"), JOURNAL_COMMITTED);
    ck_assert_int_eq(append(journal, "second"), JOURNAL_COMMITTED);
    (void)REDIS_DO(&server.address, W("FLUSHALL"));
    (void)REDIS_DO(&server.address, W("XADD"), W(LOG), W("1-1"), W("e"), W("first"));
    cut();
    while ((state = step(journal)) == JOURNAL_IDLE)
        continue;
    ck_assert_int_eq(state, ERR_AMNESIA);
    journal_free(journal);
}
END_TEST

START_TEST(another_key_in_the_logs_place_is_amnesia)
{
    struct journal *journal = open_on(&server.address, 0);

    (void)REDIS_DO(&server.address, W("SET"), W(LOG), W("text"));
    ck_assert_int_eq(append(journal, "first"), ERR_AMNESIA);
    journal_free(journal);
}
END_TEST

START_TEST(foreign_content_is_left_alone)
{
    (void)REDIS_DO(&server.address, W("SET"), W(LOG), W("text"));
    ck_assert_int_eq(open_fails(&server.address), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "not a stream"));
    (void)REDIS_DO(&server.address, W("DEL"), W(LOG));
    (void)REDIS_DO(&server.address, W("XADD"), W(LOG), W("*"), W("user"), W("signed in"));
    ck_assert_int_eq(open_fails(&server.address), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "not written by a head"));
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 1);
}
END_TEST

START_TEST(without_a_redis_the_error_says_so)
{
    struct store_address nowhere = {.path = "/tmp/assay-no-such-socket"};

    ck_assert_int_eq(open_fails(&nowhere), ERR_CLOSED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "No such file"));
}
END_TEST

START_TEST(a_redis_that_hangs_is_asked_anew)
{
    struct journal *journal = open_on(&server.address, 0);
    uint64_t now_ms = clock_ms();

    ck_assert_int_eq(kill(server.pid, SIGSTOP), 0);
    journal_append(journal, W("first"), now_ms);
    ck_assert_int_eq(journal_poll(journal, now_ms + 1999), JOURNAL_PENDING);
    ck_assert(!journal_is_stalled(journal, now_ms + 1999));
    ck_assert_uint_eq(journal_deadline_ms(journal), now_ms + 2000);
    ck_assert(journal_is_stalled(journal, now_ms + 2000));
    ck_assert_int_eq(journal_poll(journal, now_ms + 2000), JOURNAL_PENDING);
    ck_assert_str_ne(journal_why(journal), "");
    ck_assert_uint_eq(journal_deadline_ms(journal), now_ms + 30000);
    ck_assert_int_ge(journal_fd(journal), 0);
    ck_assert_int_eq(journal_poll(journal, now_ms + 30000), JOURNAL_PENDING);
    ck_assert_int_eq(journal_fd(journal), -1);
    ck_assert_int_eq(kill(server.pid, SIGCONT), 0);
    ck_assert_int_eq(journal_poll(journal, now_ms + 30010), JOURNAL_PENDING);
    ck_assert_int_eq(settle(journal, NULL), JOURNAL_COMMITTED);
    ck_assert(!journal_is_stalled(journal, clock_ms() + 60000));
    check_entry("1-1", "first");
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 2);
    journal_free(journal);
}
END_TEST

START_TEST(a_full_redis_is_asked_again)
{
    struct journal *journal = open_on(&server.address, 0);

    (void)REDIS_DO(&server.address, W("CONFIG"), W("SET"), W("maxmemory"), W("1"));
    journal_append(journal, W("first"), clock_ms());
    while (journal_why(journal)[0] == '\0')
        ck_assert_int_eq(step(journal), JOURNAL_PENDING);
    ck_assert_ptr_nonnull(strstr(journal_why(journal), "OOM"));
    ck_assert_int_eq(REDIS_DO(&server.address, W("XLEN"), W(LOG)), 1);
    ck_assert_int_eq(open_fails(&server.address), ERR_FULL);
    (void)REDIS_DO(&server.address, W("CONFIG"), W("SET"), W("maxmemory"), W("0"));
    ck_assert_int_eq(settle(journal, NULL), JOURNAL_COMMITTED);
    ck_assert_str_eq(journal_why(journal), "");
    check_entry("1-1", "first");
    journal_free(journal);
}
END_TEST

START_TEST(an_entry_waits_for_a_replica)
{
    char port[8];
    uint16_t main_port = redis_server_free_port();
    const char *const follow[] = {"--replicaof", "127.0.0.1", port, "--repl-diskless-sync-delay",
                                  "0",           NULL};
    struct redis_server first;
    struct redis_server second;
    struct journal *journal;

    redis_server_start(&first, main_port,
                       (const char *const[]){"--repl-diskless-sync-delay", "0", NULL});
    journal = open_on(&first.address, 1);
    journal_append(journal, W("first"), clock_ms());
    while (journal_why(journal)[0] == '\0') /* it is in the log, and in one place only */
        ck_assert_int_eq(step(journal), JOURNAL_PENDING);
    ck_assert_int_eq(REDIS_DO(&first.address, W("XLEN"), W(LOG)), 2);
    (void)snprintf(port, sizeof(port), "%u", main_port);
    redis_server_start(&second, redis_server_free_port(), follow);
    ck_assert_int_eq(settle(journal, NULL), JOURNAL_COMMITTED);
    ck_assert_int_eq(append(journal, "second"), JOURNAL_COMMITTED);
    ck_assert_int_eq(REDIS_DO(&second.address, W("XLEN"), W(LOG)), 3);
    journal_free(journal);
    redis_server_stop(&second);
    redis_server_stop(&first);
}
END_TEST

static pid_t server_pid(const struct redisd *redisd)
{
    struct redisReply *reply = REDIS_ASK(redisd_supervisor(redisd), W("INFO"), W("server"));
    pid_t pid = (pid_t)atoi(strstr(reply->str, "process_id:") + 11);

    store_reply_free(reply);
    return pid;
}

/* Appends, and kills the server at a different moment of each quarter of them. */
static void append_many_with_kills(struct redisd *redisd, struct journal *journal)
{
    char text[32];

    for (uint32_t i = 1; i <= MANY; i++) {
        bool kill_now = i % (MANY / KILLS) == MANY / KILLS / 2;
        pid_t pid = kill_now ? server_pid(redisd) : 0;

        (void)snprintf(text, sizeof(text), "entry %u", i);
        if (kill_now && i / (MANY / KILLS) % 2 == 0)
            ck_assert_int_eq(kill(pid, SIGKILL), 0);
        journal_append(journal, span_text(text), clock_ms());
        if (kill_now && i / (MANY / KILLS) % 2 == 1)
            ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(settle(journal, redisd), JOURNAL_COMMITTED);
        ck_assert_uint_eq(journal_committed(journal).n, i);
    }
}

START_TEST(killed_servers_lose_nothing_that_was_committed)
{
    char folder[] = "/tmp/assay-journal-XXXXXX";
    struct redisd *redisd = NULL;
    struct journal *journal;
    char id[LOG_ID_BYTES];
    char text[32];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(redisd_start(folder, "test", true, &redisd, &trouble), 0);
    journal = open_on(redisd_address(redisd), 0);
    append_many_with_kills(redisd, journal);
    journal_free(journal);
    ck_assert_int_eq(REDIS_DO(redisd_address(redisd), W("XLEN"), W(LOG)), MANY + 1);
    for (uint32_t i = 1; i <= MANY; i++) {
        char *found;

        (void)snprintf(text, sizeof(text), "entry %u", i);
        (void)log_id_print((struct log_id){1, i}, id);
        found = entry_at(redisd_address(redisd), id);
        ck_assert_str_eq(found, text);
        free(found);
    }
    ck_assert_int_eq(redisd_stop(redisd, &trouble), 0);
    redisd_free(redisd);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("journal");
    TCase *tcase = tcase_create("journal");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, entries_are_numbered_and_kept);
    tcase_add_test(tcase, the_next_head_takes_the_next_epoch);
    tcase_add_test(tcase, a_log_that_was_cut_keeps_its_epoch);
    tcase_add_test(tcase, a_stale_head_is_shut_out);
    tcase_add_test(tcase, an_idle_head_comes_back);
    tcase_add_test(tcase, an_idle_stale_head_finds_out_when_it_comes_back);
    tcase_add_test(tcase, an_answer_that_got_lost_is_found_by_its_id);
    tcase_add_test(tcase, what_never_arrived_is_sent_again);
    tcase_add_test(tcase, our_id_with_other_bytes_is_somebody_elses);
    tcase_add_test(tcase, a_log_that_is_gone_is_not_begun_anew);
    tcase_add_test(tcase, an_older_log_is_amnesia);
    tcase_add_test(tcase, another_key_in_the_logs_place_is_amnesia);
    tcase_add_test(tcase, foreign_content_is_left_alone);
    tcase_add_test(tcase, without_a_redis_the_error_says_so);
    tcase_add_test(tcase, a_redis_that_hangs_is_asked_anew);
    tcase_add_test(tcase, a_full_redis_is_asked_again);
    tcase_add_test(tcase, an_entry_waits_for_a_replica);
    tcase_add_test(tcase, killed_servers_lose_nothing_that_was_committed);
    suite_add_tcase(suite, tcase);
    return suite;
}
