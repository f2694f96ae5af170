/* simulate_text.c - a simulation for people: what was reckoned, a row for each scheduler, and how
 * good each was when. */
#include <math.h>
#include <stdio.h>

#include "client/out.h"
#include "client/preview_words.h"
#include "client/rows.h"
#include "client/simulate_page.h"
#include "client/trial_table.h"
#include "common/units.h"

#define MOMENTS 5u

/* A figure over all runs of a variant. */
struct mean {
    double sum;
    double squares;
    uint32_t count;
};

static void mean_add(struct mean *mean, double number)
{
    mean->sum += number;
    mean->squares += number * number;
    mean->count++;
}

static double mean_of(const struct mean *mean)
{
    return mean->count > 0 ? mean->sum / mean->count : (double)NAN;
}

/* Its standard error: of the sample's deviation, by the root of the count. */
static double mean_error(const struct mean *mean)
{
    double count = mean->count;
    double square = mean->squares - mean->sum * mean->sum / count;

    return count > 1 && square > 0 ? sqrt(square / (count - 1) / count) : 0;
}

static void put_number(struct table_out *table, const struct mean *mean)
{
    char error[NUMBER_BYTES + 1] = "";

    if (mean->count == 0) {
        table_out_cell(table, "-");
        return;
    }
    if (mean->count > 1)
        error[number_short(mean_error(mean), error)] = '\0';
    table_out_cellf(table, "%s%s%s", words_amount(mean_of(mean)).text, mean->count > 1 ? " ± " : "",
                    error);
}

static void put_duration(struct table_out *table, const struct mean *mean, struct arena *arena)
{
    table_out_cell(table, mean->count > 0 ? duration_text((uint64_t)mean_of(mean), arena) : "-");
}

/* ---- what each came to ---- */

static void put_row(struct table_out *table, const struct simulate_page *page,
                    const struct variant *variant, struct arena *arena)
{
    struct mean best = {0}, found = {0}, ended = {0}, busy = {0};
    struct mean results = {0}, trials = {0}, full = {0};

    for (uint32_t i = 0; i < page->repeats; i++) {
        const struct simulated *run = &variant->runs[i];
        double all = (double)run->ended_ms * page->plan.workers;

        if (run->best_count > 0) {
            mean_add(&best, run->bests[run->best_count - 1].value);
            mean_add(&found, (double)run->bests[run->best_count - 1].at_ms);
        }
        mean_add(&ended, (double)run->ended_ms);
        mean_add(&busy, all > 0 ? 100 * (double)run->busy_ms / all : 100);
        mean_add(&results, (double)run->results);
        mean_add(&trials, run->trials);
        mean_add(&full, run->full);
    }
    table_out_row(table);
    table_out_cellf(table, "%s%s", variant->label, variant->own ? " (its own)" : "");
    put_number(table, &best);
    put_duration(table, &found, arena);
    put_duration(table, &ended, arena);
    table_out_cellf(table, "%.0f %%", mean_of(&busy));
    table_out_cell(table, words_amount(mean_of(&results)).text);
    table_out_cell(table, words_amount(mean_of(&trials)).text);
    put_number(table, &full);
}

static void print_rows(const struct simulate_page *page, struct arena *arena)
{
    const char *columns[] = {"SCHEDULER", arena_printf(arena, "BEST %s", spec_metric(page->spec)),
                             "FOUND",     "ENDED",
                             "BUSY",      "RESULTS",
                             "TRIALS",    "TO THE END"};
    const bool numbers[] = {false, true, true, true, true, true, true, true};
    struct table_out *table = table_out_new(columns, numbers, sizeof(numbers) / sizeof(numbers[0]));

    for (uint32_t i = 0; i < page->count; i++)
        if (page->variants[i].runs != NULL)
            put_row(table, page, &page->variants[i], arena);
    table_out_print(table);
}

/* ---- how good each was when ---- */

static uint64_t longest_ms(const struct simulate_page *page)
{
    uint64_t longest = 0;

    for (uint32_t i = 0; i < page->count; i++)
        for (uint32_t k = 0; page->variants[i].runs != NULL && k < page->repeats; k++)
            if (page->variants[i].runs[k].ended_ms > longest)
                longest = page->variants[i].runs[k].ended_ms;
    return longest;
}

static void print_moments(const struct simulate_page *page, struct arena *arena)
{
    uint64_t longest = longest_ms(page);
    uint64_t moments[MOMENTS];
    const char *columns[MOMENTS + 1];
    bool numbers[MOMENTS + 1] = {false};
    struct table_out *table;

    columns[0] = arena_printf(arena, "BEST %s AFTER", spec_metric(page->spec));
    for (uint32_t i = 0; i < MOMENTS; i++) {
        moments[i] = longest >> (MOMENTS - 1 - i);
        columns[i + 1] = duration_text(moments[i], arena);
        numbers[i + 1] = true;
    }
    table = table_out_new(columns, numbers, MOMENTS + 1);
    for (uint32_t i = 0; i < page->count; i++) {
        const struct variant *variant = &page->variants[i];

        if (variant->runs == NULL)
            continue;
        table_out_row(table);
        table_out_cell(table, variant->label);
        for (uint32_t at = 0; at < MOMENTS; at++) {
            struct mean best = {0};
            double value;

            for (uint32_t k = 0; k < page->repeats; k++)
                if (simulated_best_at(&variant->runs[k], moments[at], &value))
                    mean_add(&best, value);
            table_out_cell(table,
                           best.count == page->repeats ? words_amount(mean_of(&best)).text : "-");
        }
    }
    table_out_print(table);
}

/* ---- the lines around them ---- */

static void put_title(const struct simulate_page *page, struct arena *arena, struct buf *out)
{
    const struct simulation_plan *plan = &page->plan;
    unsigned long long seed = page->seed;

    buf_printf(out, "%s: up to %s trials, %s worker%s", page->spec->name,
               words_amount(page->spec->num_samples).text, words_amount(plan->workers).text,
               plan->workers == 1 ? "" : "s");
    if (plan->until_ms > 0)
        buf_printf(out, ", for %s", duration_text(plan->until_ms, arena));
    if (plan->stragglers > 0)
        buf_printf(out, ", stragglers %s", words_exact(plan->stragglers).text);
    if (plan->drops > 0)
        buf_printf(out, ", drops %s a second", words_exact(plan->drops).text);
    if (plan->from_scratch)
        buf_append_text(out, ", no checkpoints");
    if (page->repeats > 1)
        buf_printf(out, ", %u runs with seeds %llu to %llu", page->repeats, seed,
                   seed + page->repeats - 1);
    else
        buf_printf(out, ", seed %llu", seed);
    buf_append_text(out, "\nCurves: ");
    curves_describe(page->curves, out);
    buf_append_text(out, "\n\n");
}

static void put_best(const struct simulate_page *page, struct arena *arena, struct buf *out)
{
    const struct simulated *run = &page->variants[0].runs[0];

    for (uint32_t i = 0; i < page->count; i++)
        if (page->variants[i].why_not != NULL)
            buf_printf(out, "%s is not compared: %s\n", page->variants[i].label,
                       page->variants[i].why_not);
    if (page->repeats > 1)
        return;
    if (run->best_trial == NULL) {
        buf_printf(out, "No trial has reported %s.\n", spec_metric(page->spec));
        return;
    }
    buf_printf(out, "Best: %s, %s %s at iteration %lld, after %s", run->best_trial,
               spec_metric(page->spec), words_amount(run->bests[run->best_count - 1].value).text,
               (long long)run->best_iteration,
               duration_text(run->bests[run->best_count - 1].at_ms, arena));
    buf_printf(out, ": %s\n", trial_config_value_text(run->best_config, arena));
    if (run->left > 0)
        buf_printf(out, "%u trial%s not done when the time was up.\n", run->left,
                   run->left == 1 ? " was" : "s were");
}

void simulate_text(const struct simulate_page *page, struct arena *arena)
{
    struct buf text = {0};

    put_title(page, arena, &text);
    out_text(&text);
    print_rows(page, arena);
    out_write(span_text("\n"));
    print_moments(page, arena);
    out_write(span_text("\n"));
    text = (struct buf){0};
    put_best(page, arena, &text);
    out_text(&text);
}
