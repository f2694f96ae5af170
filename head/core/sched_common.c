#include "head/core/sched_common.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "common/number.h"
#include "common/xalloc.h"

void *sched_notes_reserve(void *notes, size_t size, uint32_t *count, uint32_t *capacity,
                          uint32_t trial)
{
    assert(trial != NUMBER_NONE);
    while (trial >= *capacity) {
        uint64_t more = *capacity > 0 ? 2 * (uint64_t)*capacity : 64;

        *capacity = more < UINT32_MAX ? (uint32_t)more : UINT32_MAX;
        notes = xrealloc(notes, *capacity, size);
    }
    if (trial >= *count) {
        memset((char *)notes + *count * size, 0, (trial + 1 - *count) * size);
        *count = trial + 1;
    }
    return notes;
}

bool sched_is_whole(const struct judged *judged)
{
    return judged->has_time && judged->has_reward && !isnan(judged->time);
}

void sched_put_number(struct buf *out, double number)
{
    out->size += number_repr(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

double sched_shown(const struct spec_scheduler *scheduler, double reward)
{
    return scheduler->mode == MODE_MIN ? -reward : reward;
}
