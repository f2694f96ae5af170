/* blob_scan.h - what a folder of blobs holds, for blobs.c alone. */
#ifndef HEAD_BLOB_SCAN_H
#define HEAD_BLOB_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/limits.h"

struct blob_found {
    uint8_t hash[LIMIT_HASH_BYTES];
    uint64_t size;
    struct timespec used;
    bool complete; /* else a part */
};

/* Blobs and parts of the folder dir, in the order of their last use; the caller frees *out. -1 with
 * errno set. */
int blob_scan(int dir, struct blob_found **out, size_t *count);

#endif
