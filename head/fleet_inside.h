/* fleet_inside.h - what a fleet holds; for the fleet's own files: fleet.c (messages of workers, the
 * silent), fleet_session.c (sessions and what is sent to them), fleet_store.c (blobs),
 * fleet_orders.c (committed effects, gathered and flushed). */
#ifndef HEAD_FLEET_INSIDE_H
#define HEAD_FLEET_INSIDE_H

#include "common/table.h"
#include "head/fleet.h"

/* Replies to NODE_BACK carry this bit, so that the front's and the fleet's handles never meet. */
#define ORIGIN_FLEET (UINT64_C(1) << 63)

struct session {
    struct session *next; /* all of the fleet */
    struct link_route route;
    uint32_t principal;
    uint32_t node; /* NUMBER_NONE until NODE_BACK was answered */
    uint64_t handle;
    uint64_t heard_ms;
    bool ready;
    uint32_t readies;   /* READYs that the core has not answered */
    uint64_t asked;     /* request id of the last one */
    struct arena arena; /* of registered's texts */
    struct msg_register registered;
    struct table *told; /* experiments whose EXPERIMENT was sent */
    /* Gathered for the next flush; what they point to is the turn's. */
    struct msg_lease *leases;
    uint32_t lease_count;
    uint32_t lease_room;
    size_t lease_bytes;
    struct msg_verdict *verdicts;
    uint32_t verdict_count;
    uint32_t verdict_room;
    size_t verdict_bytes;
    bool waiting; /* is in the list of those to flush */
    bool missed;  /* something could not be sent: it has to say READY again */
};

/* Somebody who waits for a checkpoint's blob to be verified. */
struct store_wait {
    struct link_route route;
    uint64_t request;
    bool placed;
    uint8_t hash[BLOB_HASH_BYTES];
};

#define FLEET_STORE_WAITS 4096u

struct fleet {
    struct fleet_parts parts;
    struct store_wait *store_waits; /* owned */
    uint32_t store_wait_count;
    uint32_t store_wait_room;
    struct session *sessions;
    size_t session_count;
    struct table *by_route;
    struct table *by_principal;
    struct table *by_node;
    struct table *by_handle;
    struct session **flush; /* sessions with something gathered */
    size_t flush_count;
    size_t flush_room;
    uint64_t next_handle;
    uint64_t ticked_ms;
    uint64_t beaten_ms; /* when all were last told that the head is alive */
    bool committing;
    struct buf frame;
    struct arena scratch;
};

/* The session of a connection; NULL: none. */
struct session *session_of_route(const struct fleet *fleet, const struct link_route *route);

/* A new one, not ready. NULL: there are LIMIT_SESSIONS. */
struct session *session_new(struct fleet *fleet, const struct link_route *route,
                            uint32_t principal);
void session_drop(struct fleet *fleet, struct session *session);

/* Keep what the worker says of itself. */
void session_describe(struct session *session, const struct msg_register *registered);

/* fleet_store.c: what belongs to checkpoints. */
void fleet_store_ask(struct fleet *fleet, const struct session *session,
                     const struct message *message);
void fleet_store_put(struct fleet *fleet, const struct session *session,
                     const struct message *message);
void fleet_blob_get(struct fleet *fleet, const struct session *session,
                    const struct message *message);

/* To a peer that hears it again, after its next READY, when it is gone or does not read. */
void fleet_send(struct fleet *fleet, const struct link_route *route, enum msg_type type,
                uint64_t request, const void *body);

/* What has to arrive, for nobody says it again before a READY. A worker that reads nothing for so
 * long that its queue is full loses its session: UNKNOWN makes it register anew. */
void session_order(struct fleet *fleet, struct session *session, enum msg_type type,
                   const void *body);

#endif
