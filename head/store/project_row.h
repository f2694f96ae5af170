/* project_row.h - one row that waits to be written: the latest state of one key. */
#ifndef STORE_PROJECT_ROW_H
#define STORE_PROJECT_ROW_H

#include "common/arena.h"
#include "head/core/effect.h"

enum project_kind {
    PROJECT_EXPERIMENT,
    PROJECT_TRIAL,
    PROJECT_NODE,
    PROJECT_HEAD,  /* who leads */
    PROJECT_OLD,   /* no row: forget a trial's key, there are too many */
    PROJECT_REMOVE /* no row: forget an experiment's keys */
};

#define PROJECT_WORDS 64u

struct project_row {
    struct project_row *next; /* in the queue; borrowed */
    enum project_kind kind;
    uint32_t experiment; /* or the node */
    uint32_t trial;
    size_t bytes; /* of owned texts */
    union {
        struct effect_experiment experiment_row; /* in these, texts are owned; */
        struct effect_trial trial_row;
        struct effect_node node_row; /* lists of custom resources are not kept */
    };
    struct span capacity; /* of a node, as text; owned */
    struct span used;
    uint64_t epoch;       /* PROJECT_HEAD */
    struct span endpoint; /* owned */
    struct span head_key; /* its fingerprint; owned */
};

/* A row of an effect of the first three kinds, or NULL for other effects. Copies. */
struct project_row *project_row_new(const struct effect *effect);
void project_row_free(struct project_row *row);

/* row becomes the newer one of both, and newer is freed. What newer leaves out as unchanged stays.
 */
void project_row_absorb(struct project_row *row, struct project_row *newer);

/* The other way round: newer stays, row is freed. */
void project_row_give(struct project_row *row, struct project_row *newer);

/* The command that writes it, or forgets it: words in out (PROJECT_WORDS), texts in arena or the
 * row. */
size_t project_row_words(const struct project_row *row, const char *name, struct arena *arena,
                         struct span *out);

/* The row's key, in arena. */
struct span project_row_key(const struct project_row *row, const char *name, struct arena *arena);

#endif
