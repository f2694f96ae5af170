#include "client/sparkline.h"

#include <math.h>

static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

#define LEVELS (sizeof(blocks) / sizeof(blocks[0]))

/* The mean of the finite ones; NaN where there is none. */
static double mean_of(const double *values, uint32_t count)
{
    double sum = 0;
    uint32_t finite = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        sum += values[i] / count; /* of the largest there are the sum would not be finite */
        finite++;
    }
    return finite > 0 ? sum * ((double)count / finite) : (double)NAN;
}

static const char *block_of(double value, double least, double most)
{
    double share = most > least ? (value / 2 - least / 2) / (most / 2 - least / 2) : 0.5;
    size_t level = (size_t)(share * LEVELS);

    return blocks[level < LEVELS ? level : LEVELS - 1];
}

void sparkline_write(const double *values, uint32_t count, struct buf *out)
{
    uint32_t width = count < SPARKLINE_MOST ? count : SPARKLINE_MOST;
    double means[SPARKLINE_MOST];
    double least = (double)INFINITY;
    double most = -(double)INFINITY;

    for (uint32_t i = 0; i < width; i++) {
        uint32_t from = (uint32_t)((uint64_t)count * i / width);
        uint32_t to = (uint32_t)((uint64_t)count * (i + 1) / width);

        means[i] = mean_of(values + from, to - from);
        if (means[i] < least)
            least = means[i];
        if (means[i] > most)
            most = means[i];
    }
    for (uint32_t i = 0; i < width; i++)
        buf_append_text(out, isfinite(means[i]) ? block_of(means[i], least, most) : " ");
}
