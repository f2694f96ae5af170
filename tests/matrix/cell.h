/* cell.h - every searcher with every scheduler: the experiments of the matrix.
 *
 * Searchers, schedulers, forms and keys are taken from the house's own tables, so that a new one is
 * covered without being named here. A scheduler comes with what its row fills in, with each other
 * word of its keys, with another count where a key is a count, and as Ray Tune 0.7 had it. Only
 * what cannot be made up stands here: keys that are more than a number or a word. */
#ifndef MATRIX_CELL_H
#define MATRIX_CELL_H

#include "common/buf.h"
#include "common/spec.h"

/* The longest experiment's text is some 900 bytes. */
#define CELL_TEXT_BYTES 2048u

struct cell {
    const char *searcher;
    bool points;                       /* with points_to_evaluate */
    const struct scheduler_type *type; /* static */
    const struct scheduler_key *key;   /* that is not as its row fills it in; NULL: none */
    const char *word;                  /* its value, where it is a word */
    uint32_t count;                    /* its value, where it is a number */
    bool old;                          /* semantics: tune-0.7 */
    bool min;                          /* the metric is to shrink */
    char name[160];                    /* "tpe+points hyperband sizes=paper" */
};

typedef void cell_fn(void *context, const struct cell *cell);

/* Every one of them, in the order of the tables. */
void cells_each(cell_fn *visit, void *context);

/* Its experiment, as JSON. */
void cell_print(const struct cell *cell, struct buf *out);

#endif
