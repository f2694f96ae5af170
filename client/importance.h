/* importance.h - how much each column of a table says about its y: permutation importance.
 *
 * Breiman: Random forests, Machine learning 45 (2001), section 10; for regression as in Hastie,
 * Tibshirani, Friedman: The elements of statistical learning (2nd edition), section 15.3.2. For
 * each tree t the rows that it has not seen (out of bag, O_t) are predicted once as they are and
 * once with column j shuffled among them by a permutation p:
 *
 *     I_j = 1/T sum over t of  1/|O_t| sum over i in O_t of  (y_i - f_t(x_i with x_pj))^2
 *                                                          - (y_i - f_t(x_i))^2
 *
 * What depends on several columns at once counts for each of them. Columns that say the same share
 * what they say. A column that was never varied without another cannot be told from it. */
#ifndef CLIENT_IMPORTANCE_H
#define CLIENT_IMPORTANCE_H

#include "client/forest.h"

/* Below as many rows nothing is said: trees that keep a third of them aside see too few. */
#define IMPORTANCE_ROWS  20u
#define IMPORTANCE_TREES 100u

struct importance {
    double share; /* I_j of the sum of those above 0; 0 to 1 */
    double error; /* standard error of it over the trees */
};

/* A column each into out. *explained: the share of the variance of y that the forest explains of
 * rows it has not seen, 1 at best; below 0 it knows less than the mean does. */
void importance_of(const struct forest_table *table, uint64_t seed, struct importance *out,
                   double *explained);

#endif
