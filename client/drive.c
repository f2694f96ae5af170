#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/drive_inside.h"
#include "common/json.h"
#include "common/xalloc.h"

/* What the trials need of a machine is the caller's business. */
static struct value without_resources(const struct value *experiment, struct arena *arena)
{
    struct value_builder builder;
    struct value out;
    int err;

    value_builder_map(&builder, arena);
    value_builder_set(&builder, "cpu", value_int(0));
    err = value_set_path(experiment, "resources_per_trial", value_builder_done(&builder), arena,
                         &out);
    assert(err == 0); /* an experiment is a map */
    return out;
}

/* Who suggests configurations talks to a head (`assay suggest`). */
static bool can_be_driven(const struct spec *spec, struct spec_error *error)
{
    if (strcmp(spec->search.type, "external") != 0)
        return true;
    *error = (struct spec_error){
        .path = "search.type",
        .what = "nobody suggests anything on this pipe",
        .mend = "set num_samples to 0 and add what is to be tried: {\"op\":\"add\"}"};
    return false;
}

struct drive *drive_begin(const struct value *experiment, uint64_t now_ms, bool keeps,
                          struct spec_error *error)
{
    struct drive *drive = xcalloc(1, sizeof(*drive));
    struct value *copy = arena_alloc(&drive->kept, sizeof(*copy));

    effects_init(&drive->effects, &drive->turn);
    tape_init(&drive->tape);
    drive->by_name = table_new();
    drive->keeps = keeps;
    drive->core = core_new();
    *copy = value_copy(experiment, &drive->kept);
    *copy = without_resources(copy, &drive->kept);
    drive_begin_line(drive, now_ms, NUMBER_NONE);
    if (spec_parse(copy, &drive->kept, &drive->spec, error) < 0 ||
        !drive_open(drive, copy, error)) {
        drive_free(drive);
        return NULL;
    }
    arena_reset(&drive->turn);
    return drive;
}

struct drive *drive_new(const struct value *experiment, uint64_t now_ms, struct spec_error *error)
{
    struct drive *drive = drive_begin(experiment, now_ms, true, error);

    if (drive == NULL || can_be_driven(&drive->spec, error))
        return drive;
    drive_free(drive);
    return NULL;
}

void drive_free(struct drive *drive)
{
    if (drive == NULL)
        return;
    for (uint32_t i = 0; i < drive->count; i++) {
        free(drive->trials[i]->fill);
        free(drive->trials[i]);
    }
    free(drive->trials);
    free(drive->also);
    free(drive->acts);
    table_free(drive->by_name);
    core_free(drive->core);
    effects_fini(&drive->effects);
    tape_fini(&drive->tape);
    buf_fini(&drive->report);
    buf_fini(&drive->fields);
    buf_fini(&drive->records);
    arena_fini(&drive->turn);
    arena_fini(&drive->kept);
    free(drive);
}

/* ---- answers ---- */

static void put_text(struct buf *out, const char *text)
{
    json_write_text(span_text(text), out);
}

static void put_name(const struct driven *trial, struct buf *out)
{
    buf_append_text(out, "{\"trial\":");
    put_text(out, trial->name);
}

static void put_also(const struct drive *drive, struct buf *out)
{
    if (drive->also_count == 0)
        return;
    buf_append_text(out, ",\"also\":[");
    for (uint32_t i = 0; i < drive->also_count; i++) {
        if (i > 0)
            buf_append_char(out, ',');
        put_name(drive->trials[drive->also[i].trial], out);
        buf_printf(out, ",\"action\":\"%s\"}", drive->also[i].action);
    }
    buf_append_char(out, ']');
}

/* {"trial":NAME}, and what else came of it. */
static void answer_name(const struct drive *drive, const struct driven *trial, struct buf *out)
{
    put_name(trial, out);
    put_also(drive, out);
    buf_append_text(out, "}\n");
}

/* What is no finite number is null, as JSON has no such numbers; a whole one is written as one. */
static struct value number(double number)
{
    if (!isfinite(number))
        return value_null();
    if (number == floor(number) && fabs(number) < 1e15)
        return value_int((int64_t)number);
    return value_double(number);
}

static struct value config_of(struct span packed, struct arena *arena)
{
    struct cursor cursor;
    struct value config;
    int err;

    cursor_init(&cursor, packed);
    err = value_unpack(&cursor, arena, &config);
    assert(err == 0); /* it was packed here */
    return json_writable(&config, arena);
}

static void answer_value(const struct value *value, struct buf *out)
{
    json_write(value, JSON_COMPACT, out);
    buf_append_char(out, '\n');
}

/* ---- the ops ---- */

/* The trial that a line names; NULL with why filled. */
static struct driven *find(const struct drive *drive, const char *name, char why[DRIVE_WHY_BYTES])
{
    struct driven *trial = table_get(drive->by_name, span_text(name));

    if (trial == NULL)
        (void)drive_refuse(why, "there is no trial %s", name);
    return trial;
}

static struct driven *find_running(const struct drive *drive, const char *name,
                                   char why[DRIVE_WHY_BYTES])
{
    struct driven *trial = find(drive, name, why);

    if (trial == NULL || trial->state == TRIAL_RUNNING)
        return trial;
    (void)drive_refuse(why, "%s does not run: it is %s", name, trial_state_label(trial->state));
    return NULL;
}

/* {TIME_ATTR: how far it may go}; null: without limit; 0: not a step without asking. */
static struct value horizon_of(const struct drive *drive, double horizon, struct arena *arena)
{
    struct value_builder map;

    if (isinf(horizon) && horizon > 0)
        return value_null();
    value_builder_map(&map, arena);
    value_builder_set(&map, drive->spec.scheduler.time_attr, number(horizon > 0 ? horizon : 0));
    return value_builder_done(&map);
}

static void answer_asked(struct drive *drive, enum core_asked asked, struct buf *out)
{
    const struct effect_launch *launch = &drive->launch;
    struct arena *arena = &drive->turn;
    struct value_builder map;
    struct value whole;

    if (asked != ASKED_TRIAL) {
        buf_append_text(out, "{\"trial\":null");
        buf_append_text(out, asked == ASKED_DONE ? ",\"done\":true" : "");
        put_also(drive, out);
        buf_append_text(out, "}\n");
        return;
    }
    value_builder_map(&map, arena);
    value_builder_append(&map, "trial",
                         value_text(arena, launch->trial < drive->count
                                               ? drive->trials[launch->trial]->name
                                               : drive_default_name(drive, launch->trial, arena)));
    value_builder_append(&map, "config", config_of(launch->config, arena));
    value_builder_append(&map, "resume", value_bool(launch->checkpoint.size > 0));
    value_builder_append(&map, "horizon", horizon_of(drive, launch->horizon, arena));
    whole = value_builder_done(&map);
    answer_value(&whole, out);
}

static bool do_ask(struct drive *drive, const struct drive_line *line, struct buf *out,
                   char why[DRIVE_WHY_BYTES])
{
    uint32_t count = line->blocked != NULL ? line->blocked->count : 0;
    uint32_t *unfit = arena_alloc(&drive->turn, count * sizeof(*unfit));

    for (uint32_t i = 0; i < count; i++) {
        const struct driven *trial = find(drive, line->blocked->items[i].text, why);

        if (trial == NULL)
            return false;
        unfit[i] = trial->number;
    }
    answer_asked(drive,
                 line->peek ? drive_peek(drive, unfit, count) : drive_lease(drive, unfit, count),
                 out);
    return true;
}

static bool do_add(struct drive *drive, const struct drive_line *line, struct buf *out,
                   char why[DRIVE_WHY_BYTES])
{
    uint32_t number;

    if (line->trial != NULL && table_get(drive->by_name, span_text(line->trial)) != NULL)
        return drive_refuse(why, "there is a trial %s already", line->trial);
    switch (drive_add(drive, line, &number)) {
    case ADD_DONE:
        answer_name(drive, drive->trials[number], out);
        return true;
    case ADD_TOO_MANY:
        return drive_refuse(why, "there are %u trials: more cannot be", LIMIT_SAMPLES);
    case ADD_OVER_BUDGET:
        return drive_refuse(why, "the budget of the experiment is spent");
    case ADD_TOO_BIG:
        return drive_refuse(why, "a configuration has %u bytes at most", LIMIT_CONFIG_BYTES);
    case ADD_NO_BRACKET:
        return drive_refuse(why, "there is no bracket %u: the first is 0", line->bracket);
    case ADD_DRAWS_NONE:
        return drive_refuse(why, "the %s scheduler draws no brackets",
                            drive->spec.scheduler.type->name);
    }
    return false;
}

/* It takes over from another: at once, or, where it has made room for others, when it is asked for
 * again. */
static void put_exploit(struct drive *drive, struct driven *trial, struct buf *out)
{
    const struct effect_exploit *exploit = drive->exploit;
    struct value config = config_of(exploit->config, &drive->turn);
    bool pauses = trial->state == TRIAL_PAUSED;

    buf_printf(out, ",\"action\":\"%s\",\"from\":", pauses ? "pause" : "exploit");
    put_text(out, drive->trials[exploit->donor]->name);
    buf_append_text(out, ",\"config\":");
    json_write(&config, JSON_COMPACT, out);
    buf_append_text(out, ",\"tag\":");
    json_write_text(drive->tag, out);
    if (!pauses)
        drive_take(drive, trial);
}

static bool do_result(struct drive *drive, const struct drive_line *line, struct buf *out,
                      char why[DRIVE_WHY_BYTES])
{
    struct driven *trial = find_running(drive, line->trial, why);

    if (trial == NULL)
        return false;
    drive->self = trial->number;
    if (!drive_result(drive, trial, line->result, false, why))
        return false;
    put_name(trial, out);
    if (drive->exploit != NULL && !trial_is_final(trial->state))
        put_exploit(drive, trial, out);
    else
        buf_printf(out, ",\"action\":\"%s\"",
                   drive->action == ACTION_STOP    ? "stop"
                   : drive->action == ACTION_PAUSE ? "pause"
                                                   : "continue");
    put_also(drive, out);
    buf_append_text(out, "}\n");
    return true;
}

static bool do_complete(struct drive *drive, const struct drive_line *line, struct buf *out,
                        char why[DRIVE_WHY_BYTES])
{
    struct driven *trial = find_running(drive, line->trial, why);

    if (trial == NULL)
        return false;
    drive->self = trial->number;
    if (line->result == NULL)
        drive_exit(drive, trial);
    else if (!drive_result(drive, trial, line->result, true, why))
        return false;
    answer_name(drive, trial, out);
    return true;
}

/* error, remove and requeue. */
static bool do_end(struct drive *drive, const struct drive_line *line, struct buf *out,
                   char why[DRIVE_WHY_BYTES])
{
    struct driven *trial = line->op == DRIVE_REMOVE ? find(drive, line->trial, why)
                                                    : find_running(drive, line->trial, why);

    if (trial == NULL)
        return false;
    if (trial_is_final(trial->state))
        return drive_refuse(why, "%s has ended: it is %s", trial->name,
                            trial_state_label(trial->state));
    drive->self = trial->number;
    if (line->op == DRIVE_REMOVE)
        drive_stop(drive, trial);
    else if (line->op == DRIVE_ERROR)
        drive_fail(drive, trial);
    else
        drive_requeue(drive, trial);
    answer_name(drive, trial, out);
    return true;
}

static struct value states_of(const struct drive *drive, struct arena *arena)
{
    struct value_builder states;

    value_builder_map(&states, arena);
    for (uint32_t i = 0; i < drive->count; i++)
        value_builder_append(&states, drive->trials[i]->name,
                             value_text(arena, trial_state_label(drive->trials[i]->state)));
    return value_builder_done(&states);
}

static void do_status(struct drive *drive, struct buf *out)
{
    struct arena *arena = &drive->turn;
    struct sched_figures figures;
    struct value_builder map, cutoffs;
    struct buf text = {0};
    struct value whole;

    (void)core_status_text(drive->core, DRIVE_EXPERIMENT, &text);
    if (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    core_figures(drive->core, DRIVE_EXPERIMENT, arena, &figures);
    value_builder_list(&cutoffs, arena);
    for (uint32_t i = 0; i < figures.cutoff_count; i++)
        value_builder_add(&cutoffs, isfinite(figures.cutoffs[i]) ? value_double(figures.cutoffs[i])
                                                                 : value_null());
    value_builder_map(&map, arena);
    value_builder_append(&map, "states", states_of(drive, arena));
    value_builder_append(&map, "num_stopped", value_int((int64_t)figures.stopped));
    value_builder_append(&map, "text", value_text(arena, buf_text(&text)));
    value_builder_append(&map, "cutoffs", value_builder_done(&cutoffs));
    if (drive->why.size > 0)
        value_builder_append(&map, "why", value_text(arena, arena_text(arena, drive->why)));
    whole = value_builder_done(&map);
    answer_value(&whole, out);
    buf_fini(&text);
}

/* Of equals the earlier one is better. */
static bool is_better(const struct driven *one, const struct driven *other, enum metric_mode mode)
{
    if (other == NULL)
        return true;
    return mode == MODE_MIN ? one->best < other->best : one->best > other->best;
}

static void do_best(struct drive *drive, struct buf *out)
{
    const struct spec *spec = &drive->spec;
    enum metric_mode mode = spec_mode(spec);
    struct arena *arena = &drive->turn;
    const struct driven *best = NULL;
    struct value_builder map;
    struct value whole;

    for (uint32_t i = 0; i < drive->count; i++)
        if (drive->trials[i]->has_best && is_better(drive->trials[i], best, mode))
            best = drive->trials[i];
    value_builder_map(&map, arena);
    value_builder_append(&map, "trial",
                         best != NULL ? value_text(arena, best->name) : value_null());
    value_builder_append(&map, "metric", value_text(arena, spec_metric(spec)));
    value_builder_append(&map, "mode", value_text(arena, mode == MODE_MIN ? "min" : "max"));
    if (best != NULL) {
        value_builder_append(&map, "value",
                             isfinite(best->best) ? value_double(best->best) : value_null());
        value_builder_append(&map, "training_iteration", value_int(best->best_at));
        value_builder_append(&map, "config", config_of(best->config, arena));
    }
    whole = value_builder_done(&map);
    answer_value(&whole, out);
}

static bool do_line(struct drive *drive, const struct drive_line *line, struct buf *out,
                    char why[DRIVE_WHY_BYTES])
{
    switch (line->op) {
    case DRIVE_ASK:
        return do_ask(drive, line, out, why);
    case DRIVE_ADD:
        return do_add(drive, line, out, why);
    case DRIVE_RESULT:
        return do_result(drive, line, out, why);
    case DRIVE_COMPLETE:
        return do_complete(drive, line, out, why);
    case DRIVE_ERROR:
    case DRIVE_REMOVE:
    case DRIVE_REQUEUE:
        return do_end(drive, line, out, why);
    case DRIVE_STATUS:
        do_status(drive, out);
        return true;
    case DRIVE_BEST:
        do_best(drive, out);
        return true;
    case DRIVE_OP_COUNT:
        break;
    }
    return false;
}

/* What is quoted of a line may be cut inside a letter. */
static void answer_error(const char *why, struct buf *out)
{
    size_t size = strlen(why);

    while (size > 0 && !cursor_text_is_utf8(span_of(why, size)))
        size--;
    buf_append_text(out, "{\"error\":");
    json_write_text(span_of(why, size), out);
    buf_append_text(out, "}\n");
}

void drive_line(struct drive *drive, struct span text, uint64_t now_ms, struct buf *out)
{
    char why[DRIVE_WHY_BYTES] = "";
    struct drive_line line;

    drive_begin_line(drive, now_ms, NUMBER_NONE);
    if (!drive_line_read(text, &drive->turn, &line, why) || !do_line(drive, &line, out, why))
        answer_error(why, out);
    arena_reset(&drive->turn);
}

void drive_too_long(struct buf *out)
{
    char why[DRIVE_WHY_BYTES];

    (void)drive_refuse(why, "a line has %u bytes at most", LIMIT_DRIVE_BYTES);
    answer_error(why, out);
}

uint64_t drive_digest(const struct drive *drive)
{
    return core_digest(drive->core);
}

const char *drive_check(const struct drive *drive)
{
    return core_check(drive->core);
}
