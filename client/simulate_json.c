/* simulate_json.c - a simulation for programs; docs/JSON.md has the fields. */
#include "client/out.h"
#include "client/rows.h"
#include "client/simulate_page.h"

static struct value text_or_null(const char *text, struct arena *arena)
{
    return text != NULL ? value_text(arena, text) : value_null();
}

static struct value seconds(uint64_t ms)
{
    return value_double((double)ms / 1000);
}

static struct value best_of(const struct simulated *run, struct arena *arena)
{
    struct value_builder map;

    if (run->best_count == 0)
        return value_null();
    value_builder_map(&map, arena);
    value_builder_append(&map, "trial", value_text(arena, run->best_trial));
    value_builder_append(&map, "value", value_double(run->bests[run->best_count - 1].value));
    value_builder_append(&map, "training_iteration", value_int(run->best_iteration));
    value_builder_append(&map, "at_s", seconds(run->bests[run->best_count - 1].at_ms));
    value_builder_append(&map, "config", *run->best_config);
    return value_builder_done(&map);
}

static struct value history_of(const struct simulated *run, struct arena *arena)
{
    struct value_builder list, pair;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < run->best_count; i++) {
        value_builder_list(&pair, arena);
        value_builder_add(&pair, seconds(run->bests[i].at_ms));
        value_builder_add(&pair, value_double(run->bests[i].value));
        value_builder_add(&list, value_builder_done(&pair));
    }
    return value_builder_done(&list);
}

static struct value run_of(const struct simulate_page *page, const struct variant *variant,
                           uint32_t i, struct arena *arena)
{
    const struct simulated *run = &variant->runs[i];
    struct value_builder map;

    value_builder_map(&map, arena);
    value_builder_append(&map, "scheduler", value_text(arena, variant->type->name));
    value_builder_append(&map, "form", text_or_null(variant->type->form, arena));
    value_builder_append(&map, "own", value_bool(variant->own));
    value_builder_append(&map, "seed", value_int((int64_t)(page->seed + i)));
    value_builder_append(&map, "best", best_of(run, arena));
    value_builder_append(&map, "ended_s", seconds(run->ended_ms));
    value_builder_append(&map, "busy_s", seconds(run->busy_ms));
    value_builder_append(&map, "results", value_int((int64_t)run->results));
    value_builder_append(&map, "launches", value_int((int64_t)run->launches));
    value_builder_append(&map, "drops", value_int((int64_t)run->drops));
    value_builder_append(&map, "trials", value_int(run->trials));
    value_builder_append(&map, "to_the_end", value_int(run->full));
    value_builder_append(&map, "not_done", value_int(run->left));
    value_builder_append(&map, "history", history_of(run, arena));
    return value_builder_done(&map);
}

static struct value not_compared(const struct simulate_page *page, struct arena *arena)
{
    struct value_builder list, map;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < page->count; i++) {
        if (page->variants[i].why_not == NULL)
            continue;
        value_builder_map(&map, arena);
        value_builder_append(&map, "scheduler", value_text(arena, page->variants[i].type->name));
        value_builder_append(&map, "form", text_or_null(page->variants[i].type->form, arena));
        value_builder_append(&map, "why", value_text(arena, page->variants[i].why_not));
        value_builder_add(&list, value_builder_done(&map));
    }
    return value_builder_done(&list);
}

void simulate_json(const struct simulate_page *page, struct arena *arena)
{
    struct value_builder map, runs;
    struct buf curves = {0};
    struct value whole;

    curves_describe(page->curves, &curves);
    value_builder_list(&runs, arena);
    for (uint32_t i = 0; i < page->count; i++)
        for (uint32_t k = 0; page->variants[i].runs != NULL && k < page->repeats; k++)
            value_builder_add(&runs, run_of(page, &page->variants[i], k, arena));
    value_builder_map(&map, arena);
    value_builder_append(&map, "name", value_text(arena, page->spec->name));
    value_builder_append(&map, "metric", value_text(arena, spec_metric(page->spec)));
    value_builder_append(&map, "mode",
                         value_text(arena, rows_mode((uint32_t)spec_mode(page->spec))));
    value_builder_append(&map, "workers", value_int(page->plan.workers));
    value_builder_append(&map, "curves", value_text(arena, buf_text(&curves)));
    value_builder_append(&map, "runs", value_builder_done(&runs));
    value_builder_append(&map, "not_compared", not_compared(page, arena));
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
    buf_fini(&curves);
}
