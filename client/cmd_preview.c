/* `assay preview`: what an experiment would be, with nothing started and nobody asked. */
#include <sodium.h>

#include "client/command.h"
#include "client/draft.h"
#include "client/out.h"
#include "client/preview_page.h"
#include "client/say.h"

#define TRIALS_SHOWN 20u

/* One that is short to type again. */
#define SEED_BELOW 1000000000u

struct values {
    struct common_flags common;
    struct draft_flags flags;
    struct option_number trials;
};

/* What would be shipped to a cluster, and whether it would be on this machine, too. Changes the
 * draft as handing it in does. */
static int find_code(struct draft *draft, const char *base, struct arena *arena,
                     struct preview_page *page)
{
    struct draft local = *draft;
    struct code_plan plan, own;
    int rc = code_plan_make(draft, base, false, arena, &plan);

    if (rc != 0 || code_plan_is_empty(&plan))
        return rc;
    rc = code_plan_make(&local, base, true, arena, &own);
    if (rc == 0)
        rc = code_tree_pack(&plan, &page->code);
    page->stays = rc == 0 && code_plan_is_empty(&own);
    page->code_packed = page->code.packed.size;
    buf_fini(&page->code.packed);
    return rc;
}

static int page_make(struct draft *draft, const char *base, uint64_t seed, struct arena *arena,
                     struct preview_page *page)
{
    struct spec_error error = {0};
    struct buf packed = {0};
    int rc = find_code(draft, base, arena, page);

    if (rc != 0)
        return rc;
    value_pack(&draft->value, &packed);
    page->preview = preview_new(buf_span(&packed), seed, &error);
    buf_fini(&packed);
    if (page->preview == NULL)
        return say(EXIT_USAGE, error.path[0] != '\0' ? error.path : "experiment", error.mend, "%s",
                   error.what);
    preview_forecast(page->preview, arena, &page->forecast);
    return 0;
}

static void print_json(const struct preview_page *pages, uint32_t count, uint32_t most,
                       struct arena *arena)
{
    if (count > 1)
        out_write(span_text("{\"experiments\": ["));
    for (uint32_t i = 0; i < count; i++) {
        out_write(span_text(i > 0 ? ", " : ""));
        preview_json(&pages[i], most, arena);
    }
    out_write(span_text(count > 1 ? "]}\n" : "\n"));
}

static void print(const struct preview_page *pages, uint32_t count, const struct values *values,
                  struct arena *arena)
{
    bool json = values->common.json;
    uint64_t most = values->trials.given ? values->trials.value : json ? UINT32_MAX : TRIALS_SHOWN;

    if (most > UINT32_MAX)
        most = UINT32_MAX;
    if (json) {
        print_json(pages, count, (uint32_t)most, arena);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out_write(span_text(i > 0 ? "\n" : ""));
        preview_text(&pages[i], (uint32_t)most, values->common.verbose, arena);
    }
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    struct arena *arena = invocation->arena;
    uint64_t seed = randombytes_uniform(SEED_BELOW);
    struct preview_page *pages;
    struct drafts drafts;
    int rc =
        drafts_read(invocation->operands[0], invocation->program, &values->flags, arena, &drafts);

    if (rc != 0 || values->flags.save != NULL)
        return rc;
    pages = arena_zalloc(arena, drafts.count * sizeof(*pages));
    for (uint32_t i = 0; rc == 0 && i < drafts.count; i++)
        rc = page_make(&drafts.items[i], drafts.base, seed, arena, &pages[i]);
    if (rc == 0)
        print(pages, drafts.count, values, arena);
    for (uint32_t i = 0; i < drafts.count; i++) {
        preview_free(pages[i].preview);
        code_tree_fini(&pages[i].code);
    }
    return rc;
}

static const struct option_row options[] = {
    DRAFT_OPTIONS(values, flags),
    OPTION(values, trials, "trials", 0, OPTION_NUMBER, "N",
           "show the first N of them (20; with --json all)"),
};

const struct command command_preview = {
    .name = "preview",
    .operands = "FILE",
    .help = "Show what would run, and what it would cost",
    .about = "Of each experiment: its trials with their configurations and names, how many of "
             "them the scheduler lets run how far, what that costs at worst and about, what a "
             "trial needs, which files would be shipped, and where results would go. Files and "
             "flags are those of assay run, and so are the errors. Nothing is started, and no "
             "head is asked.\n\n"
             "With the same seed the trials are those that will run. Where none is given one is "
             "chosen and shown. Ids are made when an experiment is handed in: in a name that has "
             "one it stands as {id}. What is about to be expected of asynchronous HyperBand is "
             "reckoned for results that come in no order, good or bad.",
    .example = "assay preview exp.yaml --seed 7",
    .takes = TAKES_JSON | TAKES_PROGRAM,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .values_size = sizeof(struct values),
    .operand = OPERAND_FILE,
    .run = run,
};
