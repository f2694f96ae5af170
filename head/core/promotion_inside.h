/* promotion_inside.h - what the promotion form of ASHA knows of its trials; private to
 * sched_promotion.c and promotion_*.c. */
#ifndef CORE_PROMOTION_INSIDE_H
#define CORE_PROMOTION_INSIDE_H

#include "head/core/promote.h"
#include "head/core/rungs.h"
#include "head/core/sched.h"

enum note_what {
    NOTE_NONE, /* was never added */
    NOTE_RUNS, /* towards its next rung */
    NOTE_WAITS,
    NOTE_MAX,  /* has come to max_t: stopped */
    NOTE_LEFT, /* ended by itself, failed, or was stopped by a person */
    NOTE_COUNT
};

/* What is known of a trial; all that is kept of one that has ended. */
struct note {
    double time;   /* of its last result; -infinity before */
    double value;  /* at the rung that it came to last */
    uint32_t gone; /* when it went on from there: among so many best */
    uint32_t of;   /* of so many; 0: it has not */
    uint32_t adds;
    uint8_t bracket;
    uint8_t next; /* the lowest rung that it has not come to */
    uint8_t what; /* enum note_what */
};

struct promotion {
    const struct spec_scheduler *spec; /* borrowed */
    struct rungs_keys keys;
    uint64_t seed;
    uint64_t done;            /* have come to max_t */
    struct rungs *rungs;      /* owned; only its milestones */
    uint32_t rung_count;      /* below max_t */
    struct promote **records; /* owned; by bracket, then rung; NULL where the bracket has it not */
    struct note *notes;       /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

/* Made where there is none. */
struct note *promotion_note(struct promotion *promotion, uint32_t trial);

/* By the milestones as they are; and away with them. */
void promotion_records_new(struct promotion *promotion);
void promotion_records_free(struct promotion *promotion);

/* NULL where the bracket has no such rung. */
static inline struct promote *promotion_records(const struct promotion *promotion, uint32_t bracket,
                                                uint32_t rung)
{
    return promotion->records[bracket * promotion->rung_count + rung];
}

/* promotion_words.c, promotion_image.c: as sched.h has them. */
void promotion_debug(const void *self, struct buf *out);
void promotion_explain(const void *self, uint32_t trial, struct buf *out);
void promotion_save(const void *self, struct buf *out);
bool promotion_load(void *self, struct cursor *in);

#endif
