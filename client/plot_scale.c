/* plot_scale.c - the arithmetic of plot.h. */
#include <math.h>
#include <stdlib.h>

#include "client/plot.h"

#define ROOM      0.04  /* of a scale's length, on either side */
#define MOST      1e300 /* numbers beyond are drawn there: differences stay finite */
#define LEAST     1e-300
#define LOG_SPAN  100.0 /* from which ratio on a metric is drawn on a log scale */
#define FAR       3.0   /* how many spans of the middle four fifths are far */
#define FIT_LEAST 10u   /* numbers of which some may be far */

static double clamped(double number)
{
    return number > MOST ? MOST : number < -MOST ? -MOST : number;
}

void plot_scale_set(struct plot_scale *scale, double low, double high, bool log, double from,
                    double to)
{
    double room;

    low = clamped(low);
    high = clamped(high);
    log = log && low > 0;
    if (log) {
        low = log10(low > LEAST ? low : LEAST);
        high = log10(high > LEAST ? high : LEAST);
    }
    room = (high - low) * ROOM;
    if (!(room > (log ? 1e-9 : fabs(high) * 1e-12))) /* all the same, or as good as that */
        room = log ? 0.5 : fabs(high) > LEAST ? fabs(high) / 2 : 1;
    low -= room;
    high += room;
    if (log) { /* powers of ten that are doubles */
        low = low < -307 ? -307 : low;
        high = high > 307 ? 307 : high;
    }
    *scale =
        (struct plot_scale){log ? pow(10, low) : low, log ? pow(10, high) : high, log, from, to};
}

double plot_at(const struct plot_scale *scale, double number)
{
    double low = scale->low;
    double high = scale->high;

    number = number < low ? low : number > high ? high : number;
    if (scale->log) {
        low = log10(low);
        high = log10(high);
        number = log10(number);
    }
    return scale->from + (scale->to - scale->from) * ((number - low) / (high - low));
}

bool plot_is_outside(const struct plot_scale *scale, double number)
{
    return number < scale->low || number > scale->high;
}

/* 1, 2, 5 or 10 times a power of ten: the first that is not below. */
static double nice_step(double step)
{
    double power = pow(10, floor(log10(step)));
    double part = step / power;

    return power * (part <= 1.000001 ? 1 : part <= 2.000001 ? 2 : part <= 5.000001 ? 5 : 10);
}

static uint32_t linear_ticks(const struct plot_scale *scale, uint32_t about,
                             double ticks[PLOT_TICKS])
{
    double step = nice_step((scale->high - scale->low) / about);
    double first = ceil(scale->low / step);
    uint32_t count = 0;

    while (count < PLOT_TICKS && (first + count) * step <= scale->high) {
        ticks[count] = (first + count) * step + 0.0; /* never -0 */
        count++;
    }
    return count;
}

static uint32_t log_ticks(const struct plot_scale *scale, uint32_t about, double ticks[PLOT_TICKS])
{
    static const double between[] = {1, 2, 5};
    int first = (int)floor(log10(scale->low));
    int last = (int)floor(log10(scale->high));
    int stride = (int)((uint32_t)(last - first) / (about + 1)) + 1;
    int inner = (uint32_t)(last - first) * 3 <= 2 * about ? 3 : 1;
    uint32_t count = 0;

    for (int power = first; power <= last; power++) {
        for (int i = 0; i < inner; i++) {
            double tick = between[i] * pow(10, power);

            if (tick >= scale->low && tick <= scale->high && count < PLOT_TICKS &&
                power % stride == 0)
                ticks[count++] = tick;
        }
    }
    return count;
}

uint32_t plot_ticks(const struct plot_scale *scale, uint32_t about, double ticks[PLOT_TICKS])
{
    uint32_t count = scale->log ? log_ticks(scale, about, ticks) : 0;

    /* Within less than a power of ten there may be hardly any round ones. */
    return count >= 2 ? count : linear_ticks(scale, about, ticks);
}

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return left < right ? -1 : left > right;
}

void plot_fit(double *numbers, uint32_t count, bool least, struct plot_fit *out)
{
    double low, high, span;

    qsort(numbers, count, sizeof(*numbers), compare_numbers);
    *out = (struct plot_fit){clamped(numbers[0]), clamped(numbers[count - 1]), false, 0};
    out->log = least && out->low > 0 && out->high / out->low >= LOG_SPAN;
    if (out->log || count < FIT_LEAST)
        return;
    low = numbers[count / 10];
    high = numbers[count - 1 - count / 10];
    span = clamped(clamped(high) - clamped(low)) * FAR;
    if (least && out->high > high + span)
        out->high = clamped(high + span);
    if (!least && out->low < low - span)
        out->low = clamped(low - span);
    for (uint32_t i = 0; i < count; i++)
        out->outside += numbers[i] < out->low || numbers[i] > out->high;
}
