/* quantile.h - one fixed quantile of numbers that keep coming.
 *
 * Two heaps meet at the quantile: an addition is O(log n), reading is O(1), and a number takes
 * eight bytes. The answer is numpy's percentile with linear interpolation, to the last bit: place
 * (n - 1) * fraction in sorted order, and between two numbers numpy's own order of operations. Only
 * + - * and comparisons: the same on every machine. */
#ifndef CORE_QUANTILE_H
#define CORE_QUANTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

struct quantile;

/* fraction in [0, 1]. */
struct quantile *quantile_new(double fraction);

/* Accepts NULL. */
void quantile_free(struct quantile *quantile);

/* number may be infinite, not NaN. */
void quantile_add(struct quantile *quantile, double number);

uint32_t quantile_count(const struct quantile *quantile);

/* False, and *out untouched, while there are no numbers. Next to an infinite number it is NaN where
 * numpy's is. */
bool quantile_get(const struct quantile *quantile, double *out);

/* The two numbers between which it lies; both the same where it is one of them. False, and nothing
 * set, while there are no numbers. O(1). */
bool quantile_between(const struct quantile *quantile, double *below, double *above);

/* Take one of this value away again; false where there is none. O(n). */
bool quantile_remove(struct quantile *quantile, double number);

/* One packed item. */
void quantile_save(const struct quantile *quantile, struct buf *out);

/* Into one that is empty and was made for the same fraction; false where the bytes are no such
 * quantile: it is empty then. */
bool quantile_load(struct quantile *quantile, struct cursor *in);

#endif
