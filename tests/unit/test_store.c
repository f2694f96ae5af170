/* links: store core */
#include <stdlib.h>
#include <sys/stat.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/redis/address.h"
#include "common/redis/keys.h"
#include "head/store/audit.h"
#include "head/store/project.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

static struct trouble trouble;
static struct store_address address;
static struct redis_server server;

static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

START_TEST(addresses_are_read)
{
    ck_assert_int_eq(store_address_parse("/run/redis.sock", &address, &trouble), 0);
    ck_assert_str_eq(address.path, "/run/redis.sock");
    ck_assert(address.loopback);
    ck_assert_int_eq(store_address_parse("unix:/run/redis.sock", &address, &trouble), 0);
    ck_assert_str_eq(address.path, "/run/redis.sock");
    ck_assert_int_eq(store_address_parse("127.0.0.1", &address, &trouble), 0);
    ck_assert_uint_eq(address.port, 6379);
    ck_assert(address.loopback);
    ck_assert_str_eq(address.path, "");
    ck_assert_int_eq(store_address_parse("redis://head@127.0.0.2:7000/", &address, &trouble), 0);
    ck_assert_str_eq(address.user, "head");
    ck_assert_str_eq(address.numeric, "127.0.0.2");
    ck_assert_uint_eq(address.port, 7000);
    ck_assert_int_eq(store_address_parse("[::1]:7001", &address, &trouble), 0);
    ck_assert_str_eq(address.numeric, "::1");
    ck_assert(address.loopback);
    ck_assert_int_eq(store_address_parse("192.0.2.7:7002", &address, &trouble), 0);
    ck_assert(!address.loopback);
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
    static const char *const bad[] = {"",
                                      ":1",
                                      "127.0.0.1:0",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:6379x",
                                      "127.0.0.1:",
                                      "[::1",
                                      "unix:relative",
                                      "rediss://127.0.0.1",
                                      "redis://user:secret@127.0.0.1"};
    char deep[STORE_PATH_BYTES + 1];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(store_address_parse(bad[i], &address, &trouble) == ERR_MALFORMED, "%s",
                      bad[i]);
    ck_assert_ptr_null(strstr(trouble.why, "secret"));
    memset(deep, 'x', sizeof(deep) - 1);
    deep[0] = '/';
    deep[sizeof(deep) - 1] = '\0';
    ck_assert_int_eq(store_address_parse(deep, &address, &trouble), ERR_MALFORMED);
}
END_TEST

START_TEST(the_password_comes_from_a_private_file)
{
    char path[] = "/tmp/assay-password-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, "secret\n", 7), 7);
    ck_assert_int_eq(setenv("ASSAY_REDIS_PASSWORD_FILE", path, 1), 0);
    ck_assert_int_eq(store_address_parse("127.0.0.1", &address, &trouble), 0);
    ck_assert_str_eq(address.password, "secret");
    ck_assert_int_eq(fchmod(fd, 0644), 0);
    ck_assert_int_eq(store_address_parse("127.0.0.1", &address, &trouble), ERR_DENIED);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(store_address_parse("127.0.0.1", &address, &trouble), ERR_DENIED);
    (void)close(fd);
}
END_TEST

START_TEST(log_ids_are_read_and_compared)
{
    static const char *const bad[] = {
        "", "1", "1-", "-1", "1-2-3", "1-2 ", "18446744073709551616-0"};
    char text[LOG_ID_BYTES];
    struct log_id id = {0, 0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert(!log_id_parse(span_text(bad[i]), &id));
    ck_assert(log_id_parse(span_text("18446744073709551615-12"), &id));
    ck_assert(span_is(log_id_print(id, text), "18446744073709551615-12"));
    ck_assert_int_lt(log_id_compare((struct log_id){1, 9}, (struct log_id){2, 0}), 0);
    ck_assert_int_gt(log_id_compare((struct log_id){2, 1}, (struct log_id){2, 0}), 0);
    ck_assert_int_eq(log_id_compare((struct log_id){2, 1}, (struct log_id){2, 1}), 0);
    ck_assert(store_name_is_good("my-cluster_1.x"));
    ck_assert(!store_name_is_good(""));
    ck_assert(!store_name_is_good("a*"));
    ck_assert(!store_name_is_good("a b"));
}
END_TEST

static struct audit_report audit(const char *const *settings)
{
    struct audit_report report = {.on_disk = false};
    int err;

    redis_server_start(&server, 0, settings);
    err = store_audit(&server.address, false, clock_ms() + REDIS_LIMIT_MS, &report, &trouble);
    redis_server_stop(&server);
    ck_assert_msg(err == 0, "%s", trouble.why);
    return report;
}

static int audit_fails(const char *const *settings, uint16_t port)
{
    struct audit_report report;
    int err;

    redis_server_start(&server, port, settings);
    err = store_audit(&server.address, false, clock_ms() + REDIS_LIMIT_MS, &report, &trouble);
    redis_server_stop(&server);
    return err;
}

START_TEST(an_audit_says_what_an_acknowledgement_is_worth)
{
    struct audit_report report = audit(durable);

    ck_assert(report.on_disk);
    ck_assert_ptr_nonnull(strstr(report.worth, "is on Redis's disk"));
    ck_assert_ptr_nonnull(strstr(report.advice, "own Redis user"));
    report = audit((const char *const[]){"--appendonly", "yes", NULL});
    ck_assert(!report.on_disk);
    ck_assert_ptr_nonnull(strstr(report.worth, "power cut"));
    report = audit((const char *const[]){"--appendonly", "no", NULL});
    ck_assert(!report.on_disk);
    ck_assert_ptr_nonnull(strstr(report.worth, "memory only"));
    report = audit((const char *const[]){"--appendonly", "yes", "--appendfsync", "always",
                                         "--no-appendfsync-on-rewrite", "yes", NULL});
    ck_assert(!report.on_disk);
    ck_assert_ptr_nonnull(strstr(report.worth, "rewrites"));
}
END_TEST

START_TEST(an_audit_refuses_what_loses_entries)
{
    ck_assert_int_eq(
        audit_fails((const char *const[]){"--maxmemory-policy", "allkeys-lru", NULL}, 0),
        ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "allkeys-lru"));
    ck_assert_int_eq(audit_fails((const char *const[]){"--replicaof", "127.0.0.1", "1", NULL},
                                 redis_server_free_port()),
                     ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "replica"));
    ck_assert_int_eq(audit_fails((const char *const[]){"--requirepass", "x", NULL}, 0), ERR_DENIED);
}
END_TEST

START_TEST(an_audit_stays_on_this_machine)
{
    struct audit_report report;

    ck_assert_int_eq(store_address_parse("192.0.2.7:7002", &address, &trouble), 0);
    ck_assert_int_eq(store_audit(&address, false, clock_ms() + 1, &report, &trouble), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "not encrypted"));
}
END_TEST

/* A field of a hash, as text of the last call; "-" where there is none. */
static const char *field(const char *key, const char *name)
{
    static char text[512];
    struct redisReply *reply = REDIS_ASK(&server.address, W("HGET"), W(key), W(name));
    struct span value = store_reply_text(reply);

    (void)snprintf(text, sizeof(text), "%.*s", SPAN(value));
    if (reply->type == REDIS_REPLY_NIL)
        (void)snprintf(text, sizeof(text), "-");
    store_reply_free(reply);
    return text;
}

/* Until all rows are written. now_ms runs ahead, so that no interval is waited for. */
static void settle(struct project *project)
{
    static uint64_t now_ms = 1000000;
    uint64_t until_ms = clock_ms() + REDIS_LIMIT_MS;

    while (project_pending(project) > 0) {
        ck_assert(clock_ms() < until_ms);
        now_ms += 100;
        project_tend(project, now_ms);
        (void)poll(NULL, 0, 1);
    }
}

static struct effect trial_effect(uint32_t experiment, uint32_t trial, uint32_t state)
{
    struct effect effect = {.type = EFFECT_TRIAL};

    effect.trial.experiment = experiment;
    effect.trial.trial = trial;
    effect.trial.state = state;
    effect.trial.node = NUMBER_NONE;
    return effect;
}

static struct effect experiment_effect(uint32_t experiment, uint32_t created)
{
    struct effect effect = {.type = EFFECT_EXPERIMENT};

    effect.experiment.experiment = experiment;
    effect.experiment.total = NUMBER_NONE;
    effect.experiment.created = created;
    effect.experiment.name = span_text("sweep");
    return effect;
}

START_TEST(the_latest_row_of_a_key_is_written)
{
    struct project *project;
    struct effect effects[4];
    struct buf config = {0};

    redis_server_start(&server, 0, durable);
    project = project_new(&server.address, "test");
    pack_map(&config, 1);
    pack_text(&config, "lr");
    pack_double(&config, 0.5);
    effects[0] = trial_effect(7, 3, TRIAL_PENDING);
    effects[0].trial.name = span_text("train_3");
    effects[0].trial.config = buf_span(&config);
    effects[1] = trial_effect(7, 3, TRIAL_RUNNING);
    effects[1].trial.node = 2;
    effects[2] = experiment_effect(7, 4);
    effects[3] = (struct effect){.type = EFFECT_NODE,
                                 .node = {.node = 2,
                                          .name = span_text("n1"),
                                          .hostname = span_text("host"),
                                          .state = NODE_DRAINING,
                                          .capacity = {.cpu = 20000}}};
    project_effects(project, effects, 4);
    ck_assert_uint_eq(project_pending(project), 3);
    project_announce(project, 5, "host:7420", "0011223344556677");
    settle(project);
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "state"), "RUNNING");
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "name"), "train_3");
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "config"), "{\"lr\": 0.5}");
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "node"), "2");
    ck_assert_str_eq(field("assay:{test}:exp:7", "created"), "4");
    ck_assert_str_eq(field("assay:{test}:exp:7", "total"), "");
    ck_assert_str_eq(field("assay:{test}:node:2", "state"), "DRAINING");
    ck_assert_str_eq(field("assay:{test}:node:2", "capacity"), "2 CPUs, 0 GPUs");
    ck_assert_str_eq(field("assay:{test}:head", "endpoint"), "host:7420");
    ck_assert_str_eq(field("assay:{test}:head", "epoch"), "5");
    ck_assert_str_eq(field("assay:{test}:head", "key"), "0011223344556677");
    effects[0] = trial_effect(7, 3, TRIAL_DONE);
    project_effects(project, effects, 1);
    settle(project);
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "state"), "TERMINATED");
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "name"), "train_3");
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "node"), "");
    project_free(project);
    buf_fini(&config);
    redis_server_stop(&server);
}
END_TEST

/* Standbys and workers look there for the head: that does not wait for its turn among the rows. */
START_TEST(who_leads_is_written_at_once)
{
    struct project *project;
    uint64_t until_ms = clock_ms() + REDIS_LIMIT_MS;
    const uint64_t now_ms = 5000000;

    redis_server_start(&server, 0, durable);
    project = project_new(&server.address, "test");
    for (uint64_t epoch = 1; epoch <= 2; epoch++) {
        project_announce(project, epoch, "host:7420", "0011223344556677");
        while (project_pending(project) > 0) {
            ck_assert_uint_lt(clock_ms(), until_ms);
            project_tend(project, now_ms);
            (void)poll(NULL, 0, 1);
        }
    }
    project_free(project);
    redis_server_stop(&server);
}
END_TEST

START_TEST(old_trials_have_no_rows)
{
    struct project *project;
    struct effect effect;

    redis_server_start(&server, 0, durable);
    project = project_new(&server.address, "test");
    for (uint32_t number = 0; number < LIMIT_PROJECTED_TRIALS + 3; number++) {
        effect = trial_effect(7, number, TRIAL_RUNNING);
        project_effects(project, &effect, 1);
        if (number % 1000 == 0)
            settle(project);
    }
    settle(project);
    effect = trial_effect(7, 1, TRIAL_DONE); /* one that ran for long */
    project_effects(project, &effect, 1);
    effect = trial_effect(7, 4, TRIAL_DONE);
    project_effects(project, &effect, 1);
    settle(project);
    ck_assert_str_eq(field("assay:{test}:trial:7/1", "state"), "-");
    ck_assert_str_eq(field("assay:{test}:trial:7/2", "state"), "-");
    ck_assert_str_eq(field("assay:{test}:trial:7/3", "state"), "RUNNING");
    ck_assert_str_eq(field("assay:{test}:trial:7/4", "state"), "TERMINATED");
    ck_assert_str_eq(field("assay:{test}:trial:7/10002", "state"), "RUNNING");
    project_free(project);
    redis_server_stop(&server);
}
END_TEST

START_TEST(rows_survive_a_lost_connection)
{
    struct project *project;
    struct effect effect = trial_effect(1, 1, TRIAL_PENDING);

    redis_server_start(&server, 0, durable);
    project = project_new(&server.address, "test");
    project_announce(project, 1, "host:1", "aa");
    settle(project);
    ck_assert_int_eq(kill(server.pid, SIGSTOP), 0);
    effect.trial.name = span_text("train_1");
    project_effects(project, &effect, 1);
    project_tend(project, 900000000);
    ck_assert_uint_eq(project_pending(project), 1); /* sent, not answered */
    effect = trial_effect(1, 1, TRIAL_RUNNING);
    project_effects(project, &effect, 1);
    ck_assert_uint_eq(project_pending(project), 2);
    project_tend(project, 900030000); /* given up, and the two made one */
    ck_assert_uint_eq(project_pending(project), 1);
    effect = trial_effect(1, 2, TRIAL_PENDING);
    project_effects(project, &effect, 1);
    ck_assert_int_eq(kill(server.pid, SIGCONT), 0);
    for (uint64_t now_ms = 900031000; project_pending(project) > 0; now_ms += 100) {
        project_tend(project, now_ms);
        (void)poll(NULL, 0, 1);
    }
    ck_assert_str_eq(field("assay:{test}:trial:1/1", "state"), "RUNNING");
    ck_assert_str_eq(field("assay:{test}:trial:1/1", "name"), "train_1");
    ck_assert_str_eq(field("assay:{test}:trial:1/2", "state"), "PENDING");
    ck_assert_uint_eq(project_dropped(project), 0);
    project_free(project);
    redis_server_stop(&server);
}
END_TEST

START_TEST(a_removed_experiment_leaves_no_key)
{
    enum { TRIALS = 5000 };
    struct project *project;
    struct effect effect;

    redis_server_start(&server, 0, (const char *const[]){"--appendonly", "no", NULL});
    project = project_new(&server.address, "test");
    for (uint32_t experiment = 1; experiment <= 2; experiment++) {
        effect = experiment_effect(experiment, TRIALS);
        project_effects(project, &effect, 1);
        for (uint32_t i = 0; i < TRIALS; i++) {
            effect = trial_effect(experiment, i, TRIAL_DONE);
            project_effects(project, &effect, 1);
        }
    }
    settle(project);
    ck_assert_int_eq(REDIS_DO(&server.address, W("DBSIZE")), 2 * TRIALS + 2);
    effect = trial_effect(1, 0, TRIAL_DONE); /* a row that waits is not written behind it */
    project_effects(project, &effect, 1);
    effect = (struct effect){.type = EFFECT_RELEASE, .release = {.experiment = 1, .removed = true}};
    project_effects(project, &effect, 1);
    settle(project);
    while (REDIS_DO(&server.address, W("DBSIZE")) > TRIALS + 1)
        project_tend(project, 1);
    ck_assert_int_eq(REDIS_DO(&server.address, W("EXISTS"), W("assay:{test}:exp:1")), 0);
    ck_assert_int_eq(REDIS_DO(&server.address, W("EXISTS"), W("assay:{test}:trial:1/4999")), 0);
    ck_assert_int_eq(REDIS_DO(&server.address, W("EXISTS"), W("assay:{test}:trial:2/4999")), 1);
    project_free(project);
    redis_server_stop(&server);
}
END_TEST

START_TEST(too_many_rows_are_dropped_and_counted)
{
    struct store_address nowhere = {.path = "/tmp/assay-no-such-socket"};
    struct project *project = project_new(&nowhere, "test");
    struct effect effect;

    for (uint32_t i = 0; i < LIMIT_PROJECTED_ROWS + 10; i++) {
        effect = trial_effect(1 + i / 5000, i % 5000, TRIAL_PENDING);
        project_effects(project, &effect, 1);
    }
    ck_assert_uint_eq(project_pending(project), LIMIT_PROJECTED_ROWS);
    ck_assert_uint_eq(project_dropped(project), 10);
    project_tend(project, 1000000);
    ck_assert_uint_eq(project_pending(project), LIMIT_PROJECTED_ROWS);
    project_free(project);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, addresses_are_read);
    tcase_add_test(tcase, bad_addresses_are_refused);
    tcase_add_test(tcase, the_password_comes_from_a_private_file);
    tcase_add_test(tcase, log_ids_are_read_and_compared);
    tcase_add_test(tcase, an_audit_says_what_an_acknowledgement_is_worth);
    tcase_add_test(tcase, an_audit_refuses_what_loses_entries);
    tcase_add_test(tcase, an_audit_stays_on_this_machine);
    tcase_add_test(tcase, the_latest_row_of_a_key_is_written);
    tcase_add_test(tcase, old_trials_have_no_rows);
    tcase_add_test(tcase, rows_survive_a_lost_connection);
    tcase_add_test(tcase, a_removed_experiment_leaves_no_key);
    tcase_add_test(tcase, too_many_rows_are_dropped_and_counted);
    tcase_add_test(tcase, who_leads_is_written_at_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
