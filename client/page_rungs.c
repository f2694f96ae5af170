/* page_rungs.c - what the scheduler says of itself in the status block, its rungs as a table. */
#include <stdlib.h>
#include <string.h>

#include "client/flat.h"
#include "client/html.h"
#include "client/page.h"
#include "client/rows.h"
#include "common/number.h"

#define BRACKET "Bracket: "
#define RUNG    "Iter "

/* How far each trial got, by the scheduler's time; those that reported nothing are left out. */
struct reach {
    double *times;
    uint32_t count;
};

static void find_reach(const struct page *page, struct reach *reach)
{
    struct arena scratch = {0};

    reach->times = arena_alloc(page->arena, page->of->count * sizeof(double));
    reach->count = 0;
    for (uint32_t i = 0; i < page->of->count; i++) {
        struct value last;

        arena_reset(&scratch);
        last = rows_unpacked(page->of->rows[i].last, &scratch);
        if (flat_number(&last, page->time_attr, &reach->times[reach->count]))
            reach->count++;
    }
    arena_fini(&scratch);
}

/* One of a bracket's "Iter 9.000: -0.7" or "Iter 9.000: 1 of 3". A cut-off counts so that more is
 * better; of a metric of which less is, it is turned back. */
static void put_rung(const struct page *page, uint32_t bracket, char *rung,
                     const struct reach *reach)
{
    char *what = strstr(rung, ": ");
    double milestone, cutoff;
    uint32_t reached = 0;

    if (strncmp(rung, RUNG, strlen(RUNG)) != 0 || what == NULL)
        return;
    *what = '\0';
    what += 2;
    for (size_t size = strlen(what); size > 0 && what[size - 1] == ' '; size--)
        what[size - 1] = '\0';
    if (!number_parse(span_text(rung + strlen(RUNG)), &milestone))
        return;
    for (uint32_t i = 0; i < reach->count; i++)
        reached += reach->times[i] >= milestone;
    html_row_begin(page->out);
    html_cell_number(page->out, bracket);
    html_cell_number(page->out, milestone);
    if (number_parse(span_text(what), &cutoff))
        html_cell_number(page->out, page->spec.scheduler.mode == MODE_MIN ? -cutoff + 0.0 : cutoff);
    else
        html_cell_text(page->out,
                       span_text(strcmp(what, "None") == 0 ? "not enough trials yet" : what));
    html_cell_number(page->out, reached);
    html_row_end(page->out);
}

static void put_table(const struct page *page, char *text)
{
    struct reach reach;
    uint32_t bracket = 0;
    char *at_line = NULL;
    bool moves = strstr(text, " of ") != NULL; /* trials move up instead of being stopped */
    const char *columns[] = {
        "bracket", page->time_attr,
        moves ? "moved up"
              : arena_printf(page->arena, "cut-off: %s %s", page->spec.scheduler.metric,
                             page->spec.scheduler.mode == MODE_MIN ? "at most" : "at least"),
        "trials that got there, of all brackets", NULL};

    find_reach(page, &reach);
    html_table_begin(page->out, NULL, "Rungs of each bracket", columns);
    for (char *line = strtok_r(text, "\n", &at_line); line != NULL;
         line = strtok_r(NULL, "\n", &at_line)) {
        char *at_rung = NULL;

        if (strncmp(line, BRACKET, strlen(BRACKET)) != 0)
            continue;
        for (char *rung = strtok_r(line + strlen(BRACKET), "|", &at_rung); rung != NULL;
             rung = strtok_r(NULL, "|", &at_rung))
            put_rung(page, bracket, rung + strspn(rung, " "), &reach);
        bracket++;
    }
    html_table_end(page->out);
}

void page_rungs(struct page *page)
{
    struct span lines = page->of->status.scheduler;
    char *text = arena_text(page->arena, lines);

    page_section(page, "scheduler", "What the scheduler did");
    if (lines.size == 0) {
        page_say(page, "It is not known here.");
    } else {
        buf_append_text(page->out, "<pre>");
        html_text(lines, page->out);
        buf_append_text(page->out, "</pre>\n");
        if (page->has_spec && page->spec.scheduler.mode == MODE_MIN &&
            strstr(text, BRACKET RUNG) != NULL)
            page_say(page, "It counts so that more is better; the table has the metric itself.");
        if (page->has_spec && strstr(text, BRACKET RUNG) != NULL)
            put_table(page, text);
    }
    buf_append_text(page->out, "</section>\n");
}
