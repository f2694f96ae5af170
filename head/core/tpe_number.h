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

/* A value as every kernel looks at it: what depends on none of them. */
struct tpe_spot {
    double place; /* on the scale */
    double width; /* of its cell, also where its edges are too near one another to be told apart */
    double part;  /* logarithm of the width; 0: values are continuous */
    double low;   /* the cell's edges */
    double high;
};

struct tpe_bell {
    double middle; /* on the scale */
    double spread; /* standard deviation */
    double height; /* logarithm of spread * sqrt(2 pi) */
    double mass;   /* logarithm of what is within the bounds */
};

struct tpe_scale tpe_scale_of(const struct domain *domain);

/* How many values; 0: they are continuous. */
double tpe_scale_count(const struct tpe_scale *scale);

/* Of values in steps: which of them it is, and the i-th. */
double tpe_scale_index(const struct tpe_scale *scale, double value);
double tpe_scale_nth(const struct tpe_scale *scale, double i);

/* Where a value is on the scale. */
double tpe_scale_place(const struct tpe_scale *scale, double value);

/* The value at a place: of values in steps the one whose cell that is in, or nearest to it. */
double tpe_scale_value(const struct tpe_scale *scale, double place);

struct tpe_spot tpe_spot_of(const struct tpe_scale *scale, double value);

/* Whether a value's cell is wide enough for the density to change within it. */
bool tpe_spot_is_wide(const struct tpe_spot *spot, double spread);

struct tpe_bell tpe_bell_at(const struct tpe_scale *scale, double middle, double spread);
struct tpe_bell tpe_bell_prior(const struct tpe_scale *scale);

/* Of a bell there: its height, its mass. */
double tpe_bell_height(double spread);
double tpe_bell_mass(const struct tpe_scale *scale, double middle, double spread);

/* The logarithm of a value's probability; of a continuous one's density on the scale. */
double tpe_bell_log(const struct tpe_bell *bell, const struct tpe_spot *spot);

/* A value of the kernel. */
double tpe_bell_draw(const struct tpe_scale *scale, const struct tpe_bell *bell, struct rng *rng);

#endif
