/* plateau.h - a trial whose metric stands still (`plateau` of its experiment).
 *
 * A value that gets further than delta from the one before that did, to the better side where that
 * is known, begins the count anew; `patience` results in a row that do not end the trial. NaN gets
 * nowhere. As it has a memory, and that has to be where the trial is after a restart, the core
 * looks at it and not the executor; it stands in checkpoints, too. */
#ifndef CORE_PLATEAU_H
#define CORE_PLATEAU_H

#include "common/result.h"
#include "common/spec.h"

struct plateau {
    bool has_value;
    double value;   /* the last that got further */
    uint32_t stale; /* results behind it */
    int64_t at;     /* training_iteration where the trial is */
};

/* One more result; there must be a rule. True: the trial has come to its end. */
bool plateau_take(const struct spec_plateau *rule, const struct result *result,
                  struct plateau *plateau);

/* The first place, in the time attribute, at which it could; infinity: there is no rule. */
double plateau_horizon(const struct spec *spec, const struct plateau *plateau);

#endif
