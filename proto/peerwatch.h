/* peerwatch.h - cuts off a peer that sends a message without end.
 *
 * libzmq hands over a message only when its last part is in, and limits the size of a part, not
 * their number: one peer with a key could fill the head's memory and be seen by nobody. The kernel
 * knows, though, how many bytes a connection has brought. Every 100 ms (of 1,000 connections: each
 * of them every 400 ms) these are compared with what was delivered; a connection that delivers
 * nothing and is further behind than two messages and a megabyte is shut down, and libzmq gives the
 * memory back.
 *
 * Descriptors belong to libzmq: one that was closed may be another connection's by now. So each is
 * remembered with its peer's address, and nothing is done to one whose address has changed. */
#ifndef PROTO_PEERWATCH_H
#define PROTO_PEERWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peerwatch;

/* message_bytes: the most that one message may have on this socket. */
struct peerwatch *peerwatch_new(size_t message_bytes);

/* Accepts NULL. Leaves the connections alone. */
void peerwatch_free(struct peerwatch *watch);

/* A connection was accepted (MONITOR_ACCEPTED). */
void peerwatch_add(struct peerwatch *watch, int fd);

/* It has ended (MONITOR_GONE). Whether it ever brought a message: one that did not, and that
 * nothing else was said about, did not even speak the protocol. */
bool peerwatch_remove(struct peerwatch *watch, int fd);

/* Whether it was accepted, and is not gone. */
bool peerwatch_knows(struct peerwatch *watch, int fd);

/* A message of size bytes came over fd. */
void peerwatch_delivered(struct peerwatch *watch, int fd, size_t size);

/* Compare, and shut down who is too far behind. now_ms: to forgive a connection its heartbeats.
 * drained: the socket was read until nothing was left, so that all that is missing is unfinished;
 * else LIMIT_PEER_QUEUED more may wait. Calls cut (may be NULL) for each connection it shuts.
 * Returns how many. */
size_t peerwatch_check(struct peerwatch *watch, uint64_t now_ms, bool drained,
                       void (*cut)(void *context, int fd, uint64_t behind), void *context);

/* Shut one connection down: its peer broke the rules or was revoked. False where fd is not watched
 * or is another connection's by now. */
bool peerwatch_shut(struct peerwatch *watch, int fd);

#endif
