/* forecast.h - what an experiment costs before anything of it has run: at worst, and about.
 *
 * Costs are in the scheduler's time attribute, all trials together. Where that is
 * training_iteration a trial comes to a rung with the first whole number that is not below it.
 * Nothing here knows of trials that fail and begin anew, or that end by their own word. */
#ifndef CORE_FORECAST_H
#define CORE_FORECAST_H

#include "common/spec.h"

struct sched_ops;

/* How far some trials run before they are judged. */
struct forecast_rung {
    double at;     /* in the time attribute */
    double trials; /* that run as far; of ASHA about; infinity: how many come is not known */
};

struct forecast_bracket {
    double chance; /* of a trial to come into it; NaN: they are filled one after the other */
    uint32_t rung_count;
    struct forecast_rung *rungs; /* lowest first; at the last one a trial ends */
};

struct forecast_ask {
    const struct spec *spec; /* borrowed, as long as the answer */
    double trials;           /* infinity: the searcher does not know */
    bool ahead;              /* the searcher proposes without having seen results */
};

struct forecast {
    const char *unit;  /* borrowed: the attribute in which all is counted */
    double cap;        /* where a trial ends, at the latest; infinity: nothing ends it */
    double worst;      /* infinity: nothing bounds it */
    double expected;   /* NaN: nobody can say */
    double worst_anew; /* the worst where trials keep no checkpoint, and who was paused begins anew;
                          NaN: nobody is paused */
    struct forecast_bracket *brackets; /* in the arena; of HyperBand those of one round */
    uint32_t bracket_count;
    double round_trials; /* HyperBand: in all brackets of a round; else 0 */
};

void forecast_make(const struct sched_ops *ops, const struct forecast_ask *ask, struct arena *arena,
                   struct forecast *out);

/* For what schedulers say of themselves (forecast of sched.h): with unit and the cap of the stop
 * rules filled in, out has every trial run to the cap. */

/* The scheduler ends a trial at max_t, too. */
void forecast_cap_at(const struct forecast_ask *ask, double max_t, struct forecast *out);

/* Where a trial is that has come to a milestone: at the cap, if that is not behind it. */
double forecast_reach(const struct forecast *forecast, double milestone);

/* How many of n trials ASHA's stopping form lets pass a rung. The first to come always passes; the
 * i+1st is compared with the quantile 1 - 1/factor of the i before it. Of rewards that come in no
 * order its rank is any of i+1, and it is above that quantile, which lies (1 - 1/factor)(i - 1) of
 * them up, with the chance (i/factor + 1 - 1/factor) / (i + 1). Their sum. */
double forecast_passed(double n, double factor);

#endif
