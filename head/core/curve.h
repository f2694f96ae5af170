/* curve.h - what one trial has reported over time: at each time the mean of all up to it.
 *
 * Results may come in any order of their times, and several at one time. As long as they come in
 * ascending order the sum behind a mean is numpy's to the last bit for up to 128 results (its
 * pairwise_sum: eight lanes, then what is left over), and a block of 128 after another from there
 * on. 16 bytes a result are kept; what a further result needs beside them goes with curve_trim().
 */
#ifndef CORE_CURVE_H
#define CORE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

struct curve_sum;

struct curve_item {
    double time;
    double mean; /* of the rewards up to and with this one */
};

struct curve {
    struct curve_item *items; /* owned; times ascend */
    uint32_t count;
    uint32_t capacity;
    struct curve_sum *sum; /* owned; of all rewards; NULL: it is mean times count */
};

/* What it holds; an empty one is all zero. */
void curve_fini(struct curve *curve);

/* time is not NaN; behind those that have the same. O(1) where it is not before the last one. */
void curve_add(struct curve *curve, double time, double reward);

/* Forget what is at time or later. The sum goes on from the mean that is then the last. */
void curve_cut(struct curve *curve, double time);

/* How many results are up to time, with it. */
uint32_t curve_count_to(const struct curve *curve, double time);

/* Give back what only a further result would need. */
void curve_trim(struct curve *curve);

/* One packed item. Load into an empty one; false where the bytes are no curve. */
void curve_save(const struct curve *curve, struct buf *out);
bool curve_load(struct curve *curve, struct cursor *in);

#endif
