/* view.h - what readers see: a row an experiment, trial, node, token.
 *
 * Made from committed effects and nothing else, so nobody is ever shown what a power cut could take
 * back. A finished trial's row stays here; it is all that is left of it in memory. */
#ifndef HEAD_VIEW_H
#define HEAD_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/spec.h"
#include "head/core/effect.h"

struct view_trial {
    struct view_trial *older; /* the experiment's rows in the order of their last change */
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

struct view_experiment {
    struct effect_experiment row; /* spans owned */
    struct arena arena;           /* of spec and the row's texts */
    struct value spec_value;
    struct spec spec;           /* as the core parsed it */
    struct view_trial **trials; /* by number; NULL: not proposed yet */
    uint32_t trial_count;       /* room in trials */
    struct view_trial *oldest;
    struct view_trial *newest;
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

struct view *view_new(void);
void view_free(struct view *view);

/* Take in one committed effect. */
void view_apply(struct view *view, const struct effect *effect);

/* NULL where there is none. */
struct view_experiment *view_experiment(const struct view *view, uint32_t number);
struct view_trial *view_trial(const struct view_experiment *experiment, uint32_t number);
struct view_node *view_node(const struct view *view, uint32_t number);
const struct view_principal *view_principal(const struct view *view, uint32_t number);
const struct view_principal *view_principal_of_key(const struct view *view, const uint8_t key[32]);

/* All, by number; the arrays are the view's. */
struct view_experiment *const *view_experiments(const struct view *view, size_t *count);
struct view_node *const *view_nodes(const struct view *view, size_t *count);
const struct view_token *view_tokens(const struct view *view, size_t *count);
const struct view_principal *view_principals(const struct view *view, size_t *count);

/* Rises with every change of anything. */
uint64_t view_version(const struct view *view);

#endif
