#include "head/core/plateau.h"

#include <math.h>

/* Comparisons with NaN are false. */
static bool gets_further(const struct spec_plateau *rule, double value, double from)
{
    bool up = value > from + rule->delta;
    bool down = value < from - rule->delta;

    switch (rule->side) {
    case PLATEAU_UP:
        return up;
    case PLATEAU_DOWN:
        return down;
    case PLATEAU_EITHER:
        break;
    }
    return up || down;
}

/* A result without the metric does not come: its executor has refused it. */
bool plateau_take(const struct spec_plateau *rule, const struct result *result,
                  struct plateau *plateau)
{
    double value = (double)NAN;

    plateau->at = result->training_iteration;
    (void)result_number(result, rule->metric, &value);
    if (value == value && (!plateau->has_value || gets_further(rule, value, plateau->value))) {
        plateau->has_value = true;
        plateau->value = value;
        plateau->stale = 0;
        return false;
    }
    return ++plateau->stale >= rule->patience;
}

/* Each result is an iteration. Of another attribute nobody knows how far a result gets it. */
double plateau_horizon(const struct spec *spec, const struct plateau *plateau)
{
    if (spec->plateau.patience == 0)
        return (double)INFINITY;
    if (!span_is(span_text(spec->scheduler.time_attr), "training_iteration"))
        return -(double)INFINITY;
    return (double)plateau->at + (double)(spec->plateau.patience - plateau->stale);
}
