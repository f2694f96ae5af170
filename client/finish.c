#include "client/finish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/best.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"

#define FAILED_SHOWN 5u
#define TEXT_SHOWN   2000u /* bytes of why one failed */

int finish_status(struct source *source, uint32_t experiment, struct arena *arena)
{
    struct msg_show_reply reply;
    int rc = source_show(source, experiment, MSG_ALL, arena, &reply);

    if (rc != 0)
        return rc;
    return reply.experiment.error > 0 ? EXIT_TRIALS_FAILED : 0;
}

struct failures {
    uint32_t count;
};

static void append_indented(struct span text, struct buf *out)
{
    const char *at = text.data;
    const char *end = at + text.size;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        buf_printf(out, "  %.*s\n", (int)(stop - at), at);
        at = stop + 1;
    }
}

static bool print_failure(const struct msg_trial_row *row, void *context)
{
    struct failures *failures = context;
    size_t size = row->text.size < TEXT_SHOWN ? row->text.size : TEXT_SHOWN;
    struct buf text = {0};

    if (!span_is(row->state, "ERROR"))
        return true;
    if (failures->count++ >= FAILED_SHOWN)
        return false;
    buf_printf(&text, "Failed trial: %.*s (%.*s)\n", SPAN(row->name), SPAN(row->reason));
    append_indented(span_of(row->text.data, size), &text);
    out_text(&text);
    return true;
}

/* Why the experiment was ended, if it was. */
static void print_why(struct span why)
{
    struct buf text = {0};

    if (why.size == 0)
        return;
    buf_append_text(&text, "The experiment was ended:\n");
    append_indented(why, &text);
    out_text(&text);
}

static void print_end(const struct msg_experiment_row *row, const struct msg_trial_rows *best,
                      struct arena *arena)
{
    struct value_builder map;
    struct value whole;

    value_builder_map(&map, arena);
    value_builder_set(&map, "event", value_text(arena, "end"));
    value_builder_set(&map, "experiment", rows_experiment(row, arena));
    value_builder_set(&map, "best",
                      best->rows.count > 0 ? rows_trial(best->rows.items, arena) : value_null());
    whole = value_builder_done(&map);
    out_json(&whole, true, arena);
}

int finish_print(struct source *source, uint32_t experiment, bool json, struct arena *arena)
{
    struct failures failures = {0};
    struct msg_show_reply reply;
    struct msg_trial_rows best;
    int rc = source_show(source, experiment, MSG_ALL, arena, &reply);

    if (rc == 0)
        rc = source_best(source, experiment, 1, arena, &best);
    if (rc != 0)
        return rc;
    if (json) {
        print_end(&reply.experiment, &best, arena);
        return reply.experiment.error > 0 ? EXIT_TRIALS_FAILED : 0;
    }
    print_why(reply.experiment.why);
    if (best.rows.count > 0)
        best_print(best.rows.items, &reply.experiment, arena);
    if (reply.experiment.error > 0) {
        rc = source_each_trial(source, experiment, print_failure, &failures);
        if (reply.experiment.error > FAILED_SHOWN)
            (void)printf("and %u more\n", reply.experiment.error - FAILED_SHOWN);
    }
    (void)printf("Results: %.*s\n", SPAN(reply.experiment.folder));
    if (rc != 0)
        return rc;
    return reply.experiment.error > 0 ? EXIT_TRIALS_FAILED : 0;
}

void finish_save(struct source *source, uint32_t experiment, bool whole, struct arena *arena)
{
    struct msg_status_reply status;
    struct msg_show_reply show;
    struct msg_trial_row *rows = NULL;
    uint32_t count = 0;
    struct value spec;
    const char *folder;

    if (source_status(source, experiment, false, arena, &status) != 0 ||
        source_show(source, experiment, MSG_ALL, arena, &show) != 0 ||
        (whole && source_trials(source, experiment, arena, &rows, &count) != 0))
        return; /* it was said */
    folder = arena_text(arena, status.experiment.folder);
    spec = rows_unpacked(show.spec, arena);
    if (saved_write(folder, &status, &spec, rows, count, arena) != 0)
        say_note("%s: experiment.json was not written: %s", folder, strerror(errno));
    if (saved_set_last(folder) != 0)
        say_note("the last run could not be noted: %s", strerror(errno));
}
