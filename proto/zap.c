#include "proto/zap.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"
#include "proto/address.h"
#include "proto/zap_keys.h"

#define ENDPOINT       "inproc://zeromq.zap.01"
#define ORDERS         "inproc://assay.zap.orders"
#define AUDITS         "inproc://assay.zap.audits"
#define FRAMES         7   /* of a CURVE request */
#define FRAMES_READ    8   /* kept of a request; the rest is dropped unseen */
#define FRAME_BYTES    256 /* of any of them */
#define AUDIT_A_SECOND 20u
#define AUDIT_QUEUE    256     /* records that wait for the main loop */
#define KEY_PROPERTY   "X-Key" /* link.c reads it */

enum order_kind { ORDER_ADD, ORDER_REVOKE, ORDER_STOP };

struct order {
    enum order_kind kind;
    uint8_t key[KEY_BYTES];
    uint32_t principal;
    enum principal_role role;
};

struct zap {
    void *orders; /* PAIR: struct order there, an int back */
    void *audits; /* PAIR: struct zap_audit */
    pthread_t thread;
};

/* All that the thread owns. */
struct handler {
    void *requests; /* REP */
    void *orders;
    void *audits;
    struct zap_keys *keys;
    uint64_t second;   /* the one that refusals are counted for */
    uint32_t refusals; /* in it */
    uint32_t unsaid;   /* not handed over yet */
    bool stopped;
};

/* A request's frames, as far as they are looked at. */
struct request {
    size_t count;
    struct {
        uint8_t bytes[FRAME_BYTES];
        size_t size;
    } frames[FRAMES_READ];
};

enum {
    FRAME_VERSION,
    FRAME_ID,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_ROUTING,
    FRAME_MECHANISM,
    FRAME_KEY
};

/* ---- audit ---- */

static void audit_hand_over(struct handler *handler, struct zap_audit *audit)
{
    audit->count += handler->unsaid;
    if (zmq_send(handler->audits, audit, sizeof(*audit), ZMQ_DONTWAIT) == (int)sizeof(*audit))
        handler->unsaid = 0;
    else
        handler->unsaid = audit->count; /* the main loop is behind: said later, with a count */
}

/* Refusals beyond the first of a second, once that second is over. */
static void audit_rest(struct handler *handler)
{
    struct zap_audit audit = {.count = 0};

    if (handler->unsaid == 0 || clock_ms() / 1000 == handler->second)
        return;
    snprintf(audit.reason, sizeof(audit.reason), "more refusals");
    audit_hand_over(handler, &audit);
}

/* Text of a peer's: bounded, and nothing but printable characters. */
static void text_take(const struct request *request, size_t frame, char *out, size_t size)
{
    size_t count = frame < request->count ? request->frames[frame].size : 0;

    if (count >= size)
        count = size - 1;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = request->frames[frame].bytes[i];

        out[i] = c > 32 && c < 127 ? (char)c : '?';
    }
    out[count] = '\0';
}

static void audit_refusal(struct handler *handler, const struct request *request,
                          const char *reason)
{
    struct zap_audit audit = {.count = 1};
    uint64_t second = clock_ms() / 1000;
    char address[ZAP_ADDRESS];

    audit_rest(handler);
    if (second != handler->second) {
        handler->second = second;
        handler->refusals = 0;
    }
    if (++handler->refusals > AUDIT_A_SECOND) {
        handler->unsaid++;
        return;
    }
    text_take(request, FRAME_ADDRESS, address, sizeof(address));
    snprintf(audit.address, sizeof(audit.address), "%s", address_plain(address));
    text_take(request, FRAME_DOMAIN, audit.domain, sizeof(audit.domain));
    if (request->count == FRAMES && request->frames[FRAME_KEY].size == KEY_BYTES)
        key_fingerprint(request->frames[FRAME_KEY].bytes, audit.fingerprint);
    snprintf(audit.reason, sizeof(audit.reason), "%s", reason);
    audit_hand_over(handler, &audit);
}

/* ---- decisions ---- */

static struct span frame_span(const struct request *request, size_t frame)
{
    return span_of(request->frames[frame].bytes, request->frames[frame].size);
}

static bool frame_is(const struct request *request, size_t frame, const char *text)
{
    return span_is(frame_span(request, frame), text);
}

static bool reply_send(void *socket, const void *data, size_t size, int flags)
{
    int rc;

    do
        rc = zmq_send(socket, data, size, flags);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

/* property: the metadata frame, or size 0. */
static bool reply(struct handler *handler, const struct request *request, const char *status,
                  const char *user, const void *property, size_t property_size)
{
    void *socket = handler->requests;
    bool has_id = request->count > FRAME_ID;

    return reply_send(socket, "1.0", 3, ZMQ_SNDMORE) &&
           reply_send(socket, request->frames[FRAME_ID].bytes,
                      has_id ? request->frames[FRAME_ID].size : 0, ZMQ_SNDMORE) &&
           reply_send(socket, status, 3, ZMQ_SNDMORE) && reply_send(socket, "", 0, ZMQ_SNDMORE) &&
           reply_send(socket, user, strlen(user), ZMQ_SNDMORE) &&
           reply_send(socket, property, property_size, 0);
}

static bool refuse(struct handler *handler, const struct request *request, const char *status,
                   const char *reason)
{
    audit_refusal(handler, request, reason);
    return reply(handler, request, status, "", "", 0);
}

/* The key goes along as metadata: name with its length, then the value with its own in 4 bytes. It
 * is always set, so a peer that brings a property of that name is not believed. */
static bool accept(struct handler *handler, const struct request *request, uint32_t principal)
{
    static const char name[] = KEY_PROPERTY;
    uint8_t property[1 + sizeof(name) - 1 + 4 + KEY_TEXT - 1];
    uint8_t *at = property;
    char hex[KEY_TEXT];
    char user[12] = "?";

    if (principal != 0)
        snprintf(user, sizeof(user), "%u", (unsigned)principal);
    key_text(request->frames[FRAME_KEY].bytes, hex);
    *at++ = (uint8_t)(sizeof(name) - 1);
    memcpy(at, name, sizeof(name) - 1);
    at += sizeof(name) - 1;
    memcpy(at, (uint8_t[]){0, 0, 0, (uint8_t)(KEY_TEXT - 1)}, 4);
    memcpy(at + 4, hex, KEY_TEXT - 1);
    return reply(handler, request, "200", user, property, sizeof(property));
}

static bool decide(struct handler *handler, const struct request *request)
{
    uint32_t principal = 0;
    const char *reason;

    if (request->count <= FRAME_MECHANISM || !frame_is(request, FRAME_VERSION, "1.0"))
        return refuse(handler, request, "500", "malformed request");
    if (!frame_is(request, FRAME_MECHANISM, "CURVE"))
        return refuse(handler, request, "400", "mechanism is not CURVE");
    if (request->count != FRAMES || request->frames[FRAME_KEY].size != KEY_BYTES)
        return refuse(handler, request, "400", "no 32-byte key");
    reason = zap_keys_refuse(handler->keys, frame_span(request, FRAME_DOMAIN),
                             request->frames[FRAME_KEY].bytes, &principal);
    if (reason != NULL)
        return refuse(handler, request, "400", reason);
    return accept(handler, request, principal);
}

/* ---- the thread ---- */

/* One request; frames over their bounds are kept as empty ones, which no check lets pass. False
 * where the socket is dead. */
static bool request_receive(void *socket, struct request *request)
{
    bool more = true;

    request->count = 0;
    memset(&request->frames[FRAME_ID], 0, sizeof(request->frames[FRAME_ID]));
    while (more) {
        zmq_msg_t frame;
        int rc;

        zmq_msg_init(&frame);
        do
            rc = zmq_msg_recv(&frame, socket, 0);
        while (rc < 0 && errno == EINTR);
        if (rc < 0)
            return false;
        if (request->count < FRAMES_READ) {
            size_t size = zmq_msg_size(&frame) <= FRAME_BYTES ? zmq_msg_size(&frame) : 0;

            memcpy(request->frames[request->count].bytes, zmq_msg_data(&frame), size);
            request->frames[request->count++].size = size;
        }
        more = zmq_msg_more(&frame) != 0;
        zmq_msg_close(&frame);
    }
    return true;
}

/* False where the socket is dead. */
static bool order_serve(struct handler *handler)
{
    struct order order;
    int answer = 0;
    int rc;

    do
        rc = zmq_recv(handler->orders, &order, sizeof(order), 0);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return false;
    assert(rc == (int)sizeof(order));
    switch (order.kind) {
    case ORDER_ADD:
        answer = zap_keys_add(handler->keys, order.key, order.principal, order.role);
        break;
    case ORDER_REVOKE:
        answer = zap_keys_revoke(handler->keys, order.key);
        break;
    case ORDER_STOP:
        handler->stopped = true;
        break;
    }
    return reply_send(handler->orders, &answer, sizeof(answer), 0);
}

/* An order comes before any request that waits: what was added or revoked counts at once. */
static bool serve(struct handler *handler)
{
    zmq_pollitem_t items[] = {
        {.socket = handler->orders, .events = ZMQ_POLLIN},
        {.socket = handler->requests, .events = ZMQ_POLLIN},
    };
    struct request request;

    if (zmq_poll(items, 2, handler->unsaid > 0 ? 200 : -1) < 0)
        return errno == EINTR;
    audit_rest(handler);
    if ((items[0].revents & ZMQ_POLLIN) != 0)
        return order_serve(handler);
    if ((items[1].revents & ZMQ_POLLIN) != 0)
        return request_receive(handler->requests, &request) && decide(handler, &request);
    return true;
}

static void thread_ended(void *argument)
{
    const struct handler *handler = argument;

    if (handler->stopped)
        return;
    fputs("assay: the handler that decides who may connect has died; so nobody may go on\n",
          stderr);
    abort();
}

static void handler_free(struct handler *handler)
{
    zap_keys_free(handler->keys);
    if (handler->requests != NULL)
        zmq_close(handler->requests);
    if (handler->orders != NULL)
        zmq_close(handler->orders);
    if (handler->audits != NULL)
        zmq_close(handler->audits);
    free(handler);
}

static void *thread_run(void *argument)
{
    struct handler *handler = argument;

    pthread_cleanup_push(thread_ended, handler);
    while (!handler->stopped && serve(handler))
        ;
    pthread_cleanup_pop(1);
    handler_free(handler);
    return NULL;
}

static void *socket_new(void *context, int type)
{
    static const int none = 0;
    static const int queue = AUDIT_QUEUE;
    void *socket = zmq_socket(context, type);

    if (socket != NULL) {
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
        zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, sizeof(queue));
        zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof(queue));
    }
    return socket;
}

static struct handler *handler_new(void *context)
{
    struct handler *handler = xcalloc(1, sizeof(*handler));

    handler->keys = zap_keys_new();
    handler->requests = socket_new(context, ZMQ_REP);
    handler->orders = socket_new(context, ZMQ_PAIR);
    handler->audits = socket_new(context, ZMQ_PAIR);
    if (handler->requests == NULL || handler->orders == NULL || handler->audits == NULL ||
        zmq_bind(handler->requests, ENDPOINT) != 0 || zmq_bind(handler->orders, ORDERS) != 0 ||
        zmq_bind(handler->audits, AUDITS) != 0) {
        int error = errno;

        handler_free(handler);
        errno = error;
        return NULL;
    }
    return handler;
}

/* With all signals blocked: they are the main loop's. */
static int thread_start(struct zap *zap, struct handler *handler)
{
    sigset_t all;
    sigset_t old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&zap->thread, NULL, thread_run, handler);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static void main_side_free(struct zap *zap)
{
    if (zap->orders != NULL)
        zmq_close(zap->orders);
    if (zap->audits != NULL)
        zmq_close(zap->audits);
    free(zap);
}

struct zap *zap_start(void *context)
{
    struct handler *handler;
    struct zap *zap;
    int error;

    key_library_init();
    handler = handler_new(context);
    if (handler == NULL)
        return NULL;
    zap = xcalloc(1, sizeof(*zap));
    zap->orders = socket_new(context, ZMQ_PAIR);
    zap->audits = socket_new(context, ZMQ_PAIR);
    if (zap->orders != NULL && zap->audits != NULL && zmq_connect(zap->orders, ORDERS) == 0 &&
        zmq_connect(zap->audits, AUDITS) == 0)
        error = thread_start(zap, handler);
    else
        error = errno;
    if (error == 0)
        return zap;

    main_side_free(zap);
    handler_free(handler);
    errno = error;
    return NULL;
}

/* The handler always answers: if it cannot, it has ended the process. */
static int order_send(struct zap *zap, const struct order *order)
{
    int answer = 0;
    int rc;

    if (!reply_send(zap->orders, order, sizeof(*order), 0))
        return ERR_CLOSED;
    do
        rc = zmq_recv(zap->orders, &answer, sizeof(answer), 0);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return ERR_CLOSED;
    assert(rc == (int)sizeof(answer));
    return answer;
}

void zap_stop(struct zap *zap)
{
    struct order order = {.kind = ORDER_STOP};

    if (zap == NULL)
        return;
    if (order_send(zap, &order) == 0)
        pthread_join(zap->thread, NULL);
    main_side_free(zap);
}

int zap_add(struct zap *zap, const uint8_t key[KEY_BYTES], uint32_t principal,
            enum principal_role role)
{
    struct order order = {.kind = ORDER_ADD, .principal = principal, .role = role};

    assert(principal != 0);
    memcpy(order.key, key, KEY_BYTES);
    return order_send(zap, &order);
}

int zap_revoke(struct zap *zap, const uint8_t key[KEY_BYTES])
{
    struct order order = {.kind = ORDER_REVOKE};

    memcpy(order.key, key, KEY_BYTES);
    return order_send(zap, &order);
}

void *zap_audit_socket(struct zap *zap)
{
    return zap->audits;
}

bool zap_audit_next(struct zap *zap, struct zap_audit *audit)
{
    struct zap_audit next;
    int rc;

    do
        rc = zmq_recv(zap->audits, &next, sizeof(next), ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc != (int)sizeof(next))
        return false;
    *audit = next;
    return true;
}
