#include "client/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "client/html.h"
#include "client/plot.h"
#include "common/xalloc.h"

const struct msg_trial_row *page_ranked(const struct page *page, uint32_t rank)
{
    return &page->of->rows[page->ranked[rank]];
}

uint32_t *page_choose(const struct page *page, uint32_t most, uint32_t *count)
{
    uint32_t all = page->ranked_count;
    uint32_t *ranks = arena_alloc(page->arena, most * sizeof(*ranks));
    uint32_t best = all <= most ? all : most / 4;

    for (uint32_t i = 0; i < best; i++)
        ranks[i] = i;
    *count = best;
    if (best == all)
        return ranks;
    /* The last of them is the worst of all. */
    for (uint32_t i = 1; i <= most - best; i++)
        ranks[(*count)++] = best - 1 + (uint32_t)((uint64_t)(all - best) * i / (most - best));
    return ranks;
}

void page_say_chosen(const struct page *page, uint32_t drawn, const char *things)
{
    if (drawn < page->ranked_count)
        buf_printf(page->out,
                   "<p class=\"note\">To stay readable, %u of %u %s are drawn: the best %u, and of "
                   "the others some from everywhere between good and bad.</p>\n",
                   drawn, page->ranked_count, things, drawn / 4);
}

bool page_fit(const struct page *page, struct plot_fit *out)
{
    double *numbers = xcalloc(page->ranked_count + 1u, sizeof(*numbers));

    for (uint32_t i = 0; i < page->ranked_count; i++)
        numbers[i] = page_ranked(page, i)->best;
    if (page->ranked_count > 0)
        plot_fit(numbers, page->ranked_count, page->least, out);
    free(numbers);
    return page->ranked_count > 0;
}

const char *page_metric_name(const struct page *page)
{
    const char *unit = plot_unit(page->metric);

    return arena_printf(page->arena, "%s%s%s, %s is better", page->metric,
                        unit[0] != '\0' ? ", " : "", unit, page->least ? "less" : "more");
}

void page_section(const struct page *page, const char *id, const char *heading)
{
    buf_printf(page->out, "<section id=\"%s\"><h2>%s</h2>\n", id, heading);
}

void page_say(const struct page *page, const char *format, ...)
{
    struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_append_text(page->out, "<p>");
    html_text(buf_span(&text), page->out);
    buf_append_text(page->out, "</p>\n");
    buf_fini(&text);
}

struct ranking {
    const struct msg_trial_row *rows;
    bool least;
};

static int compare_rank(const void *a, const void *b, void *context)
{
    const struct ranking *ranking = context;
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    double one = ranking->rows[left].best;
    double other = ranking->rows[right].best;

    if (one != other)
        return (one < other) == ranking->least ? -1 : 1;
    return left < right ? -1 : left > right;
}

static void rank(struct page *page)
{
    struct ranking ranking = {page->of->rows, page->least};

    page->ranked = arena_alloc(page->arena, page->of->count * sizeof(*page->ranked));
    for (uint32_t i = 0; i < page->of->count; i++)
        if (page->of->rows[i].has_best && isfinite(page->of->rows[i].best))
            page->ranked[page->ranked_count++] = i;
    qsort_r(page->ranked, page->ranked_count, sizeof(*page->ranked), compare_rank, &ranking);
}

static void read_spec(struct page *page)
{
    struct spec_error error;

    page->has_spec = page->of->spec.type == VALUE_MAP &&
                     spec_parse(&page->of->spec, page->arena, &page->spec, &error) == 0;
    page->time_attr = page->has_spec && page->spec.scheduler.type->judges
                          ? page->spec.scheduler.time_attr
                          : "training_iteration";
}

static int write_parts(struct page *page)
{
    int rc;

    page_open(page);
    page_head(page);
    page_history(page);
    rc = page_curves(page);
    page_rungs(page);
    page_importance(page);
    page_slices(page);
    page_parallel(page);
    page_again(page);
    page_trials(page);
    page_close(page);
    return rc;
}

int export_html(const struct export *of, struct outlet *outlet)
{
    struct buf out = {0};
    struct page page = {
        .of = of,
        .experiment = &of->status.experiment,
        .arena = of->arena,
        .out = &out,
        .metric = arena_text(of->arena, of->status.experiment.metric),
        .least = of->status.experiment.mode == MODE_MIN,
    };
    int rc;

    read_spec(&page);
    rank(&page);
    params_find(of->rows, of->count, page.has_spec ? &page.spec.config : NULL, of->arena,
                &page.params);
    page_learn(&page);
    rc = write_parts(&page);
    outlet_take(outlet, &out);
    buf_fini(&out);
    return rc;
}
