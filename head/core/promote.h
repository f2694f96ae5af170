/* promote.h - one rung of ASHA's promotion form: what was recorded there, and who may go on.
 *
 * Of n records the best floor(n / reduction_factor) may go on, as long as they have not (Li et al.,
 * A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, algorithm 2). Three heaps: an
 * addition and a promotion are O(log n); a record takes 16 bytes, one that waits 16 more. Of equal
 * rewards the earlier one is better. */
#ifndef CORE_PROMOTE_H
#define CORE_PROMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

struct promote;

/* factor: above 1. */
struct promote *promote_new(double factor);

/* Accepts NULL. */
void promote_free(struct promote *promote);

/* A trial has come. NaN counts as a record, is worse than any other, and never goes on. */
void promote_add(struct promote *promote, uint32_t trial, double reward);

/* How many records there are, how many of them may go on or have gone, and how many have. */
uint32_t promote_count(const struct promote *promote);
uint32_t promote_quota(const struct promote *promote);
uint32_t promote_gone(const struct promote *promote);

/* The best that may go on now, of those that free says are there to be sent; NUMBER_NONE for none.
 * Those that will never be (ended says) are forgotten on the way. O(k log k) where k are better and
 * not free. */
typedef bool promote_test(void *context, uint32_t trial);
uint32_t promote_best(struct promote *promote, promote_test *free, promote_test *ended,
                      void *context);

/* It goes on; promote_best must have named it. */
void promote_take(struct promote *promote, uint32_t trial);

/* One packed item. */
void promote_save(const struct promote *promote, struct buf *out);

/* Into one that is empty and was made for the same factor; false where the bytes are none. No trial
 * in it is trials or above. */
bool promote_load(struct promote *promote, uint32_t trials, struct cursor *in);

#endif
