/* page_history.c - each trial's best value in the order in which trials ended, and the best so far.
 */
#include <stdlib.h>

#include "client/html.h"
#include "client/page.h"
#include "client/plot.h"

#define WIDTH  760.0
#define HEIGHT 320.0

static const char legend[] =
    "<p class=\"legend\"><span><b class=\"k-line\">\xe2\x80\x94</b> best so far</span> "
    "<span><b class=\"k-best\">\xe2\x97\x86</b> the best</span> "
    "<span><b class=\"k-p\">\xe2\x97\x8f</b> ended</span> "
    "<span><b class=\"k-p\">\xe2\x97\x8b</b> not yet ended</span> "
    "<span><b class=\"k-p\">\xc3\x97</b> failed</span></p>\n";

/* Ranks in the order of ending. */
struct past {
    const struct page *page;
    uint32_t *ranks;
    uint32_t count;
};

static int compare_end(const void *a, const void *b, void *context)
{
    const struct page *page = context;
    const struct msg_trial_row *left = page_ranked(page, *(const uint32_t *)a);
    const struct msg_trial_row *right = page_ranked(page, *(const uint32_t *)b);
    uint64_t one = left->ended_ms > 0 ? left->ended_ms : UINT64_MAX; /* those that run come last */
    uint64_t other = right->ended_ms > 0 ? right->ended_ms : UINT64_MAX;

    if (one != other)
        return one < other ? -1 : 1;
    return left->trial < right->trial ? -1 : left->trial > right->trial;
}

static void find_order(const struct page *page, struct past *past)
{
    past->page = page;
    past->count = page->ranked_count;
    past->ranks = arena_alloc(page->arena, past->count * sizeof(*past->ranks));
    for (uint32_t i = 0; i < past->count; i++)
        past->ranks[i] = i;
    qsort_r(past->ranks, past->count, sizeof(*past->ranks), compare_end, (void *)page);
}

/* The line of the best so far, a step at each improvement: a rank below all before. */
static void put_steps(struct plot *plot, const struct past *past)
{
    uint32_t best = UINT32_MAX;

    buf_append_text(plot->out, "<path class=\"so-far\" d=\"");
    for (uint32_t i = 0; i < past->count; i++) {
        if (past->ranks[i] >= best)
            continue;
        buf_printf(plot->out, best == UINT32_MAX ? "M%.1f %.1f" : "H%.1fV%.1f",
                   plot_at(&plot->x, i + 1),
                   plot_at(&plot->y, page_ranked(past->page, past->ranks[i])->best));
        best = past->ranks[i];
    }
    buf_printf(plot->out, "H%.1f\"/>\n", plot_at(&plot->x, past->count));
}

static void put_trial(struct plot *plot, const struct page *page, uint32_t rank, uint32_t place)
{
    const struct msg_trial_row *row = page_ranked(page, rank);
    bool failed = span_is(row->state, "ERROR");
    struct buf hover = {0};

    buf_printf(&hover, "trial %u (", row->trial);
    html_text(row->state, &hover);
    buf_append_text(&hover, "): ");
    html_number(row->best, &hover);
    buf_printf(&hover, ", number %u to end, rank %u", place + 1, rank + 1);
    plot_point(plot, place + 1, row->best,
               rank == 0            ? PLOT_DIAMOND
               : failed             ? PLOT_CROSS
               : row->ended_ms == 0 ? PLOT_RING
                                    : PLOT_DOT,
               rank == 0 ? "p best" : "p", buf_text(&hover));
    buf_fini(&hover);
}

/* Which of the ranks are drawn. */
static bool *find_drawn(const struct page *page, uint32_t *count)
{
    uint32_t *chosen = page_choose(page, PAGE_POINTS, count);
    bool *drawn = arena_zalloc(page->arena, page->ranked_count * sizeof(bool));

    for (uint32_t i = 0; i < *count; i++)
        drawn[chosen[i]] = true;
    return drawn;
}

static void put_chart(const struct page *page, const struct past *past, const bool *drawn)
{
    struct plot plot = {0};
    struct plot_fit fit;

    if (!page_fit(page, &fit))
        return;
    plot_begin(&plot, page->out, WIDTH, HEIGHT, "Trials as they ended, and the best so far",
               "Points: each trial's best value by its place in the order of ending. Line: the "
               "best value until then.");
    plot_scale_set(&plot.x, 1, past->count, false, plot.left, plot.right);
    plot_scale_set(&plot.y, fit.low, fit.high, fit.log, plot.bottom, plot.top);
    plot_axis_x(&plot, "trials, in the order in which they ended");
    plot_axis_y(&plot, page_metric_name(page));
    put_steps(&plot, past);
    for (uint32_t i = 0; i < past->count; i++)
        if (drawn[past->ranks[i]] && past->ranks[i] != 0)
            put_trial(&plot, page, past->ranks[i], i);
    for (uint32_t i = 0; i < past->count; i++)
        if (past->ranks[i] == 0)
            put_trial(&plot, page, 0, i); /* on top */
    plot_end(&plot);
    buf_append_text(page->out, legend);
    if (fit.outside > 0)
        page_say(page, "%u trials are far off: triangles at the edge.", fit.outside);
}

static void put_table(const struct page *page, const struct past *past, const bool *drawn)
{
    static const char *const columns[] = {"order",      "trial",       "state",
                                          "best value", "best so far", NULL};
    uint32_t best = UINT32_MAX;

    html_table_begin(page->out, "Data", "Trials as they ended", columns);
    for (uint32_t i = 0; i < past->count; i++) {
        const struct msg_trial_row *row = page_ranked(page, past->ranks[i]);

        best = past->ranks[i] < best ? past->ranks[i] : best;
        if (!drawn[past->ranks[i]])
            continue;
        html_row_begin(page->out);
        html_cell_number(page->out, i + 1);
        html_cell_number(page->out, row->trial);
        html_cell_text(page->out, row->state);
        html_cell_number(page->out, row->best);
        html_cell_number(page->out, page_ranked(page, best)->best);
        html_row_end(page->out);
    }
    html_table_end(page->out);
}

void page_history(struct page *page)
{
    struct past past;
    uint32_t count;
    bool *drawn;

    page_section(page, "history", "How the search went");
    if (page->ranked_count == 0) {
        page_say(page, "No trial has a value of %s yet.",
                 page->metric[0] != '\0' ? page->metric : "a metric");
    } else {
        find_order(page, &past);
        drawn = find_drawn(page, &count);
        put_chart(page, &past, drawn);
        page_say_chosen(page, count, "trials");
        put_table(page, &past, drawn);
    }
    if (page->ranked_count > 0 && page->ranked_count < page->of->count)
        page_say(page,
                 "%u trials have no number for it (or none that is finite), and are not drawn.",
                 page->of->count - page->ranked_count);
    buf_append_text(page->out, "</section>\n");
}
