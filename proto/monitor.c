#include "proto/monitor.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

#include "common/limits.h"
#include "common/xalloc.h"
#include "proto/address.h"

#define EVENTS                                                                                     \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_ACCEPTED |                        \
     ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                               \
     ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                         \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

struct monitor {
    void *watched; /* borrowed */
    void *socket;  /* PAIR */
    /* Peers by descriptor: libzmq's events of this version name only the descriptor. */
    char (*addresses)[MONITOR_ADDRESS];
    size_t capacity;
    const char *failed; /* reason of a failed handshake whose end has not come yet */
    bool failed_final;
    struct monitor_event after; /* to hand out next, where has_after */
    bool has_after;
};

void *monitor_socket(struct monitor *monitor)
{
    return monitor->socket;
}

struct monitor *monitor_new(void *context, void *socket)
{
    static const int queue = LIMIT_MONITOR_EVENTS;
    static const int none = 0;
    static atomic_uint made; /* a closed one's name stays taken until the library has reaped it */
    struct monitor *monitor = xcalloc(1, sizeof(*monitor));
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "inproc://assay.monitor.%u", atomic_fetch_add(&made, 1));
    monitor->watched = socket;
    monitor->socket = zmq_socket(context, ZMQ_PAIR);
    if (monitor->socket == NULL)
        goto fail;
    zmq_setsockopt(monitor->socket, ZMQ_LINGER, &none, sizeof(none));
    if (zmq_setsockopt(monitor->socket, ZMQ_RCVHWM, &queue, sizeof(queue)) != 0 ||
        zmq_socket_monitor(socket, endpoint, EVENTS) != 0)
        goto fail;
    if (zmq_connect(monitor->socket, endpoint) == 0)
        return monitor;
    zmq_socket_monitor(socket, NULL, 0);
fail:
    if (monitor->socket != NULL) {
        int error = errno;

        zmq_close(monitor->socket);
        errno = error;
    }
    free(monitor);
    return NULL;
}

void monitor_free(struct monitor *monitor)
{
    struct monitor_event event;

    if (monitor == NULL)
        return;
    /* An I/O thread that waits for room in the queue holds the lock that the next call needs. */
    while (monitor_next(monitor, &event))
        ;
    zmq_socket_monitor(monitor->watched, NULL, 0);
    zmq_close(monitor->socket);
    free(monitor->addresses);
    free(monitor);
}

/* IP:PORT of whom fd is connected to; empty where it is gone already. */
static void address_of(int fd, char out[MONITOR_ADDRESS])
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    char text[INET6_ADDRSTRLEN] = "";

    out[0] = '\0';
    memset(&peer, 0, sizeof(peer));
    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
        return;
    if (peer.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer;

        if (inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)) != NULL)
            snprintf(out, MONITOR_ADDRESS, "%s:%u", text, (unsigned)ntohs(v4->sin_port));
    } else if (peer.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;

        if (inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)) != NULL)
            snprintf(out, MONITOR_ADDRESS,
                     IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? "%s:%u" : "[%s]:%u",
                     address_plain(text), (unsigned)ntohs(v6->sin6_port));
    }
}

static char *address_slot(struct monitor *monitor, int fd)
{
    size_t at = (size_t)fd;

    if (at >= monitor->capacity) {
        size_t capacity = monitor->capacity == 0 ? 64 : monitor->capacity;

        while (capacity <= at)
            capacity *= 2;
        monitor->addresses = xrealloc(monitor->addresses, capacity, sizeof(monitor->addresses[0]));
        memset(monitor->addresses + monitor->capacity, 0,
               (capacity - monitor->capacity) * sizeof(monitor->addresses[0]));
        monitor->capacity = capacity;
    }
    return monitor->addresses[at];
}

/* The next raw event of the kinds asked for. */
static bool raw_next(void *socket, uint16_t *kind, uint32_t *value)
{
    zmq_msg_t frame;
    bool more;
    int rc;

    zmq_msg_init(&frame);
    do
        rc = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        zmq_msg_close(&frame);
        return false;
    }
    assert(rc == (int)(sizeof(*kind) + sizeof(*value)));
    memcpy(kind, zmq_msg_data(&frame), sizeof(*kind));
    memcpy(value, (const char *)zmq_msg_data(&frame) + sizeof(*kind), sizeof(*value));
    for (more = zmq_msg_more(&frame) != 0; more && rc >= 0; more = zmq_msg_more(&frame) != 0)
        rc = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT);
    zmq_msg_close(&frame);
    return true;
}

static const char *protocol_reason(uint32_t code)
{
    switch (code) {
    case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
        return "does not speak CURVE";
    case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
        return "wrong head key";
    default:
        return "breaks the protocol";
    }
}

static bool gone(struct monitor *monitor, int fd, struct monitor_event *event)
{
    char *slot = address_slot(monitor, fd);

    *event = (struct monitor_event){.kind = MONITOR_GONE, .fd = fd};
    memcpy(event->address, slot, MONITOR_ADDRESS);
    slot[0] = '\0';
    if (monitor->failed == NULL)
        return true;
    monitor->after = *event;
    monitor->has_after = true;
    event->kind = MONITOR_FAILED;
    event->fd = -1;
    event->reason = monitor->failed;
    event->final = monitor->failed_final;
    monitor->failed = NULL;
    return true;
}

/* False for an event that only goes together with a later one. */
static bool translate(struct monitor *monitor, uint16_t kind, uint32_t value,
                      struct monitor_event *event)
{
    *event = (struct monitor_event){.fd = -1};
    switch (kind) {
    case ZMQ_EVENT_ACCEPTED:
    case ZMQ_EVENT_CONNECTED:
        event->kind = kind == ZMQ_EVENT_ACCEPTED ? MONITOR_ACCEPTED : MONITOR_CONNECTED;
        event->fd = (int)value;
        address_of(event->fd, address_slot(monitor, event->fd));
        memcpy(event->address, address_slot(monitor, event->fd), MONITOR_ADDRESS);
        return true;
    case ZMQ_EVENT_CONNECT_RETRIED:
        event->kind = MONITOR_RETRY;
        return true;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        event->kind = MONITOR_READY;
        return true;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        event->kind = MONITOR_REFUSED;
        return true;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        monitor->failed = protocol_reason(value);
        monitor->failed_final = true;
        return false;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        monitor->failed = "ended or kept silent in the handshake";
        monitor->failed_final = false;
        return false;
    case ZMQ_EVENT_DISCONNECTED:
        return gone(monitor, (int)value, event);
    default:
        return false;
    }
}

bool monitor_next(struct monitor *monitor, struct monitor_event *event)
{
    struct monitor_event next;
    uint16_t kind;
    uint32_t value;

    if (monitor->has_after) {
        monitor->has_after = false;
        *event = monitor->after;
        return true;
    }
    while (raw_next(monitor->socket, &kind, &value)) {
        if (!translate(monitor, kind, value, &next))
            continue;
        *event = next;
        return true;
    }
    return false;
}
