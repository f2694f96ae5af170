/* shared.h - the folder of checkpoints that this node was told to share with the head.
 *
 * It counts as the head's only while it has the mark (proto/mark.h) of the head that this worker
 * talks to: what is not mounted, is a copy, or is another cluster's is noticed, and checkpoints are
 * sent to the head as if nothing were shared. */
#ifndef WORKER_SHARED_H
#define WORKER_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/trouble.h"
#include "proto/key.h"

/* Whether folder is the one that the head of that key and epoch keeps checkpoints in, and this user
 * may write to it. heads: what that one calls it; empty: it has not said, and shares none. *trouble
 * says why not, and names both. */
bool shared_is_heads(const char *folder, const char *heads, const uint8_t key[KEY_BYTES],
                     uint64_t epoch, struct trouble *trouble);

struct daemon;

/* A session was opened: look, and from time to time again while it is not the head's. Executors
 * that are started from then on have it. */
void shared_open(struct daemon *daemon);
void shared_turn(struct daemon *daemon);
/* When shared_turn has something to do; UINT64_MAX: never. */
uint64_t shared_next_ms(const struct daemon *daemon);

#endif
