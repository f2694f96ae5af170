/* hyperband_sizes.h - how large HyperBand's brackets are, and how far their trials run.
 *
 * Bracket s begins with n trials, and at its milestone, in the time attribute, keeps the best of
 * them for the next one: s times. Three ways of counting:
 *
 * tune: Ray Tune's HyperBandScheduler. n = ceil(S / (s + 1) * eta^s), the first milestone is
 * trunc(max_t / eta^s), each next one trunc(min(eta * r, what is left to max_t)) further, and
 * ceil(n / eta) go on. Small s first. S is 5 in 0.7 and 1 + round(log_eta(max_t)) in 2.
 *
 * paper: Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization, JMLR
 * 18 (2018), algorithm 1. The same n, with S = 1 + floor(log_eta(max_t)); milestone i is
 * max_t / eta^(s - i), not rounded; floor(n / eta) go on. Large s first.
 *
 * halving: the first bracket of paper, again and again: synchronous successive halving (Jamieson
 * and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS
 * 2016), with as many trials as let one come to max_t.
 *
 * Nothing here asks libm: a logarithm that is a hair short of 4 costs a bracket elsewhere. */
#ifndef CORE_HYPERBAND_SIZES_H
#define CORE_HYPERBAND_SIZES_H

#include "common/spec.h"

struct hyperband_keys {
    double max_t;    /* at least 1 */
    double eta;      /* reduction_factor: whole, at least 2 */
    bool paper;      /* which way; halving, too */
    uint32_t counts; /* S, at least 1 */
    uint32_t round;  /* brackets of a round, before they begin anew */
};

struct hyperband_size {
    double n;          /* trials that it may have now; 0: it is too small to be */
    double milestone;  /* how far they run now */
    double step;       /* how far it is from the milestone before */
    uint32_t halvings; /* that are left */
    double work;       /* of its whole life, in the time attribute: as Tune counts its percentage */
};

void hyperband_read_keys(const struct spec_scheduler *scheduler, struct hyperband_keys *out);

/* As it begins: the place-th bracket of a round. */
struct hyperband_size hyperband_bracket(const struct hyperband_keys *keys, uint32_t place);

/* After a halving; one must be left. */
void hyperband_halve(const struct hyperband_keys *keys, struct hyperband_size *size);

#endif
