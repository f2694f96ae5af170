/* gauge.h - how full the Redis of this head is, as it says itself every ten seconds.
 *
 * Over a connection of its own, which never makes the head wait: a Redis that is away has said
 * nothing of late. When its memory fills, that is logged, long before it refuses the log. */
#ifndef HEAD_GAUGE_H
#define HEAD_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/redis/address.h"

struct gauge;

struct gauge_reading {
    uint64_t used_bytes;
    uint64_t limit_bytes; /* 0: it has none */
    bool file_fails;      /* its append-only file could not be written, or synced */
};

struct gauge *gauge_new(const struct store_address *address);
void gauge_free(struct gauge *gauge);

/* Call every 100 ms or so. */
void gauge_tend(struct gauge *gauge, uint64_t now_ms);

/* The last one; false where there is none of the last minute. */
bool gauge_read(const struct gauge *gauge, uint64_t now_ms, struct gauge_reading *out);

/* What stands in the text of INFO. */
void gauge_parse(const char *info, struct gauge_reading *out);

#endif
