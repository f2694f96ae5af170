/* Wichura: Algorithm AS 241: The Percentage Points of the Normal Distribution; Applied Statistics
 * 37 (1988), 477-484. Its routine PPND16: a quotient of polynomials for the middle and two for the
 * tails, with the published coefficients. */
#include "common/normal.h"

#include <assert.h>
#include <math.h>

#define TERMS  8
#define MIDDLE 0.425 /* from one half: farther out is a tail */
#define NEAR   5.0   /* of a tail */

struct quotient {
    double over[TERMS];  /* by power */
    double under[TERMS]; /* begins with 1 */
};

static const struct quotient middle = {
    {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3},
    {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3},
};

static const struct quotient near_tail = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9},
};

static const struct quotient far_tail = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15},
};

static double polynomial(const double terms[TERMS], double at)
{
    double sum = terms[TERMS - 1];

    for (int i = TERMS - 2; i >= 0; i--)
        sum = sum * at + terms[i];
    return sum;
}

static double quotient(const struct quotient *of, double at)
{
    return polynomial(of->over, at) / polynomial(of->under, at);
}

double normal_quantile(double probability)
{
    double from_half = probability - 0.5;
    double tail, size;

    assert(probability > 0 && probability < 1);
    if (fabs(from_half) <= MIDDLE)
        return from_half * quotient(&middle, MIDDLE * MIDDLE - from_half * from_half);
    tail = sqrt(-log(from_half < 0 ? probability : 1 - probability));
    size = tail <= NEAR ? quotient(&near_tail, tail - 1.6) : quotient(&far_tail, tail - NEAR);
    return from_half < 0 ? -size : size;
}

double normal_of_two(double one, double other)
{
    double radius = sqrt(-2.0 * log(1.0 - one));

    return radius * cos(2.0 * M_PI * other);
}
