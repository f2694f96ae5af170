/* trial.h - one trial that has not ended.
 *
 * Its state changes in two places only: trial_order for our own moves, trial_report for what a node
 * says. A trial that has ended leaves the core; its experiment keeps a trial_row. */
#ifndef CORE_TRIAL_H
#define CORE_TRIAL_H

#include "common/record.h"
#include "common/resource.h"
#include "head/core/checkpoint.h"
#include "head/core/effect.h"
#include "head/core/exploit.h"
#include "head/core/past.h"
#include "head/core/plateau.h"
#include "head/core/sched.h"
#include "head/core/trial_state.h"

#define TRIAL_ID_BYTES 8u

struct experiment;
struct node;

/* Who decided that a trial ends before its program did. */
enum stop_cause {
    CAUSE_NONE,
    CAUSE_SCHEDULER,
    CAUSE_PERSON,
    CAUSE_BURNT,
    CAUSE_RECALLED, /* of a row: a stop rule has ended it, and it is to go on (on_extend.c) */
    CAUSE_PLATEAU,
    CAUSE_BUDGET,
    CAUSE_COUNT
};

/* Who wants it to wait; or-ed. */
enum pause_by { PAUSE_BY_SCHEDULER = 1, PAUSE_BY_PERSON = 2, PAUSE_BY_DONOR = 4, PAUSE_BY_ALL = 7 };

struct trial {
    uint32_t number;
    enum trial_state state;
    struct experiment *experiment; /* borrowed */
    struct trial *next;            /* not ended, by number; the experiment's list */
    struct trial *previous;

    char id[TRIAL_ID_BYTES + 1];
    char *name;        /* owned */
    char *tag;         /* owned */
    char *folder;      /* owned; NULL until its first launch */
    struct buf config; /* packed */

    bool added;            /* by hand: no searcher has proposed it, or hears of it */
    uint32_t added_before; /* of those with lower numbers: so many were added */

    uint32_t attempt; /* of the newest launch; 0: never launched */
    uint32_t failures;
    uint32_t losses;         /* in a row, without that it got further; nobody's fault */
    uint64_t furthest;       /* rows that it had at the most when it was lost */
    uint64_t wake_ms;        /* when its rest is over; 0: it does not rest */
    struct record_list past; /* struct past, owned: how its last attempts ended */
    bool begun;              /* some attempt has started: it has files */

    struct node *node; /* borrowed; where its lease is, NULL: it has none */
    struct trial *lease_next;
    struct trial *lease_previous; /* the node's list, in the order of leasing */
    bool ahead;                   /* waits on its node for room; not counted as used */
    bool held;                    /* within one NODE_BACK: its node has it */
    struct gpu_share gpus;

    uint64_t hw;        /* seq of the newest record accepted of this attempt */
    uint64_t rows;      /* in its result.json */
    uint64_t base_rows; /* of these, from before this attempt: in the checkpoint it began with */
    bool restored;      /* its launch gave this attempt a checkpoint, ... */
    int64_t from_iteration; /* ... of this training_iteration */
    int64_t pid;
    uint64_t started_ms; /* when this attempt's START came; 0: it has not */
    uint64_t began_ms;   /* the same by its node's clock, which says it for both ends */
    uint32_t reason;     /* enum end_reason, of the last attempt that ended */
    int64_t status;

    bool closed; /* its last result has come: done, or the scheduler stopped it there */
    bool ending; /* within one report: its END is in it */
    bool done;   /* that result was done by itself: judged as complete already */
    enum stop_cause cause;
    uint32_t pause; /* enum pause_by, or-ed; 0: nobody */
    bool save;      /* a checkpoint is asked for and has not begun */
    bool moves;     /* it waits for no place, but on its way from one checkpoint to another */

    struct exploit *exploit; /* owned; what it is to take over; NULL: nothing */
    struct trial *takers;    /* borrowed; the first who waits for a checkpoint of this one */

    struct checkpoints checkpoints;
    struct checkpoint *marks[CHECKPOINT_MARKS]; /* owned; taken, on their way to the head: the
                                                 * newest, and one before it; NULL: none */
    uint32_t broken;                            /* checkpoints that no node could use */

    bool has_last;
    struct judged last;
    struct buf last_result; /* packed as result.h */
    bool has_sought;        /* of the last result, by the metric that best goes by */
    double sought;          /* higher is better: what a searcher learns from */
    bool has_best;
    double best;
    int64_t best_at;
    struct plateau plateau;
};

/* What an ended trial has beside its row: few have it, and it never changes. */
struct trial_more {
    struct record_list past; /* owned; empty where there was one attempt */
    struct checkpoints checkpoints;
};

/* What stays of every trial, ended or not. There may be millions of them: of one that lives, all
 * but the pointer is zero. */
struct trial_row {
    union {
        struct trial *live;      /* owned; while state is TRIAL_NONE; NULL: not proposed yet */
        struct trial_more *more; /* owned; of one that has ended; NULL: nothing */
    };
    uint64_t hw; /* of the last attempt, when it ended */
    uint32_t attempt;
    uint8_t state;    /* enum trial_state; TRIAL_NONE until it has ended */
    uint8_t reason;   /* enum end_reason */
    uint8_t cause;    /* enum stop_cause */
    uint8_t failures; /* up to 255 */
};

/* NULL where it has ended. */
static inline struct trial *trial_row_live(const struct trial_row *row)
{
    return row->state == TRIAL_NONE ? row->live : NULL;
}

/* NULL where it has not ended, or has nothing. */
static inline struct trial_more *trial_row_more(const struct trial_row *row)
{
    return row->state != TRIAL_NONE ? row->more : NULL;
}

struct trial *trial_new(struct experiment *experiment, uint32_t number);
void trial_free(struct trial *trial);

/* Takes both; NULL where both are empty. */
struct trial_more *trial_more_new(struct record_list *past, struct checkpoints *checkpoints);
void trial_more_free(struct trial_more *more);

/* What its searcher knows it by: the n-th that it proposed. Of one that was added: nothing. */
static inline uint32_t trial_proposal(const struct trial *trial)
{
    return trial->number - trial->added_before;
}

/* Of two uint32_t, for qsort and bsearch. */
int trial_number_order(const void *a, const void *b);

/* Our own move; there must be one. */
void trial_order(struct trial *trial, enum trial_input input);

/* A move that a node reports: false, and nothing changed, where there is none from its state. */
bool trial_report(struct trial *trial, enum trial_input input);

/* Whether it counts among those of its experiment that are pending or paused and want no place. */
bool trial_is_moving(const struct trial *trial);

/* Forget what the attempts before have reported. */
void trial_forget_results(struct trial *trial);

/* What it may do now, for its node. */
enum action trial_action(const struct trial *trial);

/* Add its row. first: with what never changes; text: why it ended, or empty. */
void trial_tell(const struct trial *trial, bool first, uint64_t ended_ms, struct span text,
                struct effects *effects);

#endif
