/* tpe_number.h - the kernel of a numeric dimension: a normal distribution cut off at the domain's
 * bounds.
 *
 * Kernels live on a scale: the value itself, or its logarithm where the domain is a logarithmic
 * one. Of values that go in steps each has the probability of its cell, half a step to both sides;
 * the scale goes from the first cell's lower edge to the last one's upper edge. A normal domain
 * (randn) has no bounds, and nothing is cut off.
 *
 * Uses libm: what is computed here is a decision, or part of one, and no state. */
#ifndef CORE_TPE_NUMBER_H
#define CORE_TPE_NUMBER_H

#include "common/rng.h"
#include "common/space.h"

struct tpe_scale {
    bool log;
    bool bounded;
    double low; /* edges; of one without bounds: none */
    double high;
    double width;        /* the measure of bandwidths: high - low, or what a uniform domain of the
                            same deviation would have */
    double middle;       /* of the prior kernel */
    double prior_spread; /* its deviation */
    double step;         /* 0: values are continuous */
    double first;        /* multiple of the step, and last */
    double last;
    double value_low; /* of continuous ones */
    double value_high;
};

struct tpe_bell {
    double middle; /* on the scale */
    double spread; /* standard deviation */
    double mass;   /* logarithm of what is within the bounds */
};

struct tpe_scale tpe_scale_of(const struct domain *domain);

/* How many values; 0: they are continuous. */
double tpe_scale_count(const struct tpe_scale *scale);

/* Where a value is on the scale. */
double tpe_scale_place(const struct tpe_scale *scale, double value);

/* The value at a place: of values in steps the one whose cell that is in, or nearest to it. */
double tpe_scale_value(const struct tpe_scale *scale, double place);

struct tpe_bell tpe_bell_at(const struct tpe_scale *scale, double middle, double spread);
struct tpe_bell tpe_bell_prior(const struct tpe_scale *scale);

/* Whether a value's cell is wide enough for the density to change within it. */
bool tpe_scale_is_wide(const struct tpe_scale *scale, double value, double spread);

/* The logarithm of a value's probability; of a continuous one's density on the scale. */
double tpe_bell_log(const struct tpe_scale *scale, const struct tpe_bell *bell, double value);

/* A value of the kernel. */
double tpe_bell_draw(const struct tpe_scale *scale, const struct tpe_bell *bell, struct rng *rng);

#endif
