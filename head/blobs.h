/* blobs.h - the head's store of content-addressed bytes: code trees.
 *
 * A blob is a file named by the hex of its BLAKE2b-256 hash. It comes in chunks, in order, into a
 * `.part` file that survives a restart, so that an upload goes on where it stopped; it gets its
 * name only after the whole hash was verified and the bytes are on disk. */
#ifndef HEAD_BLOBS_H
#define HEAD_BLOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

#define BLOB_HASH_BYTES 32u

struct blobs;

/* In data_dir/blobs, which is made. NULL with errno set where it cannot be. */
struct blobs *blobs_open(const char *data_dir);
void blobs_close(struct blobs *blobs);

/* How much of a blob is here from its start; *complete: all of it, verified. hash has
 * BLOB_HASH_BYTES. */
uint64_t blobs_have(struct blobs *blobs, struct span hash, bool *complete);

/* A chunk at offset, which must be what blobs_have says (an earlier one is passed over). total is
 * the blob's whole size. ERR_TOO_BIG over LIMIT_BLOB_BYTES; ERR_MALFORMED where the bytes do not
 * make the hash, after which it starts anew; ERR_IO, ERR_FULL. */
int blobs_put(struct blobs *blobs, struct span hash, uint64_t offset, uint64_t total,
              struct span bytes);

/* At most size bytes at offset of a complete one behind out; *total is its size. ERR_NOT_FOUND. */
int blobs_get(struct blobs *blobs, struct span hash, uint64_t offset, uint32_t size,
              struct buf *out, uint64_t *total);

#endif
