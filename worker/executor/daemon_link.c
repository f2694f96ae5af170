#include "worker/executor/daemon_link.h"

#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "worker/executor/attempt.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"
#include "worker/executor/transfer.h"
#include "worker/executor/tree.h"

static void link_ready(struct loop_source *source, uint32_t events);
static void listening_ready(struct loop_source *source, uint32_t events);

static struct executor *executor_of(struct daemon_link *link)
{
    return (struct executor *)((char *)link - offsetof(struct executor, link));
}

int daemon_link_open(struct executor *executor, const char *path)
{
    struct daemon_link *link = &executor->link;
    int fd = local_listen(path);

    local_init(&link->local, -1);
    arena_init(&link->arena);
    link->listening = (struct loop_source){.fd = fd, .ready = listening_ready};
    link->connected = (struct loop_source){.fd = -1, .ready = link_ready};
    return fd < 0 ? fd : loop_set(&executor->loop, &link->listening, EPOLLIN);
}

bool daemon_link_is_up(const struct executor *executor)
{
    return executor->link.local.fd >= 0;
}

/* The worker has gone: what was not acknowledged is not delivered. */
static void link_drop(struct executor *executor)
{
    struct daemon_link *link = &executor->link;

    (void)loop_set(&executor->loop, &link->connected, 0);
    link->connected.fd = -1;
    local_fini(&link->local);
    local_init(&link->local, -1);
    link->output_request = 0;
    link->store_request = 0;
    deadlines_set(executor->deadlines, DEADLINE_AWAY, executor_now_ms() + LIMIT_WORKER_AWAY_MS);
}

void daemon_link_close(struct executor *executor)
{
    struct daemon_link *link = &executor->link;

    link_drop(executor);
    (void)loop_set(&executor->loop, &link->listening, 0);
    if (link->listening.fd >= 0) {
        (void)close(link->listening.fd);
        (void)unlink(executor->options->socket);
    }
    arena_fini(&link->arena);
    buf_fini(&link->frame);
}

static void message_send(struct executor *executor, enum msg_type type, uint64_t request,
                         const void *body)
{
    struct daemon_link *link = &executor->link;
    int err;

    message_pack(type, request, body, &link->frame);
    err = local_send(&link->local, buf_span(&link->frame));
    if (err < 0) {
        if (err != ERR_CLOSED)
            log_line(LOG_WARNING, "worker_slow", "the worker does not read: %s", err_text(err));
        link_drop(executor);
    }
}

static struct msg_held held_of(const struct executor *executor, const struct attempt *attempt)
{
    return (struct msg_held){.experiment = executor->options->experiment,
                             .trial = attempt->lease.trial,
                             .attempt = attempt->lease.attempt,
                             .last_seq = attempt->spool.last};
}

/* What is held, and everything from the last acknowledged record on. Also what the head has given
 * up, as long as its processes may hold something: a worker that was started again asks for all.
 * Not what is over and acknowledged, of which nothing is left but output: nobody would speak of it
 * again. */
static void ready_send(struct executor *executor)
{
    struct daemon_link *link = &executor->link;
    struct msg_ready ready = {0};
    struct msg_held *held;

    arena_reset(&link->arena);
    held = arena_alloc(&link->arena, (table_count(executor->attempts) + 1) * sizeof(*held));
    ready.held.items = held;
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next) {
        if (attempt->done)
            continue;
        if (attempt->fenced || attempt->state != ATTEMPT_ENDED ||
            attempt->spool.acked < attempt->spool.last) {
            held[ready.held.count] = held_of(executor, attempt);
            if (attempt->state != ATTEMPT_ENDED)
                held[ready.held.count].gpus = attempt->lease.gpus;
            ready.held.count++;
        }
        if (attempt->state == ATTEMPT_ENDED)
            attempt->vacated = link->vacated = true; /* it may not have been heard */
        if (attempt->fenced)
            continue;
        spool_rewind(&attempt->spool);
        if (spool_has_unsent(&attempt->spool))
            daemon_link_wake_records(executor, attempt);
        if (output_unsent(&attempt->streams[0].output) ||
            output_unsent(&attempt->streams[1].output))
            daemon_link_wake_output(executor, attempt);
    }
    message_send(executor, MSG_READY, 0, &ready);
}

static void listening_ready(struct loop_source *source, uint32_t events)
{
    struct executor *executor = executor_of(
        (struct daemon_link *)((char *)source - offsetof(struct daemon_link, listening)));
    struct daemon_link *link = &executor->link;
    int fd = local_accept(source->fd);
    pid_t root;

    (void)events;
    if (fd < 0)
        return;
    /* No trial gives itself out to be the worker. */
    if (tree_holds(tree_peer(fd), executor_knows, executor, &root)) {
        log_line(LOG_WARNING, "worker_strange", "a trial's process is not the worker pid=%d",
                 (int)root);
        (void)close(fd);
        return;
    }
    link_drop(executor);
    deadlines_cancel(executor->deadlines, DEADLINE_AWAY);
    local_init(&link->local, fd);
    link->connected.fd = fd;
    if (loop_set(&executor->loop, &link->connected, EPOLLIN) < 0) {
        link_drop(executor);
        return;
    }
    ready_send(executor);
}

static void experiment_take(struct executor *executor, const struct msg_experiment *experiment)
{
    int err;

    if (executor->setup != NULL) {
        setup_renew(executor->setup, experiment);
        return;
    }
    err = experiment->experiment == executor->options->experiment
              ? setup_new(executor, experiment, &executor->setup)
              : ERR_MALFORMED;
    if (err < 0) {
        log_line(LOG_ERROR, "experiment_refused", "not what this executor is for: %s",
                 err_text(err));
        executor_end(executor, "the experiment cannot be run here");
    }
}

static void launch_take(struct executor *executor, const struct msg_launch *launch)
{
    const struct msg_lease *leases = launch->leases.items;

    for (uint32_t i = 0; i < launch->leases.count; i++) {
        if (executor->setup == NULL || leases[i].experiment != executor->options->experiment)
            log_line(LOG_ERROR, "launch_refused", "a lease of experiment %u, which is not here",
                     leases[i].experiment);
        else if (!executor->ending) {
            FAILPOINT("lease-begins");
            attempt_launch(executor, &leases[i]);
            FAILPOINT("lease-begun");
        }
    }
}

static void verdicts_take(struct executor *executor, const struct msg_verdicts *verdicts)
{
    const struct msg_verdict *items = verdicts->verdicts.items;

    FAILPOINT("verdicts-taken");
    for (uint32_t i = 0; i < verdicts->verdicts.count; i++) {
        struct attempt *attempt =
            table_get_u64(executor->attempts, attempt_key(items[i].trial, items[i].attempt));

        if (attempt != NULL && !attempt->fenced &&
            items[i].experiment == executor->options->experiment)
            attempt_verdict(attempt, &items[i]);
    }
}

/* The answer to the output in flight: taken (OK), or not wanted (ERROR). */
static void output_answered(struct executor *executor, uint64_t request, bool taken)
{
    struct daemon_link *link = &executor->link;
    struct attempt *attempt = table_get_u64(executor->attempts, link->output_key);
    struct output *output;

    if (request == 0 || request != link->output_request)
        return;
    link->output_request = 0;
    if (attempt == NULL)
        return;
    output = &attempt->streams[link->output_stream].output;
    if (taken)
        output_acknowledge(output, link->output_size);
    else
        output_refuse(output);
    daemon_link_wake_output(executor, attempt);
    attempt_check_done(attempt);
}

void daemon_link_ask(struct executor *executor, enum msg_type type, const void *body)
{
    struct daemon_link *link = &executor->link;

    link->store_request = ++link->requests;
    message_send(executor, type, link->store_request, body);
}

static void message_take(struct executor *executor, const struct message *message)
{
    struct daemon_link *link = &executor->link;

    if (message->request != 0 && message->request == link->store_request) {
        link->store_request = 0;
        transfer_answered(executor, message);
        return;
    }
    switch (message->type) {
    case MSG_EXPERIMENT:
        experiment_take(executor, message->body);
        break;
    case MSG_LAUNCH:
        launch_take(executor, message->body);
        break;
    case MSG_VERDICTS:
        verdicts_take(executor, message->body);
        break;
    case MSG_RELEASE:
        executor->released = true;
        break;
    case MSG_UNKNOWN:
        ready_send(executor);
        break;
    case MSG_OK:
        output_answered(executor, message->request, true);
        break;
    case MSG_ERROR:
        output_answered(executor, message->request, false);
        break;
    default:
        log_line(LOG_WARNING, "message_strange", "a message that is not for an executor type=%d",
                 (int)message->type);
    }
}

static void link_ready(struct loop_source *source, uint32_t events)
{
    struct daemon_link *link =
        (struct daemon_link *)((char *)source - offsetof(struct daemon_link, connected));
    struct executor *executor = executor_of(link);
    struct span frame;
    int err = (events & EPOLLOUT) != 0 ? local_flush(&link->local) : 0;

    if (err == 0 && (events & ~(uint32_t)EPOLLOUT) != 0)
        err = local_read(&link->local);
    if (err == ERR_CLOSED) /* before its number can be another's; what was read still counts */
        (void)loop_set(&executor->loop, &link->connected, 0);
    while (local_next(&link->local, &frame)) {
        struct schema_error error;
        struct message message;

        arena_reset(&link->arena);
        if (message_unpack(frame, &link->arena, &message, &error) < 0)
            log_line(LOG_ERROR, "message_malformed", "a message from the worker is none: %s %s",
                     error.field, error.what);
        else
            message_take(executor, &message);
    }
    if (err == ERR_CLOSED || link->local.fd < 0)
        link_drop(executor);
}

/* One REPORTS message with what attempts have to say, as much as fits. */
static void reports_send(struct executor *executor)
{
    struct daemon_link *link = &executor->link;
    struct msg_reports reports = {0};
    struct msg_batch *batches;
    struct attempt *full = NULL;
    size_t bytes = 0;

    arena_reset(&link->arena);
    batches = arena_alloc(&link->arena, LIMIT_BATCHES * sizeof(*batches));
    reports.batches.items = batches;
    while (link->unsent.first != NULL && bytes < LIMIT_BATCH_BYTES &&
           reports.batches.count < LIMIT_BATCHES) {
        struct attempt *attempt = daemon_link_next_records(link);
        struct msg_batch *batch = &batches[reports.batches.count];

        *batch = (struct msg_batch){.experiment = executor->options->experiment,
                                    .trial = attempt->lease.trial,
                                    .attempt = attempt->lease.attempt};
        if (!spool_take(&attempt->spool, LIMIT_BATCH_BYTES - bytes, LIMIT_BATCH_RECORDS,
                        &batch->first_seq, &batch->count, &batch->records))
            continue;
        bytes += batch->records.size;
        reports.batches.count++;
        if (!spool_has_unsent(&attempt->spool))
            continue;
        if (bytes < LIMIT_BATCH_BYTES / 2) {
            full = attempt; /* more of it than one batch may hold: the next message */
            break;
        }
        daemon_link_wake_records(executor, attempt);
    }
    if (full != NULL)
        daemon_link_wake_records(executor, full);
    if (reports.batches.count == 0)
        return;
    FAILPOINT("reports");
    message_send(executor, MSG_REPORTS, 0, &reports);
    FAILPOINT("reports-sent");
}

static void vacated_send(struct executor *executor)
{
    struct daemon_link *link = &executor->link;
    struct msg_vacated vacated = {0};
    struct msg_held *held;
    uint32_t said = 0;

    arena_reset(&link->arena);
    held = arena_alloc(&link->arena, LIMIT_BATCHES * sizeof(*held));
    vacated.attempts.items = held;
    link->vacated = false;
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next) {
        if (!attempt->vacated)
            continue;
        if (vacated.attempts.count == LIMIT_BATCHES) {
            link->vacated = true; /* the rest in the next message */
            break;
        }
        held[vacated.attempts.count++] = held_of(executor, attempt);
    }
    if (vacated.attempts.count > 0)
        message_send(executor, MSG_VACATED, 0, &vacated);
    FAILPOINT("vacated-sent");
    if (link->local.fd < 0)
        return; /* said again to the next */
    for (struct attempt *attempt = executor->first; said < vacated.attempts.count;
         attempt = attempt->next) {
        if (!attempt->vacated)
            continue;
        said++;
        attempt->vacated = false;
        attempt_check_done(attempt);
    }
}

static void output_send(struct executor *executor)
{
    struct daemon_link *link = &executor->link;

    while (link->local.fd >= 0 && link->output_request == 0 && link->output.first != NULL) {
        struct attempt *attempt = daemon_link_next_output(link);
        uint32_t stream =
            output_unsent(&attempt->streams[OUTPUT_STDERR].output) ? OUTPUT_STDERR : OUTPUT_STDOUT;
        struct output *output = &attempt->streams[stream].output;
        struct msg_output message;

        if (attempt->fenced || !output_unsent(output))
            continue;
        message = (struct msg_output){.experiment = executor->options->experiment,
                                      .trial = attempt->lease.trial,
                                      .attempt = attempt->lease.attempt,
                                      .stream = stream,
                                      .offset = output->sent};
        output_read(output, &executor->fields);
        if (!output_unsent(output)) {
            attempt_check_done(attempt); /* it cannot be read back */
            continue;
        }
        message.bytes = buf_span(&executor->fields);
        link->output_request = ++link->requests;
        link->output_key = attempt->key;
        link->output_stream = stream;
        link->output_size = executor->fields.size;
        message_send(executor, MSG_OUTPUT, link->output_request, &message);
    }
}

void daemon_link_flush(struct executor *executor)
{
    struct daemon_link *link = &executor->link;

    while (link->local.fd >= 0 && !local_pending(&link->local) && link->unsent.first != NULL)
        reports_send(executor);
    /* Behind this turn's records, but not behind all of them: where some trial always has more to
     * say than the worker takes, the others are not to wait for it. Both are bounded. */
    if (link->local.fd >= 0 && link->vacated)
        vacated_send(executor);
    if (link->local.fd >= 0)
        output_send(executor);
    if (link->local.fd >= 0 && link->store_request == 0 && executor->transfers != NULL)
        transfer_send(executor);
    if (link->local.fd < 0)
        return;
    if (loop_set(&executor->loop, &link->connected,
                 local_pending(&link->local) ? EPOLLIN | EPOLLOUT : EPOLLIN) < 0)
        link_drop(executor);
}
