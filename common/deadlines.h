/* deadlines.h - which id is due next.
 *
 * Holds at most one deadline per id. It never reads a clock: callers pass now_ms, so a test or a
 * replay moves time by passing another number. */
#ifndef COMMON_DEADLINES_H
#define COMMON_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_NEVER UINT64_MAX

struct deadlines;

struct deadlines *deadlines_new(void);

/* Accepts NULL. */
void deadlines_free(struct deadlines *deadlines);

/* Make id due at at_ms, replacing any deadline it had. */
void deadlines_set(struct deadlines *deadlines, uint64_t id, uint64_t at_ms);

/* Forget id; nothing happens if it has no deadline. */
void deadlines_cancel(struct deadlines *deadlines, uint64_t id);

/* When the next id is due, or DEADLINE_NEVER. */
uint64_t deadlines_next_ms(const struct deadlines *deadlines);

/* Take the earliest id due at or before now_ms into *id; false, and *id untouched, if none is.
 * Ids due at the same millisecond come out in the order they were set. */
bool deadlines_pop(struct deadlines *deadlines, uint64_t now_ms, uint64_t *id);

#endif
