/* page_parallel.c - parallel coordinates: a line a trial through its values of the parameters, to
 * the metric. */
#include <math.h>

#include "client/html.h"
#include "client/page.h"
#include "client/plot.h"

#define WIDTH   1000.0
#define HEIGHT  380.0
#define TOP     40.0
#define BOTTOM  320.0
#define ABSENT  350.0 /* where lines of trials without a value go through */
#define LEFT    70.0
#define RIGHT   930.0
#define CLASSES 5u

struct axes {
    struct page *page;
    uint32_t count; /* of parameters; the metric's is behind them */
    struct plot_scale scales[PAGE_AXES + 1];
    struct plot_fit fit;
};

static double axis_x(const struct axes *axes, uint32_t axis)
{
    return LEFT + (RIGHT - LEFT) * axis / axes->count;
}

/* Which class of five a rank is: 0 the best tenth, then quarters of the others. */
static uint32_t class_of(const struct page *page, uint32_t rank)
{
    uint32_t tenth = page->ranked_count / 10 + 1;

    if (rank < tenth)
        return 0;
    return 1 + (uint32_t)((uint64_t)(rank - tenth) * (CLASSES - 1) / (page->ranked_count - tenth));
}

static void set_scales(struct axes *axes)
{
    for (uint32_t i = 0; i < axes->count; i++) {
        const struct param *param = &axes->page->params.items[i];

        if (param->words > 0)
            axes->scales[i] = (struct plot_scale){-0.5, param->words - 0.5, false, BOTTOM, TOP};
        else if (param->low <= param->high)
            plot_scale_set(&axes->scales[i], param->low, param->high, param->log, BOTTOM, TOP);
    }
    plot_scale_set(&axes->scales[axes->count], axes->fit.low, axes->fit.high, axes->fit.log, BOTTOM,
                   TOP);
}

static double value_y(const struct axes *axes, uint32_t axis, uint32_t rank)
{
    const struct page *page = axes->page;
    double value = axis == axes->count ? page_ranked(page, rank)->best
                                       : page->params.items[axis].values[page->ranked[rank]];

    return isnan(value) ? ABSENT : plot_at(&axes->scales[axis], value);
}

static void put_line(const struct axes *axes, uint32_t rank)
{
    const struct page *page = axes->page;
    struct buf text = {0};

    buf_printf(page->out, "<path class=\"pc q%u\" d=\"", class_of(page, rank));
    for (uint32_t i = 0; i <= axes->count; i++)
        buf_printf(page->out, "%s%.0f %.1f", i == 0 ? "M" : "L", axis_x(axes, i),
                   value_y(axes, i, rank));
    buf_printf(page->out, "\"><title>trial %u: ", page_ranked(page, rank)->trial);
    html_number(page_ranked(page, rank)->best, page->out);
    for (uint32_t i = 0; i < axes->count; i++) {
        const struct param *param = &page->params.items[i];

        buf_append_text(page->out, "\n");
        html_short(span_text(param->name), 40, page->out);
        buf_append_text(page->out, "=");
        params_text(param, param->values[page->ranked[rank]], &text);
        html_short(buf_span(&text), 40, page->out);
        buf_reset(&text);
    }
    buf_append_text(page->out, "</title></path>\n");
    buf_fini(&text);
}

static void put_label(const struct axes *axes, double x, double y, struct span text)
{
    buf_printf(axes->page->out, "<text class=\"tick halo\" x=\"%.0f\" y=\"%.1f\">", x + 5, y + 4);
    html_short(text, 14, axes->page->out);
    buf_append_text(axes->page->out, "</text>");
}

static void put_axis(const struct axes *axes, uint32_t axis)
{
    const struct page *page = axes->page;
    const struct plot_scale *scale = &axes->scales[axis];
    const struct param *param = axis < axes->count ? &page->params.items[axis] : NULL;
    double ticks[PLOT_TICKS];
    double x = axis_x(axes, axis);
    uint32_t count;

    buf_printf(page->out,
               "<path class=\"axis\" d=\"M%.0f %gV%g\"/><text class=\"name\" "
               "text-anchor=\"middle\" x=\"%.0f\" y=\"%g\">",
               x, TOP, BOTTOM, x, axis % 2 == 0 ? TOP - 12 : TOP - 26);
    html_short(span_text(param != NULL ? param->name : page->metric), 22, page->out);
    buf_printf(page->out, "%s<title>", scale->log ? " (log)" : "");
    html_text(span_text(param != NULL ? param->name : page_metric_name(page)), page->out);
    buf_append_text(page->out, "</title></text>");
    if (param != NULL && param->words > 0) {
        uint32_t stride = param->words / 14 + 1;

        for (uint32_t i = 0; i < param->words; i += stride)
            put_label(axes, x, plot_at(scale, i), span_text(param->texts[i]));
    } else if (scale->low < scale->high) {
        count = plot_ticks(scale, 6, ticks);
        for (uint32_t i = 0; i < count; i++) {
            const char *text = arena_printf(page->arena, "%.6g", ticks[i]);

            put_label(axes, x, plot_at(scale, ticks[i]), span_text(text));
        }
    }
    if (param != NULL && param->absent)
        put_label(axes, x, ABSENT, span_text("(none)"));
    buf_append_text(page->out, "\n");
}

/* What each class holds, by its values. */
static void put_legend(const struct page *page)
{
    uint32_t first = 0;

    buf_append_text(page->out, "<p class=\"legend\">");
    for (uint32_t class = 0; class < CLASSES; class ++) {
        uint32_t last = first;

        if (first >= page->ranked_count || class_of(page, first) != class)
            continue;
        while (last + 1 < page->ranked_count && class_of(page, last + 1) == class)
            last++;
        buf_printf(page->out, "<span><b class=\"k q%u\"></b> %s ", class,
                   class == 0 ? "the best tenth:" : "");
        html_number(page_ranked(page, first)->best, page->out);
        buf_append_text(page->out, " to ");
        html_number(page_ranked(page, last)->best, page->out);
        buf_append_text(page->out, "</span> ");
        first = last + 1;
    }
    buf_append_text(page->out, "</p>\n");
}

static void put_table(const struct axes *axes, const uint32_t *ranks, uint32_t count)
{
    const struct page *page = axes->page;
    const char *columns[PAGE_AXES + 3] = {"trial", page->metric};
    struct buf text = {0};

    for (uint32_t i = 0; i < axes->count; i++)
        columns[i + 2] = page->params.items[i].name;
    html_table_begin(page->out, "Data", "Trials, the best first", columns);
    for (uint32_t i = 0; i < count; i++) {
        html_row_begin(page->out);
        html_cell_number(page->out, page_ranked(page, ranks[i])->trial);
        html_cell_number(page->out, page_ranked(page, ranks[i])->best);
        for (uint32_t k = 0; k < axes->count; k++) {
            const struct param *param = &page->params.items[k];

            params_text(param, param->values[page->ranked[ranks[i]]], &text);
            html_cell_text(page->out, buf_span(&text));
            buf_reset(&text);
        }
        html_row_end(page->out);
    }
    html_table_end(page->out);
    buf_fini(&text);
}

static void put_chart(const struct axes *axes, const uint32_t *ranks, uint32_t count)
{
    struct buf *out = axes->page->out;

    buf_append_text(out,
                    "<figure><figcaption>Parameters of all trials, side by side</figcaption>\n");
    buf_printf(out,
               "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"Parallel coordinates: a line "
               "a trial, through its value of each parameter, to its best value of the metric at "
               "the right.\">\n",
               WIDTH, HEIGHT);
    for (uint32_t i = count; i-- > 0;) /* the best on top */
        put_line(axes, ranks[i]);
    for (uint32_t i = 0; i <= axes->count; i++)
        put_axis(axes, i);
    buf_append_text(out, "</svg></figure>\n");
}

void page_parallel(struct page *page)
{
    struct axes axes = {.page = page};
    uint32_t count;
    uint32_t *ranks;

    page_section(page, "parallel", "All parameters side by side");
    axes.count = page->params.count < PAGE_AXES ? page->params.count : PAGE_AXES;
    if (axes.count == 0 || !page_fit(page, &axes.fit)) {
        page_say(page, axes.count == 0 ? "No parameter differs between these trials."
                                       : "No trial has a value of the metric yet.");
    } else {
        set_scales(&axes);
        ranks = page_choose(page, PAGE_LINES, &count);
        page_say_chosen(page, count, "trials");
        if (axes.count < page->params.count)
            page_say(page, "%u of %u parameters are drawn%s.", axes.count, page->params.count,
                     page->forest_rows > 0 ? ": those that matter most" : "");
        put_chart(&axes, ranks, count);
        put_legend(page);
        put_table(&axes, ranks, count);
    }
    buf_append_text(page->out, "</section>\n");
}
