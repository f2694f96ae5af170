/* links: proto */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "proto/link.h"
#include "proto/link_watch.h"
#include "proto/peerwatch.h"
#include "tests/lib/run_suite.h"

#define WAIT_MS 10000u

static void *context;
static struct zap *zap;
static struct trouble trouble;
static struct key_pair head_keys;
static struct key_pair keys;

/* A head's plane. */
static void *head;
static struct monitor *head_monitor;
static struct address address;

/* One that connects. */
static void *client;
static struct monitor *client_monitor;
static struct link_watch watch;

static void set_up(void)
{
    context = link_context_new(1);
    ck_assert_ptr_nonnull(context);
    zap = zap_start(context);
    ck_assert_ptr_nonnull(zap);
    key_pair_make(&head_keys);
    key_pair_make(&keys);
    head = client = NULL;
    head_monitor = client_monitor = NULL;
}

static void client_close(void)
{
    link_close(client, client_monitor);
    client = NULL;
    client_monitor = NULL;
}

static void tear_down(void)
{
    client_close();
    link_close(head, head_monitor);
    zap_stop(zap);
    link_context_free(context);
    key_pair_fini(&head_keys);
    key_pair_fini(&keys);
}

static void bind_plane(enum link_plane plane)
{
    strcpy(address.host, "127.0.0.1");
    ck_assert_msg(link_bind(context, plane, address.host, 0, &head_keys, &head, &address.port,
                            &head_monitor, &trouble) == 0,
                  "%s", trouble.why);
    ck_assert_uint_ne(address.port, 0);
}

static void connect_with(const uint8_t head_key[KEY_BYTES])
{
    link_watch_init(&watch);
    ck_assert_int_eq(link_connect(context, &address, head_key, &keys, LIMIT_MESSAGE_BYTES, &client,
                                  &client_monitor, &trouble),
                     0);
}

static void poll_one(void *socket, uint64_t end_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    ck_assert_uint_lt(clock_ms(), end_ms);
    zmq_poll(&item, 1, 50);
}

static void wait_state(enum link_state state)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;

    for (;;) {
        link_watch_update(&watch, client_monitor);
        if (watch.state == state)
            return;
        poll_one(monitor_socket(client_monitor), end_ms);
    }
}

static struct monitor_event wait_event(enum monitor_kind kind)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct monitor_event event;

    for (;;) {
        while (monitor_next(head_monitor, &event)) {
            if (event.kind == kind)
                return event;
        }
        poll_one(monitor_socket(head_monitor), end_ms);
    }
}

static struct zap_audit wait_audit(void)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct zap_audit audit;

    while (!zap_audit_next(zap, &audit))
        poll_one(zap_audit_socket(zap), end_ms);
    return audit;
}

static int wait_message(void *socket, struct link_message *message)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    int rc;

    while ((rc = link_receive(socket, message)) == ERR_AGAIN)
        poll_one(socket, end_ms);
    return rc;
}

START_TEST(a_known_key_talks)
{
    struct link_message message;
    struct link_message answer;

    ck_assert_int_eq(zap_add(zap, keys.public_key, 42, PRINCIPAL_WORKER), 0);
    bind_plane(LINK_WORKER);
    connect_with(head_keys.public_key);
    wait_state(LINK_UP);
    ck_assert_int_eq(link_send_to_head(client, span_text("hello")), 0);
    ck_assert_int_eq(wait_message(head, &message), 0);
    ck_assert(span_is(link_message_body(&message), "hello"));
    ck_assert_uint_eq(message.principal, 42);
    ck_assert_mem_eq(message.key, keys.public_key, KEY_BYTES);
    ck_assert_str_eq(message.address, "127.0.0.1");
    ck_assert_int_ge(message.fd, 0);
    ck_assert_int_eq(wait_event(MONITOR_ACCEPTED).fd, message.fd);

    ck_assert_int_eq(link_send(head, &message.route, span_text("good day")), 0);
    ck_assert_int_eq(wait_message(client, &answer), 0);
    ck_assert(span_is(link_message_body(&answer), "good day"));
    ck_assert_uint_eq(answer.route.size, 0);
    link_message_fini(&answer);

    /* It goes; answers do not reach it any more, and that is said. */
    client_close();
    wait_event(MONITOR_GONE);
    for (uint64_t end_ms = clock_ms() + WAIT_MS;
         link_send(head, &message.route, span_text("too late")) != ERR_CLOSED;)
        poll_one(head, end_ms);
    link_message_fini(&message);
}
END_TEST

START_TEST(a_newcomer_joins_with_its_key_proved)
{
    struct link_message message;
    static char big[LIMIT_JOIN_BYTES + 64];

    bind_plane(LINK_JOIN);
    connect_with(head_keys.public_key);
    wait_state(LINK_UP);
    ck_assert_int_eq(link_send_to_head(client, span_of(big, LIMIT_JOIN_BYTES)), 0);
    ck_assert_int_eq(wait_message(head, &message), 0);
    ck_assert_uint_eq(link_message_body(&message).size, LIMIT_JOIN_BYTES);
    ck_assert_uint_eq(message.principal, 0);
    ck_assert_mem_eq(message.key, keys.public_key, KEY_BYTES);
    link_message_fini(&message);
    /* Too big a frame ends the connection. */
    ck_assert_int_eq(link_send_to_head(client, span_of(big, LIMIT_JOIN_BYTES + 64)), 0);
    wait_event(MONITOR_GONE);
    ck_assert_int_eq(link_receive(head, &message), ERR_AGAIN);
}
END_TEST

START_TEST(an_unknown_a_wrong_and_a_revoked_key_are_refused)
{
    struct zap_audit audit;
    char print[KEY_FINGERPRINT];

    key_fingerprint(keys.public_key, print);
    bind_plane(LINK_CLIENT);
    for (unsigned i = 0; i < 3; i++) {
        static const char *reasons[] = {"unknown key", "role is not a client's", "unknown key"};

        if (i == 1)
            ck_assert_int_eq(zap_add(zap, keys.public_key, 5, PRINCIPAL_WORKER), 0);
        if (i == 2)
            ck_assert_int_eq(zap_revoke(zap, keys.public_key), 0);
        connect_with(head_keys.public_key);
        wait_state(LINK_REFUSED);
        ck_assert(watch.dead);
        audit = wait_audit();
        ck_assert_str_eq(audit.reason, reasons[i]);
        ck_assert_str_eq(audit.domain, "client");
        ck_assert_str_eq(audit.address, "127.0.0.1");
        ck_assert_str_eq(audit.fingerprint, print);
        wait_event(MONITOR_REFUSED);
        ck_assert_int_eq(link_send_to_head(client, span_text("x")), ERR_AGAIN);
        client_close();
    }
}
END_TEST

START_TEST(a_wrong_head_key_is_a_stranger)
{
    struct monitor_event event;

    bind_plane(LINK_JOIN);
    connect_with(keys.public_key);
    wait_state(LINK_STRANGER);
    event = wait_event(MONITOR_FAILED);
    ck_assert_str_eq(event.reason, "wrong head key");
    /* The address is known to whoever looks before the connection is gone. */
    ck_assert(event.address[0] == '\0' || strncmp(event.address, "127.0.0.1:", 10) == 0);
}
END_TEST

START_TEST(nobody_there_is_no_head)
{
    bind_plane(LINK_JOIN);
    link_close(head, head_monitor);
    head = NULL;
    head_monitor = NULL;
    connect_with(head_keys.public_key);
    wait_state(LINK_NO_HEAD);
    ck_assert(!watch.dead);
    /* It goes on trying: a head that starts now is found. */
    ck_assert_int_eq(link_bind(context, LINK_JOIN, address.host, address.port, &head_keys, &head,
                               &address.port, &head_monitor, &trouble),
                     0);
    wait_state(LINK_UP);
    link_close(head, head_monitor);
    head = NULL;
    head_monitor = NULL;
    wait_state(LINK_LOST);
    wait_state(LINK_NO_HEAD);
}
END_TEST

START_TEST(no_encryption_is_refused)
{
    static const int none = 0;
    char endpoint[64];
    void *plain = zmq_socket(context, ZMQ_DEALER);
    struct link_message message;

    bind_plane(LINK_JOIN);
    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", (unsigned)address.port);
    zmq_setsockopt(plain, ZMQ_LINGER, &none, sizeof(none));
    ck_assert_int_eq(zmq_connect(plain, endpoint), 0);
    ck_assert_int_eq(zmq_send(plain, "x", 1, ZMQ_DONTWAIT), 1);
    ck_assert_ptr_nonnull(wait_event(MONITOR_FAILED).reason);
    ck_assert_int_eq(link_receive(head, &message), ERR_AGAIN);
    zmq_close(plain);
}
END_TEST

static int raw_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(address.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

START_TEST(garbage_and_silence_are_cut_off)
{
    static const char *garbage[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n-----------------------------"
                                    "----------------------------------------------------------",
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    struct peerwatch *peers = peerwatch_new(LIMIT_MESSAGE_BYTES);
    struct monitor_event event;
    int fd;

    bind_plane(LINK_CLIENT);
    for (unsigned i = 0; i < 2; i++) {
        fd = raw_connect();
        ck_assert_int_gt(send(fd, garbage[i], strlen(garbage[i]), MSG_NOSIGNAL), 0);
        shutdown(fd, SHUT_WR);
        peerwatch_add(peers, wait_event(MONITOR_ACCEPTED).fd);
        ck_assert(!peerwatch_remove(peers, wait_event(MONITOR_GONE).fd));
        close(fd);
    }
    fd = raw_connect(); /* says nothing: 3 s */
    event = wait_event(MONITOR_FAILED);
    ck_assert_int_eq(strncmp(event.address, "127.0.0.1:", 10), 0);
    close(fd);
    peerwatch_free(peers);
}
END_TEST

START_TEST(several_frames_are_dropped_and_told)
{
    struct link_message message;

    ck_assert_int_eq(zap_add(zap, keys.public_key, 9, PRINCIPAL_WORKER), 0);
    bind_plane(LINK_WORKER);
    connect_with(head_keys.public_key);
    wait_state(LINK_UP);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(zmq_send(client, "part", 4, ZMQ_SNDMORE), 4);
    ck_assert_int_eq(zmq_send(client, "end", 3, 0), 3);
    ck_assert_int_eq(link_send_to_head(client, span_text("next")), 0);
    ck_assert_int_eq(wait_message(head, &message), ERR_TOO_BIG);
    ck_assert_uint_eq(message.principal, 9);
    ck_assert_uint_eq(link_message_body(&message).size, 0);
    link_message_fini(&message);
    ck_assert_int_eq(wait_message(head, &message), 0);
    ck_assert(span_is(link_message_body(&message), "next"));
    link_message_fini(&message);
}
END_TEST

static void cut_note(void *argument, int fd, uint64_t behind)
{
    *(int *)argument = fd;
    ck_assert_uint_gt(behind, 9u << 20);
}

START_TEST(a_message_without_end_is_cut_off)
{
    struct peerwatch *peers = peerwatch_new(LIMIT_MESSAGE_BYTES);
    static char part[1 << 20];
    struct link_message message;
    uint64_t now_ms = 1000;
    int cut = -1;
    int fd;

    ck_assert_int_eq(zap_add(zap, keys.public_key, 9, PRINCIPAL_WORKER), 0);
    bind_plane(LINK_WORKER);
    connect_with(head_keys.public_key);
    wait_state(LINK_UP);
    fd = wait_event(MONITOR_ACCEPTED).fd;
    peerwatch_add(peers, fd);

    /* An honest one sends five times the allowance. */
    for (unsigned i = 0; i < 48; i++) {
        while (link_send_to_head(client, span_of(part, sizeof(part))) == ERR_AGAIN)
            ;
        ck_assert_int_eq(wait_message(head, &message), 0);
        peerwatch_delivered(peers, message.fd, link_message_body(&message).size);
        link_message_fini(&message);
        ck_assert_uint_eq(peerwatch_check(peers, now_ms += 100, true, NULL, NULL), 0);
    }
    ck_assert_uint_eq(peerwatch_check(peers, now_ms += 100, true, NULL, NULL), 0);

    for (unsigned i = 0; i < 256; i++) {
        zmq_msg_t frame;

        zmq_msg_init_data(&frame, part, sizeof(part), NULL, NULL);
        ck_assert_int_eq(zmq_msg_send(&frame, client, i < 255 ? ZMQ_SNDMORE : 0), sizeof(part));
    }
    for (uint64_t end_ms = clock_ms() + WAIT_MS; cut < 0;) {
        ck_assert_int_eq(link_receive(head, &message), ERR_AGAIN);
        ck_assert_uint_lt(clock_ms(), end_ms);
        peerwatch_check(peers, now_ms += 1, true, cut_note, &cut);
    }
    ck_assert_int_eq(cut, fd);
    ck_assert_int_eq(wait_event(MONITOR_GONE).fd, fd);
    peerwatch_remove(peers, fd);
    ck_assert(!peerwatch_shut(peers, fd));
    ck_assert_int_eq(link_receive(head, &message), ERR_AGAIN);
    peerwatch_free(peers);
}
END_TEST

START_TEST(a_revoked_peer_is_shut_by_its_descriptor)
{
    struct peerwatch *peers = peerwatch_new(LIMIT_MESSAGE_BYTES);
    int fd;

    ck_assert_int_eq(zap_add(zap, keys.public_key, 9, PRINCIPAL_WORKER), 0);
    bind_plane(LINK_WORKER);
    connect_with(head_keys.public_key);
    wait_state(LINK_UP);
    fd = wait_event(MONITOR_ACCEPTED).fd;
    peerwatch_add(peers, fd);
    ck_assert_int_eq(zap_revoke(zap, keys.public_key), 0);
    ck_assert(peerwatch_shut(peers, fd));
    wait_state(LINK_REFUSED); /* it was lost, came again and is known no more */
    peerwatch_free(peers);
}
END_TEST

START_TEST(a_taken_port_and_a_foreign_address_are_told)
{
    void *second = NULL;

    bind_plane(LINK_JOIN);
    ck_assert_int_eq(link_bind(context, LINK_JOIN, "127.0.0.1", address.port, &head_keys, &second,
                               NULL, NULL, &trouble),
                     ERR_EXISTS);
    ck_assert_ptr_nonnull(strstr(trouble.why, "taken"));
    ck_assert_int_eq(
        link_bind(context, LINK_JOIN, "192.0.2.1", 0, &head_keys, &second, NULL, NULL, &trouble),
        ERR_NOT_FOUND);
    ck_assert_int_eq(
        link_bind(context, LINK_JOIN, NULL, 0, &head_keys, &second, NULL, NULL, &trouble), 0);
    link_close(second, NULL);
    ck_assert_int_eq(
        link_bind(context, LINK_JOIN, "localhost", 0, &head_keys, &second, NULL, NULL, &trouble),
        0);
    link_close(second, NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("link");
    TCase *c = tcase_create("link");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, a_known_key_talks);
    tcase_add_test(c, a_newcomer_joins_with_its_key_proved);
    tcase_add_test(c, an_unknown_a_wrong_and_a_revoked_key_are_refused);
    tcase_add_test(c, a_wrong_head_key_is_a_stranger);
    tcase_add_test(c, nobody_there_is_no_head);
    tcase_add_test(c, no_encryption_is_refused);
    tcase_add_test(c, garbage_and_silence_are_cut_off);
    tcase_add_test(c, several_frames_are_dropped_and_told);
    tcase_add_test(c, a_message_without_end_is_cut_off);
    tcase_add_test(c, a_revoked_peer_is_shut_by_its_descriptor);
    tcase_add_test(c, a_taken_port_and_a_foreign_address_are_told);
    suite_add_tcase(s, c);
    return s;
}
