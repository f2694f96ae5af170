/* hyperband_inside.h - brackets and what is known of their trials; private to hyperband_*.c and
 * sched_hyperband.c. */
#ifndef CORE_HYPERBAND_INSIDE_H
#define CORE_HYPERBAND_INSIDE_H

#include "head/core/hyperband_sizes.h"
#include "head/core/sched.h"

enum note_what {
    NOTE_NONE,    /* was never added */
    NOTE_RUNS,    /* has not come to a milestone */
    NOTE_WAITS,   /* at its milestone, for the others */
    NOTE_KEPT,    /* was among the best there: went on */
    NOTE_DROPPED, /* was not: stopped */
    NOTE_LAST,    /* at the last milestone: stopped with the others that were left */
    NOTE_LEFT,    /* ended by itself, failed, or was stopped by a person */
    NOTE_COUNT
};

/* What is known of a trial; all that is kept of one that has ended. */
struct note {
    double time;      /* of its last result; 0 before, as Tune has it */
    double reward;    /* of that; NaN: worse than any */
    double milestone; /* of its last judgement */
    uint32_t bracket;
    uint32_t turn; /* how many joined some bracket before it */
    uint32_t rank; /* at its last judgement: the best is 1 */
    uint32_t of;   /* of how many */
    uint8_t what;  /* enum note_what */
    bool live;     /* is in its bracket */
};

struct bracket {
    struct hyperband_size size;
    uint32_t *live; /* owned; trials that are in it, in the order in which they joined */
    uint32_t count;
    uint32_t capacity;
    uint32_t behind; /* of these, have not come to the milestone */
    double progress; /* of all that were ever in it, in the time attribute */
    bool begun;      /* has halved, or ended: nobody joins any more */
};

struct hyperband {
    const struct spec_scheduler *spec; /* borrowed */
    struct hyperband_keys keys;
    struct sched_view view;
    uint64_t stopped;
    uint32_t turns;
    struct bracket *brackets; /* owned; keys.round a round */
    uint32_t bracket_count;
    uint32_t bracket_capacity;
    struct note *notes; /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

/* hyperband_brackets.c. The next bracket of a round, empty: the last. */
struct bracket *bracket_begin(struct hyperband *hyperband);

/* The one that is being filled; those that are too small to be are passed over. */
struct bracket *bracket_open(struct hyperband *hyperband);

bool bracket_has_come(const struct bracket *bracket, const struct note *note);
bool bracket_has_ended(const struct bracket *bracket);

/* How much of its work is done: 1 is all of it. */
double bracket_done(const struct bracket *bracket);

void bracket_push(struct bracket *bracket, uint32_t trial);

/* Forget those that are not live any more. */
void bracket_sweep(const struct hyperband *hyperband, struct bracket *bracket);

/* Count those that have not come to its milestone anew, as when that has moved. */
void bracket_count_behind(const struct hyperband *hyperband, struct bracket *bracket);

/* A trial's time is this: its bracket counts it among those that have not come, or not. */
void bracket_set_time(struct bracket *bracket, struct note *note, double time);

/* Made where there is none. */
struct note *hyperband_note(struct hyperband *hyperband, uint32_t trial);

/* NULL where it is in no bracket. */
struct note *hyperband_live_note(const struct hyperband *hyperband, uint32_t trial);

/* hyperband_words.c, hyperband_image.c: as sched.h has them. */
void hyperband_debug(const void *self, struct buf *out);
void hyperband_explain(const void *self, uint32_t trial, struct buf *out);
void hyperband_save(const void *self, struct buf *out);
bool hyperband_load(void *self, struct cursor *in);

#endif
