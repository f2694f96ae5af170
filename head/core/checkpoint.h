/* checkpoint.h - what trials can go on from.
 *
 * An attempt says MARK where it takes a checkpoint, and CHECKPOINT when the head has all of its
 * bytes: only then it is one, and the latest. A trial keeps the latest and, besides, the best
 * keep_checkpoints_num by checkpoint_score_attr; what goes is told by an effect, so that bytes go
 * after the event that made them needless is in the log. A new attempt begins at the latest, with
 * the rows, the best and the last result that the trial had there. */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "common/buf.h"
#include "common/counters.h"
#include "common/limits.h"
#include "common/record.h"
#include "head/core/plateau.h"
#include "head/core/sched.h"

#define CHECKPOINT_MARKS 2u

struct step;
struct trial;

struct checkpoint {
    uint8_t manifest[LIMIT_HASH_BYTES]; /* its hash; not known of a mark */
    uint64_t bytes;
    uint64_t number;  /* of its mark in its attempt */
    uint32_t attempt; /* that took it */
    struct counters counters;
    uint64_t rows; /* of the trial's result.json that it holds */
    bool has_score;
    double score; /* higher is better */
    bool has_last;
    struct judged last;
    bool has_sought; /* as in trial.h */
    double sought;
    bool has_best;
    double best;
    int64_t best_at;
    struct plateau plateau; /* its place is the one of counters */
    struct buf last_result; /* packed as result.h */
};

/* In the order in which they were taken: the last is the latest. */
struct checkpoints {
    struct checkpoint *items; /* owned */
    uint32_t count;
};

void checkpoint_free(struct checkpoint *checkpoint);
void checkpoints_fini(struct checkpoints *list);

/* NULL where there is none. */
const struct checkpoint *checkpoints_latest(const struct checkpoints *list);

/* A MARK came: remember where the trial is. last: its newest result of this report, NULL: none. */
void checkpoint_mark(struct trial *trial, const struct record_mark *mark,
                     const struct result *last);

/* Of an attempt that is over: what was on its way will not come. */
void checkpoint_forget_marks(struct trial *trial);

/* The CHECKPOINT of a mark came; nothing happens where it is of no mark. */
void checkpoint_commit(struct step *step, struct trial *trial,
                       const struct record_checkpoint *record);

/* The one that an attempt was to go on from is broken: the one before is the latest now. */
void checkpoint_give_up(struct step *step, struct trial *trial);

/* A new attempt begins: the trial is where its latest checkpoint is, or where it was in the
 * beginning. */
void checkpoint_restore(struct trial *trial);

/* Where plateau.h stands in an attempt that goes on from it. */
struct plateau checkpoint_plateau(const struct checkpoint *checkpoint);

/* A copy of the donor's latest for another trial, told as kept for that one: the caller's; NULL
 * where there is none. The other may adopt it, when it waits with all of its rows: its own latest
 * then, which holds all that the trial has and nothing that would rate it as a checkpoint or count
 * for its plateau; or give it back. */
struct checkpoint *checkpoint_lend(struct step *step, const struct trial *donor,
                                   const struct trial *trial);
void checkpoint_adopt(struct step *step, struct trial *trial, struct checkpoint *lent);
void checkpoint_give_back(struct step *step, const struct trial *trial, struct checkpoint *lent);

/* Tell of all of a list that they are there, or are needed no more. */
void checkpoints_tell(const struct checkpoints *list, uint32_t experiment, uint32_t trial,
                      bool kept, struct effects *effects);

#endif
