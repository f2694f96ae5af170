/* store.h - one connection to Redis that never makes its caller wait.
 *
 * Commands are queued and answered in order. A connection is good until its first error; then it is
 * closed and everything that was queued or unanswered is forgotten: whoever sent it opens again and
 * finds out what became of it. Only store_connect and store_call wait, up to a given time: they are
 * for start-up and recovery. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/redis/address.h"
#include "common/span.h"

struct redisReply; /* hiredis's; who looks into it includes <hiredis/hiredis.h> */
struct store;

/* A command's words, as the arguments of store_send and store_call. */
#define STORE_WORDS(...)                                                                           \
    (const struct span[]){__VA_ARGS__},                                                            \
        sizeof((const struct span[]){__VA_ARGS__}) / sizeof(struct span)

/* Not connected yet; copies address. */
struct store *store_new(const struct store_address *address);
void store_free(struct store *store);

/* Begin to connect and to authenticate, closing what there was. Commands may be sent at once.
 * 0 or ERR_CLOSED. */
int store_open(struct store *store);
void store_close(struct store *store);
bool store_is_open(const struct store *store);

/* What to poll for: POLLIN always, POLLOUT too while store_wants_write. -1 while closed. */
int store_fd(const struct store *store);
bool store_wants_write(const struct store *store);

/* Queue a command; the words are copied. Dropped where the connection is closed. */
void store_send(struct store *store, const struct span *words, size_t count);

/* Send what the socket takes; read what has come. 0, or ERR_CLOSED: the connection is gone. */
int store_flush(struct store *store);
int store_read(struct store *store);

/* The next answer, to be freed by store_reply_free. 0; ERR_AGAIN: none has come yet; ERR_CLOSED;
 * ERR_DENIED: the password was refused, and the connection is closed. */
int store_next(struct store *store, struct redisReply **out);

/* Answers that are still to come. */
uint32_t store_awaited(const struct store *store);

/* Why the connection was closed, in words. */
const char *store_error(const struct store *store);

/* Connect, authenticate and get an answer to PING, by until_ms of clock_ms. 0; ERR_AGAIN: Redis
 * still loads its data; ERR_CLOSED, ERR_DENIED, ERR_TIMEOUT. */
int store_connect(struct store *store, uint64_t until_ms);

/* Send one command and wait for its answer; nothing else may be awaited. An answer of Redis that is
 * an error is an answer. 0, ERR_CLOSED, ERR_DENIED, ERR_TIMEOUT (the connection is closed then). */
int store_call(struct store *store, uint64_t until_ms, const struct span *words, size_t count,
               struct redisReply **out);

/* Wait for the answer of a command sent before; as store_call. */
int store_wait(struct store *store, uint64_t until_ms, struct redisReply **out);

void store_reply_free(struct redisReply *reply);

/* Whether it is an error whose first word is code ("OOM"); with NULL, any error. */
bool store_reply_is_error(const struct redisReply *reply, const char *code);

/* The text of a string, status or error; empty for others. */
struct span store_reply_text(const struct redisReply *reply);

#endif
