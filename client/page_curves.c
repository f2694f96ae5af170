/* page_curves.c - learning curves: a trial's metric against what the scheduler takes for time. */
#include <math.h>
#include <stdlib.h>

#include "client/flat.h"
#include "client/html.h"
#include "client/page.h"
#include "client/plot.h"
#include "client/results_each.h"
#include "common/xalloc.h"

#define WIDTH        760.0
#define HEIGHT       400.0
#define HIGHLIGHTS   5u      /* the best, each with a colour, dashes and a label of its own */
#define RESULTS_MOST 300000u /* that are read for one page */
#define LABEL_ROOM   13.0
#define KEPT         (2 * PAGE_CURVE_MOST) /* while it is read */

struct point {
    double time;
    double value; /* NaN: the line has a gap */
};

struct curve {
    uint32_t rank;
    struct point points[KEPT + 1]; /* every so many results; then the last one */
    uint32_t count;
    uint64_t stride;
    uint64_t seen;
    struct point last;
};

struct curves {
    struct page *page;
    struct curve *items;
    uint32_t count;
    struct plot_fit fit;
    double first; /* of all times */
    double end;
};

struct reading {
    const struct page *page;
    struct curve *curve;
};

/* Every stride-th point is kept; when there are twice as many as are drawn, every second goes. */
static bool take_result(const struct value *result, void *context)
{
    struct reading *reading = context;
    struct curve *curve = reading->curve;
    struct point *last = &curve->last;

    if (!flat_number(result, reading->page->time_attr, &last->time))
        last->time = (double)curve->seen + 1;
    if (!flat_number(result, reading->page->metric, &last->value) || !isfinite(last->value))
        last->value = (double)NAN;
    if (!isfinite(last->time))
        return true;
    if (curve->seen++ % curve->stride != 0)
        return true;
    if (curve->count == KEPT) {
        for (uint32_t i = 0; i < KEPT / 2; i++)
            curve->points[i] = curve->points[i * 2];
        curve->count = KEPT / 2;
        curve->stride *= 2;
        if ((curve->seen - 1) % curve->stride != 0)
            return true;
    }
    curve->points[curve->count++] = *last;
    return true;
}

static int read_curves(struct curves *curves, const uint32_t *ranks, uint32_t count)
{
    struct page *page = curves->page;
    uint64_t left = RESULTS_MOST;
    int rc = 0;

    curves->items = arena_alloc(page->arena, count * sizeof(*curves->items));
    for (uint32_t i = 0; i < count && rc == 0 && left > 0; i++) {
        struct curve *curve = &curves->items[curves->count];
        struct reading reading = {page, curve};
        uint64_t seen;

        curve->rank = ranks[i];
        curve->count = 0;
        curve->seen = 0;
        curve->stride = 1;
        rc = results_each(page->of->source, page->of->status.experiment.experiment,
                          page_ranked(page, ranks[i])->trial, left, take_result, &reading, &seen);
        left -= seen;
        if (curve->count == 0)
            continue;
        if (curve->points[curve->count - 1].time != curve->last.time)
            curve->points[curve->count++] = curve->last;
        curves->count++;
    }
    return rc;
}

/* Scales that hold all points; false where there is none with a value. */
static bool find_range(struct curves *curves)
{
    double *numbers = xcalloc((size_t)curves->count * (KEPT + 1) + 1, sizeof(*numbers));
    uint32_t count = 0;

    curves->first = (double)INFINITY;
    curves->end = (double)-INFINITY;
    for (uint32_t i = 0; i < curves->count; i++) {
        for (uint32_t k = 0; k < curves->items[i].count; k++) {
            const struct point *point = &curves->items[i].points[k];

            if (isnan(point->value))
                continue;
            numbers[count++] = point->value;
            curves->first = point->time < curves->first ? point->time : curves->first;
            curves->end = point->time > curves->end ? point->time : curves->end;
        }
    }
    if (count > 0)
        plot_fit(numbers, count, curves->page->least, &curves->fit);
    free(numbers);
    return count > 0;
}

static bool is_alone(const struct curve *curve, uint32_t at)
{
    return (at == 0 || isnan(curve->points[at - 1].value)) &&
           (at + 1 == curve->count || isnan(curve->points[at + 1].value));
}

static void put_line(struct plot *plot, const struct page *page, const struct curve *curve)
{
    struct buf *out = plot->out;
    const struct msg_trial_row *row = page_ranked(page, curve->rank);
    bool pen = false;

    buf_append_text(out, "<path class=\"lc");
    if (curve->rank < HIGHLIGHTS)
        buf_printf(out, " h%u", curve->rank);
    buf_append_text(out, curve->count == 1 ? " dot\" d=\"" : "\" d=\"");
    for (uint32_t i = 0; i < curve->count; i++) {
        const struct point *point = &curve->points[i];

        if (!isnan(point->value)) {
            buf_printf(out, "%s%.1f %.1f", pen ? "L" : "M", plot_at(&plot->x, point->time),
                       plot_at(&plot->y, point->value));
            if (is_alone(curve, i))
                buf_append_text(out, "h.1"); /* a dot: lines end round */
        }
        pen = !isnan(point->value);
    }
    buf_printf(out, "\"><title>trial %u, rank %u: best ", row->trial, curve->rank + 1);
    html_number(row->best, out);
    buf_append_text(out, "</title></path>\n");
}

/* Where a line ends, for its label. */
struct label {
    const struct curve *curve;
    double x;
    double y;
};

static int compare_labels(const void *a, const void *b)
{
    const struct label *left = a;
    const struct label *right = b;

    if (left->y != right->y)
        return left->y < right->y ? -1 : 1;
    return left->curve->rank < right->curve->rank ? -1 : 1;
}

/* The best say at their ends which they are; labels that would meet make room downwards. */
static void put_labels(struct plot *plot, const struct curves *curves)
{
    struct label labels[HIGHLIGHTS];
    uint32_t count = 0;

    for (uint32_t i = 0; i < curves->count; i++) {
        const struct curve *curve = &curves->items[i];
        uint32_t at = curve->count;

        while (at > 0 && isnan(curve->points[at - 1].value))
            at--;
        if (curve->rank < HIGHLIGHTS && at > 0)
            labels[count++] = (struct label){curve, plot_at(&plot->x, curve->points[at - 1].time),
                                             plot_at(&plot->y, curve->points[at - 1].value)};
    }
    qsort(labels, count, sizeof(*labels), compare_labels);
    for (uint32_t i = 0; i < count; i++) {
        double y = labels[i].y;

        if (i > 0 && y < labels[i - 1].y + LABEL_ROOM)
            y = labels[i - 1].y + LABEL_ROOM;
        labels[i].y = y;
        buf_printf(plot->out, "<text class=\"end t%u\" x=\"%.1f\" y=\"%.1f\">#%u trial %u</text>\n",
                   labels[i].curve->rank, labels[i].x + 5, y + 4, labels[i].curve->rank + 1,
                   page_ranked(curves->page, labels[i].curve->rank)->trial);
    }
}

static void put_chart(const struct curves *curves)
{
    const struct page *page = curves->page;
    const char *unit = plot_unit(page->time_attr);
    struct plot plot = {.right = 86};

    plot_begin(&plot, page->out, WIDTH, HEIGHT, "The metric over time",
               "Lines: a trial each, its metric over time. The best five are set off by colour and "
               "dashes, and named at their ends.");
    plot_scale_set(&plot.x, curves->first, curves->end, false, plot.left, plot.right);
    plot_scale_set(&plot.y, curves->fit.low, curves->fit.high, curves->fit.log, plot.bottom,
                   plot.top);
    plot_axis_x(&plot, arena_printf(page->arena, "%s%s%s", page->time_attr,
                                    unit[0] != '\0' ? ", " : "", unit));
    plot_axis_y(&plot, page_metric_name(page));
    for (uint32_t i = curves->count; i-- > 0;) /* the best on top */
        put_line(&plot, page, &curves->items[i]);
    put_labels(&plot, curves);
    plot_end(&plot);
    if (curves->fit.outside > 0)
        page_say(page, "%u results are far off, and drawn at the edge.", curves->fit.outside);
}

static void put_table(const struct curves *curves)
{
    static const char *const columns[] = {
        "trial", "rank", "best value", "results", "time: value, as drawn", NULL};
    const struct page *page = curves->page;

    html_table_begin(page->out, "Data", "Learning curves", columns);
    for (uint32_t i = 0; i < curves->count; i++) {
        const struct curve *curve = &curves->items[i];

        html_row_begin(page->out);
        html_cell_number(page->out, page_ranked(page, curve->rank)->trial);
        html_cell_number(page->out, curve->rank + 1);
        html_cell_number(page->out, page_ranked(page, curve->rank)->best);
        html_cell_number(page->out, (double)curve->seen);
        buf_append_text(page->out, "<td class=\"list\">");
        for (uint32_t k = 0; k < curve->count; k++) {
            buf_append_text(page->out, k > 0 ? "; " : "");
            html_number(curve->points[k].time, page->out);
            buf_append_text(page->out, ": ");
            html_number(curve->points[k].value, page->out);
        }
        buf_append_text(page->out, "</td>");
        html_row_end(page->out);
    }
    html_table_end(page->out);
}

static bool is_thinned(const struct curves *curves)
{
    for (uint32_t i = 0; i < curves->count; i++)
        if (curves->items[i].stride > 1)
            return true;
    return false;
}

int page_curves(struct page *page)
{
    struct curves curves = {.page = page};
    uint32_t count;
    uint32_t *ranks = page_choose(page, PAGE_CURVES, &count);
    int rc = read_curves(&curves, ranks, count);

    page_section(page, "curves", "Learning curves");
    if (!find_range(&curves)) {
        page_say(page, "No results with a value of the metric are at hand.");
    } else {
        put_chart(&curves);
        if (curves.count == count)
            page_say_chosen(page, count, "trials");
        else
            page_say(page,
                     "%u of %u trials are drawn: the results of the others are not at hand, "
                     "or too many.",
                     curves.count, page->ranked_count);
        if (is_thinned(&curves))
            page_say(page, "Of long lines every so many results are drawn, and the last.");
        put_table(&curves);
    }
    buf_append_text(page->out, "</section>\n");
    return rc;
}
