/* `assay simulate`: an experiment whose workers and trials are only reckoned. */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/draft.h"
#include "client/out.h"
#include "client/say.h"
#include "client/simulate_page.h"
#include "common/limits.h"
#include "common/number.h"

#define WORKERS_UNASKED 8u

/* One that is short to type again. */
#define SEED_BELOW 1000000000u

struct values {
    struct common_flags common;
    struct draft_flags flags;
    const char *table;
    struct option_texts formulas;
    struct option_number workers;
    struct option_number until;
    struct option_number repeats;
    const char *stragglers;
    const char *drops;
    bool from_scratch;
    bool alone;
};

static int read_number(const char *flag, const char *text, double most, double *out)
{
    *out = 0;
    if (text == NULL || (number_parse(span_text(text), out) && *out >= 0 && *out <= most))
        return 0;
    return say(EXIT_USAGE, text, NULL, "%s takes a number from 0 to %g", flag, most);
}

static int read_plan(const struct values *values, struct simulate_page *page)
{
    struct simulation_plan *plan = &page->plan;
    int rc = read_number("--stragglers", values->stragglers, 1000, &plan->stragglers);

    if (rc == 0)
        rc = read_number("--drops", values->drops, 1, &plan->drops);
    if (rc != 0)
        return rc;
    if (values->workers.given &&
        (values->workers.value == 0 || values->workers.value > LIMIT_SIMULATED_WORKERS))
        return say(EXIT_USAGE, "--workers", NULL, "there may be 1 to %u", LIMIT_SIMULATED_WORKERS);
    if (values->repeats.given &&
        (values->repeats.value == 0 || values->repeats.value > LIMIT_SIMULATED_REPEATS))
        return say(EXIT_USAGE, "--repeat", NULL, "there may be 1 to %u runs",
                   LIMIT_SIMULATED_REPEATS);
    plan->workers = values->workers.given ? (uint32_t)values->workers.value : WORKERS_UNASKED;
    plan->until_ms = values->until.given ? values->until.value : 0;
    plan->from_scratch = values->from_scratch;
    page->repeats = values->repeats.given ? (uint32_t)values->repeats.value : 1;
    return 0;
}

static int open_curves(const struct values *values, const struct spec *spec, struct arena *arena,
                       struct table_file *table, struct curves **out)
{
    struct trouble trouble = {0};

    if ((values->table != NULL) == (values->formulas.count > 0))
        return say(EXIT_USAGE, "simulate", "--formula loss=1/training_iteration",
                   "give what trials report: a --table, or --formula for each metric");
    if (values->table != NULL) {
        if (table_file_read(values->table, arena, table, &trouble) == 0)
            *out = curves_of_table(table, &spec->config, values->table, &trouble);
    } else {
        *out = curves_of_formulas(values->formulas.items, values->formulas.count, &spec->config,
                                  &trouble);
    }
    return *out != NULL ? 0 : say_trouble(EXIT_USAGE, trouble.what, &trouble);
}

/* The experiment with this seed of its search. */
static struct value with_seed(const struct value *experiment, const struct spec *spec,
                              uint64_t seed, struct arena *arena)
{
    const struct value *search = value_get(experiment, "search");
    struct value section, out;
    struct value_builder map;

    value_builder_map(&map, arena);
    if (search == NULL || search->type != VALUE_MAP)
        value_builder_set(&map, "type", value_text(arena, spec->search.type));
    for (uint32_t i = 0; search != NULL && search->type == VALUE_MAP && i < search->count; i++)
        value_builder_set(&map, search->members[i].key, search->members[i].value);
    value_builder_set(&map, "seed", value_int((int64_t)seed));
    section = value_builder_done(&map);
    return value_set_path(experiment, "search", section, arena, &out) == 0 ? out : *experiment;
}

static int run_variant(const struct simulate_page *page, struct variant *variant,
                       struct curves *curves, struct arena *arena)
{
    struct simulated *runs = arena_zalloc(arena, page->repeats * sizeof(*runs));
    struct spec_error error = {0};

    for (uint32_t i = 0; i < page->repeats; i++) {
        struct simulation_plan plan = page->plan;
        struct value experiment;

        plan.seed = page->seed + i;
        experiment = with_seed(&variant->experiment, page->spec, plan.seed, arena);
        if (simulation_run(&experiment, &plan, curves, arena, &runs[i], &error) != 0)
            return say(EXIT_USAGE, error.path[0] != '\0' ? error.path : variant->label,
                       error.mend[0] != '\0' ? error.mend : NULL, "%s", error.what);
    }
    variant->runs = runs;
    return 0;
}

/* Trials that nothing ends would be reckoned for ever. */
static int check_end(const struct simulate_page *page)
{
    if (scheduler_type_has(page->spec->scheduler.type, "max_t") || page->spec->stop_count > 0 ||
        page->plan.until_ms > 0 || curves_longest(page->curves) > 0)
        return 0;
    return say(EXIT_USAGE, "simulate", "--stop training_iteration=100, or --until 1h",
               "nothing ends a trial, and a formula has no end");
}

static int simulate(const struct values *values, struct draft *draft, struct arena *arena)
{
    struct simulate_page page = {.spec = &draft->spec};
    struct table_file table = {0};
    struct curves *curves = NULL;
    int rc = read_plan(values, &page);

    if (rc == 0 && strcmp(draft->spec.search.type, "external") == 0)
        return say(EXIT_USAGE, "search.type", "--search random, or another that needs nobody",
                   "nobody suggests anything here");

    if (rc == 0)
        rc = open_curves(values, &draft->spec, arena, &table, &curves);
    page.curves = curves;
    page.seed =
        draft->spec.search.has_seed ? draft->spec.search.seed : randombytes_uniform(SEED_BELOW);
    if (rc == 0)
        rc = check_end(&page);
    if (rc == 0)
        variants_make(&draft->value, &draft->spec, curves_longest(curves), !values->alone, arena,
                      &page.variants, &page.count);
    for (uint32_t i = 0; rc == 0 && i < page.count; i++)
        if (page.variants[i].why_not == NULL)
            rc = run_variant(&page, &page.variants[i], curves, arena);
    if (rc == 0 && values->common.json)
        simulate_json(&page, arena);
    else if (rc == 0)
        simulate_text(&page, arena);
    curves_free(curves);
    table_file_fini(&table);
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    struct draft *draft;
    int rc = drafts_read_one(invocation->operands[0], &values->flags, "simulated",
                             invocation->arena, &draft);

    return draft != NULL ? simulate(values, draft, invocation->arena) : rc;
}

static const struct option_row options[] = {
    OPTION(values, table, "table", 0, OPTION_TEXT, "FILE",
           "what trials report: results that were measured, as CSV or JSON lines"),
    OPTION(values, formulas, "formula", 0, OPTION_TEXTS, "METRIC=EXPR",
           "what trials report: loss=exp(-lr*training_iteration)+0.1*noise"),
    OPTION(values, workers, "workers", 0, OPTION_NUMBER, "N", "that run a trial each (8)"),
    OPTION(values, until, "until", 0, OPTION_DURATION, "D", "end all of it then"),
    OPTION(values, stragglers, "stragglers", 0, OPTION_TEXT, "STD",
           "a trial takes 1+|z| times as long to a rung, z normal with this deviation"),
    OPTION(values, drops, "drops", 0, OPTION_TEXT, "P",
           "chance of an attempt to be lost, each second"),
    OPTION(values, from_scratch, "from-scratch", 0, OPTION_FLAG, NULL,
           "no checkpoints: each rung is trained from the beginning"),
    OPTION(values, repeats, "repeat", 0, OPTION_NUMBER, "N",
           "so many runs, each with the next seed: means and their standard errors"),
    OPTION(values, alone, "alone", 0, OPTION_FLAG, NULL,
           "its own scheduler, and no other beside it"),
    DRAFT_OPTIONS(values, flags),
};

const struct command command_simulate = {
    .name = "simulate",
    .operands = "FILE",
    .help = "Run an experiment on simulated workers, under every scheduler",
    .about =
        "The searcher and the scheduler of FILE decide as in a head, but workers and trials are "
        "only reckoned, with a virtual clock: hours take milliseconds. What trials report comes "
        "from a --table of results that were measured once, or from a --formula for each metric. "
        "Shown are the best result and when it was found, when all was done, how busy the workers "
        "were, how many trials ran to the end; and the same for every other scheduler on the same "
        "curves.\n\n"
        "A table has a row a result. Columns that are called like keys of config (lr, model/size, "
        "config.lr) say whose it is, or a column trial does; training_iteration says which one, "
        "time_this_iter_s or time_total_s how long it took (else a second). All other numbers are "
        "metrics. A trial has the curve of its configuration, or the nearest one; where no column "
        "is in config, trials take the curves in an order that the seed draws.\n\n"
        "A formula knows the numbers of config (model/size as model_size), training_iteration, "
        "luck (of a trial, uniform from 0 to 1) and noise (of a result, standard normal). "
        "time_this_iter_s=EXPR says how long a step takes.\n\n"
        "With the same seed it is the same run.",
    .example = "assay simulate exp.yaml --table curves.csv --workers 25 --repeat 20",
    .takes = TAKES_JSON,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .values_size = sizeof(struct values),
    .operand = OPERAND_FILE,
    .run = run,
};
