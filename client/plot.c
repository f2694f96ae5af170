#include "client/plot.h"

#include <math.h>
#include <string.h>

#include "client/html.h"

#define LEFT      66.0 /* room for numbers and a name */
#define RIGHT     14.0
#define TOP       12.0
#define BOTTOM    46.0
#define TICK      64.0 /* of an axis: about so far from one to the next */
#define LETTER    6.4  /* about as wide is one */
#define WORD_MOST 24u  /* bytes of a word at an axis */

void plot_begin(struct plot *plot, struct buf *out, double width, double height,
                const char *caption, const char *label)
{
    plot->out = out;
    plot->width = width;
    plot->height = height;
    plot->left = plot->left > 0 ? plot->left : LEFT;
    plot->right = width - (plot->right > 0 ? plot->right : RIGHT);
    plot->top = TOP;
    plot->bottom = height - BOTTOM;
    plot->x.from = plot->left;
    plot->x.to = plot->right;
    plot->y.from = plot->bottom;
    plot->y.to = plot->top;
    buf_append_text(out, "<figure><figcaption>");
    html_text(span_text(caption), out);
    buf_printf(out,
               "</figcaption>\n<svg viewBox=\"0 0 %g %g\" style=\"max-width:%gpx\" role=\"img\" "
               "aria-label=\"",
               width, height, width * 1.35);
    html_text(span_text(caption), out);
    buf_append_text(out, ". ");
    html_text(span_text(label), out);
    buf_printf(out, "\">\n<rect class=\"box\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n",
               plot->left, plot->top, plot->right - plot->left, plot->bottom - plot->top);
}

void plot_end(struct plot *plot)
{
    buf_append_text(plot->out, "</svg></figure>\n");
}

static uint32_t how_many(double length, double each)
{
    double count = fabs(length) / each;

    return count < 2 ? 2 : count > PLOT_TICKS - 2 ? PLOT_TICKS - 2 : (uint32_t)count;
}

static void put_name(struct plot *plot, const char *name, bool log, const char *place)
{
    buf_printf(plot->out, "<text class=\"name\" text-anchor=\"middle\" %s>", place);
    html_short(span_text(name), 80, plot->out);
    buf_append_text(plot->out, log ? " (log scale)</text>\n" : "</text>\n");
}

static void put_name_x(struct plot *plot, const char *name, bool log)
{
    struct buf place = {0};

    buf_printf(&place, "x=\"%g\" y=\"%g\"", (plot->left + plot->right) / 2, plot->height - 8);
    put_name(plot, name, log, buf_text(&place));
    buf_fini(&place);
}

void plot_axis_x(struct plot *plot, const char *name)
{
    double ticks[PLOT_TICKS];
    uint32_t count = plot_ticks(&plot->x, how_many(plot->right - plot->left, TICK * 1.3), ticks);

    for (uint32_t i = 0; i < count; i++) {
        double x = plot_at(&plot->x, ticks[i]);

        buf_printf(plot->out,
                   "<path class=\"grid\" d=\"M%.1f %gV%g\"/><text class=\"tick\" "
                   "text-anchor=\"middle\" x=\"%.1f\" y=\"%g\">%.10g</text>\n",
                   x, plot->top, plot->bottom, x, plot->bottom + 15, ticks[i]);
    }
    put_name_x(plot, name, plot->x.log);
}

void plot_axis_y(struct plot *plot, const char *name)
{
    double ticks[PLOT_TICKS];
    uint32_t count = plot_ticks(&plot->y, how_many(plot->bottom - plot->top, TICK * 0.75), ticks);
    struct buf place = {0};

    for (uint32_t i = 0; i < count; i++) {
        double y = plot_at(&plot->y, ticks[i]);

        buf_printf(plot->out,
                   "<path class=\"grid\" d=\"M%g %.1fH%g\"/><text class=\"tick\" "
                   "text-anchor=\"end\" x=\"%g\" y=\"%.1f\">%.10g</text>\n",
                   plot->left, y, plot->right, plot->left - 6, y + 4, ticks[i]);
    }
    buf_printf(&place, "transform=\"translate(13 %g) rotate(-90)\"",
               (plot->top + plot->bottom) / 2);
    put_name(plot, name, plot->y.log, buf_text(&place));
    buf_fini(&place);
}

void plot_words_x(struct plot *plot, const char *name, const char *const *words, uint32_t count)
{
    double each = (plot->right - plot->left) / (count > 0 ? count : 1);
    size_t most = (size_t)(each / LETTER);
    bool sloped = most < 5; /* no room for words side by side */
    uint32_t stride = each < 11 ? (uint32_t)(11 / each) + 1 : 1;

    plot->x =
        (struct plot_scale){-0.5, (count > 0 ? count : 1) - 0.5, false, plot->left, plot->right};
    most = sloped ? 8 : most < WORD_MOST ? most : WORD_MOST;
    for (uint32_t i = 0; i < count; i += stride) {
        double x = plot_at(&plot->x, i);

        if (sloped)
            buf_printf(plot->out,
                       "<text class=\"tick\" text-anchor=\"end\" transform=\"translate(%.1f %g) "
                       "rotate(-35)\">",
                       x + 4, plot->bottom + 11);
        else
            buf_printf(plot->out,
                       "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%g\">", x,
                       plot->bottom + 15);
        html_short(span_text(words[i]), most, plot->out);
        buf_append_text(plot->out, "<title>");
        html_short(span_text(words[i]), 200, plot->out);
        buf_append_text(plot->out, "</title></text>\n");
    }
    put_name_x(plot, name, false);
}

void plot_point(struct plot *plot, double x, double y, enum plot_mark mark, const char *class,
                const char *hover)
{
    double at_x = plot_at(&plot->x, x);
    double at_y = plot_at(&plot->y, y);
    struct buf *out = plot->out;

    if (plot_is_outside(&plot->y, y))
        buf_printf(out, "<path class=\"%s\" d=\"M%.1f %.1fl4 %dh-8z\">", class, at_x, at_y,
                   y > plot->y.high ? 7 : -7);
    else if (mark == PLOT_DIAMOND)
        buf_printf(out, "<path class=\"%s\" d=\"M%.1f %.1fl5 6-5 6-5-6z\">", class, at_x, at_y - 6);
    else if (mark == PLOT_CROSS)
        buf_printf(out, "<path class=\"%s cross\" d=\"M%.1f %.1fl6 6m0-6l-6 6\">", class, at_x - 3,
                   at_y - 3);
    else
        buf_printf(out, "<circle class=\"%s%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\">", class,
                   mark == PLOT_RING ? " ring" : "", at_x, at_y);
    buf_printf(out, "<title>%s</title>%s\n", hover,
               plot_is_outside(&plot->y, y) || mark == PLOT_DIAMOND || mark == PLOT_CROSS
                   ? "</path>"
                   : "</circle>");
}

const char *plot_unit(const char *name)
{
    size_t size = strlen(name);

    if (size > 3 && strcmp(name + size - 3, "_ms") == 0)
        return "ms";
    if ((size > 2 && strcmp(name + size - 2, "_s") == 0) || strcmp(name, "time_since_restore") == 0)
        return "s";
    return strcmp(name, "training_iteration") == 0 ? "iterations" : "";
}
