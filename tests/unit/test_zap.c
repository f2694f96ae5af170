/* links: proto */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "proto/link.h"
#include "proto/zap.h"
#include "tests/lib/run_suite.h"

#define WAIT_MS 10000

static void *context;
static struct zap *zap;
static void *asker; /* asks as libzmq does */
static uint8_t key[KEY_BYTES];
static char status[4];
static char user[32];

static void set_up(void)
{
    static const int wait_ms = WAIT_MS;

    context = link_context_new(1);
    ck_assert_ptr_nonnull(context);
    zap = zap_start(context);
    ck_assert_ptr_nonnull(zap);
    asker = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(asker, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    ck_assert_int_eq(zmq_connect(asker, "inproc://zeromq.zap.01"), 0);
    for (unsigned i = 0; i < KEY_BYTES; i++)
        key[i] = (uint8_t)(i + 1);
}

static void tear_down(void)
{
    zmq_close(asker);
    zap_stop(zap);
    link_context_free(context);
}

static void frame_send(const void *data, size_t size, bool more)
{
    ck_assert_int_eq(zmq_send(asker, data, size, more ? ZMQ_SNDMORE : 0), (int)size);
}

/* Six frames of an answer; the metadata's size comes back. */
static int answer_take(void)
{
    char frame[256];
    int size = 0;

    for (unsigned i = 0; i < 6; i++) {
        int more = 0;
        size_t more_size = sizeof(more);

        size = zmq_recv(asker, frame, sizeof(frame) - 1, 0);
        ck_assert_int_ge(size, 0);
        frame[size] = '\0';
        zmq_getsockopt(asker, ZMQ_RCVMORE, &more, &more_size);
        ck_assert_int_eq(more, i < 5);
        if (i == 0)
            ck_assert_str_eq(frame, "1.0");
        if (i == 2)
            snprintf(status, sizeof(status), "%.3s", frame);
        if (i == 4)
            snprintf(user, sizeof(user), "%.31s", frame);
    }
    return size;
}

static int ask(const char *domain, const char *mechanism, const void *credential, size_t size)
{
    frame_send("1.0", 3, true);
    frame_send("1", 1, true);
    frame_send(domain, strlen(domain), true);
    frame_send("10.1.2.3", 8, true);
    frame_send("", 0, true);
    frame_send(mechanism, strlen(mechanism), size > 0);
    if (size > 0)
        frame_send(credential, size, false);
    return answer_take();
}

static struct zap_audit audit_take(void)
{
    zmq_pollitem_t item = {.socket = zap_audit_socket(zap), .events = ZMQ_POLLIN};
    struct zap_audit audit;

    ck_assert_int_eq(zmq_poll(&item, 1, WAIT_MS), 1);
    ck_assert(zap_audit_next(zap, &audit));
    return audit;
}

START_TEST(roles_and_domains)
{
    static const char *domains[] = {"join", "client", "worker", "", "head", "clients"};

    for (unsigned role = PRINCIPAL_NONE; role < PRINCIPAL_ROLE_COUNT; role++) {
        ck_assert_int_eq(zap_add(zap, key, 100 + role, role), 0);
        for (unsigned d = 0; d < sizeof(domains) / sizeof(domains[0]); d++) {
            struct zap_audit audit;
            bool wanted = d == 0 || (d == 1 && role > PRINCIPAL_WORKER) ||
                          (d == 2 && role == PRINCIPAL_WORKER);
            char number[16];

            ask(domains[d], "CURVE", key, sizeof(key));
            ck_assert_str_eq(status, wanted ? "200" : "400");
            snprintf(number, sizeof(number), "%u", 100 + role);
            ck_assert_str_eq(user, wanted ? number : "");
            while (zap_audit_next(zap, &audit))
                ck_assert(!wanted);
        }
    }
}
END_TEST

START_TEST(a_key_nobody_knows)
{
    struct zap_audit audit;

    ck_assert_int_eq(ask("join", "CURVE", key, sizeof(key)), 1 + 5 + 4 + 64);
    ck_assert_str_eq(status, "200");
    ck_assert_str_eq(user, "?");
    ck_assert(!zap_audit_next(zap, &audit));
    ck_assert_int_eq(ask("worker", "CURVE", key, sizeof(key)), 0);
    ck_assert_str_eq(status, "400");
    audit = audit_take();
    ck_assert_str_eq(audit.address, "10.1.2.3");
    ck_assert_str_eq(audit.domain, "worker");
    ck_assert_str_eq(audit.fingerprint, "0102030405060708");
    ck_assert_str_eq(audit.reason, "unknown key");
    ck_assert_uint_eq(audit.count, 1);
}
END_TEST

START_TEST(a_revoked_key)
{
    ck_assert_int_eq(zap_revoke(zap, key), ERR_NOT_FOUND);
    ck_assert_int_eq(zap_add(zap, key, 7, PRINCIPAL_ADMIN), 0);
    ask("client", "CURVE", key, sizeof(key));
    ck_assert_str_eq(status, "200");
    ck_assert_int_eq(zap_revoke(zap, key), 0);
    ask("client", "CURVE", key, sizeof(key));
    ck_assert_str_eq(status, "400");
    ask("join", "CURVE", key, sizeof(key));
    ck_assert_str_eq(user, "?");
}
END_TEST

START_TEST(anything_but_curve_with_a_key)
{
    ck_assert_int_eq(zap_add(zap, key, 7, PRINCIPAL_ADMIN), 0);
    for (unsigned d = 0; d < 2; d++) {
        const char *domain = d == 0 ? "join" : "client";

        ask(domain, "NULL", NULL, 0);
        ck_assert_str_eq(status, "400");
        ask(domain, "PLAIN", key, sizeof(key));
        ck_assert_str_eq(status, "400");
        ask(domain, "CURVE", NULL, 0);
        ck_assert_str_eq(status, "400");
        ask(domain, "CURVE", key, sizeof(key) - 1);
        ck_assert_str_eq(status, "400");
        ask(domain, "CURVE", "1234567890123456789012345678901234567890", 40);
        ck_assert_str_eq(status, "400");
        ask(domain, "CURVE\n", key, sizeof(key));
        ck_assert_str_eq(status, "400");
    }
}
END_TEST

START_TEST(malformed_requests_are_answered_and_survived)
{
    static char big[100000];

    for (unsigned count = 1; count <= 20; count++) {
        for (unsigned i = 0; i < count; i++)
            frame_send("1.0", 3, i + 1 < count);
        answer_take();
        ck_assert_str_ne(status, "200");
    }
    for (unsigned i = 0; i < 7; i++)
        frame_send(big, sizeof(big), i < 6);
    answer_take();
    ck_assert_str_eq(status, "500");
    frame_send("2.0", 3, true);
    for (unsigned i = 0; i < 6; i++)
        frame_send("", 0, i < 5);
    answer_take();
    ck_assert_str_eq(status, "500");
    ck_assert_int_eq(zap_add(zap, key, 7, PRINCIPAL_ADMIN), 0);
    ask("client", "CURVE", key, sizeof(key));
    ck_assert_str_eq(status, "200");
}
END_TEST

START_TEST(a_peers_text_is_made_harmless)
{
    ask("wor\nker\x1b[2J", "CURVE", key, sizeof(key));
    ck_assert_str_eq(audit_take().domain, "wor?ker?[2J");
}
END_TEST

START_TEST(many_refusals_are_few_lines)
{
    uint32_t count = 0;
    unsigned lines = 0;
    uint64_t start_ms = clock_ms();
    uint64_t seconds;

    for (unsigned i = 0; i < 2000; i++)
        ask("worker", "CURVE", key, sizeof(key));
    while (count < 2000) {
        count += audit_take().count;
        lines++;
    }
    ck_assert_uint_eq(count, 2000);
    seconds = (clock_ms() - start_ms) / 1000 + 2;
    ck_assert_uint_le(lines, 21 * seconds);
}
END_TEST

START_TEST(one_handler_a_context)
{
    ck_assert_ptr_null(zap_start(context));
    ck_assert_int_eq(zap_add(zap, key, 7, PRINCIPAL_WORKER), 0);
}
END_TEST

/* The context ends under the handler, which nobody has stopped. */
START_TEST(a_dead_handler_takes_the_process_along)
{
    zmq_ctx_shutdown(context);
    for (;;)
        sigsuspend(&(sigset_t){0});
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("zap");
    TCase *c = tcase_create("zap");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, roles_and_domains);
    tcase_add_test(c, a_key_nobody_knows);
    tcase_add_test(c, a_revoked_key);
    tcase_add_test(c, anything_but_curve_with_a_key);
    tcase_add_test(c, malformed_requests_are_answered_and_survived);
    tcase_add_test(c, a_peers_text_is_made_harmless);
    tcase_add_test(c, many_refusals_are_few_lines);
    tcase_add_test(c, one_handler_a_context);
    tcase_add_test_raise_signal(c, a_dead_handler_takes_the_process_along, SIGABRT);
    suite_add_tcase(s, c);
    return s;
}
