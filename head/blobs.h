/* blobs.h - the head's store of content-addressed bytes: code trees, and in another
 * folder of its own checkpoints (checkpoint_store.h).
 *
 * A blob is a file named by the hex of its BLAKE2b-256 hash. It comes in chunks, in order, into a
 * `.part` file that survives a restart, so that an upload goes on where it stopped. When its last
 * chunk is in, a thread reads it back, verifies the whole hash and syncs it; then it gets its name.
 *
 * The store has limits. What makes room is what nobody needs any more: of all that the owner does
 * not keep, what was used longest ago. */
#ifndef HEAD_BLOBS_H
#define HEAD_BLOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/table.h"

#define BLOB_HASH_BYTES 32u

struct blobs;

struct blobs_config {
    uint64_t limit_bytes; /* of all blobs and parts */
    uint32_t limit_count;
    bool shared; /* others may place blobs in it (placed.h) */
};

/* In this folder, which is made. NULL with errno set where it cannot be. */
struct blobs *blobs_open(const char *folder, const struct blobs_config *config);

/* What waits to be verified stays a part, and is verified when somebody asks for it again. */
void blobs_close(struct blobs *blobs);

/* Who says what is kept: puts into `kept` the hashes (keys; any value) of blobs that must not go
 * to make room. Without it nothing is kept. */
void blobs_keep(struct blobs *blobs, void (*list)(void *context, struct table *kept),
                void *context);

/* How much of a blob is here from its start; *complete: all of it, verified. hash has
 * BLOB_HASH_BYTES here and below. */
uint64_t blobs_have(const struct blobs *blobs, struct span hash, bool *complete);

/* Whether all of it is here and is being verified: blobs_sealed will tell. */
bool blobs_sealing(const struct blobs *blobs, struct span hash);

/* A chunk at offset, which must be what blobs_have says (an earlier one is passed over). total is
 * the blob's whole size. 0: blobs_have says how far it is. ERR_AGAIN: all of it is here, and is
 * being verified. ERR_TOO_BIG over LIMIT_BLOB_BYTES; ERR_MALFORMED for another offset, or where a
 * part was begun that cannot become this; ERR_FULL: no room in the store or on the disk; ERR_IO. */
int blobs_put(struct blobs *blobs, struct span hash, uint64_t offset, uint64_t total,
              struct span bytes);

/* Somebody says that a blob of that size is placed. ERR_AGAIN: it is being looked for and verified,
 * as one that has come whole; 0: it was here before. ERR_TOO_BIG and ERR_FULL as blobs_put;
 * ERR_NOT_FOUND where nothing can be placed. No file is touched before the answer. */
int blobs_adopt(struct blobs *blobs, struct span hash, uint64_t total);

/* The next one that was verified: *err is 0, ERR_MALFORMED (the bytes did not make the hash),
 * ERR_NOT_FOUND (it was not placed) or what the disk said; then it is gone and starts anew. False
 * where there is none. */
bool blobs_sealed(struct blobs *blobs, uint8_t hash[BLOB_HASH_BYTES], int *err);

/* Becomes readable when blobs_sealed has something. */
int blobs_fd(const struct blobs *blobs);

/* Somebody needs a complete one: it is the last to go. */
void blobs_use(struct blobs *blobs, struct span hash);

/* At most size bytes at offset of a complete one behind out; *total is its size. ERR_NOT_FOUND. */
int blobs_get(const struct blobs *blobs, struct span hash, uint64_t offset, uint32_t size,
              struct buf *out, uint64_t *total);

/* Nobody needs it: away with it, or with what is there of it. One that is being verified stays, for
 * blobs_sweep to find. */
void blobs_drop(struct blobs *blobs, struct span hash);

/* Away with everything that the owner does not keep. */
void blobs_sweep(struct blobs *blobs);

/* Away with what was placed and never spoken of. In a thread. */
void blobs_sweep_placed(struct blobs *blobs);

/* Another head has had the folder meanwhile: what is here is what is there now. Nothing may be
 * being verified. -1 with errno set where the folder cannot be read. */
int blobs_look_again(struct blobs *blobs);

/* A complete one is not to be trusted: verify it again. Until blobs_sealed tells it is not
 * complete; where its bytes are wrong it is gone. */
void blobs_recheck(struct blobs *blobs, struct span hash);

/* Bytes of all that is here. */
uint64_t blobs_bytes(const struct blobs *blobs);

/* How many there are. */
uint32_t blobs_count(const struct blobs *blobs);

#endif
