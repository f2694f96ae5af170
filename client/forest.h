/* forest.h - a small random forest for regression: which of a trial's parameters say what its
 * metric was.
 *
 * Trees are those of Breiman, Friedman, Olshen, Stone: Classification and regression trees (1984):
 * a node is split where the sum of squared errors falls most; the words of a column are ordered by
 * their mean there, after which only neighbours have to be told apart (their theorem 4.5; Fisher
 * 1958). Each is grown on a bootstrap sample (Breiman: Random forests, Machine learning 45, 2001),
 * and looks at all columns at each node: search spaces have few that matter. A value that is absent
 * goes to one side of a split, whichever serves it better. The same table and seed: the same
 * forest. */
#ifndef CLIENT_FOREST_H
#define CLIENT_FOREST_H

#include <stdbool.h>
#include <stdint.h>

#define FOREST_WORDS 63u /* that a column may have: with "absent" they are the bits of a set */

struct forest_table {
    uint32_t rows;
    uint32_t columns;
    const double *x;       /* row by row, finite; NaN: absent */
    const uint32_t *words; /* a column: 0 where it holds numbers, else x is 0 .. words - 1 */
    const double *y;       /* a row; finite */
};

struct forest;

/* trees and rows must be above 0. The forest borrows nothing of the table. */
struct forest *forest_grow(const struct forest_table *table, uint32_t trees, uint64_t seed);
void forest_free(struct forest *forest);

/* Whether a tree was grown on a row. */
bool forest_saw(const struct forest *forest, uint32_t tree, uint32_t row);

/* What a tree says of a row's values, with another value in the place of column's; column
 * UINT32_MAX: as they are. */
double forest_predict(const struct forest *forest, uint32_t tree, const double *values,
                      uint32_t column, double other);

#endif
