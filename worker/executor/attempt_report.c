/* What a program reports, on its way to a record: limits, counters, stop rules, horizon. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"

/* So that one trial does not starve the others. */
#define READS_A_TURN   4 /* of one stream */
#define REPORTS_A_TURN 2048u

static const struct cursor_limits report_limits = {
    .depth = LIMIT_RESULT_DEPTH,
    .items = LIMIT_RESULT_BYTES,
    .text_bytes = LIMIT_RESULT_BYTES,
};

void attempt_misspoke(struct attempt *attempt, const char *format, ...)
{
    va_list args;

    if (!attempt->closed) {
        buf_reset(&attempt->text);
        va_start(args, format);
        buf_vprintf(&attempt->text, format, args);
        va_end(args);
    }
    attempt_close(attempt, END_PROTOCOL);
}

bool attempt_had_its_turn(const struct attempt *attempt)
{
    return attempt->turn == attempt->executor->turn && attempt->turn_reports >= REPORTS_A_TURN;
}

static void report_count(struct attempt *attempt)
{
    if (attempt->turn != attempt->executor->turn) {
        attempt->turn_reports = 0;
        attempt_limits_heard(attempt);
    }
    attempt->turn = attempt->executor->turn;
    attempt->turn_reports++;
}

bool attempt_is_stalled(struct attempt *attempt)
{
    return !attempt->closed &&
           (attempt->held_bytes > LIMIT_HOLD_BYTES || spool_full(&attempt->spool));
}

/* Within limits? Says what is wrong, and ends the attempt, where it is not. */
static bool report_check(struct attempt *attempt, struct span report)
{
    struct cursor cursor;
    uint32_t pairs;
    int err = report.size > LIMIT_RESULT_BYTES ? ERR_TOO_BIG : cursor_scan(report, &report_limits);

    cursor_init(&cursor, report);
    if (err == 0 && !cursor_map(&cursor, &pairs))
        err = ERR_MALFORMED;
    else if (err == 0 && pairs > LIMIT_RESULT_KEYS)
        err = ERR_TOO_BIG;
    if (err == ERR_TOO_BIG)
        attempt_misspoke(attempt, "a report is over a limit (%u bytes, %u keys, %u levels)",
                         LIMIT_RESULT_BYTES, LIMIT_RESULT_KEYS, LIMIT_RESULT_DEPTH);
    else if (err < 0)
        attempt_misspoke(attempt, "a report is no map of names to plain data");
    return err == 0;
}

static void result_add(struct attempt *attempt, const struct result *result)
{
    struct executor *executor = attempt->executor;
    struct record record = {.kind = RECORD_RESULT, .result = *result};

    buf_reset(&executor->record);
    record_pack(&record, &executor->record);
    spool_append(&attempt->spool, buf_span(&executor->record));
    daemon_link_wake_records(executor, attempt);
}

static void horizon_check(struct attempt *attempt, const struct result *result,
                          struct channel *asker)
{
    if (!horizon_reached(&attempt->horizon, result)) {
        if (asker != NULL)
            channel_answer(asker, true);
        return;
    }
    attempt->holding = true;
    attempt->reached_seq = attempt->spool.last;
    attempt->asker = asker;
    if (!result_metric(result, attempt->horizon.attribute, &attempt->reached))
        attempt->reached = (double)INFINITY;
}

/* A report that counts now. */
static void report_apply(struct attempt *attempt, struct span report, double at_s, int64_t unix_s,
                         struct channel *asker)
{
    const struct msg_experiment *experiment = &attempt->executor->setup->experiment;
    struct result result;
    struct span missing;
    enum stop_answer answer;
    bool said_done;

    if (autofill_report(&attempt->fill, report, at_s, unix_s, &attempt->executor->fields, &result) <
        0) {
        attempt_misspoke(attempt, "a report is no map of names to plain data");
        return;
    }
    said_done = result.done;
    answer = stop_check(experiment->stop.items, experiment->stop.count, &result, &missing);
    if (answer == STOP_MISSING) {
        attempt_misspoke(attempt, "a stop rule names %.*s, which is not in the report or no number",
                         SPAN(missing));
        return;
    }
    result.done = answer == STOP_YES;
    result_add(attempt, &result);
    if (attempt->fill.checkpoint.size > 0) {
        attempt_checkpoint(attempt, attempt->fill.checkpoint, false, asker);
        asker = NULL; /* answered when it was read */
    }
    if (result.done) {
        if (asker != NULL)
            channel_answer(asker, false);
        attempt_close(attempt, said_done ? END_COMPLETED : END_STOPPED);
        return;
    }
    horizon_check(attempt, &result, asker);
}

static void report_hold(struct attempt *attempt, struct span report, double at_s, int64_t unix_s,
                        struct channel *asker)
{
    struct held *held = xmalloc(sizeof(*held) + report.size);

    *held = (struct held){.asker = asker, .at_s = at_s, .unix_s = unix_s, .size = report.size};
    memcpy(held->report, report.data, report.size);
    *attempt->held_end = held;
    attempt->held_end = &held->next;
    attempt->held_bytes += sizeof(*held) + report.size;
}

void attempt_report(struct attempt *attempt, struct span report, struct channel *asker)
{
    double at_s = (double)clock_ns() * 1e-9;
    int64_t unix_s = (int64_t)(clock_unix_ms() / 1000);

    report_count(attempt);
    if (attempt->closed) {
        attempt->dropped = true;
        if (asker != NULL)
            channel_answer(asker, false);
        return;
    }
    if (!report_check(attempt, report))
        return;
    if (attempt->holding || attempt->held != NULL)
        report_hold(attempt, report, at_s, unix_s, asker);
    else
        report_apply(attempt, report, at_s, unix_s, asker);
}

static struct held *held_take(struct attempt *attempt)
{
    struct held *held = attempt->held;

    attempt->held = held->next;
    if (attempt->held == NULL)
        attempt->held_end = &attempt->held;
    attempt->held_bytes -= sizeof(*held) + held->size;
    return held;
}

void attempt_held_drop(struct attempt *attempt)
{
    while (attempt->held != NULL) {
        struct held *held = held_take(attempt);

        if (held->asker != NULL)
            channel_answer(held->asker, false);
        free(held);
    }
}

void attempt_unhold(struct attempt *attempt)
{
    while (attempt->held != NULL && !attempt->holding && !attempt->closed &&
           !spool_full(&attempt->spool)) {
        struct held *held = held_take(attempt);

        report_apply(attempt, span_of(held->report, held->size), held->at_s, held->unix_s,
                     held->asker);
        free(held);
    }
}

/* How many more reports may be made before it must ask again. */
static int64_t reports_until(const struct attempt *attempt, double bound)
{
    double more = ceil(bound) - (double)attempt->fill.training_iteration;

    if (isnan(bound) || more > 9e15)
        return INT64_MAX;
    return more < 1 ? 1 : (int64_t)more;
}

int64_t attempt_may_report(const struct attempt *attempt)
{
    const struct msg_experiment *experiment = &attempt->executor->setup->experiment;
    const struct stop_rule *rules = experiment->stop.items;
    int64_t more = INT64_MAX;

    if (attempt->closed || attempt->holding || attempt->held != NULL)
        return 0;
    if (attempt->horizon.attribute.size > 0 && attempt->horizon.value < (double)INFINITY) {
        if (!span_is(attempt->horizon.attribute, "training_iteration"))
            return 1;
        more = reports_until(attempt, attempt->horizon.value);
    }
    for (uint32_t i = 0; i < experiment->stop.count; i++) {
        int64_t until;

        if (!span_is(rules[i].metric, "training_iteration") || rules[i].side != STOP_AT_LEAST)
            return 1;
        until = reports_until(attempt, rules[i].bound);
        more = until < more ? until : more;
    }
    return more;
}

void attempt_allow(struct attempt *attempt)
{
    int64_t more;

    if (attempt->closed)
        return;
    more = attempt_may_report(attempt);
    for (struct channel *channel = attempt->channels; channel != NULL; channel = channel->next)
        channel_allow(channel, more);
}

/* One report line of stdout. */
static void tagged_take(struct attempt *attempt, enum tagged_found found, struct span line)
{
    struct executor *executor = attempt->executor;
    const char *why;

    if (found == TAGGED_NONE || attempt->closed)
        return;
    if (found == TAGGED_TOO_LONG) {
        attempt_misspoke(attempt, "a report line of its output is over %u bytes", LIMIT_LINE_BYTES);
        return;
    }
    arena_reset(&executor->scratch);
    if (tagged_read(line, &executor->scratch, &executor->report, &why) < 0)
        attempt_misspoke(attempt, "a line of its output is no report: %s: assay: %.*s", why,
                         (int)(line.size > 200 ? 200 : line.size), (const char *)line.data);
    else
        attempt_report(attempt, buf_span(&executor->report), NULL);
}

/* Look through bytes of stdout for reports; what is left when the attempt stalls is kept. */
static void output_look(struct attempt *attempt, struct span bytes)
{
    struct span line;
    enum tagged_found found;

    while (bytes.size > 0 && !attempt_is_stalled(attempt)) {
        found = tagged_next(&attempt->tagged, &bytes, &line);
        tagged_take(attempt, found, line);
        if (found == TAGGED_TOO_LONG)
            return;
    }
    buf_append_span(&attempt->unread, bytes);
}

static void unread_look(struct attempt *attempt)
{
    struct buf unread = attempt->unread;

    if (unread.size == 0)
        return;
    attempt->unread = (struct buf){0};
    output_look(attempt, buf_span(&unread));
    buf_fini(&unread);
}

void attempt_last_line(struct attempt *attempt)
{
    struct span line;
    enum tagged_found found = tagged_end(&attempt->tagged, &line);

    /* "assay: x=1" may have been to become "assay: x=123". */
    if (!WIFSIGNALED(attempt->wait_status))
        tagged_take(attempt, found, line);
}

void attempt_stream_end(struct stream *stream)
{
    struct attempt *attempt = stream->attempt;

    if (stream->source.fd < 0)
        return;
    (void)loop_set(&attempt->executor->loop, &stream->source, 0);
    (void)close(stream->source.fd);
    stream->source.fd = -1;
}

static void stream_take(struct stream *stream, struct span bytes)
{
    struct attempt *attempt = stream->attempt;

    output_write(&stream->output, bytes);
    if (!attempt->executor->options->shares_results)
        daemon_link_wake_output(attempt->executor, attempt);
    if (stream == &attempt->streams[OUTPUT_STDOUT] && !attempt->closed)
        output_look(attempt, bytes);
}

bool attempt_stream_read(struct stream *stream)
{
    struct attempt *attempt = stream->attempt;
    bool reports = stream == &attempt->streams[OUTPUT_STDOUT];
    ssize_t got;

    if (reports)
        unread_look(attempt);
    if (stream->source.fd < 0 || (reports && attempt->unread.size > 0))
        return false;
    do {
        got = read(stream->source.fd, attempt->executor->bytes, EXECUTOR_READ);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0)
        attempt_stream_end(stream);
    else
        stream_take(stream, span_of(attempt->executor->bytes, (size_t)got));
    return got > 0;
}

void attempt_stream_ready(struct stream *stream)
{
    for (int i = 0; i < READS_A_TURN && !attempt_had_its_turn(stream->attempt); i++)
        if (!attempt_stream_read(stream))
            break;
    attempt_allow(stream->attempt);
    attempt_settle(stream->attempt);
}
