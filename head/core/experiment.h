/* experiment.h - one experiment: its spec, its searcher and scheduler, its trials.
 *
 * Trials that have not ended are in a list by number and, while they wait, in a queue. Of those
 * that have ended there is a row each. */
#ifndef CORE_EXPERIMENT_H
#define CORE_EXPERIMENT_H

#include "common/spec.h"
#include "head/core/budget.h"
#include "head/core/sched.h"
#include "head/core/search.h"
#include "head/core/step.h"
#include "head/core/trial.h"

#define SUBMISSION_BYTES 16u
#define CODE_BYTES       32u

/* Numbers of trials that wait, in the order in which they are to be tried. */
struct queue {
    uint32_t *items; /* owned */
    uint32_t first;  /* place of the first */
    uint32_t count;
    uint32_t capacity;
};

struct experiment {
    uint32_t number;
    uint8_t submission[SUBMISSION_BYTES];
    uint8_t code[CODE_BYTES];
    uint32_t code_size; /* 0 or CODE_BYTES */
    uint32_t principal;
    uint64_t seed;
    uint64_t submitted_ms;
    uint64_t ended_ms; /* 0 until it is done */
    enum experiment_state state;

    struct arena arena; /* of what follows */
    struct span packed; /* the spec as it came */
    struct spec spec;
    char *folder;        /* local_dir/name */
    uint32_t id_keys[2]; /* of the trials' ids */

    const struct search_ops *search;
    void *searcher; /* owned */
    const struct sched_ops *sched;
    void *scheduler; /* owned */
    bool search_done;
    bool search_waits; /* it wants to observe more first */

    struct trial_row *rows; /* owned; by trial number */
    uint32_t created;
    uint32_t added; /* of these by hand (hand.h) */
    uint32_t row_capacity;
    uint32_t mores;       /* rows that have more */
    uint32_t recalled;    /* rows of ended trials that are to go on */
    uint32_t recall_from; /* where to look for the next of them; no state */
    struct trial *first;  /* owned; not ended */
    struct trial *last;
    uint32_t unended;
    struct queue pending;
    struct queue resting; /* pending ones that wait a while (rest.h) */
    uint64_t wake_ms;     /* when the first of them is due */

    uint64_t fill_ms;    /* suggest.h: when it goes on without a suggestion; 0: it waits for none */
    bool fills;          /* it does, until one comes */
    uint64_t suggestion; /* number of the last one; 0: there was none */
    uint32_t suggested;  /* the trial that it became */

    uint32_t burns;      /* failures at once, in a row (burn.h) */
    uint32_t burn_node;  /* where the first of them was */
    uint32_t burn_nodes; /* 0: none; 1: all there; more: elsewhere, too */
    struct budget budget;
    struct span why; /* in arena: why it was ended; empty: it was not */

    uint32_t counts[TRIAL_STATE_COUNT];
    uint64_t results;
    uint32_t leases; /* of its trials, on all nodes */
    uint32_t ahead;  /* of these, that wait on their node for room */
    uint32_t moving; /* pending or paused ones that move (trial.h) */
    bool has_mean;
    double mean_ms; /* of a trial's run, newer ones weigh more */

    bool extended;         /* its spec is not the one that was handed in */
    bool paused;           /* by a person: nothing of it starts */
    bool blocked;          /* placement found room for it on no node that is not fresh */
    bool unwilling;        /* within one placement: its scheduler wants none of those that wait */
    const uint32_t *unfit; /* within one core_ask: those that do not fit, rising; borrowed */
    uint32_t unfit_count;
    bool changed; /* its row is to be told */
};

/* Read a spec. NULL, with *error filled, where it is none. The tape is the scheduler's. */
struct experiment *experiment_new(uint32_t number, struct span packed, struct spec_error *error);
void experiment_free(struct experiment *experiment);

/* The same spec with so many samples more, and with stop rules set beside its own (a packed map, or
 * empty). ERR_*: it is none, *error says why, and nothing has changed. */
int experiment_respec(struct experiment *experiment, uint32_t samples, struct span stop,
                      struct spec_error *error);

/* How many trials it is to have in all, those that were added included, and no more than its budget
 * has; NUMBER_NONE when nobody knows. */
uint32_t experiment_total(const struct experiment *experiment);

/* Make searcher and scheduler, once the seed is known. */
void experiment_start(struct experiment *experiment, struct tape *tape);

/* Ask the searcher for trials: up to as many ahead as it may have. */
void experiment_fill(struct step *step, struct experiment *experiment);

/* Ask for one that can start now; false where there is none. */
bool experiment_propose(struct step *step, struct experiment *experiment);

/* Have the searcher make one of a suggestion that fits the space; false where nothing came of it.
 */
bool experiment_suggest(struct step *step, struct experiment *experiment,
                        const struct value *config);

/* A new one that somebody has chosen himself; its scheduler is the caller's to tell. */
struct trial *experiment_add(struct step *step, struct experiment *experiment, struct span config,
                             const char *tag);

/* Which of its trials starts next; NULL: none now, or it is done. What waits comes first, then what
 * its searcher proposes. */
struct trial *experiment_next(struct step *step, struct experiment *experiment);

/* Whether it has, or may get, a trial that waits, and may start one more. */
bool experiment_wants(const struct experiment *experiment);

/* Whether a trial is one that waits because its scheduler wants it, and nobody else: it may be
 * chosen to go on. */
bool experiment_may_choose(const struct trial *trial);

/* Among whom its scheduler may choose now; good until something of it changes. */
struct sched_candidates experiment_candidates(struct experiment *experiment);

/* Where nothing of it runs, waits to start or is to come, and its scheduler has paused all that is
 * left: one goes on, or they are stopped, for else it would never end. */
void experiment_rouse(struct step *step, struct experiment *experiment);

struct trial *experiment_trial(const struct experiment *experiment, uint32_t number);

void queue_push(struct queue *queue, uint32_t number);
void queue_push_front(struct queue *queue, uint32_t number);
bool queue_remove(struct queue *queue, uint32_t number);
const uint32_t *queue_items(const struct queue *queue);
void queue_fini(struct queue *queue);

/* A trial has come to a final state: tell it, close its files, keep its row, free it. */
void experiment_bury(struct step *step, struct trial *trial, struct span text);

/* Ended trials that were to go on stay as they are. */
void experiment_forget_recalled(struct experiment *experiment);

/* on_stop.c: stop all that is left of it, each trial by `stop`; nothing happens where it has ended,
 * or is about to. */
void experiment_stop(struct step *step, struct experiment *experiment,
                     void (*stop)(struct step *step, struct trial *trial));

/* Done, when nothing more can come. */
void experiment_settle(struct step *step, struct experiment *experiment);

/* Name of a trial's folder, for its first launch. */
char *experiment_trial_folder(const struct experiment *experiment, const struct trial *trial,
                              uint64_t now_ms);

void experiment_trial_id(const struct experiment *experiment, uint32_t number, char *out);

/* A proposal's tag as a trial has it, and the name of that trial: not too long, in arena. */
const char *experiment_trial_tag(struct span proposed, struct arena *arena);
const char *experiment_trial_name(const struct experiment *experiment, const char *id,
                                  uint32_t number, const char *tag, struct arena *arena);

/* Give a trial that was read from an image, or that had ended, its place among the others. */
void experiment_adopt(struct experiment *experiment, struct trial *trial);

/* Rows for numbers below count, all of them none. */
void experiment_reserve(struct experiment *experiment, uint32_t count);

/* Add its row; with its spec if first. */
void experiment_tell(const struct experiment *experiment, bool first, struct effects *effects);

#endif
