/* blob_seal.h - the end of a blob's upload, in a thread of its own.
 *
 * A part is read back, so that what counts is what the disk has and not what went by; its hash is
 * compared, it is synced and gets its name. 100 MB take a tenth of a second and more, for which the
 * head's loop must not wait. */
#ifndef HEAD_BLOB_SEAL_H
#define HEAD_BLOB_SEAL_H

#include <stdbool.h>

#include "head/blobs.h"

#define BLOB_NAME_BYTES (BLOB_HASH_BYTES * 2 + 8)

struct sealer;

/* The file's name: hex of the hash, and the suffix ("" or ".part"). */
void blob_name(char out[BLOB_NAME_BYTES], const uint8_t hash[BLOB_HASH_BYTES], const char *suffix);

/* Starts the thread. dir, placed: descriptors of the folder and of that in it where others place
 * blobs (-1: none), borrowed. NULL with errno set. */
struct sealer *sealer_new(int dir, int placed);

/* Finishes the one in hand and forgets the others. Accepts NULL. */
void sealer_free(struct sealer *sealer);

/* Seal a part (suffix ".part"), or verify once more what was sealed (""); nobody else may touch its
 * files until sealer_next has returned it. */
void sealer_put(struct sealer *sealer, const uint8_t hash[BLOB_HASH_BYTES], const char *suffix);

/* Take one that was placed, and seal it. */
void sealer_adopt(struct sealer *sealer, const uint8_t hash[BLOB_HASH_BYTES], uint64_t size);

/* Remove what was placed and forgotten, when nothing is to be sealed. */
void sealer_sweep(struct sealer *sealer);

/* The next one that was done. Where *err is not 0 its file was removed. False: none. */
bool sealer_next(struct sealer *sealer, uint8_t hash[BLOB_HASH_BYTES], int *err);

/* Becomes readable when sealer_next has something. */
int sealer_fd(const struct sealer *sealer);

#endif
