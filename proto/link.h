/* link.h - encrypted sockets, closed by default: the only way onto the network.
 *
 * A head binds ROUTERs, one a plane; workers and clients connect DEALERs. Every socket speaks CURVE
 * and nothing else, there is no other kind. On a head zap_start comes first, then link_self_test,
 * then link_bind. Sockets are libzmq's: poll them with zmq_poll, close them with link_close.
 *
 * A message is one frame. Sent is not delivered: what matters is acknowledged by messages and sent
 * again by whoever sent it. Peers are told apart by their key (principal), never by what they say
 * of themselves; the routing id is libzmq's own, new with each connection, and only good for
 * answers.
 *
 * A context and its sockets are for one thread. */
#ifndef PROTO_LINK_H
#define PROTO_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "common/span.h"
#include "common/trouble.h"
#include "proto/address.h"
#include "proto/key.h"
#include "proto/monitor.h"
#include "proto/zap.h"

/* Also the name of the ZAP domain, which says who gets in: zap.h. */
enum link_plane { LINK_JOIN, LINK_CLIENT, LINK_WORKER };

/* "join", "client", "worker". */
const char *link_plane_name(enum link_plane plane);

/* The most bytes of one message on a plane. */
size_t link_plane_limit(enum link_plane plane);

/* A libzmq context with io_threads threads (1: up to some 100,000 messages a second). NULL with
 * errno set; ENOSYS: the libzmq at hand is older than 4.3.3, which had holes. */
void *link_context_new(int io_threads);

/* All its sockets are closed, and its ZAP handler stopped. Accepts NULL. */
void link_context_free(void *context);

/* Prove that the door is shut: on a port of 127.0.0.1 a stranger's key and a peer without
 * encryption are refused, and that a key which is known gets in. 0; else the head must not go on,
 * and trouble says what was let in (ERR_DENIED), or that the answers did not come within 3 s
 * (ERR_TIMEOUT). Takes some milliseconds. Empties zap's audit queue, which has the test's own
 * refusals. */
int link_self_test(void *context, struct zap *zap, struct trouble *trouble);

/* A head's socket for a plane at a port of the host's, or at any free one for port 0; *bound is the
 * real one. host: an address, an interface or a name of this machine; NULL or "*": all interfaces.
 * monitor (may be NULL): watch it from the start; closed by the caller, before the socket.
 * ERR_EXISTS: the port is taken; ERR_NOT_FOUND: no such address here; ERR_IO. */
int link_bind(void *context, enum link_plane plane, const char *host, uint16_t port,
              const struct key_pair *keys, void **socket, uint16_t *bound, struct monitor **monitor,
              struct trouble *trouble);

/* A socket to the head that holds head_key, at host:port of address. Returns at once and goes on
 * trying, every 0.1 s to 5 s; nothing can be sent before the handshake is through. message_bytes:
 * the most that one message from the head may have. link_watch.h says how it goes. ERR_MALFORMED
 * for a host that libzmq does not take; ERR_IO. */
int link_connect(void *context, const struct address *address, const uint8_t head_key[KEY_BYTES],
                 const struct key_pair *keys, size_t message_bytes, void **socket,
                 struct monitor **monitor, struct trouble *trouble);

/* Close a socket of the two; with its monitor, if it has one. Both accept NULL. What a worker or
 * client sent last gets half a second to leave. */
void link_close(void *socket, struct monitor *monitor);

/* Whom to answer. */
struct link_route {
    uint8_t bytes[8];
    uint8_t size;
};

struct link_message {
    struct link_route route; /* of a ROUTER's; else size 0 */
    zmq_msg_t body;          /* owned: link_message_fini */
    uint32_t principal;      /* the key's, as it was known at the handshake; 0: a key nobody knew */
    uint8_t key[KEY_BYTES];  /* that the peer proved to own; zeros on a DEALER */
    int fd;                  /* of the connection, for peerwatch.h; it may be closed by now */
    char address[ZAP_ADDRESS]; /* IP of the peer */
};

/* The next message. 0; ERR_AGAIN: none is there; ERR_TOO_BIG: one with several frames came and was
 * dropped: message says whose, its body is empty, and its connection is to be shut; ERR_CLOSED: the
 * context ends. With 0 and ERR_TOO_BIG, call link_message_fini. */
int link_receive(void *socket, struct link_message *message);

/* The frame of a message, until its fini. */
struct span link_message_body(const struct link_message *message);

void link_message_fini(struct link_message *message);

/* Send one frame to a peer of a ROUTER, which is copied. Never waits. ERR_AGAIN: too much is on the
 * way to it; ERR_CLOSED: that connection is no more. */
int link_send(void *socket, const struct link_route *route, struct span body);

/* The same from a DEALER to its head. ERR_AGAIN also while there is no connection. */
int link_send_to_head(void *socket, struct span body);

#endif
