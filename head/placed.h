/* placed.h - blobs that nodes put into the head's folder themselves.
 *
 * A node that sees the folder of checkpoints as well (over NFS, say) need not send bytes: its
 * executors write them into `placed/` in that folder, under a temporary name, sync them and name
 * them by their hash. So doubles are harmless, and what has a name there is whole. It is nobody's
 * yet: when an executor says that it has placed a blob, the head takes the file away from there and
 * verifies it as one that has come over the wire (blob_seal.h).
 *
 * Nobody but the head removes anything. What no executor has spoken of for PLACED_STALE_S goes, by
 * the clock of the machine that has the disk, so that no other clock is asked: an executor speaks
 * within the moment that its head can be reached. Who speaks later than that is told that the blob
 * is not there, and sends it. */
#ifndef HEAD_PLACED_H
#define HEAD_PLACED_H

#include <stdint.h>

#include "common/limits.h"

#define PLACED_STALE_S 3600

/* `placed/` below the folder dir, made (0700) if need be: its descriptor, or -1 with errno. */
int placed_open(int dir);

/* A blob of that size becomes the part of that name in dir. 0; ERR_NOT_FOUND; ERR_MALFORMED: it is
 * no file, or not of that size, and is removed; ERR_* of the disk. */
int placed_take(int placed, int dir, const uint8_t hash[LIMIT_HASH_BYTES], const char *part,
                uint64_t size);

/* Remove what is older than stale_s, temporary files as well. How many went. */
uint32_t placed_sweep(int placed, int64_t stale_s);

#endif
