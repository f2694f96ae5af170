/* page_slices.c - the metric against each parameter that varies. */
#include <math.h>

#include "client/html.h"
#include "client/page.h"
#include "client/plot.h"

#define WIDTH  370.0
#define HEIGHT 250.0
#define SPREAD 0.5 /* of a word's room: points of one word side by side */

/* From -0.5 to 0.5, the same for the same trial: so points of one word do not hide each other. */
static double jitter(uint32_t trial)
{
    return (double)(trial * 2654435761u >> 8) / (1u << 24) - 0.5; /* Knuth's multiplicative hash */
}

/* Words, and where some trials have none, one more place for them. */
static void put_axis(struct plot *plot, const struct param *param)
{
    const char *words[FOREST_WORDS + 1];

    if (param->words == 0) {
        plot_scale_set(&plot->x, param->low, param->high, param->log, plot->left, plot->right);
        plot_axis_x(plot, param->name);
        return;
    }
    for (uint32_t i = 0; i < param->words; i++)
        words[i] = param->texts[i];
    words[param->words] = "(none)";
    plot_words_x(plot, param->name, words, param->words + param->absent);
}

static void put_trial(const struct page *page, struct plot *plot, const struct param *param,
                      uint32_t rank)
{
    const struct msg_trial_row *row = page_ranked(page, rank);
    double value = param->values[page->ranked[rank]];
    struct buf hover = {0};
    struct buf text = {0};
    double x = value;

    if (param->words == 0 && isnan(value))
        return;
    if (param->words > 0)
        x = (isnan(value) ? param->words : value) + jitter(row->trial) * SPREAD;
    params_text(param, value, &text);
    buf_printf(&hover, "trial %u: ", row->trial);
    html_short(buf_span(&text), 60, &hover);
    buf_append_text(&hover, ", ");
    html_number(row->best, &hover);
    plot_point(plot, x, row->best, rank == 0 ? PLOT_DIAMOND : PLOT_DOT, rank == 0 ? "p best" : "p",
               buf_text(&hover));
    buf_fini(&hover);
    buf_fini(&text);
}

static void put_table(const struct page *page, const struct param *param, const uint32_t *ranks,
                      uint32_t count)
{
    const char *columns[] = {"trial", param->name, page->metric, NULL};
    struct buf text = {0};

    html_table_begin(page->out, "Data", param->name, columns);
    for (uint32_t i = 0; i < count; i++) {
        html_row_begin(page->out);
        html_cell_number(page->out, page_ranked(page, ranks[i])->trial);
        params_text(param, param->values[page->ranked[ranks[i]]], &text);
        html_cell_text(page->out, buf_span(&text));
        buf_reset(&text);
        html_cell_number(page->out, page_ranked(page, ranks[i])->best);
        html_row_end(page->out);
    }
    html_table_end(page->out);
    buf_fini(&text);
}

static void put_slice(const struct page *page, const struct param *param,
                      const struct plot_fit *fit, const uint32_t *ranks, uint32_t count)
{
    struct plot plot = {0};
    uint32_t without = 0;

    buf_append_text(page->out, "<div>");
    plot_begin(&plot, page->out, WIDTH, HEIGHT, param->name,
               "Points: each trial's best value against its value of this parameter.");
    plot_scale_set(&plot.y, fit->low, fit->high, fit->log, plot.bottom, plot.top);
    plot_axis_y(&plot, page_metric_name(page));
    put_axis(&plot, param);
    for (uint32_t i = count; i-- > 0;) { /* the best on top */
        without += isnan(param->values[page->ranked[ranks[i]]]) ? 1 : 0;
        put_trial(page, &plot, param, ranks[i]);
    }
    plot_end(&plot);
    if (param->words == 0 && without > 0)
        buf_printf(page->out, "<p class=\"note\">%u trials do not have it.</p>", without);
    put_table(page, param, ranks, count);
    buf_append_text(page->out, "</div>\n");
}

void page_slices(struct page *page)
{
    uint32_t drawn = page->params.count < PAGE_SLICES ? page->params.count : PAGE_SLICES;
    struct plot_fit fit;
    uint32_t count;
    uint32_t *ranks;

    page_section(page, "slices", "Each parameter against the metric");
    if (drawn == 0 || !page_fit(page, &fit)) {
        page_say(page, drawn == 0 ? "No parameter differs between these trials."
                                  : "No trial has a value of the metric yet.");
    } else {
        ranks = page_choose(page, PAGE_SLICE, &count);
        page_say_chosen(page, count, "trials");
        if (drawn < page->params.count)
            page_say(page, "%u of %u parameters are drawn%s.", drawn, page->params.count,
                     page->forest_rows > 0 ? ": those that matter most" : "");
        buf_append_text(page->out, "<div class=\"slices\">\n");
        for (uint32_t i = 0; i < drawn; i++)
            put_slice(page, &page->params.items[i], &fit, ranks, count);
        buf_append_text(page->out, "</div>\n");
    }
    buf_append_text(page->out, "</section>\n");
}
