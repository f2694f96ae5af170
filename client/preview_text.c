/* preview_text.c - an experiment that would run, for people: what and how much in a few lines, then
 * its trials. */
#include <stdio.h>

#include "client/out.h"
#include "client/preview_page.h"
#include "client/preview_words.h"
#include "client/rows.h"
#include "client/trial_table.h"
#include "common/tag.h"
#include "common/units.h"

#define VARIABLES_SHOWN 6u  /* as columns of their own; more: in one */
#define VALUE_SHOWN     100 /* bytes of one column */
#define FILES_SHOWN     6u

static void put_title(const struct preview_page *page, struct buf *out)
{
    uint32_t total = preview_total(page->preview);
    uint32_t known = preview_known(page->preview);
    const struct spec *spec = preview_spec(page->preview);

    if (total == NUMBER_NONE)
        buf_printf(out, "%s: as many trials as its searcher makes\n", spec->name);
    else
        buf_printf(out, "%s: %s trial%s\n", spec->name, words_amount(total).text,
                   total == 1 ? "" : "s");
    if (total != known && known > 0)
        buf_printf(out, "Known:     the first; %s proposes each from the results before it\n",
                   spec->search.type);
    buf_printf(out, "Runs:      %s\n", spec->run);
}

/* Whether it would be another experiment with another seed. */
static bool is_drawn(const struct preview_page *page, struct arena *arena)
{
    const struct value *space = &preview_spec(page->preview)->config;
    struct space_error error;
    struct variable *variables;
    uint32_t count;

    if (page->forecast.bracket_count > 1 && page->forecast.round_trials == 0)
        return true; /* trials are drawn to brackets */
    if (space_variables(space, "config", arena, &variables, &count, &error) != 0)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (variables[i].domain.kind != DOMAIN_GRID)
            return true;
    return false;
}

static void put_search(const struct preview_page *page, struct arena *arena, struct buf *out)
{
    const struct spec_search *search = &preview_spec(page->preview)->search;
    unsigned long long seed = preview_seed(page->preview);

    buf_printf(out, "Search:    %s", search->type);
    if (search->has_seed)
        buf_printf(out, ", seed %llu", seed);
    else if (is_drawn(page, arena))
        buf_printf(out, ", seed %llu (an example, none was given: --seed %llu makes these trials)",
                   seed, seed);
    buf_append_char(out, '\n');
}

static void put_scheduler(const struct spec_scheduler *scheduler, struct buf *out)
{
    const struct scheduler_type *type = scheduler->type;

    buf_printf(out, "Scheduler: %s", type->name);
    if (type->form != NULL)
        buf_printf(out, ", form %s", type->form);
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++) {
        const struct scheduler_key *key = &type->keys[i];

        buf_printf(out, ", %s %s", key->name,
                   key->words[0] != NULL ? key->words[(size_t)scheduler->numbers[i]]
                                         : words_exact(scheduler->numbers[i]).text);
    }
    if (type->judges)
        buf_printf(out, "\nMetric:    %s (%s) over %s\n", scheduler->metric,
                   rows_mode(scheduler->mode), scheduler->time_attr);
    else
        buf_append_text(out, ", which stops nobody\n");
}

static void put_stop(const struct spec *spec, struct arena *arena, struct buf *out)
{
    size_t begun;

    buf_append_text(out, "Ends:      ");
    begun = out->size;
    for (uint32_t i = 0; i < spec->stop_count; i++)
        buf_printf(out, "at %.*s %s %s, ", SPAN(spec->stop[i].metric),
                   spec->stop[i].side == STOP_AT_MOST ? "<=" : ">=",
                   words_exact(spec->stop[i].bound).text);
    if (spec->time_limit_ms > 0)
        buf_printf(out, "at its time limit of %s, ", duration_text(spec->time_limit_ms, arena));
    if (spec->plateau.patience > 0)
        buf_printf(out, "when %s results get %s no further than by %s, ",
                   words_amount(spec->plateau.patience).text, spec->plateau.metric,
                   words_exact(spec->plateau.delta).text);
    if (spec->scheduler.type->judges)
        buf_append_text(out, "by the scheduler, ");
    buf_printf(out, "%swhen its program does\n", out->size > begun ? "or " : "");
}

/* What ends all of it, whichever comes first. */
static void put_budget(const struct spec *spec, struct arena *arena, struct buf *out)
{
    const struct spec_budget *budget = &spec->budget;
    const char *metric = spec_metric(spec);
    enum metric_mode mode = spec_mode(spec);
    struct buf text = {0};

    if (budget->time_ms > 0)
        buf_printf(&text, ", %s of time", duration_text(budget->time_ms, arena));
    if (budget->trials > 0)
        buf_printf(&text, ", %s trial%s", words_amount(budget->trials).text,
                   budget->trials == 1 ? "" : "s");
    if (budget->no_improvement > 0)
        buf_printf(&text, ", until %s in a row end without a better %s",
                   words_amount(budget->no_improvement).text, metric);
    if (budget->has_target)
        buf_printf(&text, ", until %s is %s %s", metric,
                   mode == MODE_MIN ? "<=" : ">=", words_exact(budget->target).text);
    if (budget->max_failed > 0)
        buf_printf(&text, ", until %s failed", words_amount(budget->max_failed).text);
    if (text.size > 2)
        buf_printf(out, "Budget:    %s\n", buf_text(&text) + 2);
    buf_fini(&text);
}

static struct resources times(const struct resources *one, uint32_t count, struct arena *arena)
{
    struct resources all = resources_copy(one, arena);
    struct resource_custom *custom = (struct resource_custom *)all.custom.items;

    all.cpu *= count;
    all.gpu *= count;
    all.memory_bytes *= count;
    for (uint32_t i = 0; i < all.custom.count; i++)
        custom[i].amount *= count;
    return all;
}

static void put_amount(int64_t amount, const char *name, size_t size, struct buf *out)
{
    double units = (double)amount / RESOURCE_ONE;

    if (amount > 0)
        buf_printf(out, ", %s %.*s", words_amount(units).text, (int)size, name);
}

static void put_amounts(const struct resources *resources, struct arena *arena, struct buf *out)
{
    const struct resource_custom *custom = resources->custom.items;
    struct buf text = {0};

    put_amount(resources->cpu, "CPUs", resources->cpu == RESOURCE_ONE ? 3 : 4, &text);
    put_amount(resources->gpu, "GPUs", resources->gpu == RESOURCE_ONE ? 3 : 4, &text);
    if (resources->memory_bytes > 0)
        buf_printf(&text, ", %s memory", size_text((uint64_t)resources->memory_bytes, arena));
    for (uint32_t i = 0; i < resources->custom.count; i++)
        put_amount(custom[i].amount, custom[i].name.data, custom[i].name.size, &text);
    buf_append_text(out, text.size > 2 ? buf_text(&text) + 2 : "nothing");
    buf_fini(&text);
}

static void put_resources(const struct spec *spec, struct arena *arena, struct buf *out)
{
    struct resources all;

    buf_append_text(out, "Needs:     ");
    put_amounts(&spec->resources, arena, out);
    buf_append_text(out, " a trial; ");
    if (spec->max_concurrent == 0) {
        buf_append_text(out, "as many at a time as there is room for\n");
        return;
    }
    all = times(&spec->resources, spec->max_concurrent, arena);
    buf_printf(out, "%s at a time: ", words_amount(spec->max_concurrent).text);
    put_amounts(&all, arena, out);
    buf_append_char(out, '\n');
}

/* Their names, or a line each. */
static void put_files(const struct code_tree *code, bool everything, struct arena *arena,
                      struct buf *out)
{
    for (size_t i = 0; i < code->count && everything; i++)
        buf_printf(out, "\n           %s  %s%s", code->files[i].name,
                   code->files[i].link != NULL ? "-> " : "",
                   code->files[i].link != NULL ? code->files[i].link
                                               : size_text(code->files[i].size, arena));
    for (size_t i = 0; i < code->count && i < FILES_SHOWN && !everything; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", code->files[i].name);
    if (!everything && code->count > FILES_SHOWN)
        buf_printf(out, " and %s more (-v lists them)",
                   words_amount((double)(code->count - FILES_SHOWN)).text);
}

static void put_code(const struct preview_page *page, bool everything, struct arena *arena,
                     struct buf *out)
{
    const struct code_tree *code = &page->code;

    if (code->count == 0) {
        buf_append_text(out, "Code:      none is shipped\n");
        return;
    }
    buf_printf(out, "Code:      %s file%s, %s (%s packed)", words_amount((double)code->count).text,
               code->count == 1 ? "" : "s", size_text(code->bytes, arena),
               size_text(page->code_packed, arena));
    if (page->stays)
        buf_append_text(out, ", which `assay run` uses where it is");
    if (code->alone)
        buf_append_text(out, "; its folder is too large to be shipped unasked (code: .)");
    buf_append_text(out, everything ? ":" : ": ");
    put_files(code, everything, arena, out);
    buf_append_char(out, '\n');
}

static void put_head(const struct preview_page *page, bool everything, struct arena *arena)
{
    const struct spec *spec = preview_spec(page->preview);
    struct buf text = {0};

    put_title(page, &text);
    put_search(page, arena, &text);
    put_scheduler(&spec->scheduler, &text);
    words_brackets(&page->forecast, preview_total(page->preview), &text);
    put_stop(spec, arena, &text);
    put_budget(spec, arena, &text);
    words_cost(&page->forecast, preview_total(page->preview), &text);
    put_resources(spec, arena, &text);
    put_code(page, everything, arena, &text);
    buf_printf(&text, "Results:   %s\n", preview_folder(page->preview));
    out_text(&text);
}

/* The places of a space that are chosen, where they are few enough for a column each. */
struct columns {
    struct variable *variables;
    uint32_t count; /* 0: one column for all */
    bool one;       /* there is something to put into that */
};

static struct columns columns_of(const struct spec *spec, struct arena *arena)
{
    struct columns columns = {.one = spec->config.count > 0 || spec->search.points != NULL};
    struct space_error error;

    if (spec->search.points != NULL ||
        space_variables(&spec->config, "config", arena, &columns.variables, &columns.count,
                        &error) != 0 ||
        columns.count > VARIABLES_SHOWN)
        columns.count = 0;
    return columns;
}

static const char *column_name(const struct variable *variable, struct arena *arena)
{
    struct buf name = {0};
    const char *out;

    for (uint32_t i = 0; i < variable->path_length; i++) {
        if (variable->path[i].key != NULL)
            buf_printf(&name, "%s%s", i > 0 ? "." : "", variable->path[i].key);
        else
            buf_printf(&name, "%s%u", i > 0 ? "." : "", variable->path[i].index);
    }
    out = arena_strdup(arena, name.size > 0 ? buf_text(&name) : "config");
    buf_fini(&name);
    return out;
}

static void put_cut(struct table_out *table, struct span text)
{
    table_out_cell_span(table, span_of(text.data, tag_cut(text.data, text.size, VALUE_SHOWN)));
}

static void put_row(struct table_out *table, const struct columns *columns, uint32_t number,
                    const struct previewed *trial, struct arena *arena)
{
    table_out_row(table);
    table_out_cellf(table, "%u", number);
    for (uint32_t i = 0; i < columns->count; i++) {
        const struct tag_path path = {columns->variables[i].path,
                                      columns->variables[i].path_length};
        const struct value *value = tag_path_value(&trial->config, &path);
        struct buf text = {0};

        if (value != NULL)
            trial_value_text(value, &text);
        put_cut(table, buf_span(&text));
        buf_fini(&text);
    }
    if (columns->count == 0 && columns->one)
        put_cut(table, span_text(trial_config_value_text(&trial->config, arena)));
    table_out_cell(table, trial->name);
}

/* Numbers stand to the right. */
static bool is_number(const struct domain *domain)
{
    if (domain->kind != DOMAIN_GRID && domain->kind != DOMAIN_CHOICE)
        return true;
    for (uint32_t i = 0; i < domain->choices->count; i++)
        if (!value_is_number(&domain->choices->items[i]))
            return false;
    return true;
}

static struct table_out *table_begin(const struct columns *columns, struct arena *arena)
{
    const char *names[VARIABLES_SHOWN + 2] = {"TRIAL"};
    bool numbers[VARIABLES_SHOWN + 2] = {true};
    size_t count = 1;

    for (uint32_t i = 0; i < columns->count; i++) {
        numbers[count] = is_number(&columns->variables[i].domain);
        names[count++] = column_name(&columns->variables[i], arena);
    }
    if (columns->count == 0 && columns->one)
        names[count++] = "CONFIG";
    names[count++] = "NAME";
    return table_out_new(names, numbers, count);
}

static void put_trials(const struct preview_page *page, uint32_t most, struct arena *arena)
{
    struct columns columns = columns_of(preview_spec(page->preview), arena);
    uint32_t known = preview_known(page->preview);
    struct table_out *table = table_begin(&columns, arena);
    struct arena scratch = {0};
    struct previewed trial;
    uint32_t shown = 0;

    while (shown < known && shown < most) {
        arena_reset(&scratch);
        if (!preview_trial(page->preview, shown, &scratch, &trial))
            break;
        put_row(table, &columns, shown++, &trial, &scratch);
    }
    if (shown > 0)
        (void)printf("\n");
    table_out_print(table);
    if (shown < known)
        (void)printf("%s%s more: --trials %u shows all\n", shown > 0 ? "... and " : "",
                     words_amount(known - shown).text, known);
    arena_fini(&scratch);
}

void preview_text(const struct preview_page *page, uint32_t most, bool everything,
                  struct arena *arena)
{
    put_head(page, everything, arena);
    put_trials(page, most, arena);
}
