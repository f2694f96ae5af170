/* fleet.h - the workers: who is connected, what goes out to them, who has fallen silent.
 *
 * A session is one connection of a worker's key. It begins with REGISTER and takes work from READY
 * on, which becomes the event NODE_BACK; the answer to that event tells which node it is. A second
 * session of a key replaces the first. A connection without a session is told UNKNOWN and nothing
 * else. Leases and verdicts are gathered while a turn's effects are applied and leave in one
 * message a worker.
 *
 * Nothing here is trusted to arrive: what was not acknowledged is sent again when the worker says
 * READY, and a silent worker becomes the event NODE_LOST. */
#ifndef HEAD_FLEET_H
#define HEAD_FLEET_H

#include "head/blobs.h"
#include "head/checkpoint_store.h"
#include "head/core/effect.h"
#include "head/sink/sink.h"
#include "head/turn.h"
#include "head/view.h"
#include "proto/link.h"
#include "proto/msg.h"

struct fleet;

/* Timers, in ms of clock_ms. */
#define FLEET_HEARTBEAT_MS 1000u
#define FLEET_SUSPECT_MS   3000u
#define FLEET_LOST_MS      10000u

/* All borrowed. */
struct fleet_parts {
    void *socket;
    struct view *view;
    struct turns *turns;
    struct sinks *sinks;
    struct blobs *blobs;
    struct checkpoint_store *checkpoints;
    const char *checkpoint_folder; /* its path, which workers are told */
    uint64_t epoch;
};

struct fleet *fleet_new(const struct fleet_parts *parts);
void fleet_free(struct fleet *fleet);

/* A message of a worker, unpacked into the open turn's arena. Steps the core with what it means.
 * unix_ms is the turn's time. Returns ERR_MALFORMED where it breaks the rules. */
int fleet_message(struct fleet *fleet, const struct link_route *route, uint32_t principal,
                  const struct message *message, uint64_t now_ms, uint64_t unix_ms);

/* Take in a committed effect: LAUNCH, VERDICT, RELEASE, or the REPLY to a NODE_BACK (true then: it
 * was the fleet's). */
bool fleet_apply(struct fleet *fleet, const struct effect *effect);

/* Send what was gathered. */
void fleet_flush(struct fleet *fleet);

/* Answer those who wait for blobs of checkpoints that are verified now. */
void fleet_sealed(struct fleet *fleet);

/* Find the silent: an event NODE_LOST for each node that was not heard of for FLEET_LOST_MS.
 * drained_ms: when the socket was last read until nothing was left; what came after it may still
 * wait there, so nobody is held silent beyond it. A gap between two calls is this head's own, and
 * is not held against anybody, either. While no turn is ready and so nothing is read, all are told
 * that this head is alive. */
void fleet_tick(struct fleet *fleet, uint64_t now_ms, uint64_t drained_ms, uint64_t unix_ms);

/* What heartbeats tell workers: whether the log takes entries. */
void fleet_set_committing(struct fleet *fleet, bool committing);

/* How many there are. */
size_t fleet_sessions(const struct fleet *fleet);

/* A key may talk no more: forget its session. */
void fleet_revoke(struct fleet *fleet, uint32_t principal);

#endif
