/* pulse.h - whether the head that leads still lives, as one that stands by sees it.
 *
 * A sign of life is anything that only it can change: the log's last entry, or its beat. What
 * counts is time in which this process was looking and Redis was answering: a standby that was
 * stopped, or that Redis kept waiting, begins to count anew. Pure: the time comes with each call,
 * by clock_ms.
 */
#ifndef HEAD_PULSE_H
#define HEAD_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/redis/keys.h"

struct pulse {
    struct log_id last; /* entry of the log */
    struct log_id beat;
    uint64_t changed_ms; /* when one of them was last seen to change, or counting began */
    uint64_t looked_ms;
};

/* Nothing was seen yet. */
void pulse_begin(struct pulse *pulse, uint64_t now_ms);

/* What there is now. True: it is the same for LIMIT_SILENT_MS. A beat of an epoch before that of
 * the last entry is one of a head that does not lead any more, and is no sign. */
bool pulse_look(struct pulse *pulse, uint64_t now_ms, struct log_id last, struct log_id beat);

#endif
