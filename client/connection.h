/* connection.h - a client's talk with a head.
 *
 * Requests have numbers and are kept until they are answered: what was on its way when a connection
 * broke is sent again over the next one, to the same head started anew too. What must not be asked
 * twice (a token) is given up instead.
 *
 * One caller, one thread. For more than one thing at a time: connection_items and connection_pump
 * in a poll loop, connection_take for what came. */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "client/where.h"
#include "proto/msg.h"

struct connection;

#define CONNECTION_ITEMS 2      /* of connection_items */
#define CONNECT_MS       10000u /* how long commands try */

/* Connect, and join where that is needed and a token is there. within_ms: how long to try. quiet:
 * nothing is said when no head is there. Takes what *where owns. 0, or an exit status. */
int connection_open(struct where *where, uint32_t within_ms, bool quiet, struct connection **out);

/* The same for the head that a command's flags name, as where_find has it, within CONNECT_MS. */
int connection_open_head(const char *address, const char *token_file, struct connection **out);

/* Signals of sig_open, which end a wait for an answer from now on: connection_ask and _try return
 * 128 + the signal, and nothing is said. */
void connection_watch_signals(struct connection *connection, int signals);

/* Accepts NULL. */
void connection_close(struct connection *connection);

/* The head's address as text; constant. */
const char *connection_address(const struct connection *connection);

/* Whether the head is this user's own one on this machine. */
bool connection_is_local(const struct connection *connection);

/* Ask one thing and wait for its answer, which lives in arena: 0 and *reply, of the type wanted.
 * Else an exit status, and it was said why. wait_ms: what the request itself may wait at the head.
 */
int connection_ask(struct connection *connection, enum msg_type type, const void *body,
                   uint32_t wait_ms, enum msg_type wanted, struct arena *arena, void **reply);

/* The same, but a refusal is not said: *refusal (in arena) and EXIT_REFUSED. */
int connection_try(struct connection *connection, enum msg_type type, const void *body,
                   uint32_t wait_ms, enum msg_type wanted, struct arena *arena, void **reply,
                   const struct msg_error **refusal);

/* Send a request; its number. */
uint64_t connection_send(struct connection *connection, enum msg_type type, const void *body,
                         uint32_t wait_ms);

/* What to poll. */
void connection_items(struct connection *connection, zmq_pollitem_t items[CONNECTION_ITEMS]);

/* Move on: look at the connection's state, send what waits. 0; an exit status where there is no way
 * on any more, and it was said why. Call at least every 100 ms. */
int connection_pump(struct connection *connection);

/* The next answer to a request that is open; it lives in arena. False where none is there. */
bool connection_take(struct connection *connection, struct arena *arena, struct message *message);

#endif
