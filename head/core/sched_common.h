/* sched_common.h - what those schedulers share that keep a note a trial and explain it. */
#ifndef CORE_SCHED_COMMON_H
#define CORE_SCHED_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "head/core/sched.h"

/* Notes of size bytes by trial number, all zero until they are written: room for trial. Returns
 * where they are now; notes is owned by whoever calls, and count is how many of them there are. */
void *sched_notes_reserve(void *notes, size_t size, uint32_t *count, uint32_t *capacity,
                          uint32_t trial);

/* Whether a result has all that a judgement needs: a time that is a number, and a reward. */
bool sched_is_whole(const struct judged *judged);

/* A number, as Python prints it. */
void sched_put_number(struct buf *out, double number);

/* A reward as its program reported it: inside, higher is better. */
double sched_shown(const struct spec_scheduler *scheduler, double reward);

#endif
