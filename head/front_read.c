/* Readers: answered from the view and the sinks' files at once, or when there is something. */
#include <assert.h>
#include <stdio.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "head/front_inside.h"
#include "head/query.h"

#define WAIT_MOST_MS 30000u
#define LOOK_MS      100u /* trials that work in the head's folders write there unseen */

/* What is not there is named as people write it: 3, or 3/17. */
static void refuse_read(struct front *front, const struct link_route *route, uint64_t request,
                        int err, uint32_t experiment, uint32_t trial)
{
    char what[32];

    if (trial == MSG_ALL)
        (void)snprintf(what, sizeof(what), "%u", experiment);
    else
        (void)snprintf(what, sizeof(what), "%u/%u", experiment, trial);
    front_refuse(front, front->parts.client_socket, route, request,
                 err == ERR_NOT_FOUND ? ERROR_NOT_FOUND : ERROR_INVALID, what,
                 err == ERR_NOT_FOUND ? "there is no such experiment or trial" : err_text(err),
                 "assay list, assay trials EXP");
}

static void waiter_refuse(struct front *front, const struct waiter *waiter, int err)
{
    uint32_t experiment = waiter->trials.experiment;
    uint32_t trial = MSG_ALL;

    if (waiter->type == MSG_RESULTS) {
        experiment = waiter->results.experiment;
        trial = waiter->results.trial;
    } else if (waiter->type == MSG_LOGS) {
        experiment = waiter->logs.experiment;
        trial = waiter->logs.trial;
    } else if (waiter->type == MSG_WANT) {
        experiment = waiter->want.experiment;
    }
    refuse_read(front, &waiter->route, waiter->request, err, experiment, trial);
}

/* Try to answer one that may wait; true when it was answered. */
static bool waiter_answer(struct front *front, const struct waiter *waiter, bool last_call)
{
    const struct front_parts *parts = &front->parts;
    struct msg_trial_rows rows;
    struct msg_lines lines;
    struct msg_log_chunk chunk;
    struct msg_wanted wanted;
    const void *body = &rows;
    enum msg_type type = MSG_TRIAL_ROWS;
    bool nothing = false;
    int err;

    arena_reset(&front->arena);
    if (waiter->type == MSG_TRIALS) {
        err = query_trials(parts->view, &waiter->trials, &front->arena, &rows, &nothing);
    } else if (waiter->type == MSG_RESULTS) {
        err = query_results(parts->view, parts->sinks, &waiter->results, &front->arena, &lines,
                            &nothing);
        body = &lines;
        type = MSG_LINES;
    } else if (waiter->type == MSG_WANT) {
        err = query_want(parts->view, &waiter->want, &wanted, &nothing);
        body = &wanted;
        type = MSG_WANTED;
    } else {
        err = query_logs(parts->view, &waiter->logs, &front->arena, &chunk, &nothing);
        body = &chunk;
        type = MSG_LOG_CHUNK;
    }
    if (err != 0) {
        waiter_refuse(front, waiter, err);
        return true;
    }
    if (nothing && !last_call)
        return false;
    front_send(front, parts->client_socket, &waiter->route, type, waiter->request, body);
    return true;
}

void front_read_waiting(struct front *front, const struct link_message *from,
                        const struct message *message, uint64_t now_ms)
{
    struct waiter waiter = {.type = message->type,
                            .route = from->route,
                            .request = message->request,
                            .principal = from->principal};
    uint32_t wait_ms;

    if (message->type == MSG_TRIALS) {
        waiter.trials = *(const struct msg_trials *)message->body;
        /* Its state is a text of the frame, which does not stay: a reader that waits gets all. */
        wait_ms = waiter.trials.state.size > 0 ? 0 : waiter.trials.wait_ms;
    } else if (message->type == MSG_RESULTS) {
        waiter.results = *(const struct msg_results *)message->body;
        wait_ms = waiter.results.wait_ms;
    } else if (message->type == MSG_WANT) {
        waiter.want = *(const struct msg_want *)message->body;
        wait_ms = waiter.want.wait_ms;
    } else {
        waiter.logs = *(const struct msg_logs *)message->body;
        wait_ms = waiter.logs.wait_ms;
    }
    if (waiter_answer(front, &waiter, wait_ms == 0 || front->waiter_count == FRONT_WAITERS))
        return;
    waiter.deadline_ms = now_ms + (wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS);
    front->waiters[front->waiter_count++] = waiter;
}

void front_wake(struct front *front, uint64_t now_ms)
{
    uint64_t view_now = view_version(front->parts.view);
    uint64_t sinks_now = sinks_version(front->parts.sinks);
    uint32_t kept = 0;

    if (front->waiter_count == 0 ||
        (view_now == front->view_version && sinks_now == front->sinks_version &&
         now_ms < front->look_ms && now_ms < front_deadline_ms(front)))
        return;
    front->view_version = view_now;
    front->sinks_version = sinks_now;
    front->look_ms = now_ms + LOOK_MS;
    for (uint32_t i = 0; i < front->waiter_count; i++) {
        if (waiter_answer(front, &front->waiters[i], now_ms >= front->waiters[i].deadline_ms))
            continue;
        if (kept != i)
            front->waiters[kept] = front->waiters[i];
        kept++;
    }
    front->waiter_count = kept;
}

/* Those of one that may ask no more hear nothing more. */
void front_revoke(struct front *front, uint32_t principal)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < front->waiter_count; i++)
        if (front->waiters[i].principal != principal)
            front->waiters[kept++] = front->waiters[i];
    front->waiter_count = kept;
}

uint32_t front_waiting(const struct front *front)
{
    return front->waiter_count;
}

uint64_t front_deadline_ms(const struct front *front)
{
    uint64_t first = UINT64_MAX;

    for (uint32_t i = 0; i < front->waiter_count; i++)
        if (front->waiters[i].deadline_ms < first)
            first = front->waiters[i].deadline_ms;
    return first;
}

static void find(struct front *front, struct msg_findings *out)
{
    struct checkup_facts facts;

    front->parts.facts(front->parts.context, &facts);
    *out = (struct msg_findings){.version = span_text(ASSAY_VERSION),
                                 .name = span_text(front->parts.name),
                                 .epoch = front->parts.epoch,
                                 .unix_ms = clock_unix_ms()};
    checkup_make(&facts, &front->arena, &out->rows);
}

static int explain(struct front *front, const struct msg_explain *about, struct msg_text *out)
{
    struct buf text = {0};
    int err = 0;

    if (!core_explain(front->parts.core, about->experiment, about->trial, &text))
        err = ERR_NOT_FOUND;
    query_said_last(front->parts.view, about->experiment, about->trial, &front->arena, &text);
    if (text.size > LIMIT_CHUNK_BYTES)
        text.size = LIMIT_CHUNK_BYTES;
    out->text = arena_copy(&front->arena, buf_span(&text));
    buf_fini(&text);
    return err;
}

/* Reads that are answered at once. */
void front_read(struct front *front, const struct link_message *from, const struct message *message,
                uint64_t now_ms)
{
    const struct front_parts *parts = &front->parts;
    union {
        struct msg_experiments experiments;
        struct msg_status_reply status;
        struct msg_trial_rows rows;
        struct msg_show_reply show;
        struct msg_node_rows nodes;
        struct msg_token_rows tokens;
        struct msg_findings findings;
        struct msg_text text;
    } body = {0};
    enum msg_type type = MSG_TEXT;
    uint32_t experiment = 0;
    uint32_t trial = MSG_ALL;
    int err = 0;

    arena_reset(&front->arena);
    switch ((int)message->type) {
    case MSG_LIST:
        query_list(parts->view, message->body, &front->arena, &body.experiments);
        type = MSG_EXPERIMENTS;
        break;
    case MSG_STATUS:
        experiment = ((const struct msg_status *)message->body)->experiment;
        err = query_status(parts->view, parts->core, message->body, front->committing,
                           &front->arena, &body.status);
        type = MSG_STATUS_REPLY;
        break;
    case MSG_BEST:
        experiment = ((const struct msg_best *)message->body)->experiment;
        err = query_best(parts->view, message->body, &front->arena, &body.rows);
        type = MSG_TRIAL_ROWS;
        break;
    case MSG_SHOW:
        experiment = ((const struct msg_show *)message->body)->experiment;
        trial = ((const struct msg_show *)message->body)->trial;
        err = query_show(parts->view, parts->core, message->body, &front->arena, &body.show);
        type = MSG_SHOW_REPLY;
        break;
    case MSG_NODES:
        query_nodes(parts->view, now_ms, &front->arena, &body.nodes);
        type = MSG_NODE_ROWS;
        break;
    case MSG_DOCTOR:
        find(front, &body.findings);
        type = MSG_FINDINGS;
        break;
    case MSG_TOKEN_LIST:
        query_tokens(parts->view, message->body, &front->arena, &body.tokens);
        type = MSG_TOKEN_ROWS;
        break;
    default:
        assert(message->type == MSG_EXPLAIN);
        experiment = ((const struct msg_explain *)message->body)->experiment;
        trial = ((const struct msg_explain *)message->body)->trial;
        err = explain(front, message->body, &body.text);
        break;
    }
    if (err != 0)
        refuse_read(front, &from->route, message->request, err, experiment, trial);
    else
        front_send(front, parts->client_socket, &from->route, type, message->request, &body);
}
