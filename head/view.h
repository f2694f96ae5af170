/* view.h - what readers see: a row an experiment, trial, node, token.
 *
 * Made from committed effects and nothing else, so nobody is ever shown what a power cut could take
 * back. The row of a trial that has ended goes to disk (ended.h); a slot of a few numbers is all
 * that is left of it in memory. */
#ifndef HEAD_VIEW_H
#define HEAD_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/spec.h"
#include "head/core/core.h"
#include "head/ended.h"

struct view_trial {
    struct view_trial *older; /* the experiment's live rows in the order of their last change */
    struct view_trial *newer;
    uint64_t version;
    uint32_t trial;
    uint32_t state; /* enum trial_state */
    uint32_t attempt;
    uint32_t node; /* where it is, or was last */
    uint32_t failures;
    uint32_t reason;
    int64_t pid;
    uint64_t started_ms;
    uint64_t ended_ms;
    uint64_t results;
    int64_t status;
    double best;
    int64_t best_at;
    bool has_best;
    bool ahead;
    char experiment_id[33]; /* of its results, Tune's word; empty before it first runs */
    struct span id;         /* these five in one owned block */
    struct span name;
    struct span tag;
    struct span folder;
    struct span config;
    void *block;
    struct span last; /* owned */
    struct span text; /* owned */
    size_t last_room; /* bytes that `last` has room for */
};

/* What stays in memory of a trial that has ended. */
struct view_slot {
    union {
        struct view_trial *live; /* owned; while it has not ended */
        uint64_t place;          /* of its row in the experiment's ended.h */
    };
    double best;
    uint32_t order; /* of ending: index in the experiment's ends */
    uint8_t state;  /* enum trial_state; TRIAL_NONE: not proposed yet */
    bool ended;
    bool has_best;
};

/* One trial's ending: the newest change that there will be of it, unless it goes on after all. */
struct view_end {
    uint64_t version;
    uint32_t trial;
};

struct view_experiment {
    struct effect_experiment row; /* spans owned */
    struct arena arena;           /* of spec and the row's texts */
    struct value spec_value;
    struct spec spec;        /* as the core parsed it */
    struct view_slot *slots; /* owned; by trial number */
    uint32_t slot_count;
    struct view_trial *oldest; /* of those that have not ended */
    struct view_trial *newest;
    struct view_end *ends; /* owned; in the order of ending */
    uint32_t end_count;
    uint32_t end_room;
    struct ended *ended;
    struct view_experiment *next_unflushed;
    bool unflushed;
    uint64_t version;
};

struct view_node {
    struct effect_node row; /* spans owned */
    uint64_t heard_ms;      /* by clock_ms; kept by the fleet */
    bool given_up;          /* its loss is on the way into the log; the fleet's, too */
    struct arena arena;
};

struct view_token {
    uint8_t id[8];
    struct effect_token row; /* without its id */
};

struct view_principal {
    uint32_t principal;
    uint32_t role;
    bool revoked;
    uint8_t key[32];
    char *name;
};

struct view;

/* folder: of the rows of ended trials; copied. NULL keeps those in memory (for tests). */
struct view *view_new(const char *folder);
void view_free(struct view *view);

/* Take in one committed effect. */
void view_apply(struct view *view, const struct effect *effect);

/* Behind a turn's effects: rows of trials that ended go to disk. False where that failed: they
 * stay in memory, and are tried again with the next turn. */
bool view_flush(struct view *view);
/* Whether none of them stays in memory. */
bool view_is_written(const struct view *view);

/* What a core cannot tell again (view_trials.c): rows of trials, and how far those on disk go; and
 * back, into a fresh view: out of a core that was loaded with it, and of `saved`. What ended rows
 * are missing on disk is said in the log and not shown. ERR_MALFORMED, ERR_IO. */
void view_save(const struct view *view, struct buf *out);
int view_load(struct view *view, const struct core *core, struct span saved);

/* Calls file for each file of ended rows, with its size: they are to be on disk before the log is
 * cut. */
void view_each_file(const struct view *view,
                    void (*file)(void *context, uint32_t experiment, int fd, uint64_t size),
                    void *context);

/* The folder they are in; NULL: in memory. */
const char *view_folder(const struct view *view);

/* NULL where there is none. */
struct view_experiment *view_experiment(const struct view *view, uint32_t number);
struct view_node *view_node(const struct view *view, uint32_t number);
const struct view_principal *view_principal(const struct view *view, uint32_t number);
const struct view_principal *view_principal_of_key(const struct view *view, const uint8_t key[32]);

/* All, by number; the arrays are the view's. */
struct view_experiment *const *view_experiments(const struct view *view, size_t *count);
struct view_node *const *view_nodes(const struct view *view, size_t *count);
const struct view_token *view_tokens(const struct view *view, size_t *count);
const struct view_principal *view_principals(const struct view *view, size_t *count);

/* A trial's row; one that has ended is read into arena. NULL where there is none, or where its row
 * cannot be read. */
const struct view_trial *view_trial(const struct view_experiment *experiment, uint32_t number,
                                    struct arena *arena);

/* Trials that changed after a version, the oldest change first. */
struct view_changes {
    const struct view_experiment *experiment;
    const struct view_trial *live; /* the next of those that have not ended */
    uint32_t end;                  /* the next of those that have */
};

struct view_change {
    uint64_t version;
    uint32_t trial;
    const char *label; /* of its state, for people */
};

void view_changes_after(const struct view_experiment *experiment, uint64_t version,
                        struct view_changes *out);
/* False behind the last one. */
bool view_changes_next(struct view_changes *changes, struct view_change *out);

/* The label of a slot's state, for people: a trial that waits on its node is still pending. */
const char *view_slot_label(const struct view_slot *slot);

/* view_trials.c, for view.c alone. */
void view_trials_free(struct view_experiment *experiment);
void view_trials_apply(struct view_experiment *experiment, const struct effect_trial *row);
void view_trials_attempt(struct view_experiment *experiment, const struct effect_attempt *attempt);
/* A list of VIEW_SAVED_PARTS: its number, and what view_trials_load reads behind it. */
#define VIEW_SAVED_PARTS 4u
void view_trials_save(const struct view_experiment *experiment, struct buf *out);
int view_trials_load(struct view_experiment *experiment, struct cursor *in);

/* Rises with every change of anything. */
uint64_t view_version(const struct view *view);

#endif
