/* drive_core.c - the core's one node: what a worker, a person and an executor say to it in a head,
 * the drive says here, at once and in order. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/drive_inside.h"
#include "common/record.h"
#include "common/stop.h"
#include "common/xalloc.h"

#define ADMIN     1u /* who hands the experiment in, and stops trials of it */
#define NODE      2u
#define KEY_BYTES 32u

static void turn_begin(struct drive *drive)
{
    effects_reset(&drive->effects);
    tape_record(&drive->tape);
}

static enum core_answer step(struct drive *drive, struct event *event)
{
    enum core_answer answer;

    turn_begin(drive);
    event->now_ms = drive->now_ms;
    answer = core_step(drive->core, event, &drive->tape, &drive->effects);
    drive_hear(drive);
    return answer;
}

/* A head looks at its clock by itself; here a budget of time is over with the first line behind it.
 * The effects are the core's, or of a copy of it. */
static void tick(struct drive *drive, struct core *core)
{
    const struct event event = {.type = EVENT_TICK, .now_ms = drive->now_ms};

    turn_begin(drive);
    (void)core_step(core, &event, &drive->tape, &drive->effects);
}

static void time_passes(struct drive *drive)
{
    if (core_deadline_ms(drive->core) > drive->now_ms)
        return;
    tick(drive, drive->core);
    drive_hear(drive);
}

static void record(struct drive *drive, const struct record *record)
{
    record_pack(record, &drive->records);
}

/* The records that stand in drive->records, as the next ones of the attempt. */
static void report(struct drive *drive, struct driven *trial, uint32_t count)
{
    struct event event = {
        .type = EVENT_REPORT,
        .report = {.node = NODE,
                   .experiment = DRIVE_EXPERIMENT,
                   .trial = trial->number,
                   .attempt = trial->attempt,
                   .first_seq = trial->seq + 1,
                   .count = count,
                   .records = buf_span(&drive->records)},
    };
    enum core_answer answer;

    trial->seq += count;
    answer = step(drive, &event);
    assert(answer == CORE_ADMITTED); /* it runs, and is told of in order */
    buf_reset(&drive->records);
}

/* Where a worker would send the bytes of a checkpoint, the caller keeps them itself. */
static void record_checkpoint_of(struct drive *drive, struct driven *trial)
{
    static const uint8_t nowhere[LIMIT_HASH_BYTES];
    struct record mark = {.kind = RECORD_MARK, .mark = {.number = ++trial->marks}};
    const struct record checkpoint = {
        .kind = RECORD_CHECKPOINT,
        .checkpoint = {.number = trial->marks, .manifest = span_of(nowhere, sizeof(nowhere))},
    };

    autofill_counters(trial->fill, &mark.mark.counters);
    record(drive, &mark);
    record(drive, &checkpoint);
}

static void record_end_of(struct drive *drive, enum end_reason reason)
{
    const struct record end = {.kind = RECORD_END,
                               .end = {.reason = reason, .unix_ms = drive->now_ms}};

    record(drive, &end);
}

static void do_act(struct drive *drive, const struct drive_act *wanted)
{
    struct driven *trial = drive->trials[wanted->trial];
    uint32_t count = 0;

    if (!trial_is_live(trial->state))
        return;
    if (wanted->action != ACTION_STOP && drive->keeps) {
        record_checkpoint_of(drive, trial);
        count = 2;
    }
    if (wanted->action != ACTION_SAVE) {
        record_end_of(drive, END_STOPPED);
        count++;
    }
    if (count > 0)
        report(drive, trial, count);
}

/* The list grows while it is worked off. */
static void do_acts(struct drive *drive)
{
    time_passes(drive);
    for (uint32_t i = 0; i < drive->act_count; i++) {
        const struct drive_act wanted = drive->acts[i];

        do_act(drive, &wanted);
    }
    drive->act_count = 0;
}

void drive_begin_line(struct drive *drive, uint64_t now_ms, uint32_t self)
{
    drive->now_ms = now_ms > drive->now_ms ? now_ms : drive->now_ms;
    drive->self = self;
    drive->action = ACTION_CONTINUE;
    drive->launch = (struct effect_launch){0};
    drive->exploit = NULL;
    drive->also_count = 0;
    drive->act_count = 0;
}

/* ---- the beginning ---- */

static void principal_add(struct drive *drive, uint8_t key, enum role role)
{
    uint8_t bytes[KEY_BYTES] = {key};
    struct event event = {
        .type = EVENT_PRINCIPAL_ADD,
        .principal_add = {.key = span_of(bytes, sizeof(bytes)), .role = role},
    };
    enum core_answer answer = step(drive, &event);

    assert(answer == CORE_ADMITTED);
}

static bool refused(const struct drive *drive, struct spec_error *error)
{
    const struct effect_reply *reply = NULL;

    for (size_t i = 0; i < drive->effects.count; i++)
        if (drive->effects.items[i].type == EFFECT_REPLY)
            reply = &drive->effects.items[i].reply;
    *error = (struct spec_error){0};
    if (reply == NULL || reply->code == REPLY_OK)
        return false;
    (void)snprintf(error->path, sizeof(error->path), "%.*s", SPAN(reply->what));
    (void)snprintf(error->what, sizeof(error->what), "%.*s", SPAN(reply->why));
    (void)snprintf(error->mend, sizeof(error->mend), "%.*s", SPAN(reply->mend));
    return true;
}

bool drive_open(struct drive *drive, const struct value *experiment, struct spec_error *error)
{
    static const uint8_t submission[LIMIT_SUBMISSION] = {1};
    struct event back = {.type = EVENT_NODE_BACK,
                         .node_back = {.principal = NODE, .credit = LIMIT_LEASES}};
    struct event submit = {.type = EVENT_SUBMIT,
                           .submit = {.submission = span_of(submission, sizeof(submission)),
                                      .principal = ADMIN,
                                      .by_hand = true}};
    struct buf packed = {0};
    enum core_answer answer;

    principal_add(drive, ADMIN, ROLE_ADMIN);
    principal_add(drive, NODE, ROLE_WORKER);
    answer = step(drive, &back);
    assert(answer == CORE_ADMITTED);
    value_pack(experiment, &packed);
    submit.submit.spec = buf_span(&packed);
    answer = step(drive, &submit);
    buf_fini(&packed);
    return answer == CORE_ADMITTED || !refused(drive, error);
}

/* ---- the ops ---- */

/* From the checkpoint that it was launched with, as an executor counts. */
static void attempt_start(struct drive *drive, struct driven *trial)
{
    const struct effect_launch *launch = &drive->launch;
    const struct record start = {.kind = RECORD_START, .start = {.unix_ms = drive->now_ms}};

    trial->attempt = launch->attempt;
    trial->seq = 0;
    trial->marks = 0;
    trial->horizon = launch->horizon;
    free(trial->fill);
    trial->fill = xcalloc(1, sizeof(*trial->fill));
    autofill_start(trial->fill, (double)drive->now_ms / 1000,
                   launch->checkpoint.size > 0 ? &launch->counters : NULL);
    record(drive, &start);
    report(drive, trial, 1);
}

static enum core_asked ask(struct drive *drive, struct core *core, uint32_t *unfit,
                           uint32_t unfit_count)
{
    const struct core_ask order = {
        .experiment = DRIVE_EXPERIMENT, .node = NODE, .unfit = unfit, .unfit_count = unfit_count};

    turn_begin(drive);
    return core_ask(core, &order, drive->now_ms, &drive->tape, &drive->effects);
}

enum core_asked drive_lease(struct drive *drive, uint32_t *unfit, uint32_t unfit_count)
{
    enum core_asked answer;

    do_acts(drive);
    answer = ask(drive, drive->core, unfit, unfit_count);
    drive_hear(drive);
    do_acts(drive);
    if (answer == ASKED_TRIAL)
        attempt_start(drive, drive->trials[drive->launch.trial]);
    return answer;
}

void drive_take(struct drive *drive, struct driven *trial)
{
    turn_begin(drive);
    core_take(drive->core, DRIVE_EXPERIMENT, trial->number, NODE, drive->now_ms, &drive->tape,
              &drive->effects);
    drive_hear(drive);
    attempt_start(drive, trial);
    do_acts(drive);
}

enum core_asked drive_peek(struct drive *drive, uint32_t *unfit, uint32_t unfit_count)
{
    struct core *copy = core_new();
    struct buf image = {0};
    enum core_asked answer;
    int err;

    core_save(drive->core, &image);
    err = core_load(copy, buf_span(&image));
    assert(err == 0); /* what was saved just now */
    tick(drive, copy);
    answer = ask(drive, copy, unfit, unfit_count);
    for (size_t i = 0; i < drive->effects.count; i++)
        if (drive->effects.items[i].type == EFFECT_LAUNCH)
            drive->launch = drive->effects.items[i].launch;
    core_free(copy);
    buf_fini(&image);
    return answer;
}

enum core_added drive_add(struct drive *drive, const struct drive_line *line, uint32_t *number)
{
    const struct core_add add = {.experiment = DRIVE_EXPERIMENT,
                                 .config = line->config,
                                 .has_bracket = line->has_bracket,
                                 .bracket = line->bracket};
    enum core_added answer;

    turn_begin(drive);
    drive->next_name = line->trial;
    *number = drive->count;
    answer = core_add(drive->core, &add, drive->now_ms, &drive->tape, &drive->effects);
    drive_hear(drive);
    drive->next_name = NULL;
    return answer;
}

/* As an executor looks at a report, before it counts. */
static bool check_report(struct span packed, char why[DRIVE_WHY_BYTES])
{
    static const struct cursor_limits limits = {
        .depth = LIMIT_RESULT_DEPTH,
        .items = LIMIT_RESULT_BYTES,
        .text_bytes = LIMIT_RESULT_BYTES,
    };
    struct cursor cursor;
    uint32_t pairs = 0;

    cursor_init(&cursor, packed);
    if (packed.size <= LIMIT_RESULT_BYTES && cursor_scan(packed, &limits) == 0 &&
        cursor_map(&cursor, &pairs) && pairs <= LIMIT_RESULT_KEYS)
        return true;
    return drive_refuse(why, "the result is over a limit: %u bytes, %u keys, %u levels",
                        LIMIT_RESULT_BYTES, LIMIT_RESULT_KEYS, LIMIT_RESULT_DEPTH);
}

/* The caller's clock is not this one's, and it may report every tenth iteration: what it says of
 * either holds. */
static void take_said(const struct value *said, struct autofill *fill, struct result *result)
{
    const struct value *iteration = value_get(said, "training_iteration");
    const struct value *total = value_get(said, "time_total_s");

    if (iteration != NULL && iteration->type == VALUE_INT)
        result->training_iteration = fill->training_iteration = iteration->integer;
    if (total != NULL && value_is_number(total) && isfinite(value_number(total)))
        result->time_total_s = fill->time_total_s = value_number(total);
}

bool drive_result(struct drive *drive, struct driven *trial, const struct value *said, bool last,
                  char why[DRIVE_WHY_BYTES])
{
    struct autofill fill = *trial->fill;
    struct record made = {.kind = RECORD_RESULT};
    enum stop_answer stop;
    struct span missing;
    bool done;
    int err;

    buf_reset(&drive->report);
    value_pack(said, &drive->report);
    if (!check_report(buf_span(&drive->report), why))
        return false;
    err = autofill_report(&fill, buf_span(&drive->report), (double)drive->now_ms / 1000,
                          (int64_t)(drive->now_ms / 1000), &drive->fields, &made.result);
    assert(err == 0); /* a map with text keys */
    take_said(said, &fill, &made.result);
    done = last || made.result.done;
    stop = last ? STOP_YES
                : stop_check(drive->spec.stop, drive->spec.watched_count, &made.result, &missing);
    if (stop == STOP_MISSING)
        return drive_refuse(why, "a stop rule names %.*s, which is not in the result or no number",
                            SPAN(missing));
    made.result.done = drive->done = stop == STOP_YES;
    buf_reset(&drive->records);
    record(drive, &made);
    *trial->fill = fill;
    report(drive, trial, 1);
    time_passes(drive);
    /* Its own end comes before what it brought about of others. */
    if (drive->action == ACTION_STOP) {
        record_end_of(drive, done ? END_COMPLETED : END_STOPPED);
        report(drive, trial, 1);
        drive->action = ACTION_STOP;
    } else if (drive->action == ACTION_PAUSE) {
        do_act(drive, &(struct drive_act){trial->number, ACTION_PAUSE});
        drive->action = ACTION_PAUSE;
    }
    do_acts(drive);
    return true;
}

void drive_exit(struct drive *drive, struct driven *trial)
{
    record_end_of(drive, END_COMPLETED);
    report(drive, trial, 1);
    do_acts(drive);
}

void drive_fail(struct drive *drive, struct driven *trial)
{
    turn_begin(drive);
    core_fail(drive->core, DRIVE_EXPERIMENT, trial->number, drive->now_ms, &drive->tape,
              &drive->effects);
    drive_hear(drive);
    do_acts(drive);
}

void drive_requeue(struct drive *drive, struct driven *trial)
{
    turn_begin(drive);
    core_requeue(drive->core, DRIVE_EXPERIMENT, trial->number, drive->now_ms, &drive->tape,
                 &drive->effects);
    drive_hear(drive);
    do_acts(drive);
}

void drive_stop(struct drive *drive, struct driven *trial)
{
    struct event event = {
        .type = EVENT_STOP,
        .stop = {.experiment = DRIVE_EXPERIMENT, .trial = trial->number, .principal = ADMIN}};
    enum core_answer answer = step(drive, &event);

    assert(answer == CORE_ADMITTED);
    if (trial_is_live(trial->state)) {
        record_end_of(drive, END_STOPPED);
        report(drive, trial, 1);
    }
    do_acts(drive);
}
