/* local.h - messages over a unix socket between a worker and its executors.
 *
 * The frames are msg.h's, each behind its length (uint32_t, little endian). Nothing here blocks:
 * what cannot be written yet waits in a bounded buffer, and a full one says so. */
#ifndef PROTO_LOCAL_H
#define PROTO_LOCAL_H

#include <stdbool.h>

#include "common/buf.h"
#include "proto/msg.h"

struct local {
    int fd;         /* owned; -1: closed */
    struct buf in;  /* bytes read and not yet taken */
    struct buf out; /* bytes to be written */
    size_t taken;   /* of in: bytes of frames that were handed out */
};

/* Takes over a connected non-blocking descriptor. */
void local_init(struct local *local, int fd);
void local_fini(struct local *local);

/* A listening socket at path (mode 0600, an old one replaced), or ERR_*. */
int local_listen(const char *path);
/* The next connection of a listening socket, non-blocking, only of this user (SO_PEERCRED);
 * ERR_AGAIN where there is none. */
int local_accept(int listening);
/* Connected and non-blocking, or ERR_*. */
int local_connect(const char *path);

/* Queue a frame (message_pack's output) and try to write. ERR_CLOSED; ERR_TOO_BIG over
 * LIMIT_MESSAGE_BYTES, which no peer would take; ERR_AGAIN where more than
 * LIMIT_MESSAGE_BYTES wait already and the frame was not taken. */
int local_send(struct local *local, struct span frame);

/* Whether more should wait until written: local_flush when the descriptor is writable. */
bool local_pending(const struct local *local);
int local_flush(struct local *local);

/* Read what is there. ERR_CLOSED at the end; then frames read before may still be taken. */
int local_read(struct local *local);

/* The next whole frame, borrowed until the next call on local; false where there is none. A length
 * over LIMIT_MESSAGE_BYTES closes the connection. */
bool local_next(struct local *local, struct span *frame);

#endif
