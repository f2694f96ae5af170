/* msg.h - everything that is said on the wire, one plain struct a message.
 *
 * A message is one frame: the msgpack list [protocol, type, request id, fields...]. The fields of a
 * type are a table in messages.c; packing, unpacking, limits and printing follow the table. A reply
 * carries the request id of its request; 0 is "nobody asked". Spans are borrowed from the frame.
 *
 * A worker and its executors speak the same messages over a unix socket (local.h).
 *
 * Planes: JOIN (the head's address; any key), CLIENT and WORKER (only keys that the head knows;
 * their ports come with WELCOME). Who may send what stands in messages.def. The structs of the last
 * two stand in msg_client.h and msg_worker.h; here are those of JOIN and of any plane, and blobs.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include "common/schema.h"
#include "proto/msg_client.h"
#include "proto/msg_worker.h"

/* Raised when a message changes so that an older peer would misread it. */
#define PROTOCOL_VERSION 1u

/* A row each in messages.def. */
enum msg_type {
#define MESSAGE(name, NUMBER, number, who) MSG_##NUMBER = number,
#include "proto/messages.def"
#undef MESSAGE
};

enum error_code {
    ERROR_NOT_FOUND = 1,
    ERROR_CONFLICT = 2,
    ERROR_INVALID = 3,
    ERROR_LIMIT = 4,
    ERROR_DENIED = 5,
    ERROR_BUSY = 6,
    ERROR_VERSION = 7,
    ERROR_MALFORMED = 8,
    ERROR_UNAVAILABLE = 9 /* the head cannot commit now: Redis is away; ask again */
};

struct msg_ok {
    uint64_t value; /* what it means stands at the request */
};

/* WHAT, WHY and MEND of the line that people see. */
struct msg_error {
    uint32_t code; /* enum error_code */
    struct span what;
    struct span why;
    struct span mend;
};

struct msg_hello {
    struct span version; /* of the program, for people */
};

struct msg_welcome {
    struct span name; /* of the cluster */
    struct span version;
    uint32_t client_port;
    uint32_t worker_port;
    uint32_t role; /* what this key may be: enum role of event.h, 0: unknown, JOIN first */
};

struct msg_join {
    struct span token;  /* 8 bytes */
    struct span secret; /* 20 bytes */
    struct span name;
};

struct msg_joined {
    uint32_t role;
    uint32_t principal;
};

struct msg_blob_get {
    struct span hash; /* BLAKE2b, 32 bytes */
    uint64_t offset;
    uint32_t size;
};

struct msg_blob_chunk {
    struct span hash;
    uint64_t offset;
    uint64_t total;
    struct span bytes;
};

struct msg_blob_put {
    struct span hash;
    uint64_t offset;
    uint64_t total;
    struct span bytes;
};

struct msg_blob_ask {
    struct span hash;
};

struct msg_blob_state {
    struct span hash;
    uint64_t have; /* bytes from the start that are there; with complete: all, verified */
    bool complete;
};

/* Any of them, as it comes off a socket. */
struct message {
    enum msg_type type;
    uint64_t request;
    void *body; /* the struct of the type; in the arena it was unpacked into */
};

/* The table of a type; NULL for a number that is none. */
const struct schema *message_schema(uint32_t type);

/* Tables of records that are only part of messages, for readers of schema.json. */
extern const struct schema msg_trial_row_schema;
extern const struct schema msg_experiment_row_schema;
extern const struct schema msg_node_row_schema;

/* One frame into out (which is reset first). body is the type's struct. */
void message_pack(enum msg_type type, uint64_t request, const void *body, struct buf *out);

/* A frame from a peer: scanned for every limit, then unpacked. Returns 0; ERR_VERSION where the
 * protocol is another (out->request is set); ERR_MALFORMED or ERR_TOO_BIG, *error filled, with
 * out->request set if it could be read. */
int message_unpack(struct span frame, struct arena *arena, struct message *out,
                   struct schema_error *error);

/* The type and request id of a frame, before anything of it is unpacked: to look up whether its
 * sender may say this at all. False where it does not begin as a message. */
bool message_peek(struct span frame, uint32_t *type, uint64_t *request);

/* A line for logs and tests. */
void message_print(const struct message *message, struct buf *out);

/* All tables as one JSON document: schema.json. */
void message_describe(struct buf *out);

#endif
