/* plot.h - charts as inline SVG: scales, ticks, a frame with axes. What is drawn into it is the
 * chart's own (page_*.c).
 *
 * Colours, widths and fonts come from the page's style (page_style.c) by class, so that one chart
 * serves light and dark. */
#ifndef CLIENT_PLOT_H
#define CLIENT_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

#define PLOT_TICKS 12u

/* From numbers to places. A number outside is drawn at the edge. */
struct plot_scale {
    double low; /* low < high; of a log scale both above 0 */
    double high;
    bool log;
    double from; /* the place of low */
    double to;   /* and of high */
};

/* Numbers from low to high, with a little room on both sides; equal ones get room as well. */
void plot_scale_set(struct plot_scale *scale, double low, double high, bool log, double from,
                    double to);

double plot_at(const struct plot_scale *scale, double number);
bool plot_is_outside(const struct plot_scale *scale, double number);

/* About as many round numbers within the scale: multiples of 1, 2 or 5 times a power of ten
 * (Heckbert: Nice numbers for graph labels, Graphics gems, 1990); of a log scale powers of ten, and
 * where these are few 2 and 5 times them. Returns how many, from the lowest on. */
uint32_t plot_ticks(const struct plot_scale *scale, uint32_t about, double ticks[PLOT_TICKS]);

/* What a metric's values need: all of them, but for those far on the worse side, which would press
 * the others flat; logarithmic where less is better, all are above 0 and they span two powers of
 * ten or more. numbers are sorted in place; all finite, count > 0. */
struct plot_fit {
    double low;
    double high;
    bool log;
    uint32_t outside; /* numbers beyond low or high */
};

void plot_fit(double *numbers, uint32_t count, bool least, struct plot_fit *out);

/* A chart under way: its box within the picture, and its scales. */
struct plot {
    struct buf *out;
    double width;
    double height;
    double left, right, top, bottom; /* of the box */
    struct plot_scale x;
    struct plot_scale y;
};

/* A mark for a point: by its shape, too, what it is. */
enum plot_mark { PLOT_DOT, PLOT_RING, PLOT_CROSS, PLOT_DIAMOND };

/* <figure>, its caption, <svg> with the label for those who do not see it, and the box. plot is
 * zeroed but for left and right, which may ask for more room beside the box. The scales get their
 * places; their numbers are the caller's. */
void plot_begin(struct plot *plot, struct buf *out, double width, double height,
                const char *caption, const char *label);

/* Lines, numbers and the name of an axis; " (log scale)" is put behind it where it is one. */
void plot_axis_x(struct plot *plot, const char *name);
void plot_axis_y(struct plot *plot, const char *name);

/* An axis of words, in places 0 .. count - 1; long ones are cut, with the whole as hover text. */
void plot_words_x(struct plot *plot, const char *name, const char *const *words, uint32_t count);

/* A point of class and shape, with what is said of it where the pointer rests: markup, escaped. One
 * beyond the scale of y is a triangle at the edge. */
void plot_point(struct plot *plot, double x, double y, enum plot_mark mark, const char *class,
                const char *hover);

void plot_end(struct plot *plot);

/* The unit of a metric or time, where its name tells one; else empty. */
const char *plot_unit(const char *name);

#endif
