#include "proto/link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/limits.h"

/* What CURVE adds to a frame of ours, rounded up: libzmq measures the encrypted one. */
#define CURVE_BYTES 64

/* zmq.h shows it only to users of drafts; the library has it all the same. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

/* zap.c sets it. */
#define KEY_PROPERTY "X-Key"

struct option {
    int name;
    int value;
};

static const struct plane {
    const char *name;
    size_t limit_bytes;
    int receive_messages; /* of one peer, waiting to be read */
    int send_messages;    /* to one peer, waiting to leave */
    bool pings;           /* peers that are silent; see options_bound */
} planes[] = {
    [LINK_JOIN] = {"join", LIMIT_JOIN_BYTES, 8, 16, true},
    [LINK_CLIENT] = {"client", LIMIT_MESSAGE_BYTES, 64, 256, true},
    [LINK_WORKER] = {"worker", LIMIT_MESSAGE_BYTES, 256, 1000, false},
};

const char *link_plane_name(enum link_plane plane)
{
    return planes[plane].name;
}

size_t link_plane_limit(enum link_plane plane)
{
    return planes[plane].limit_bytes;
}

void *link_context_new(int io_threads)
{
    void *context;
    int major;
    int minor;
    int patch;

    key_library_init();
    zmq_version(&major, &minor, &patch);
    if (major * 10000 + minor * 100 + patch < 40303) {
        errno = ENOSYS;
        return NULL;
    }
    context = zmq_ctx_new();
    if (context == NULL)
        return NULL;
    if (zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads) != 0 ||
        zmq_ctx_set(context, ZMQ_BLOCKY, 0) != 0) {
        int error = errno;

        zmq_ctx_term(context);
        errno = error;
        return NULL;
    }
    return context;
}

void link_context_free(void *context)
{
    int rc;

    if (context == NULL)
        return;
    do
        rc = zmq_ctx_term(context);
    while (rc != 0 && errno == EINTR);
}

/* ---- options, all of them set before bind or connect ---- */

static bool options_set(void *socket, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof(int)) != 0)
            return false;
    }
    return true;
}

#define PING_MS 2000

/* Those of both ends. A handshake that drags on, or a peer that falls silent, is cut off. */
static bool options_common(void *socket, size_t limit_bytes, const struct key_pair *keys)
{
    static const struct option options[] = {
        {ZMQ_IPV6, 1},
        {ZMQ_HANDSHAKE_IVL, 3000},
        {ZMQ_HEARTBEAT_TIMEOUT, 6000},
        {ZMQ_HEARTBEAT_TTL, 6000},
    };
    int64_t frame_bytes = (int64_t)limit_bytes + CURVE_BYTES;

    return options_set(socket, options, sizeof(options) / sizeof(options[0])) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof(frame_bytes)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret, KEY_BYTES) == 0;
}

/* Without ZMQ_ZAP_ENFORCE_DOMAIN libzmq lets anybody in when no handler answers. It is read back,
 * for it must not be one of the options that some build ignores.
 *
 * Workers ping by themselves, say how long their silence may last, and beat every second besides:
 * a head of 1,000 that pings them too spends a third of its idle time on that. A machine that dies
 * before it said anything is the kernel's to notice. */
static bool options_bound(void *socket, enum link_plane plane, const struct key_pair *keys)
{
    const struct option options[] = {
        {ZMQ_ZAP_ENFORCE_DOMAIN, 1},
        {ZMQ_CURVE_SERVER, 1},
        {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_LINGER, 0},
        {ZMQ_BACKLOG, 1024},
        {ZMQ_RCVHWM, planes[plane].receive_messages},
        {ZMQ_SNDHWM, planes[plane].send_messages},
        {ZMQ_HEARTBEAT_IVL, planes[plane].pings ? PING_MS : 0},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, 10},
        {ZMQ_TCP_KEEPALIVE_CNT, 3},
    };
    int enforced = 0;
    size_t size = sizeof(enforced);

    return options_set(socket, options, sizeof(options) / sizeof(options[0])) &&
           zmq_getsockopt(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &enforced, &size) == 0 && enforced == 1 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, planes[plane].name, strlen(planes[plane].name)) ==
               0 &&
           options_common(socket, planes[plane].limit_bytes, keys);
}

/* ZMQ_IMMEDIATE: nothing is queued for a connection that is not there, to be sent late. */
static bool options_connected(void *socket, size_t limit_bytes, const uint8_t head_key[KEY_BYTES],
                              const struct key_pair *keys)
{
    static const struct option options[] = {
        {ZMQ_IMMEDIATE, 1},
        {ZMQ_RECONNECT_IVL, 100},
        {ZMQ_RECONNECT_IVL_MAX, 5000},
        {ZMQ_CONNECT_TIMEOUT, 5000},
        {ZMQ_LINGER, 500},
        {ZMQ_RCVHWM, 1000},
        {ZMQ_SNDHWM, 1000},
        {ZMQ_HEARTBEAT_IVL, PING_MS},
    };

    return options_set(socket, options, sizeof(options) / sizeof(options[0])) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, head_key, KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, KEY_BYTES) == 0 &&
           options_common(socket, limit_bytes, keys);
}

/* ---- bind ---- */

/* libzmq binds to numbers and interfaces, not to names: look those up. */
static void bind_host(const char *host, char out[ADDRESS_HOST])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;

    snprintf(out, ADDRESS_HOST, "%s", host);
    if (strcmp(host, "*") == 0 || if_nametoindex(host) != 0 ||
        getaddrinfo(host, NULL, &hints, &found) != 0)
        return;
    (void)getnameinfo(found->ai_addr, found->ai_addrlen, out, ADDRESS_HOST, NULL, 0,
                      NI_NUMERICHOST);
    freeaddrinfo(found);
}

/* Port 0 gives "tcp://HOST:*". */
static void endpoint_print(const char *host, uint16_t port, char out[ADDRESS_HOST + 32])
{
    const char *format = strchr(host, ':') != NULL ? "tcp://[%s]:" : "tcp://%s:";
    int size = snprintf(out, ADDRESS_HOST + 32, format, host);

    if (port == 0)
        strcpy(out + size, "*");
    else
        snprintf(out + size, 8, "%u", (unsigned)port);
}

static bool port_of(void *socket, uint16_t *port)
{
    char endpoint[ADDRESS_HOST + 32];
    size_t size = sizeof(endpoint);
    const char *colon;

    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        return false;
    colon = strrchr(endpoint, ':');
    if (colon == NULL)
        return false;
    *port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return *port != 0;
}

static int bind_trouble(const char *endpoint, struct trouble *trouble)
{
    switch (errno) {
    case EADDRINUSE:
        return trouble_set(trouble, ERR_EXISTS, NULL,
                           "give another port, or 0 for any that is free",
                           "%s is taken by another program", endpoint);
    case EADDRNOTAVAIL:
    case ENODEV:
    case EINVAL:
        return trouble_set(trouble, ERR_NOT_FOUND, NULL,
                           "give an address of this machine, or none for all of them",
                           "%s is no address of this machine", endpoint);
    default:
        return trouble_set(trouble, errno == EACCES ? ERR_DENIED : ERR_IO, NULL, NULL,
                           "cannot listen at %s: %s", endpoint, strerror(errno));
    }
}

int link_bind(void *context, enum link_plane plane, const char *host, uint16_t port,
              const struct key_pair *keys, void **socket, uint16_t *bound, struct monitor **monitor,
              struct trouble *trouble)
{
    char endpoint[ADDRESS_HOST + 32];
    char number[ADDRESS_HOST];
    struct monitor *watching = NULL;
    void *made = zmq_socket(context, ZMQ_ROUTER);
    uint16_t real = 0;
    int rc;

    bind_host(host != NULL ? host : "*", number);
    endpoint_print(number, port, endpoint);
    if (made == NULL || !options_bound(made, plane, keys)) {
        rc = trouble_set(trouble, ERR_IO, NULL, NULL, "cannot make a closed socket for %s: %s",
                         endpoint, strerror(errno));
        goto fail;
    }
    if (monitor != NULL && (watching = monitor_new(context, made)) == NULL) {
        rc = trouble_set(trouble, ERR_IO, NULL, NULL, "cannot watch %s: %s", endpoint,
                         strerror(errno));
        goto fail;
    }
    if (zmq_bind(made, endpoint) != 0 || !port_of(made, &real)) {
        rc = bind_trouble(endpoint, trouble);
        goto fail;
    }
    if (monitor != NULL)
        *monitor = watching;
    if (bound != NULL)
        *bound = real;
    *socket = made;
    return 0;
fail:
    link_close(made, watching);
    return rc;
}

/* ---- connect ---- */

int link_connect(void *context, const struct address *address, const uint8_t head_key[KEY_BYTES],
                 const struct key_pair *keys, size_t message_bytes, void **socket,
                 struct monitor **monitor, struct trouble *trouble)
{
    char endpoint[ADDRESS_HOST + 32];
    struct monitor *watching = NULL;
    void *made = zmq_socket(context, ZMQ_DEALER);
    int rc;

    assert(address->port != 0);
    endpoint_print(address->host, address->port, endpoint);
    if (made == NULL || !options_connected(made, message_bytes, head_key, keys)) {
        rc = trouble_set(trouble, ERR_IO, NULL, NULL, "cannot make an encrypted socket to %s: %s",
                         endpoint, strerror(errno));
        goto fail;
    }
    if (monitor != NULL && (watching = monitor_new(context, made)) == NULL) {
        rc = trouble_set(trouble, ERR_IO, NULL, NULL, "cannot watch %s: %s", endpoint,
                         strerror(errno));
        goto fail;
    }
    if (zmq_connect(made, endpoint) != 0) {
        rc = trouble_set(trouble, errno == EINVAL ? ERR_MALFORMED : ERR_IO, NULL, NULL,
                         "cannot connect to %s: %s", endpoint, strerror(errno));
        goto fail;
    }
    if (monitor != NULL)
        *monitor = watching;
    *socket = made;
    return 0;
fail:
    link_close(made, watching);
    return rc;
}

void link_close(void *socket, struct monitor *monitor)
{
    int error = errno;

    monitor_free(monitor);
    if (socket != NULL)
        zmq_close(socket);
    errno = error;
}

/* ---- messages ---- */

/* -1 with errno as libzmq gives it. */
static int frame_receive(zmq_msg_t *frame, void *socket)
{
    int rc;

    do
        rc = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc;
}

/* "?" and everything else that is not a number is nobody. */
static uint32_t principal_parse(const char *user)
{
    uint64_t number = 0;

    if (user == NULL || *user == '\0')
        return 0;
    for (; *user != '\0'; user++) {
        if (*user < '0' || *user > '9')
            return 0;
        number = number * 10 + (uint64_t)(*user - '0');
        if (number > UINT32_MAX)
            return 0;
    }
    return (uint32_t)number;
}

/* What libzmq and our ZAP handler know of the connection a frame came by. */
static void origin_take(const zmq_msg_t *frame, struct link_message *message)
{
    const char *address = zmq_msg_gets(frame, "Peer-Address");
    const char *key = zmq_msg_gets(frame, KEY_PROPERTY);

    message->principal = principal_parse(zmq_msg_gets(frame, "User-Id"));
    message->fd = zmq_msg_get(frame, ZMQ_SRCFD);
    memset(message->key, 0, sizeof(message->key));
    if (key != NULL)
        (void)key_parse(span_text(key), message->key);
    snprintf(message->address, sizeof(message->address), "%s",
             address != NULL ? address_plain(address) : "");
}

/* The frame that a ROUTER puts in front. False where it is none, which libzmq never does. */
static bool route_take(zmq_msg_t *frame, struct link_route *route)
{
    size_t size = zmq_msg_size(frame);

    if (size == 0 || size > sizeof(route->bytes) || !zmq_msg_more(frame))
        return false;
    memcpy(route->bytes, zmq_msg_data(frame), size);
    route->size = (uint8_t)size;
    return true;
}

/* All that is left of a message, part by part. */
static void drain(zmq_msg_t *frame, void *socket)
{
    while (zmq_msg_more(frame) && frame_receive(frame, socket) >= 0)
        ;
}

int link_receive(void *socket, struct link_message *message)
{
    struct link_message next = {.route = {.size = 0}};
    zmq_msg_t frame;
    int type = 0;
    size_t size = sizeof(type);
    int rc = 0;

    if (zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) != 0)
        return ERR_CLOSED;
    zmq_msg_init(&frame);
    if (frame_receive(&frame, socket) < 0) {
        rc = errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
        goto out;
    }
    if (type == ZMQ_ROUTER &&
        (!route_take(&frame, &next.route) || frame_receive(&frame, socket) < 0)) {
        drain(&frame, socket);
        rc = ERR_CLOSED;
        goto out;
    }
    origin_take(&frame, &next);
    if (zmq_msg_more(&frame)) {
        drain(&frame, socket);
        zmq_msg_close(&frame);
        zmq_msg_init(&frame);
        rc = ERR_TOO_BIG;
    }
    *message = next;
    zmq_msg_init(&message->body);
    zmq_msg_move(&message->body, &frame);
out:
    zmq_msg_close(&frame);
    return rc;
}

struct span link_message_body(const struct link_message *message)
{
    zmq_msg_t *body = (zmq_msg_t *)&message->body; /* libzmq's getter is not const */

    return span_of(zmq_msg_data(body), zmq_msg_size(body));
}

void link_message_fini(struct link_message *message)
{
    zmq_msg_close(&message->body);
}

static int bytes_send(void *socket, const void *data, size_t size, int flags)
{
    int rc;

    do
        rc = zmq_send(socket, data, size, flags | ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc >= 0)
        return 0;
    return errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
}

int link_send(void *socket, const struct link_route *route, struct span body)
{
    int rc = bytes_send(socket, route->bytes, route->size, ZMQ_SNDMORE);

    return rc != 0 ? rc : bytes_send(socket, body.data, body.size, 0);
}

int link_send_to_head(void *socket, struct span body)
{
    return bytes_send(socket, body.data, body.size, 0);
}
