/* drive_inside.h - what a drive holds; for drive*.c and simulation.c only. */
#ifndef CLIENT_DRIVE_INSIDE_H
#define CLIENT_DRIVE_INSIDE_H

#include "client/drive.h"
#include "client/drive_line.h"
#include "common/autofill.h"
#include "common/table.h"
#include "head/core/hand.h"

#define DRIVE_EXPERIMENT 1u /* its number in the core: there is no other */

/* A trial as the caller knows it: what the core has told of it, and where its attempt is. */
struct driven {
    uint32_t number;
    enum trial_state state;
    const char *name;   /* in kept */
    struct span config; /* packed, in kept */
    uint32_t attempt;
    uint64_t seq;          /* of the last record of the attempt */
    uint64_t marks;        /* of the attempt */
    double horizon;        /* of the scheduler's time: so far nothing but continue is said */
    struct autofill *fill; /* owned; while it runs */
    bool has_best;
    double best;
    int64_t best_at;
};

/* What else came of a line: for the caller, in this order. */
struct drive_also {
    uint32_t trial;
    const char *action; /* constant text */
};

/* What a worker would do now, and the drive does for it. */
struct drive_act {
    uint32_t trial;
    enum action action; /* STOP: its end; PAUSE: a checkpoint and its end; SAVE: a checkpoint */
};

struct drive {
    struct core *core;
    struct tape tape;
    struct arena kept;
    struct arena turn; /* of one line */
    struct effects effects;
    struct spec spec;
    uint64_t now_ms;
    bool keeps; /* who runs the trials keeps what they go on from; else they begin anew */

    struct driven **trials; /* owned; by number */
    uint32_t count;
    uint32_t capacity;
    struct table *by_name;
    struct span why;       /* the core has ended the experiment for this; in kept; empty: not yet */
    const char *next_name; /* of the one that is being added; NULL: none was given */

    /* Of one line. */
    uint32_t self;      /* the trial that it is about, NUMBER_NONE: none */
    enum action action; /* the core's word on that one's result */
    bool done;          /* which was its last, by a rule of stop or its own word */
    struct effect_launch launch;
    const struct effect_exploit
        *exploit;            /* that one has taken over from another; NULL: it has not */
    struct span tag;         /* and is called so now */
    struct drive_also *also; /* owned */
    uint32_t also_count;
    uint32_t also_capacity;
    struct drive_act *acts; /* owned; a queue */
    uint32_t act_count;
    uint32_t act_capacity;
    struct buf report;  /* a result as it came */
    struct buf fields;  /* for autofill */
    struct buf records; /* of one event */
};

/* drive.c: a drive without the look at whether a caller on a pipe can do it. */
struct drive *drive_begin(const struct value *experiment, uint64_t now_ms, bool keeps,
                          struct spec_error *error);

/* drive_hear.c: take in what the core has just said, in drive->effects. */
void drive_hear(struct drive *drive);

/* drive_core.c: the core's one node. Each of these goes through the core and hears what it says:
 * the rows of trials, what else is to be done (which is done), and the verdict. */

bool drive_open(struct drive *drive, const struct value *experiment, struct spec_error *error);
void drive_begin_line(struct drive *drive, uint64_t now_ms, uint32_t self);

/* drive->launch is what was leased, where one was. A peek goes through a copy of the core, and
 * changes nothing. */
enum core_asked drive_lease(struct drive *drive, uint32_t *unfit, uint32_t unfit_count);
enum core_asked drive_peek(struct drive *drive, uint32_t *unfit, uint32_t unfit_count);

/* This one, which is pending. */
void drive_take(struct drive *drive, struct driven *trial);

enum core_added drive_add(struct drive *drive, const struct drive_line *line, uint32_t *number);

/* A result that runs into a stop rule, or says done, is the trial's last. last: the caller says so.
 * False with why filled, and nothing has changed. */
bool drive_result(struct drive *drive, struct driven *trial, const struct value *result, bool last,
                  char why[DRIVE_WHY_BYTES]);

/* Its program ended well, and has reported nothing with it. */
void drive_exit(struct drive *drive, struct driven *trial);
void drive_fail(struct drive *drive, struct driven *trial);
void drive_requeue(struct drive *drive, struct driven *trial);
void drive_stop(struct drive *drive, struct driven *trial);

/* What a trial is called that nobody has named; in arena. */
const char *drive_default_name(const struct drive *drive, uint32_t number, struct arena *arena);

#endif
