/* blob_cache.h - code trees on their way from the head, and those that have come.
 *
 * A blob is a file <data-dir>/blobs/<hex of its BLAKE2b-256 hash>, `.part` until all bytes are
 * there. What has a name is complete but not trusted: who uses it verifies it (unpack.h), and drops
 * it where it is wrong. Chunks are asked for in order, LIMIT_CHUNKS_ASKED at once, and go on where
 * they stopped: also after a lost connection or a restart. The cache asks nobody itself: the caller
 * sends what blob_cache_ask says. */
#ifndef WORKER_BLOB_CACHE_H
#define WORKER_BLOB_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "proto/msg.h"

struct blob_cache;

#define REQUEST_BLOB (UINT64_C(1) << 62) /* in the ids of its requests */

/* In data_dir/blobs, which is made. NULL with errno set. */
struct blob_cache *blob_cache_open(const char *data_dir);
void blob_cache_close(struct blob_cache *cache);

/* Whether all of it is here; and where it is, or will be. Hashes have LIMIT_HASH_BYTES. */
bool blob_cache_has(const struct blob_cache *cache, const uint8_t *hash);
void blob_cache_path(const struct blob_cache *cache, const uint8_t *hash,
                     char out[LIMIT_PATH_BYTES]);

/* Fetch it, if it is not here or under way. */
void blob_cache_want(struct blob_cache *cache, const uint8_t *hash);

/* The next request that should leave now, and its request id; false: none. ask->hash is borrowed
 * from the cache. */
bool blob_cache_ask(struct blob_cache *cache, uint64_t now_ms, struct msg_blob_get *ask,
                    uint64_t *request);
/* What was asked for and did not come is asked for again: after the connection was lost. */
void blob_cache_rewind(struct blob_cache *cache);
/* When something is to be asked again; UINT64_MAX: never. */
uint64_t blob_cache_next_ms(const struct blob_cache *cache);

/* A chunk has come. 0, and *complete: that was the last one; ERR_TOO_BIG where it is over
 * LIMIT_BLOB_BYTES, after which it is not fetched any more; ERR_* of the disk: it is tried again
 * later. One that nobody waits for is passed over. */
int blob_cache_take(struct blob_cache *cache, const struct msg_blob_chunk *chunk, uint64_t now_ms,
                    bool *complete);

/* The head has no such blob, or not now: an answer to a request id of blob_cache_ask. Its hash, or
 * NULL where the request is another's. It is not fetched any more; the hash is good until the next
 * call. */
const uint8_t *blob_cache_refused(struct blob_cache *cache, uint64_t request);

/* It was verified and is wrong: away with it. */
void blob_cache_drop(struct blob_cache *cache, const uint8_t *hash);

/* Remove those that were used longest ago, until all are at most most_bytes. */
void blob_cache_trim(struct blob_cache *cache, uint64_t most_bytes);

#endif
