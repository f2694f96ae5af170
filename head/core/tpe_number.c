#include "head/core/tpe_number.h"

#include <math.h>

/* Within a cell narrower than this many deviations the density is taken as that of its middle: what
 * the integral differs by is at most 1 % of it within three deviations. */
#define NARROW 0.2

/* So often a draw that falls outside the bounds is drawn anew. A kernel's middle is within them, so
 * a half of its draws is at least, but for a prior's: a third. */
#define DRAWS 64

/* Of a normal distribution, of what is farther from it than this many deviations. */
#define NEVER (-700.0)

static bool is_log(enum domain_kind kind)
{
    return kind == DOMAIN_LOGUNIFORM || kind == DOMAIN_QLOGUNIFORM || kind == DOMAIN_LOGRANDINT;
}

/* An edge half a step beside a multiple. A logarithm needs one above 0. */
static double edge(const struct tpe_scale *scale, double multiple)
{
    if (!scale->log)
        return multiple * scale->step;
    return log((multiple > 0.25 ? multiple : 0.25) * scale->step);
}

struct tpe_scale tpe_scale_of(const struct domain *domain)
{
    struct tpe_scale scale = {
        .log = is_log(domain->kind), .value_low = domain->low, .value_high = domain->high};

    if (domain->kind == DOMAIN_RANDN) {
        scale.middle = domain->low;
        scale.prior_spread = domain->high;
        scale.width = sqrt(12) * domain->high;
        return scale;
    }
    scale.bounded = true;
    if (domain_steps(domain, &scale.step, &scale.first, &scale.last)) {
        scale.low = edge(&scale, scale.first - 0.5);
        scale.high = edge(&scale, scale.last + 0.5);
    } else {
        scale.low = scale.log ? log(domain->low) : domain->low;
        scale.high = scale.log ? log(domain->high) : domain->high;
    }
    scale.width = scale.high - scale.low;
    scale.middle = scale.low + scale.width / 2;
    scale.prior_spread = scale.width;
    return scale;
}

double tpe_scale_count(const struct tpe_scale *scale)
{
    return scale->step > 0 ? scale->last - scale->first + 1 : 0;
}

double tpe_scale_index(const struct tpe_scale *scale, double value)
{
    double index = rint(value / scale->step) - scale->first;
    double last = scale->last - scale->first;

    return index < 0 ? 0 : index > last ? last : index;
}

double tpe_scale_nth(const struct tpe_scale *scale, double i)
{
    return (scale->first + i) * scale->step;
}

double tpe_scale_place(const struct tpe_scale *scale, double value)
{
    double place = value;

    if (scale->log)
        place = log(value > 0 ? value : 0);
    if (!scale->bounded)
        return place;
    return place > scale->high ? scale->high : place > scale->low ? place : scale->low;
}

double tpe_scale_value(const struct tpe_scale *scale, double place)
{
    double value = scale->log ? exp(place) : place;
    double multiple;

    if (scale->step > 0) {
        multiple = rint(value / scale->step) + 0.0; /* which makes 0 of -0 */
        multiple = multiple < scale->first ? scale->first : multiple;
        return (multiple > scale->last ? scale->last : multiple) * scale->step;
    }
    if (scale->bounded && (value < scale->value_low || value >= scale->value_high))
        return scale->value_low; /* rounded there: half open, as what is drawn */
    return value;
}

static double cell_width(const struct tpe_scale *scale, double multiple)
{
    if (!scale->log)
        return scale->step;
    return multiple > 0.5 ? log1p(1 / (multiple - 0.5)) : M_LN2;
}

struct tpe_spot tpe_spot_of(const struct tpe_scale *scale, double value)
{
    struct tpe_spot spot = {.place = tpe_scale_place(scale, value)};
    double multiple;

    if (!(scale->step > 0))
        return spot;
    multiple = rint(value / scale->step);
    spot.width = cell_width(scale, multiple);
    spot.part = log(spot.width);
    spot.low = edge(scale, multiple - 0.5);
    spot.high = edge(scale, multiple + 0.5);
    return spot;
}

bool tpe_spot_is_wide(const struct tpe_spot *spot, double spread)
{
    return spot->width > NARROW * spread;
}

/* The logarithm of what a normal distribution has between two numbers, in its deviations. Both are
 * taken from the nearer tail, for what is far out to keep its digits. */
static double log_between(double low, double high)
{
    double mass;

    if (low > 0)
        mass = erfc(low * M_SQRT1_2) - erfc(high * M_SQRT1_2);
    else if (high < 0)
        mass = erfc(-high * M_SQRT1_2) - erfc(-low * M_SQRT1_2);
    else
        mass = erf(high * M_SQRT1_2) - erf(low * M_SQRT1_2);
    return mass > 0 ? log(mass / 2) : NEVER;
}

double tpe_bell_height(double spread)
{
    return log(spread * sqrt(2 * M_PI));
}

double tpe_bell_mass(const struct tpe_scale *scale, double middle, double spread)
{
    if (!scale->bounded)
        return 0;
    return log_between((scale->low - middle) / spread, (scale->high - middle) / spread);
}

struct tpe_bell tpe_bell_at(const struct tpe_scale *scale, double middle, double spread)
{
    return (struct tpe_bell){.middle = middle,
                             .spread = spread,
                             .height = tpe_bell_height(spread),
                             .mass = tpe_bell_mass(scale, middle, spread)};
}

struct tpe_bell tpe_bell_prior(const struct tpe_scale *scale)
{
    return tpe_bell_at(scale, scale->middle, scale->prior_spread);
}

double tpe_bell_log(const struct tpe_bell *bell, const struct tpe_spot *spot)
{
    double away;

    if (tpe_spot_is_wide(spot, bell->spread))
        return log_between((spot->low - bell->middle) / bell->spread,
                           (spot->high - bell->middle) / bell->spread) -
               bell->mass;
    away = (spot->place - bell->middle) / bell->spread;
    return -0.5 * away * away - bell->height - bell->mass + spot->part;
}

/* Box and Muller's, as domain_draw. */
static double draw_normal(struct rng *rng)
{
    double radius = sqrt(-2.0 * log(1.0 - rng_next_unit(rng)));

    return radius * cos(2.0 * M_PI * rng_next_unit(rng));
}

double tpe_bell_draw(const struct tpe_scale *scale, const struct tpe_bell *bell, struct rng *rng)
{
    double place = bell->middle;

    for (uint32_t i = 0; i < DRAWS; i++) {
        place = bell->middle + bell->spread * draw_normal(rng);
        if (!scale->bounded || (place >= scale->low && place < scale->high))
            return tpe_scale_value(scale, place);
    }
    return tpe_scale_value(scale, bell->middle);
}
