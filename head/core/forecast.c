#include "head/core/forecast.h"

#include <math.h>

#include "head/core/sched.h"

#define ITERATIONS "training_iteration"
#define SECONDS    "time_total_s"

#define HARMONIC_ADDED 1000u /* above, Euler's expansion is as good as a sum */
#define EULER_GAMMA    0.57721566490153286

/* Where stop rules end a trial at the latest; infinity: no rule of this attribute does. */
static double stop_bound(const struct spec *spec, const char *attribute)
{
    double bound = (double)INFINITY;

    for (uint32_t i = 0; i < spec->stop_count; i++)
        if (spec->stop[i].side == STOP_AT_LEAST && span_is(spec->stop[i].metric, attribute) &&
            spec->stop[i].bound < bound)
            bound = spec->stop[i].bound;
    return bound;
}

/* In what to count: what the scheduler counts in, or else what a stop rule ends. */
static const char *unit_of(const struct forecast_ask *ask, bool judged)
{
    const struct spec *spec = ask->spec;

    if (judged ||
        (spec->scheduler.type->judges && !isinf(stop_bound(spec, spec->scheduler.time_attr))))
        return spec->scheduler.time_attr;
    if (isinf(stop_bound(spec, ITERATIONS)) && !isinf(stop_bound(spec, SECONDS)))
        return SECONDS;
    return ITERATIONS;
}

/* Iterations are whole, and there is one at least. */
static double rounded(const struct forecast *forecast, double time)
{
    if (!span_is(span_text(forecast->unit), ITERATIONS))
        return time > 0 ? time : 0;
    return time > 1 ? ceil(time) : 1;
}

double forecast_reach(const struct forecast *forecast, double milestone)
{
    double reached = rounded(forecast, milestone);

    return reached < forecast->cap ? reached : forecast->cap;
}

static void run_to_cap(const struct forecast_ask *ask, struct forecast *out)
{
    out->worst = isinf(out->cap) || isinf(ask->trials) ? (double)INFINITY : ask->trials * out->cap;
    if (ask->trials == 0)
        out->worst = 0;
}

void forecast_cap_at(const struct forecast_ask *ask, double max_t, struct forecast *out)
{
    out->cap = forecast_reach(out, max_t);
    run_to_cap(ask, out);
}

void forecast_make(const struct sched_ops *ops, const struct forecast_ask *ask, struct arena *arena,
                   struct forecast *out)
{
    *out = (struct forecast){
        .unit = unit_of(ask, ops->forecast != NULL),
        .cap = (double)INFINITY,
        .expected = (double)NAN,
        .worst_anew = (double)NAN,
    };
    out->cap = rounded(out, stop_bound(ask->spec, out->unit));
    run_to_cap(ask, out);
    if (ops->forecast != NULL)
        ops->forecast(ask, arena, out);
}

/* 1 + 1/2 + ... + 1/n, and on a line between whole numbers. */
static double harmonic(double n)
{
    double whole = floor(n);
    double sum = 0;

    if (whole > HARMONIC_ADDED)
        sum = log(whole) + EULER_GAMMA + 1 / (2 * whole) - 1 / (12 * whole * whole);
    else
        for (double i = 1; i <= whole; i++)
            sum += 1 / i;
    return sum + (n - whole) / (whole + 1);
}

double forecast_passed(double n, double factor)
{
    if (n <= 1 || isinf(n))
        return n;
    return 1 + (n - 1) / factor + (1 - 2 / factor) * (harmonic(n) - 1);
}
