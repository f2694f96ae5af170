/* page_trials.c - the trials as a table that can be sorted. */
#include <math.h>

#include "client/html.h"
#include "client/page.h"

/* Rows in the order in which they are listed: by rank, then those without one. */
static uint32_t *list_rows(const struct page *page, uint32_t *count)
{
    uint32_t all = page->of->count;
    uint32_t *rows = arena_alloc(page->arena, (all + 1u) * sizeof(*rows));
    bool *ranked = arena_zalloc(page->arena, (all + 1u) * sizeof(bool));

    *count = 0;
    for (uint32_t i = 0; i < page->ranked_count; i++) {
        ranked[page->ranked[i]] = true;
        rows[(*count)++] = page->ranked[i];
    }
    for (uint32_t i = 0; i < all; i++)
        if (!ranked[i])
            rows[(*count)++] = i;
    if (*count > PAGE_ROWS)
        *count = PAGE_ROWS;
    return rows;
}

static void put_row(const struct page *page, uint32_t place, uint32_t params)
{
    const struct msg_trial_row *row = &page->of->rows[place];
    struct buf text = {0};

    html_row_begin(page->out);
    html_cell_number(page->out, row->trial);
    html_cell_text(page->out, row->id);
    html_cell_text(page->out, row->state);
    if (row->has_best) {
        html_cell_number(page->out, row->best);
        html_cell_number(page->out, (double)row->best_at);
    } else {
        html_cell_text(page->out, span_text("-"));
        html_cell_text(page->out, span_text("-"));
    }
    html_cell_number(page->out, (double)row->results);
    if (row->started_ms > 0 && row->ended_ms >= row->started_ms)
        html_cell_number(page->out, (double)(row->ended_ms - row->started_ms) / 1000);
    else
        html_cell_text(page->out, span_text("-"));
    html_cell_text(page->out, row->reason);
    for (uint32_t i = 0; i < params; i++) {
        const struct param *param = &page->params.items[i];

        buf_reset(&text);
        params_text(param, param->values[place], &text);
        if (param->words == 0 && !isnan(param->values[place]))
            html_cell_number(page->out, param->values[place]);
        else
            html_cell_text(page->out, buf_span(&text));
    }
    html_row_end(page->out);
    buf_fini(&text);
}

void page_trials(struct page *page)
{
    static const char *const fixed[] = {"trial", "id",      "state",    "best",
                                        "at",    "results", "time (s)", "reason"};
    const uint32_t fixed_count = sizeof(fixed) / sizeof(fixed[0]);
    const char *columns[sizeof(fixed) / sizeof(fixed[0]) + PAGE_COLUMNS + 1] = {0};
    uint32_t params = page->params.count < PAGE_COLUMNS ? page->params.count : PAGE_COLUMNS;
    uint32_t count;
    uint32_t *rows = list_rows(page, &count);

    for (uint32_t i = 0; i < fixed_count; i++)
        columns[i] = fixed[i];
    for (uint32_t i = 0; i < params; i++)
        columns[fixed_count + i] = page->params.items[i].name;
    page_section(page, "trials", "Trials");
    if (count == 0)
        page_say(page, "There are no trials yet.");
    if (count < page->of->count)
        page_say(page,
                 "The first %u of %u trials are listed, the best first; assay export --csv "
                 "has all of them.",
                 count, page->of->count);
    if (params < page->params.count)
        page_say(page, "%u of %u parameters that vary are listed.", params, page->params.count);
    if (count > 0) {
        html_table_begin(page->out, "All trials", "Trials, the best first", columns);
        for (uint32_t i = 0; i < count; i++)
            put_row(page, rows[i], params);
        html_table_end(page->out);
    }
    buf_append_text(page->out, "</section>\n");
}
