/* monitor.h - what becomes of the connections of a socket: one event each, in order.
 *
 * For a head: which descriptors to watch (peerwatch.h), and strangers that never got through a
 * handshake. For a worker or client: whether nobody is there, somebody else is there, or the head
 * is there and refuses this key.
 *
 * Up to LIMIT_MONITOR_EVENTS events wait here; then libzmq's I/O thread waits too. So whoever opens
 * a monitor has to empty it in each turn of the main loop. */
#ifndef PROTO_MONITOR_H
#define PROTO_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

struct monitor;

enum monitor_kind {
    MONITOR_ACCEPTED,  /* a stranger's TCP connection; fd */
    MONITOR_CONNECTED, /* ours to a head; no handshake yet; fd */
    MONITOR_RETRY,     /* nobody answered; libzmq tries again later */
    MONITOR_READY,     /* a handshake is through */
    MONITOR_REFUSED,   /* by the ZAP handler; on a head, zap.h's audit says who */
    MONITOR_FAILED,    /* another failed handshake: not CURVE, a wrong head key, silence; address */
    MONITOR_GONE       /* a connection has ended; fd, address */
};

#define MONITOR_ADDRESS 64u

struct monitor_event {
    enum monitor_kind kind;
    int fd;                        /* -1 where the kind has none */
    char address[MONITOR_ADDRESS]; /* IP:PORT of the peer; empty: it was gone before anybody looked
                                    */
    const char *reason;            /* FAILED: constant text; else NULL */
    bool final;                    /* FAILED: a connecting socket will not try again */
};

/* Watch a socket, before it is bound or connected. NULL with errno set where there is no socket to
 * be had. */
struct monitor *monitor_new(void *context, void *socket);

/* Before the socket is closed. Accepts NULL. */
void monitor_free(struct monitor *monitor);

/* The socket to poll (ZMQ_POLLIN); borrowed. */
void *monitor_socket(struct monitor *monitor);

/* The next event; false where there is none. A FAILED comes together with its GONE, right before
 * it. What is not even close to the protocol (a web browser) has no FAILED, only its GONE. With
 * several I/O threads a FAILED may be laid at the door of another peer: good enough for a log, not
 * for blocking anybody. */
bool monitor_next(struct monitor *monitor, struct monitor_event *event);

#endif
