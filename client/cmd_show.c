/* `assay show`: all that is known of an experiment or a trial. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "client/command.h"
#include "client/flat.h"
#include "client/out.h"
#include "client/results_each.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/source.h"
#include "client/sparkline.h"
#include "client/yaml_write.h"
#include "common/number.h"
#include "common/units.h"
#include "common/xalloc.h"

#define CURVE_MOST 20000u /* results that are read for a curve */

/* "2026-11-30 12:00:00"; false: it cannot be written. */
static bool local_time(uint64_t unix_ms, char out[32])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;

    return localtime_r(&seconds, &local) != NULL &&
           strftime(out, 32, "%Y-%m-%d %H:%M:%S", &local) > 0;
}

/* The same with times as people read them, and without what is not known. */
static struct value for_people(const struct value *row, struct arena *arena)
{
    struct value_builder map;

    value_builder_map(&map, arena);
    for (uint32_t i = 0; i < row->count; i++) {
        const char *key = row->members[i].key;
        struct value value = row->members[i].value;
        size_t size = span_text(key).size;
        char text[32];

        if (value.type == VALUE_NULL)
            continue;
        if (size > 3 && span_is(span_of(key + size - 3, 3), "_ms") && value.type == VALUE_INT) {
            if (local_time((uint64_t)value.integer, text))
                value = value_text(arena, text);
            key = arena_text(arena, span_of(key, size - 3));
        }
        value_builder_append(&map, key, value);
    }
    return value_builder_done(&map);
}

static void print(struct value row, const char *also, struct value more, bool json,
                  struct arena *arena)
{
    struct value_builder map;
    struct value whole;
    struct buf text = {0};

    if (!json)
        row = for_people(&row, arena);
    value_builder_map(&map, arena);
    for (uint32_t i = 0; i < row.count; i++)
        value_builder_append(&map, row.members[i].key, row.members[i].value);
    if (also != NULL && more.type != VALUE_NULL)
        value_builder_set(&map, also, more);
    whole = value_builder_done(&map);
    if (json) {
        out_json(&whole, false, arena);
        return;
    }
    yaml_write(&whole, false, &text);
    out_write(buf_span(&text));
    buf_fini(&text);
}

/* How its metric went. */
struct curve {
    const char *metric;
    double *values; /* owned */
    uint32_t count;
    uint32_t room;
};

static bool take_result(const struct value *result, void *context)
{
    struct curve *curve = context;
    double value = (double)NAN;

    (void)flat_number(result, curve->metric, &value);
    if (curve->count == curve->room) {
        curve->room = curve->room * 2 + 64;
        curve->values = xrealloc(curve->values, curve->room, sizeof(double));
    }
    curve->values[curve->count++] = value;
    return true;
}

/* Its results as a line of blocks, with the first and the last of them: a comment of YAML's.
 * Nothing where there are not two, or too many to be read for it. */
static void print_curve(struct source *source, const struct msg_experiment_row *experiment,
                        const struct msg_trial_row *trial, struct arena *arena)
{
    struct curve curve = {.metric = arena_text(arena, experiment->metric)};
    struct buf text = {0};
    uint64_t count;

    if (trial->results > CURVE_MOST || *curve.metric == '\0')
        return;
    if (results_each(source, experiment->experiment, trial->trial, CURVE_MOST, take_result, &curve,
                     &count) == 0 &&
        curve.count > 1) {
        char first[NUMBER_BYTES + 1], last[NUMBER_BYTES + 1];

        first[number_short(curve.values[0], first)] = '\0';
        last[number_short(curve.values[curve.count - 1], last)] = '\0';
        buf_printf(&text, "# %s: ", curve.metric);
        sparkline_write(curve.values, curve.count, &text);
        buf_printf(&text, " from %s to %s\n", first, last);
        out_text(&text);
    }
    free(curve.values);
}

static void print_attempt(struct table_out *table, const struct msg_attempt_row *row,
                          struct arena *arena)
{
    char ended[32] = "";

    if (row->ended_ms > 0 && !local_time(row->ended_ms, ended))
        ended[0] = '\0';
    table_out_row(table);
    table_out_cellf(table, "# %u", row->attempt);
    table_out_cell_span(table, row->node);
    if (row->restored)
        table_out_cellf(table, "at %" PRId64, row->from_iteration);
    else
        table_out_cell(table, "fresh");
    table_out_cell(table, row->ran_ms > 0 ? duration_text(row->ran_ms, arena) : "");
    table_out_cell(table, ended);
    table_out_cellf(table, "%" PRIu64, row->results);
    if (span_is(row->reason, "exit") || span_is(row->reason, "signal"))
        table_out_cellf(table, "%.*s %" PRId64, SPAN(row->reason), row->status);
    else
        table_out_cell_span(table, row->reason);
}

/* How its attempts ended, where there are several: comments of YAML's, too. What one alone has to
 * say stands above. */
static void print_attempts(const struct msg_show_reply *reply, struct arena *arena)
{
    static const char *const columns[] = {"# ATTEMPT", "NODE",    "BEGAN", "RAN",
                                          "ENDED",     "RESULTS", "REASON"};
    static const bool numbers[] = {false, false, false, true, false, true, false};
    const struct msg_trial_row *trial = reply->trials.items;
    const struct msg_attempt_row *rows = reply->attempts.items;
    struct table_out *table;

    if (trial->attempt < 2 || reply->attempts.count == 0)
        return;
    table = table_out_new(columns, numbers, sizeof(columns) / sizeof(columns[0]));
    for (uint32_t i = 0; i < reply->attempts.count; i++)
        print_attempt(table, &rows[i], arena);
    table_out_print(table);
}

static int show_trials(struct source *source, const struct pick *pick, bool json,
                       struct arena *arena)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < pick->count; i++) {
        struct msg_show_reply reply;

        rc = source_show(source, pick->experiment.experiment, pick->trials[i], arena, &reply);
        if (rc == 0 && reply.trials.count == 0)
            rc = say(EXIT_REFUSED, "show", "assay trials", "there is no trial %u", pick->trials[i]);
        if (rc != 0)
            break;
        if (i > 0 && !json)
            out_write(span_text("\n"));
        if (json) {
            print(rows_shown_trial(&reply, arena), NULL, value_null(), true, arena);
            continue;
        }
        print(rows_trial(reply.trials.items, arena), NULL, value_null(), false, arena);
        print_attempts(&reply, arena);
        print_curve(source, &pick->experiment, reply.trials.items, arena);
    }
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    const char *selects = invocation->operands[0];
    struct arena *arena = invocation->arena;
    struct msg_show_reply reply;
    struct source *source;
    struct pick pick;
    int rc = source_open(flags->address, flags->token_file, selects, &source);

    if (rc != 0)
        return rc;
    rc = source_pick(source, selects, arena, &pick);
    if (rc == 0 && pick.has_trials) {
        rc = show_trials(source, &pick, flags->json, arena);
    } else if (rc == 0) {
        rc = source_show(source, pick.experiment.experiment, MSG_ALL, arena, &reply);
        if (rc == 0)
            print(rows_experiment(&reply.experiment, arena), "spec",
                  rows_unpacked(reply.spec, arena), flags->json, arena);
    }
    source_close(source);
    return rc;
}

const struct command command_show = {
    .name = "show",
    .operands = "[EXP-or-TRIAL]",
    .help = "Show all that is known of an experiment or a trial",
    .about = "Of a trial: its state, node and times, its configuration, what it last "
             "reported, how its attempts ended where there were several (the last 8), and how "
             "its metric went. Of an experiment: how it does, and what was "
             "handed in. Without an "
             "operand it is the last experiment.",
    .example = "assay show 3/17",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .operand = OPERAND_EITHER,
    .run = run,
};
