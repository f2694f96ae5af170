/* finder.h - the address of a cluster that stands in a Redis: where the head that leads listens.
 *
 * `redis://[user@]host[:port][/NAME]`, with the password in the file that
 * $ASSAY_REDIS_PASSWORD_FILE names; NAME is the cluster's, else `default`. What Redis says is only
 * where to knock: who answers there has to hold the key that this machine knows the cluster by. */
#ifndef PROTO_FINDER_H
#define PROTO_FINDER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/trouble.h"
#include "proto/address.h"
#include "proto/key.h"

struct finder;

struct found_head {
    struct address address;
    char key[KEY_FINGERPRINT]; /* of the head's public key, as it says; "": it does not */
};

/* Whether a text is such an address, a good one or not. */
bool finder_is_meant(const char *text);

/* Looks up the host's name, which may take as long as the name server takes. ERR_MALFORMED,
 * ERR_NOT_FOUND (the host), ERR_DENIED (the password's file). */
int finder_new(const char *text, struct finder **out, struct trouble *trouble);
/* Accepts NULL. */
void finder_free(struct finder *finder);

/* `redis://host:port/NAME`: the cluster's name on this machine; constant. */
const char *finder_cluster(const struct finder *finder);

/* Begin to ask, without waiting. 0, or ERR_CLOSED and finder_why says it. */
int finder_begin(struct finder *finder);
/* What to poll for, for reading and, where it says so, for writing; -1: nothing is asked. */
int finder_fd(const struct finder *finder);
bool finder_wants_write(const struct finder *finder);
/* The answer: 0; ERR_AGAIN: not yet; else it is over, and finder_why says it: ERR_NOT_FOUND: no
 * head leads there; ERR_CLOSED, ERR_DENIED, ERR_MALFORMED. */
int finder_take(struct finder *finder, struct found_head *out);
void finder_end(struct finder *finder);
const char *finder_why(const struct finder *finder);

/* All of that at once, waiting up to until_ms of clock_ms: ERR_TIMEOUT, too. */
int finder_ask(struct finder *finder, uint64_t until_ms, struct found_head *out);

#endif
