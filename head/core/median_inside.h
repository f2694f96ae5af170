/* median_inside.h - what the median rule knows of its trials; private to sched_median.c and
 * median_*.c. */
#ifndef CORE_MEDIAN_INSIDE_H
#define CORE_MEDIAN_INSIDE_H

#include "head/core/curve.h"
#include "head/core/medians.h"
#include "head/core/sched.h"

enum note_what {
    NOTE_NONE,    /* was never judged */
    NOTE_EARLY,   /* within the grace period */
    NOTE_FEW,     /* there were too few others */
    NOTE_YIELDED, /* there were too few others: made room for them */
    NOTE_PASSED,  /* not worse than their median */
    NOTE_CUT,     /* worse than it: stopped, or paused for good */
    NOTE_COUNT
};

/* What is known of a trial whose results count, or have counted for others. */
struct run {
    struct curve curve; /* 2: from the grace period on */
    double best;        /* of all its numbers */
    double last;        /* time of its newest result; -infinity before */
    double last_reward;
    double paused_at; /* where it last made room; -infinity: never */
    bool has_best;
    bool has_last;
    bool again;  /* has begun once more and not reported since */
    bool exempt; /* was paused by the rule: is not judged again */
    bool waits;  /* since then, and has not been chosen to go on */
    bool ended;  /* reports no more, and stays for others */
};

/* Its last judgement. */
struct median_note {
    double time;
    double best; /* NaN: no number */
    double median;
    struct run *run; /* owned; NULL: never added, or has left without a trace */
    uint32_t others;
    uint8_t what; /* enum note_what */
};

struct median {
    const struct spec_scheduler *spec; /* borrowed */
    bool old;                          /* tune-0.7 */
    bool hard;
    double grace_period;
    double min_time_slice;
    uint32_t min_samples;
    struct sched_view view;
    uint64_t stopped;
    uint64_t results;          /* in all curves */
    double furthest;           /* none of those that others are compared with came further */
    struct medians *others;    /* owned */
    struct median_note *notes; /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

/* Made where there is none. */
struct median_note *median_note(struct median *median, uint32_t trial);

/* One that others are compared with. */
bool median_is_member(const struct median *median, const struct run *run);

/* It is one from now on, with all that is in its curve. */
void median_join(struct median *median, uint32_t trial);

/* median_words.c, median_image.c: as sched.h has them. */
void median_debug(const void *self, struct buf *out);
void median_explain(const void *self, uint32_t trial, struct buf *out);
void median_save(const void *self, struct buf *out);
bool median_load(void *self, struct cursor *in);

#endif
