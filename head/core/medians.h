/* medians.h - the median of what many members had at a time, for any time.
 *
 * Whoever uses it keeps the members' values (curves), says which change, and is asked for single
 * ones. Trials mostly report at the same times. For a time at which a member has a result, and at
 * which it was asked, a point keeps the values of all members there in a quantile: from then on
 * the median is at hand, and a value that comes is one more in O(log n). At any other time each
 * member is asked, O(n log n): the answer is the same. Points take 8 bytes a value and are no
 * state: an image has none, they come back as times are asked for.
 *
 * A member may have a value at points where it never reported (it ended before them): points may
 * hold LIMIT_MEDIAN_SHARE values a result, and LIMIT_MEDIAN_VALUES besides. Where they would be
 * more, as members become many and short, all are given up and made anew within half of it, so that
 * a result costs O(LIMIT_MEDIAN_SHARE log n) however long the others were. */
#ifndef CORE_MEDIANS_H
#define CORE_MEDIANS_H

#include <stdbool.h>
#include <stdint.h>

struct medians;

/* Whether a member has a value at a time; if so *value (NaN makes the median NaN), and *exact if
 * it reported at just this time. */
typedef bool medians_value(const void *context, uint32_t member, double time, double *value,
                           bool *exact);

/* context is borrowed for life. */
struct medians *medians_new(medians_value *value, const void *context);

/* Accepts NULL. */
void medians_free(struct medians *medians);

/* A member with no value yet: medians_put() follows for those that it has. It must not be one. */
void medians_join(struct medians *medians, uint32_t member);

/* It must be one, without a value at any point: medians_take() comes before. O(members). */
void medians_leave(struct medians *medians, uint32_t member);

/* How many results are kept of all members: what points may hold goes by it. */
void medians_allow(struct medians *medians, uint64_t results);

/* The values of a member for times from `from` (or only after it) to `to` have come. */
void medians_put(struct medians *medians, uint32_t member, double from, bool after, double to);

/* The values of a member for times from `from` to `to`, as they are now, are about to go.
 * O(members) a point. */
void medians_take(struct medians *medians, uint32_t member, double from, double to);

/* How many members but `except` have a value at a time, and if any, the median of them: numpy's,
 * the mean of the two in the middle where there are two. except may be no member, or UINT32_MAX. */
uint32_t medians_at(struct medians *medians, double time, uint32_t except, double *median);

/* How many single values were looked at so far, and how many points there are: for tests. */
uint64_t medians_looks(const struct medians *medians);
uint32_t medians_points(const struct medians *medians);

#endif
