/* links: proto store redis */
#include <sys/stat.h>

#include "common/err.h"
#include "common/redis/lead.h"
#include "proto/finder.h"
#include "proto/known.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

#define HEAD "assay:{default}:head"

static struct redis_server server;
static struct trouble trouble;
static struct finder *finder;
static char url[64];

static void setup(void)
{
    uint16_t port = redis_server_free_port();

    (void)unsetenv("ASSAY_REDIS_PASSWORD_FILE");
    redis_server_start(&server, port, (const char *const[]){"--bind", "127.0.0.1", NULL});
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", port);
    ck_assert_int_eq(finder_new(url, &finder, &trouble), 0);
}

static void teardown(void)
{
    finder_free(finder);
    redis_server_stop(&server);
}

static void set_head(const char *field, const char *text)
{
    (void)REDIS_DO(&server.address, W("HSET"), W(HEAD), W(field), W(text));
}

static int ask(struct found_head *found)
{
    return finder_ask(finder, clock_ms() + REDIS_LIMIT_MS, found);
}

START_TEST(its_address_is_read)
{
    static const char *const good[][2] = {
        {"redis://127.0.0.1", "redis://127.0.0.1:6379/default"},
        {"redis://127.0.0.1/", "redis://127.0.0.1:6379/default"},
        {"redis://reader@127.0.0.1:7000", "redis://127.0.0.1:7000/default"},
        {"redis://127.0.0.1:7000/lab-2", "redis://127.0.0.1:7000/lab-2"},
        {"redis://[::1]:7000/a", "redis://[::1]:7000/a"},
    };
    static const char *const bad[] = {
        "redis://",
        "redis:///a",
        "redis://h:port",
        "redis://h:0",
        "redis://h:70000",
        "redis://[::1",
        "redis://u:secret@127.0.0.1",
        "redis://127.0.0.1/a/b",
        "redis://127.0.0.1/a b",
        "redis://127.0.0.1/{a}",
        "rediss://127.0.0.1",
        "redis://127.0.0.1/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct finder *one = NULL;

        ck_assert(finder_is_meant(good[i][0]));
        ck_assert_msg(finder_new(good[i][0], &one, &trouble) == 0, "%s: %s", good[i][0],
                      trouble.why);
        ck_assert_str_eq(finder_cluster(one), good[i][1]);
        finder_free(one);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct finder *one = NULL;

        ck_assert(finder_is_meant(bad[i]));
        ck_assert_msg(finder_new(bad[i], &one, &trouble) == ERR_MALFORMED, "%s", bad[i]);
        ck_assert_ptr_null(one);
        ck_assert_msg(strstr(trouble.why, "secret") == NULL, "%s", trouble.why);
    }
    ck_assert(!finder_is_meant("host:7420"));
    ck_assert(!finder_is_meant("redis"));
}
END_TEST

START_TEST(who_leads_is_found_and_found_again)
{
    struct found_head found;

    ck_assert_int_eq(ask(&found), ERR_NOT_FOUND);
    set_head(LEAD_EPOCH, "1");
    ck_assert_int_eq(ask(&found), ERR_NOT_FOUND); /* it has taken the epoch, and listens soon */
    set_head(LEAD_ENDPOINT, "one.example:7420");
    set_head(LEAD_KEY, "0011223344556677");
    ck_assert_int_eq(ask(&found), 0);
    ck_assert_str_eq(found.address.host, "one.example");
    ck_assert_uint_eq(found.address.port, 7420);
    ck_assert_str_eq(found.key, "0011223344556677");
    set_head(LEAD_ENDPOINT, "[fe80::2]:7421");
    ck_assert_int_eq(ask(&found), 0);
    ck_assert_str_eq(found.address.host, "fe80::2");
    ck_assert_int_eq(finder_fd(finder), -1);
}
END_TEST

START_TEST(what_no_head_says_is_refused)
{
    static const char *const bad[] = {"one.example", "one.example:0", "a b:1", ":7420", "h:1:2"};
    struct found_head found;

    set_head(LEAD_EPOCH, "1");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_head(LEAD_ENDPOINT, bad[i]);
        ck_assert_msg(ask(&found) == ERR_MALFORMED, "%s", bad[i]);
    }
    set_head(LEAD_ENDPOINT, "h:1");
    set_head(LEAD_KEY, "00112233445566778");
    ck_assert_int_eq(ask(&found), ERR_MALFORMED);
    (void)REDIS_DO(&server.address, W("DEL"), W(HEAD));
    (void)REDIS_DO(&server.address, W("SET"), W(HEAD), W("x"));
    ck_assert_int_eq(ask(&found), ERR_DENIED);
}
END_TEST

/* DESIGN 7: a user that may read that one key. */
START_TEST(a_user_for_that_one_key_is_enough)
{
    char path[96];
    char text[96];
    struct finder *one;
    struct found_head found;

    set_head(LEAD_EPOCH, "1");
    set_head(LEAD_ENDPOINT, "h:1");
    (void)REDIS_DO(&server.address, W("ACL"), W("SETUSER"), W("finder"), W("on"), W(">word"),
                   W("~assay:{default}:head"), W("+hmget"));
    (void)snprintf(path, sizeof(path), "%s/password", server.folder);
    ck_assert_int_eq(fs_write_atomic(path, 0600, "word\n", 5), 0);
    ck_assert_int_eq(setenv("ASSAY_REDIS_PASSWORD_FILE", path, 1), 0);
    (void)snprintf(text, sizeof(text), "redis://finder@%s", url + 8);
    ck_assert_int_eq(finder_new(text, &one, &trouble), 0);
    ck_assert_int_eq(finder_ask(one, clock_ms() + REDIS_LIMIT_MS, &found), 0);
    ck_assert_str_eq(found.address.host, "h");
    finder_free(one);
    ck_assert_int_eq(fs_write_atomic(path, 0600, "other\n", 6), 0);
    ck_assert_int_eq(finder_new(text, &one, &trouble), 0);
    ck_assert_int_eq(finder_ask(one, clock_ms() + REDIS_LIMIT_MS, &found), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(finder_why(one), "WRONGPASS"));
    finder_free(one);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(finder_new(text, &one, &trouble), ERR_DENIED);
}
END_TEST

START_TEST(a_redis_that_is_away_or_hangs_is_told)
{
    struct found_head found;

    set_head(LEAD_EPOCH, "1");
    set_head(LEAD_ENDPOINT, "h:1");
    ck_assert_int_eq(kill(server.pid, SIGSTOP), 0);
    ck_assert_int_eq(finder_begin(finder), 0);
    ck_assert_int_eq(finder_take(finder, &found), ERR_AGAIN);
    ck_assert_int_ge(finder_fd(finder), 0);
    finder_end(finder);
    ck_assert_int_eq(finder_fd(finder), -1);
    ck_assert_int_eq(finder_ask(finder, clock_ms() + 50, &found), ERR_TIMEOUT);
    ck_assert_int_eq(kill(server.pid, SIGCONT), 0);
    ck_assert_int_eq(ask(&found), 0);
    ck_assert_int_eq(kill(server.pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(server.pid, NULL, 0), server.pid);
    ck_assert_int_eq(ask(&found), ERR_CLOSED);
    ck_assert_str_ne(finder_why(finder), "");
    ck_assert_int_eq(fs_remove_tree(server.folder), 0);
    redis_server_start(&server, 0, (const char *const[]){NULL}); /* for the teardown */
}
END_TEST

START_TEST(a_clusters_key_is_known_by_its_name)
{
    static const uint8_t one[KEY_BYTES] = {1};
    static const uint8_t two[KEY_BYTES] = {2};
    struct address address = {.host = "h", .port = 1};
    uint8_t pinned[KEY_BYTES];

    ck_assert_int_eq(setenv("ASSAY_HOME", server.folder, 1), 0);
    ck_assert_int_eq(known_cluster_load("redis://h:1/a", pinned, &trouble), ERR_NOT_FOUND);
    ck_assert_int_eq(known_cluster_pin("redis://h:1/a", one, &trouble), 0);
    ck_assert_int_eq(known_cluster_pin("redis://h:1/a", one, &trouble), 0);
    ck_assert_int_eq(known_cluster_pin("redis://h:1/a", two, &trouble), ERR_EXISTS);
    ck_assert_int_eq(known_cluster_load("redis://h:1/a", pinned, &trouble), 0);
    ck_assert_mem_eq(pinned, one, KEY_BYTES);
    ck_assert_int_eq(known_cluster_load("redis://h:1/b", pinned, &trouble), ERR_NOT_FOUND);
    ck_assert_int_eq(known_cluster_load("redis://h:11/a", pinned, &trouble), ERR_NOT_FOUND);
    ck_assert_int_eq(known_head_load(&address, pinned, &trouble), ERR_NOT_FOUND);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("finder");
    TCase *tcase = tcase_create("finder");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, its_address_is_read);
    tcase_add_test(tcase, who_leads_is_found_and_found_again);
    tcase_add_test(tcase, what_no_head_says_is_refused);
    tcase_add_test(tcase, a_user_for_that_one_key_is_enough);
    tcase_add_test(tcase, a_redis_that_is_away_or_hangs_is_told);
    tcase_add_test(tcase, a_clusters_key_is_known_by_its_name);
    suite_add_tcase(suite, tcase);
    return suite;
}
