/* links: head store */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/redis/info.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/redisd.h"
#include "tests/lib/run_suite.h"

#define LIMIT_MS 10000u

static char folder[64];
static struct trouble trouble;

static void setup(void)
{
    strcpy(folder, "/tmp/assay-redisd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}

static struct redisd *start(const char *dir, bool private_server)
{
    struct redisd *redisd = NULL;
    int err = redisd_start(dir, "test", private_server, &redisd, &trouble);

    ck_assert_msg(err == 0, "%s: %s", trouble.what, trouble.why);
    return redisd;
}

static void stop(struct redisd *redisd)
{
    int err = redisd_stop(redisd, &trouble);

    ck_assert_msg(err == 0, "%s: %s", trouble.what, trouble.why);
    redisd_free(redisd);
}

/* The answer to one command of a user, as text; "" for other answers. */
static const char *say(const struct store_address *address, const struct span *words, size_t count)
{
    static char text[512];
    struct store *store = store_new(address);
    struct redisReply *reply;
    struct span answer;

    ck_assert_int_eq(store_connect(store, clock_ms() + LIMIT_MS), 0);
    ck_assert_int_eq(store_call(store, clock_ms() + LIMIT_MS, words, count, &reply), 0);
    answer = store_reply_text(reply);
    (void)snprintf(text, sizeof(text), "%.*s", SPAN(answer));
    store_reply_free(reply);
    store_free(store);
    return text;
}

#define SAY(address, ...) say(address, STORE_WORDS(__VA_ARGS__))
#define W(text)           span_text(text)

/* The server's process id, asked of itself. */
static pid_t server_pid(const struct redisd *redisd)
{
    struct store *store = store_new(redisd_supervisor(redisd));
    struct redisReply *reply;
    pid_t pid;

    ck_assert_int_eq(store_connect(store, clock_ms() + LIMIT_MS), 0);
    ck_assert_int_eq(
        store_call(store, clock_ms() + LIMIT_MS, STORE_WORDS(W("INFO"), W("server")), &reply), 0);
    pid = (pid_t)atoi(strstr(reply->str, "process_id:") + 11);
    store_reply_free(reply);
    store_free(store);
    return pid;
}

/* The same once it answers. */
static pid_t server_pid_soon(const struct redisd *redisd)
{
    struct store *store = store_new(redisd_supervisor(redisd));
    uint64_t until_ms = clock_ms() + LIMIT_MS;

    while (store_connect(store, until_ms) < 0) {
        ck_assert(clock_ms() < until_ms);
        (void)poll(NULL, 0, 1);
    }
    store_free(store);
    return server_pid(redisd);
}

static void await_end(pid_t pid)
{
    uint64_t until_ms = clock_ms() + LIMIT_MS;

    while (kill(pid, 0) == 0 && waitpid(pid, NULL, WNOHANG) <= 0) {
        ck_assert(clock_ms() < until_ms);
        (void)poll(NULL, 0, 1);
    }
}

START_TEST(settings_are_the_audited_ones)
{
    static const char *const settings[][2] = {{"port", "0"},
                                              {"appendonly", "yes"},
                                              {"appendfsync", "always"},
                                              {"no-appendfsync-on-rewrite", "no"},
                                              {"aof-load-truncated", "no"},
                                              {"save", ""},
                                              {"maxmemory-policy", "noeviction"},
                                              {"unixsocketperm", "700"},
                                              {"enable-debug-command", "no"},
                                              {"enable-module-command", "no"},
                                              {"enable-protected-configs", "no"}};
    struct redisd *redisd = start(folder, true);
    struct store *store = store_new(redisd_supervisor(redisd));
    struct redisReply *reply;

    ck_assert_int_eq(store_connect(store, clock_ms() + LIMIT_MS), 0);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        ck_assert_int_eq(store_call(store, clock_ms() + LIMIT_MS,
                                    STORE_WORDS(W("CONFIG"), W("GET"), W(settings[i][0])), &reply),
                         0);
        ck_assert_int_eq(reply->type, REDIS_REPLY_ARRAY);
        ck_assert_str_eq(reply->element[1]->str, settings[i][1]);
        store_reply_free(reply);
    }
    ck_assert_int_eq(store_call(store, clock_ms() + LIMIT_MS,
                                STORE_WORDS(W("CONFIG"), W("GET"), W("maxmemory")), &reply),
                     0);
    ck_assert_uint_gt(strtoull(reply->element[1]->str, NULL, 10), 1u << 20);
    store_reply_free(reply);
    store_free(store);
    stop(redisd);
}
END_TEST

/* By the user's rights, or, earlier still, by a setting. */
static bool was_refused(const char *answer)
{
    return strncmp(answer, "NOPERM", 6) == 0 || strstr(answer, "command not allowed") != NULL;
}

START_TEST(users_may_do_their_own_work_only)
{
    static const char *const no[][3] = {
        {"CONFIG", "GET", "port"}, {"FLUSHALL", "SYNC", ""},    {"SHUTDOWN", "NOSAVE", "NOW"},
        {"DEBUG", "SLEEP", "0"},   {"EVAL", "return 1", "0"},   {"CLIENT", "KILL", "TYPE"},
        {"ACL", "SETUSER", "x"},   {"MODULE", "LOAD", "/tmp/x"}};
    struct redisd *redisd = start(folder, true);
    const struct store_address *head = redisd_address(redisd);
    struct store_address nobody = *head;
    struct store *store;

    ck_assert_str_eq(SAY(head, W("HSET"), W("assay:{test}:x"), W("a"), W("b")), "");
    ck_assert_ptr_nonnull(strstr(SAY(head, W("GET"), W("assay:{other}:x")), "NOPERM"));
    ck_assert_ptr_nonnull(strstr(SAY(head, W("GET"), W("elsewhere")), "NOPERM"));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        ck_assert(was_refused(SAY(head, W(no[i][0]), W(no[i][1]), W(no[i][2]))));
    ck_assert_ptr_nonnull(
        strstr(SAY(redisd_supervisor(redisd), W("GET"), W("assay:{test}:x")), "NOPERM"));
    nobody.password[0] ^= 1;
    store = store_new(&nobody);
    ck_assert_int_eq(store_connect(store, clock_ms() + LIMIT_MS), ERR_DENIED);
    store_free(store);
    nobody.user[0] = nobody.password[0] = '\0';
    store = store_new(&nobody);
    ck_assert_int_eq(store_connect(store, clock_ms() + LIMIT_MS), ERR_DENIED);
    store_free(store);
    stop(redisd);
}
END_TEST

START_TEST(files_are_closed_to_others)
{
    static const char *const files[] = {
        "redis",           "redis/head.password", "redis/supervisor.password",
        "redis/users.acl", "redis/redis.conf",    "redis/s"};
    struct redisd *redisd = start(folder, true);
    char path[LIMIT_PATH_BYTES];
    struct buf acl = {0};
    struct stat status;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        ck_assert_int_eq(fs_join(path, folder, files[i]), 0);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 077, 0);
    }
    ck_assert_int_eq(fs_join(path, folder, "redis/users.acl"), 0);
    ck_assert_int_eq(fs_read(path, 65536, &acl), 0);
    ck_assert_ptr_null(strstr(buf_text(&acl), redisd_address(redisd)->password));
    buf_fini(&acl);
    stop(redisd);
}
END_TEST

START_TEST(a_server_that_runs_is_used_again)
{
    struct redisd *first = start(folder, false);
    pid_t pid = server_pid(first);
    struct redisd *second;

    redisd_free(first); /* the head is gone, its server is not */
    second = start(folder, false);
    ck_assert_int_eq(server_pid(second), pid);
    ck_assert_int_eq(redisd_tend(second, clock_ms()), 0);
    stop(second);
    await_end(pid);
}
END_TEST

START_TEST(what_was_written_is_there_after_a_stop)
{
    struct redisd *redisd = start(folder, false);

    (void)SAY(redisd_address(redisd), W("SET"), W("assay:{test}:x"), W("kept"));
    stop(redisd);
    redisd = start(folder, false);
    ck_assert_str_eq(SAY(redisd_address(redisd), W("GET"), W("assay:{test}:x")), "kept");
    stop(redisd);
}
END_TEST

/* Bytes of its append-only file, the base and what came since. */
static uint64_t file_bytes(const struct redisd *redisd, uint64_t *base)
{
    struct store *store = store_new(redisd_supervisor(redisd));
    struct redisReply *reply;
    uint64_t bytes;

    ck_assert_int_eq(store_connect(store, clock_ms() + LIMIT_MS), 0);
    ck_assert_int_eq(
        store_call(store, clock_ms() + LIMIT_MS, STORE_WORDS(W("INFO"), W("persistence")), &reply),
        0);
    bytes = info_number(reply->str, "aof_current_size");
    *base = info_number(reply->str, "aof_base_size");
    store_reply_free(reply);
    store_free(store);
    return bytes;
}

static bool is_rewritten(const struct redisd *redisd)
{
    bool done;

    ck_assert_int_eq(redisd_rewrite(redisd_supervisor(redisd), &done, &trouble), 0);
    return done;
}

/* The same key again and again: all but the last is in the file for nothing. */
static void overwrite(const struct redisd *redisd, unsigned times, size_t size)
{
    char *value = calloc(1, size);

    for (unsigned i = 0; i < times; i++) {
        (void)snprintf(value, size, "%u", i + 1);
        (void)SAY(redisd_address(redisd), W("SET"), W("assay:{test}:x"), span_of(value, size));
    }
    free(value);
}

START_TEST(a_long_file_is_written_anew)
{
    struct redisd *redisd = start(folder, false);
    uint64_t base;

    overwrite(redisd, 3, 1u << 20);
    ck_assert(!is_rewritten(redisd)); /* not for three megabytes */
    overwrite(redisd, 14, 1u << 20);
    ck_assert_uint_gt(file_bytes(redisd, &base), 17u << 20);
    ck_assert(is_rewritten(redisd));
    ck_assert_uint_lt(file_bytes(redisd, &base), 2u << 20);
    ck_assert_uint_ge(base, 1u << 20);
    ck_assert(!is_rewritten(redisd)); /* nothing stands there for nothing */
    stop(redisd);
    redisd = start(folder, false);
    ck_assert_str_eq(SAY(redisd_address(redisd), W("GET"), W("assay:{test}:x")), "14");
    stop(redisd);
}
END_TEST

START_TEST(a_killed_server_is_started_again)
{
    struct redisd *redisd = start(folder, true);
    pid_t pid = server_pid(redisd);
    uint64_t now_ms = clock_ms();
    struct store *store;
    int err;

    (void)SAY(redisd_address(redisd), W("SET"), W("assay:{test}:x"), W("kept"));
    ck_assert_int_eq(redisd_tend(redisd, now_ms), 0);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    while ((err = redisd_tend(redisd, now_ms)) == 0) /* until its end is seen */
        ck_assert(clock_ms() < now_ms + LIMIT_MS);
    ck_assert_int_eq(err, 1);
    ck_assert_int_eq(redisd_tend(redisd, now_ms), 0);
    ck_assert_int_eq(kill(server_pid_soon(redisd), SIGKILL), 0);
    while ((err = redisd_tend(redisd, now_ms)) == 0)
        ck_assert(clock_ms() < now_ms + LIMIT_MS);
    ck_assert_int_eq(err, ERR_AGAIN); /* the second death in a minute: not at once */
    ck_assert_int_eq(redisd_tend(redisd, now_ms + 5000), 1);
    store = store_new(redisd_address(redisd));
    while (store_connect(store, clock_ms() + LIMIT_MS) < 0) {
        ck_assert(clock_ms() < now_ms + LIMIT_MS);
        (void)poll(NULL, 0, 1);
    }
    store_free(store);
    ck_assert_str_eq(SAY(redisd_address(redisd), W("GET"), W("assay:{test}:x")), "kept");
    stop(redisd);
}
END_TEST

START_TEST(a_private_server_ends_with_its_head)
{
    int said[2];
    pid_t server = 0;
    pid_t head;

    ck_assert_int_eq(pipe(said), 0);
    head = fork();
    if (head == 0) {
        server = server_pid(start(folder, true));
        (void)!write(said[1], &server, sizeof(server));
        (void)kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(read(said[0], &server, sizeof(server)), sizeof(server));
    ck_assert_int_eq(waitpid(head, NULL, 0), head);
    await_end(server);
    (void)close(said[0]);
    (void)close(said[1]);
}
END_TEST

START_TEST(a_deep_folder_works)
{
    char deep[300];
    struct redisd *redisd;

    (void)snprintf(deep, sizeof(deep), "%s/%0120d/%0100d", folder, 1, 2);
    redisd = start(deep, true);
    (void)SAY(redisd_address(redisd), W("SET"), W("assay:{test}:x"), W("deep"));
    ck_assert_str_eq(SAY(redisd_address(redisd), W("GET"), W("assay:{test}:x")), "deep");
    stop(redisd);
}
END_TEST

START_TEST(a_folder_belongs_to_one_cluster)
{
    struct redisd *redisd = start(folder, true);
    struct redisd *other = NULL;
    char name[65];

    ck_assert_int_eq(redisd_cluster(folder, name), 0);
    ck_assert_str_eq(name, "test");
    ck_assert_int_eq(redisd_start(folder, "other", true, &other, &trouble), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "\"test\""));
    stop(redisd);
    ck_assert_int_eq(redisd_start(folder, "a*b", true, &other, &trouble), ERR_MALFORMED);
}
END_TEST

START_TEST(without_the_program_the_error_says_how_to_get_it)
{
    struct redisd *redisd = NULL;

    ck_assert_int_eq(setenv("PATH", "/nowhere", 1), 0);
    ck_assert_int_eq(redisd_start(folder, "test", true, &redisd, &trouble), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(trouble.mend, "apt-get install redis-server"));
}
END_TEST

START_TEST(damaged_files_stop_the_start_with_the_reason)
{
    struct redisd *redisd = start(folder, true);
    char path[LIMIT_PATH_BYTES];
    static const char damage[] =
        "*3\r\n$3\r\nSET\r\n$garbage in the middle\r\n*1\r\n$4\r\nPING\r\n";

    stop(redisd);
    ck_assert_int_eq(fs_join(path, folder, "redis/appendonlydir/appendonly.aof.1.incr.aof"), 0);
    ck_assert_int_eq(fs_write_atomic(path, 0600, damage, sizeof(damage) - 1), 0);
    ck_assert_int_eq(redisd_start(folder, "test", true, &redisd, &trouble), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "damaged at byte 0 of "));
    ck_assert_ptr_nonnull(strstr(trouble.mend, "redis-check-aof"));
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("redisd");
    TCase *tcase = tcase_create("redisd");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, settings_are_the_audited_ones);
    tcase_add_test(tcase, users_may_do_their_own_work_only);
    tcase_add_test(tcase, files_are_closed_to_others);
    tcase_add_test(tcase, a_server_that_runs_is_used_again);
    tcase_add_test(tcase, what_was_written_is_there_after_a_stop);
    tcase_add_test(tcase, a_long_file_is_written_anew);
    tcase_add_test(tcase, a_killed_server_is_started_again);
    tcase_add_test(tcase, a_private_server_ends_with_its_head);
    tcase_add_test(tcase, a_deep_folder_works);
    tcase_add_test(tcase, a_folder_belongs_to_one_cluster);
    tcase_add_test(tcase, without_the_program_the_error_says_how_to_get_it);
    tcase_add_test(tcase, damaged_files_stop_the_start_with_the_reason);
    suite_add_tcase(suite, tcase);
    return suite;
}
