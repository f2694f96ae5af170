#include "head/core/medians.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/xalloc.h"
#include "head/core/quantile.h"

#define MEDIAN 0.5

/* All values at one time. */
struct point {
    double time;
    struct quantile *values; /* owned; of those that are numbers */
    uint32_t nans;
};

struct medians {
    medians_value *value;
    const void *context; /* borrowed */
    uint32_t *members;   /* owned */
    uint32_t member_count;
    uint32_t member_capacity;
    struct point *points; /* owned; by time */
    uint32_t point_count;
    uint32_t point_capacity;
    uint64_t results; /* kept of all members */
    uint64_t held;    /* values in all points */
    uint64_t looks;
};

struct medians *medians_new(medians_value *value, const void *context)
{
    struct medians *medians = xcalloc(1, sizeof(*medians));

    medians->value = value;
    medians->context = context;
    return medians;
}

static void points_free(struct medians *medians)
{
    for (uint32_t i = 0; i < medians->point_count; i++)
        quantile_free(medians->points[i].values);
    medians->point_count = 0;
    medians->held = 0;
}

void medians_free(struct medians *medians)
{
    if (medians == NULL)
        return;
    points_free(medians);
    free(medians->points);
    free(medians->members);
    free(medians);
}

void medians_join(struct medians *medians, uint32_t member)
{
    if (medians->member_count == medians->member_capacity) {
        medians->member_capacity = medians->member_capacity > 0 ? 2 * medians->member_capacity : 16;
        medians->members =
            xrealloc(medians->members, medians->member_capacity, sizeof(*medians->members));
    }
    medians->members[medians->member_count++] = member;
}

void medians_leave(struct medians *medians, uint32_t member)
{
    uint32_t place = 0;

    while (place < medians->member_count && medians->members[place] != member)
        place++;
    assert(place < medians->member_count);
    medians->members[place] = medians->members[--medians->member_count];
}

/* The first point that is not before a time, or the first that is after it. */
static uint32_t point_place(const struct medians *medians, double time, bool after)
{
    uint32_t low = 0;
    uint32_t high = medians->point_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        double there = medians->points[middle].time;

        if (there < time || (after && there == time))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool look(struct medians *medians, uint32_t member, double time, double *value, bool *exact)
{
    *exact = false;
    medians->looks++;
    return medians->value(medians->context, member, time, value, exact);
}

static void point_put(struct medians *medians, struct point *point, double value)
{
    medians->held++;
    if (isnan(value))
        point->nans++;
    else
        quantile_add(point->values, value);
}

static void point_take(struct medians *medians, struct point *point, double value)
{
    bool taken = true;

    medians->held--;
    if (isnan(value))
        point->nans--;
    else
        taken = quantile_remove(point->values, value);
    assert(taken);
}

/* How many values points may hold. */
static uint64_t most_held(const struct medians *medians)
{
    return LIMIT_MEDIAN_VALUES + LIMIT_MEDIAN_SHARE * medians->results;
}

void medians_allow(struct medians *medians, uint64_t results)
{
    medians->results = results;
}

void medians_put(struct medians *medians, uint32_t member, double from, bool after, double to)
{
    uint32_t place = point_place(medians, from, after);
    double value;
    bool exact;

    for (; place < medians->point_count && medians->points[place].time <= to; place++)
        if (look(medians, member, medians->points[place].time, &value, &exact))
            point_put(medians, &medians->points[place], value);
    if (medians->held > most_held(medians))
        points_free(medians);
}

void medians_take(struct medians *medians, uint32_t member, double from, double to)
{
    uint32_t place = point_place(medians, from, false);
    double value;
    bool exact;

    for (; place < medians->point_count && medians->points[place].time <= to; place++)
        if (look(medians, member, medians->points[place].time, &value, &exact))
            point_take(medians, &medians->points[place], value);
}

/* Ask all. Whether one of them reported at just this time: others will, too. */
static bool point_fill(struct medians *medians, struct point *point, double time)
{
    bool shared = false;
    double value;
    bool exact;

    *point = (struct point){.time = time, .values = quantile_new(MEDIAN)};
    for (uint32_t i = 0; i < medians->member_count; i++) {
        if (!look(medians, medians->members[i], time, &value, &exact))
            continue;
        shared = shared || exact;
        point_put(medians, point, value);
    }
    return shared;
}

static void point_insert(struct medians *medians, uint32_t place, const struct point *point)
{
    if (medians->point_count == medians->point_capacity) {
        medians->point_capacity = medians->point_capacity > 0 ? 2 * medians->point_capacity : 16;
        medians->points =
            xrealloc(medians->points, medians->point_capacity, sizeof(*medians->points));
    }
    memmove(&medians->points[place + 1], &medians->points[place],
            (medians->point_count - place) * sizeof(*medians->points));
    medians->points[place] = *point;
    medians->point_count++;
}

static uint32_t point_count(const struct point *point)
{
    return quantile_count(point->values) + point->nans;
}

/* numpy.median, less the sign of a zero: which of two zeros is in the middle is nobody's doing. */
static uint32_t point_median(const struct point *point, double *median)
{
    double below, above;

    if (point->nans > 0)
        *median = (double)NAN;
    else if (quantile_between(point->values, &below, &above))
        *median = (below == above ? below : (below + above) / 2) + 0.0;
    return point_count(point);
}

static uint32_t point_median_but(struct medians *medians, struct point *point, uint32_t except,
                                 double *median)
{
    uint32_t count;
    double value;
    bool exact;

    if (except == UINT32_MAX || !look(medians, except, point->time, &value, &exact))
        return point_median(point, median);
    point_take(medians, point, value);
    count = point_median(point, median);
    point_put(medians, point, value);
    return count;
}

uint32_t medians_at(struct medians *medians, double time, uint32_t except, double *median)
{
    uint32_t place = point_place(medians, time, false);
    struct point point;
    uint32_t count;
    bool shared;

    if (medians->member_count == 0)
        return 0;
    if (place < medians->point_count && medians->points[place].time == time)
        return point_median_but(medians, &medians->points[place], except, median);
    shared = point_fill(medians, &point, time);
    count = point_median_but(medians, &point, except, median);
    if (shared && medians->held <= most_held(medians) / 2) {
        point_insert(medians, place, &point);
        return count;
    }
    medians->held -= point_count(&point);
    quantile_free(point.values);
    return count;
}

uint64_t medians_looks(const struct medians *medians)
{
    return medians->looks;
}

uint32_t medians_points(const struct medians *medians)
{
    return medians->point_count;
}
