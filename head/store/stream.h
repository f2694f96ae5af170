/* stream.h - the log's stream in Redis: its commands' answers, and how an epoch is taken. */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include <stdint.h>

#include "common/redis/keys.h"
#include "common/redis/store.h"
#include "common/trouble.h"

/* An entry holds either one field `e`, a turn's bytes (head/entry.h), or `takeover`, who took the
 * epoch, with `boot`, which life of it did. */
#define STREAM_ENTRY    "e"
#define STREAM_TAKEOVER "takeover"
#define STREAM_BOOT     "boot"

struct stream_entry {
    struct log_id id;
    bool takeover;
    struct span bytes; /* borrowed from the reply: the turn's bytes, or who took over */
    struct span boot;
};

/* Ask for the top id, and read the answer of it: 0; ERR_NOT_FOUND: there is no stream;
 * ERR_MALFORMED: another type of key, or no answer to the question; ERR_DENIED: refused. */
void stream_ask_top(struct store *store, struct span key);
int stream_read_top(const struct redisReply *reply, struct log_id *out);

/* Ask for at most count entries from first to last, both included. */
void stream_ask_range(struct store *store, struct span key, struct log_id first, struct log_id last,
                      uint32_t count);

/* How many entries the answer to a range holds: -1, it is none. */
int64_t stream_count(const struct redisReply *reply);

/* The index-th of them. ERR_MALFORMED: not one that a head wrote. */
int stream_read_entry(const struct redisReply *reply, size_t index, struct stream_entry *out);

/* Take an epoch with an entry `<epoch>-0`: the one above the top with *epoch 0, else *epoch itself,
 * behind a log that was read up to the one before it. boot is unlike any other's, so that an entry
 * of ours is known again when its answer is lost. Connects as often as it takes, up to until_ms.
 * ERR_FENCED: another head took it; see journal_open. */
int stream_claim(struct store *store, const char *name, const char *who, const char *boot,
                 uint64_t until_ms, uint64_t *epoch, struct trouble *trouble);

#endif
