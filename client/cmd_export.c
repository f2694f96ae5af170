/* `assay export`: everything of an experiment, for other programs and for the eye. */
#include <string.h>

#include "client/command.h"
#include "client/export.h"
#include "client/rows.h"
#include "client/say.h"

struct values {
    struct common_flags common;
    const char *csv;
    const char *json_file;
    const char *html;
    bool results;
    bool force;
};

/* A form that was asked for. */
struct form {
    const char *path; /* NULL: it was not */
    int (*write)(const struct export *of, struct outlet *outlet);
};

#define FORMS 3u

static int check(const struct values *values, const struct form *forms)
{
    uint32_t asked = 0;
    uint32_t to_stdout = 0;

    for (uint32_t i = 0; i < FORMS; i++) {
        asked += forms[i].path != NULL;
        to_stdout += forms[i].path != NULL && strcmp(forms[i].path, "-") == 0;
    }
    if (asked == 0)
        return say(EXIT_USAGE, "export", "assay export last --html page.html",
                   "no form is asked for: --csv, --json or --html");
    if (to_stdout > 1)
        return say(EXIT_USAGE, "export", "name files for the others",
                   "only one document fits on standard output");
    if (values->results && values->csv == NULL && values->json_file == NULL)
        return say(EXIT_USAGE, "--results", "--csv FILE or --json FILE",
                   "the page draws results by itself");
    return 0;
}

static int read_experiment(struct export *of, uint32_t experiment)
{
    struct msg_show_reply reply;
    int rc = source_show(of->source, experiment, MSG_ALL, of->arena, &reply);

    if (rc == 0)
        rc = source_status(of->source, experiment, false, of->arena, &of->status);
    if (rc == 0)
        rc = source_trials(of->source, experiment, of->arena, &of->rows, &of->count);
    if (rc == 0)
        of->spec = rows_unpacked(reply.spec, of->arena);
    return rc;
}

static int write_form(const struct export *of, const struct form *form, bool force)
{
    struct outlet *outlet;
    int closed;
    int rc = outlet_open(form->path, force, &outlet);

    if (rc != 0)
        return rc;
    rc = form->write(of, outlet);
    closed = outlet_close(outlet, rc == 0);
    return rc != 0 ? rc : closed;
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    const char *selects = invocation->operands[0];
    const struct form forms[FORMS] = {
        {values->csv, export_csv},
        {values->json_file, export_json},
        {values->html, export_html},
    };
    struct export of = {.arena = invocation->arena, .results = values->results};
    struct pick pick;
    int rc = check(values, forms);

    if (rc == 0)
        rc = source_open(values->common.address, values->common.token_file, selects, &of.source);
    if (rc != 0)
        return rc;
    rc = source_pick_experiment(of.source, selects, of.arena, &pick);
    if (rc == 0)
        rc = read_experiment(&of, pick.experiment.experiment);
    for (uint32_t i = 0; i < FORMS && rc == 0; i++)
        if (forms[i].path != NULL)
            rc = write_form(&of, &forms[i], values->force);
    source_close(of.source);
    return rc;
}

static const struct option_row options[] = {
    OPTION(values, csv, "csv", 0, OPTION_TEXT, "FILE", "a table with a row a trial"),
    OPTION(values, json_file, "json", 0, OPTION_TEXT, "FILE", "one document with all of it"),
    OPTION(values, html, "html", 0, OPTION_TEXT, "FILE", "one page to look at, with charts"),
    OPTION(values, results, "results", 0, OPTION_FLAG, NULL,
           "all results: in --csv a row each, in place of the trials; in --json with each trial"),
    OPTION(values, force, "force", 0, OPTION_FLAG, NULL, "replace files that are there"),
};

const struct command command_export = {
    .name = "export",
    .operands = "[EXP]",
    .help = "Write an experiment for other programs, or as a page to look at",
    .about = "FILE may be - for standard output. A file appears when it is whole; one that is "
             "there is only replaced with --force. An experiment that still runs is written as it "
             "is now.\n\n"
             "The page of --html is one file that needs nothing else: the best trial and how to "
             "run it again, how the search went on, learning curves, rungs, which parameters "
             "matter, and each of them against the metric. What it leaves out to stay small, it "
             "says.\n\n"
             "In --csv a value inside maps is called by its path: config.lr, "
             "last_result.time_total_s.",
    .example = "assay export last --html page.html --csv trials.csv",
    .takes = TAKES_HEAD,
    .most = 1,
    .options = options,
    .option_count = 5,
    .values_size = sizeof(struct values),
    .operand = OPERAND_EXPERIMENT,
    .run = run,
};
