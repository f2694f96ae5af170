/* lead.h - who leads a cluster, as the hash `assay:{NAME}:head` says.
 *
 * The head that leads writes it: at its start who and where it is, and while it commits nothing a
 * beat, every LIMIT_BEAT_MS. Its standbys watch that, and peers that were given the address of a
 * Redis learn from it where to go. It is a hint: that a head is the one it claims to be, its key
 * proves, which nobody learns from here. */
#ifndef REDIS_LEAD_H
#define REDIS_LEAD_H

#include <stdint.h>

#include "common/redis/keys.h"
#include "common/redis/store.h"

/* Its fields. */
#define LEAD_EPOCH    "epoch"
#define LEAD_ENDPOINT "endpoint" /* HOST:PORT */
#define LEAD_KEY      "key"      /* the fingerprint of its public key */
#define LEAD_BEAT     "beat"     /* `EPOCH-N`: another one each time */

#define LEAD_ENDPOINT_BYTES 300u
#define LEAD_KEY_BYTES      72u

struct lead {
    uint64_t epoch;
    char endpoint[LEAD_ENDPOINT_BYTES]; /* "": not said yet */
    char key[LEAD_KEY_BYTES];           /* "": it does not say */
    struct log_id beat;                 /* 0-0: none yet */
};

/* Ask, and read the answer: 0; ERR_NOT_FOUND: nobody leads there, nor did; ERR_DENIED: this user
 * may not read it, or the key is another type's; ERR_AGAIN: Redis still loads its data;
 * ERR_MALFORMED: not what a head writes. */
void lead_ask(struct store *store, const char *name);
int lead_read(const struct redisReply *reply, struct lead *out);

#endif
