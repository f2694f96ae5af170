/* entry.h - the bytes of one log entry: all that a turn admitted and decided.
 *
 * Twelve bytes in front (a mark, the length of the rest and its CRC-32, big-endian), then a msgpack
 * list: rules, turn's time, number of events, events (event_pack, one behind the other), tape. It
 * is written in place: the turn packs each admitted event behind entry_begin, so that nothing is
 * copied before it goes to Redis. */
#ifndef HEAD_ENTRY_H
#define HEAD_ENTRY_H

#include <stdint.h>

#include "common/buf.h"

struct entry {
    uint32_t rules; /* CORE_RULES of the head that wrote it */
    uint64_t now_ms;
    uint32_t count;     /* events */
    struct span events; /* borrowed from the entry's bytes */
    struct span tape;
};

/* Begin one in an empty out. Events are packed behind it, by event_pack(event, out). */
void entry_begin(struct buf *out, uint64_t now_ms);

/* Bytes of events packed since entry_begin. */
size_t entry_event_bytes(const struct buf *out);

/* Complete it: count events were packed, tape is what the core wrote meanwhile. */
void entry_end(struct buf *out, uint32_t count, struct span tape);

/* Reads one. 0; ERR_MALFORMED: not an entry, or damaged. Rules are not looked at; events are not
 * decoded. */
int entry_read(struct span bytes, struct entry *out);

#endif
