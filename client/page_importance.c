/* page_importance.c - which parameters matter: told from a small forest, where there are enough
 * trials for it. */
#include <math.h>
#include <stdlib.h>

#include "client/html.h"
#include "client/importance.h"
#include "client/page.h"
#include "client/plot.h"
#include "common/xalloc.h"

#define SEED      1u /* the same page from the same trials */
#define BARS      24u
#define WIDTH     760.0
#define BAR       26.0
#define NAME_ROOM 190.0
#define EXPLAINED 0.2 /* below, the forest has hardly found anything */

/* A row a trial that was chosen. y is its place in the ranking: so a few values that are far from
 * all others do not say everything. */
static void fill_table(const struct page *page, const uint32_t *ranks, uint32_t rows, double *x,
                       double *y, uint32_t *words)
{
    uint32_t columns = page->params.count;

    for (uint32_t i = 0; i < columns; i++)
        words[i] = page->params.items[i].words;
    for (uint32_t row = 0; row < rows; row++) {
        /* Equal values share a place. */
        bool equal = row > 0 &&
                     page_ranked(page, ranks[row])->best == page_ranked(page, ranks[row - 1])->best;

        y[row] = equal ? y[row - 1] : row;
        for (uint32_t i = 0; i < columns; i++)
            x[(size_t)row * columns + i] = page->params.items[i].values[page->ranked[ranks[row]]];
    }
}

static int compare_shares(const void *a, const void *b)
{
    const struct param *left = a;
    const struct param *right = b;

    if (left->share != right->share)
        return left->share > right->share ? -1 : 1;
    return left->place < right->place ? -1 : 1;
}

/* Evenly from all ranks: the best are no better teachers than the others. */
static uint32_t choose(const struct page *page, uint32_t *ranks)
{
    uint32_t count = page->ranked_count < PAGE_FOREST ? page->ranked_count : PAGE_FOREST;

    for (uint32_t i = 0; i < count; i++)
        ranks[i] = (uint32_t)((uint64_t)page->ranked_count * i / count);
    return count;
}

void page_learn(struct page *page)
{
    uint32_t columns = page->params.count;
    uint32_t ranks[PAGE_FOREST];
    uint32_t words[PARAMS_MOST];
    struct importance found[PARAMS_MOST];
    uint32_t rows = choose(page, ranks);
    double *x = xcalloc((size_t)rows * columns + 1, sizeof(*x));
    double *y = xcalloc(rows + 1u, sizeof(*y));
    struct forest_table table = {rows, columns, x, words, y};

    if (rows >= IMPORTANCE_ROWS && columns > 0) {
        fill_table(page, ranks, rows, x, y, words);
        importance_of(&table, SEED, found, &page->explained);
        for (uint32_t i = 0; i < columns; i++) {
            page->params.items[i].share = found[i].share;
            page->params.items[i].error = found[i].error;
        }
        page->forest_rows = rows;
        qsort(page->params.items, columns, sizeof(*page->params.items), compare_shares);
    }
    free(x);
    free(y);
}

static void put_bar(struct plot *plot, const struct param *param, uint32_t place)
{
    struct buf *out = plot->out;
    double y = plot->top + BAR * place;
    double at = plot_at(&plot->x, param->share);
    double low = plot_at(&plot->x, param->share - param->error);
    double high = plot_at(&plot->x, param->share + param->error);

    buf_printf(out, "<text class=\"tick\" text-anchor=\"end\" x=\"%g\" y=\"%g\">", plot->left - 6,
               y + BAR / 2 + 4);
    html_short(span_text(param->name), 28, out);
    buf_append_text(out, "</text>");
    buf_printf(out, "<g class=\"mark\"><title>");
    html_text(span_text(param->name), out);
    buf_printf(out, ": %.1f %%, give or take %.1f %%</title>", param->share * 100,
               param->error * 100);
    buf_printf(out, "<rect class=\"bar\" x=\"%g\" y=\"%g\" width=\"%.1f\" height=\"%g\"/>",
               plot->left, y + 5, at - plot->left, BAR - 10);
    buf_printf(out, "<path class=\"whisker\" d=\"M%.1f %gH%.1f\"/></g>", low, y + BAR / 2, high);
    buf_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%g\">%.1f %%</text>\n", high + 6,
               y + BAR / 2 + 4, param->share * 100);
}

static void put_chart(const struct page *page)
{
    uint32_t bars = page->params.count < BARS ? page->params.count : BARS;
    struct plot plot = {.left = NAME_ROOM};

    plot_begin(&plot, page->out, WIDTH, BAR * bars + 58, "Importance of the parameters",
               "Bars: each parameter's share of what all of them say about the metric; the line "
               "at a bar's end is its standard error.");
    plot.x = (struct plot_scale){0, 1, false, plot.left, plot.right - 60};
    plot_axis_x(&plot, "share of the importance of all");
    for (uint32_t i = 0; i < bars; i++)
        put_bar(&plot, &page->params.items[i], i);
    plot_end(&plot);
}

static void put_table(const struct page *page)
{
    static const char *const columns[] = {"parameter", "share (%)", "standard error (%)", NULL};

    html_table_begin(page->out, "Data", "Importance of the parameters", columns);
    for (uint32_t i = 0; i < page->params.count; i++) {
        const struct param *param = &page->params.items[i];

        html_row_begin(page->out);
        html_cell_text(page->out, span_text(param->name));
        html_cell_number(page->out, param->share * 100);
        html_cell_number(page->out, param->error * 100);
        html_row_end(page->out);
    }
    html_table_end(page->out);
}

void page_importance(struct page *page)
{
    page_section(page, "importance", "Which parameters matter");
    if (page->params.count == 0) {
        page_say(page, "No parameter differs between these trials.");
    } else if (page->forest_rows == 0) {
        page_say(page,
                 "Told from %u trials with a value of the metric it would mean little: it takes "
                 "%u.",
                 page->ranked_count, IMPORTANCE_ROWS);
    } else {
        page_say(
            page,
            "Permutation importance (Breiman 2001), told from %u trials: how much worse a "
            "forest of %u trees predicts a trial's place in the ranking when one parameter's "
            "values are shuffled. Of trials that it has not seen it explains %.0f %%%s",
            page->forest_rows, IMPORTANCE_TREES, (page->explained > 0 ? page->explained : 0) * 100,
            page->explained < EXPLAINED ? ": so little that nothing below can be relied on." : ".");
        page_say(page, "A searcher and a scheduler that favour good trials colour it: where "
                       "few other values were tried, or trials were stopped early, less is known. "
                       "A trial is judged by its best value, however long it ran.");
        if (page->params.left_out > 0)
            page_say(page, "%u further parameters were left out.", page->params.left_out);
        put_chart(page);
        put_table(page);
    }
    buf_append_text(page->out, "</section>\n");
}
