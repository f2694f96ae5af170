/* page_head.c - what it is about, how it stands, and the best trial. */
#include "client/html.h"
#include "client/page.h"
#include "client/rows.h"
#include "client/yaml_write.h"
#include "common/number.h"
#include "common/sys/clock.h"
#include "common/units.h"

static void fact_begin(struct page *page, const char *name)
{
    buf_printf(page->out, "<div><dt>%s</dt><dd>", name);
}

static void fact_end(struct page *page)
{
    buf_append_text(page->out, "</dd></div>\n");
}

static void fact_text(struct page *page, const char *name, struct span text)
{
    fact_begin(page, name);
    if (text.size > 0)
        html_text(text, page->out);
    else
        buf_append_text(page->out, "not known");
    fact_end(page);
}

static void fact_time(struct page *page, const char *name, uint64_t ms)
{
    fact_begin(page, name);
    html_time(ms, page->out);
    fact_end(page);
}

static void put_plan(struct page *page)
{
    const struct spec_scheduler *scheduler = &page->spec.scheduler;
    const struct spec_search *search = &page->spec.search;

    fact_text(page, "Metric",
              span_text(arena_printf(page->arena, "%s, %s",
                                     page->metric[0] != '\0' ? page->metric : "none known",
                                     rows_mode(page->experiment->mode))));
    if (!page->has_spec)
        return;
    fact_text(page, "Runs", span_text(page->spec.run));
    fact_text(page, "Searcher", span_text(search->type));
    fact_text(page, "Seed",
              span_text(search->has_seed
                            ? arena_printf(page->arena, "%llu", (unsigned long long)search->seed)
                            : "chosen by the head, as none was given"));
    fact_text(page, "Scheduler",
              span_text(scheduler->type->form != NULL
                            ? arena_printf(page->arena, "%s, form %s", scheduler->type->name,
                                           scheduler->type->form)
                            : scheduler->type->name));
}

static void put_times(struct page *page)
{
    const struct msg_experiment_row *row = page->experiment;
    uint64_t now = clock_unix_ms();
    uint64_t end = row->ended_ms > 0 ? row->ended_ms : now;

    fact_time(page, "Handed in", row->submitted_ms);
    if (row->ended_ms > 0)
        fact_time(page, "Ended", row->ended_ms);
    if (row->submitted_ms > 0 && end >= row->submitted_ms)
        fact_text(page, "Took", span_text(duration_text(end - row->submitted_ms, page->arena)));
    fact_time(page, "As of", now);
}

static void put_counts(struct page *page)
{
    const struct msg_experiment_row *row = page->experiment;
    const struct {
        const char *state;
        uint32_t count;
    } counts[] = {{"pending", row->pending},
                  {"running", row->running},
                  {"paused", row->paused},
                  {"terminated", row->terminated},
                  {"failed (ERROR)", row->error}};

    buf_append_text(page->out, "<ul class=\"counts\">");
    buf_printf(page->out, "<li><b>%u</b> trials</li>", page->of->count);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i].count > 0)
            buf_printf(page->out, "<li><b>%u</b> %s</li>", counts[i].count, counts[i].state);
    if (row->total != UINT32_MAX && row->total > page->of->count)
        buf_printf(page->out, "<li><b>%u</b> to come</li>", row->total - page->of->count);
    buf_printf(page->out, "<li><b>%llu</b> results</li></ul>\n", (unsigned long long)row->results);
}

static void put_best(struct page *page)
{
    const struct msg_trial_row *row;
    struct value config;
    struct buf text = {0};

    page_section(page, "best", "The best trial");
    if (page->ranked_count == 0) {
        page_say(page, "No trial has reported a number called %s.",
                 page->metric[0] != '\0' ? page->metric : "what the metric is");
        buf_append_text(page->out, "</section>\n");
        return;
    }
    row = page_ranked(page, 0);
    config = rows_unpacked(row->config, page->arena);
    text.size += number_repr(row->best, (char *)buf_reserve(&text, NUMBER_BYTES));
    buf_append_text(page->out, "<p class=\"value\"><b>");
    html_text(span_text(page->metric), page->out);
    buf_append_text(page->out, "</b> <strong>");
    html_text(buf_span(&text), page->out);
    buf_printf(page->out, "</strong> at training_iteration %lld</p>\n", (long long)row->best_at);
    page_say(page, "Trial %u (%.*s): %.*s", row->trial, SPAN(row->state), SPAN(row->name));
    if (config.type == VALUE_MAP && config.count > 0) {
        buf_reset(&text);
        yaml_write(&config, false, &text);
        buf_append_text(page->out, "<pre>");
        html_text(buf_span(&text), page->out);
        buf_append_text(page->out, "</pre>\n");
    }
    if (row->folder.size > 0)
        page_say(page, "Files: %.*s", SPAN(row->folder));
    if (config.type == VALUE_MAP && page->has_spec)
        buf_append_text(page->out, "<p><a href=\"#again\">Run it again</a></p>\n");
    buf_append_text(page->out, "</section>\n");
    buf_fini(&text);
}

void page_head(struct page *page)
{
    const struct msg_experiment_row *row = page->experiment;

    buf_append_text(page->out, "<header><h1>");
    html_text(row->name, page->out);
    buf_append_text(page->out, " <span class=\"state\">");
    html_text(row->state, page->out);
    buf_append_text(page->out, "</span></h1>\n");
    if (span_is(row->state, "RUNNING") || span_is(row->state, "PAUSED"))
        page_say(page, "It has not ended: this is how it stood when the page was made.");
    put_counts(page);
    buf_append_text(page->out, "<dl>\n");
    fact_text(page, "Experiment", span_text(arena_printf(page->arena, "%u", row->experiment)));
    put_plan(page);
    put_times(page);
    fact_text(page, "Folder", row->folder);
    buf_append_text(page->out, "</dl>\n");
    if (row->why.size > 0)
        page_say(page, "It was ended: %.*s", SPAN(row->why));
    buf_append_text(page->out, "</header>\n");
    put_best(page);
}
