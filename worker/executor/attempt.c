#include "worker/executor/attempt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/action.h"
#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/executor/cage.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"
#include "worker/executor/tree.h"
#include "worker/executor/zygote.h"

uint64_t attempt_key(uint32_t trial, uint32_t attempt)
{
    return (uint64_t)trial << 32 | attempt;
}

static void stream_ready(struct loop_source *source, uint32_t events)
{
    (void)events;
    attempt_stream_ready((struct stream *)source);
}

static void lease_copy(struct attempt *attempt, const struct msg_lease *lease)
{
    struct arena *arena = &attempt->arena;
    struct msg_lease *copy = &attempt->lease;

    *copy = *lease;
    copy->trial_id = arena_copy(arena, lease->trial_id);
    copy->trial_name = arena_copy(arena, lease->trial_name);
    copy->folder = arena_copy(arena, lease->folder);
    copy->config = arena_copy(arena, lease->config);
    copy->checkpoint = arena_copy(arena, lease->checkpoint);
    copy->gpus.items = arena_alloc(arena, lease->gpus.count * sizeof(struct msg_gpu));
    if (lease->gpus.count > 0)
        memcpy(copy->gpus.items, lease->gpus.items, lease->gpus.count * sizeof(struct msg_gpu));
    copy->resources.custom = (struct record_list){0}; /* nobody here asks */
    attempt->id = arena_text(arena, lease->trial_id);
    attempt->mark = arena_printf(arena, "ASSAY_TRIAL_ID=%s", attempt->id);
}

static void horizon_set(struct attempt *attempt, double value)
{
    attempt->horizon.value = isnan(value) ? (double)INFINITY : value;
}

static struct attempt *attempt_new(struct executor *executor, const struct msg_lease *lease)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));
    char path[LIMIT_PATH_BYTES];

    arena_init(&attempt->arena);
    attempt->executor = executor;
    attempt->key = attempt_key(lease->trial, lease->attempt);
    lease_copy(attempt, lease);
    for (int i = 0; i < 2; i++) {
        attempt->streams[i].attempt = attempt;
        attempt->streams[i].source.fd = -1;
        attempt->streams[i].source.ready = stream_ready;
    }
    tagged_init(&attempt->tagged);
    attempt->spoke = CHANNEL_NEW;
    attempt->horizon.attribute = executor->setup->experiment.horizon_attribute;
    horizon_set(attempt, lease->horizon);
    attempt_checkpoint_paths(attempt);
    attempt->held_end = &attempt->held;
    (void)snprintf(path, sizeof(path), "%s/spool-%u-%u", executor->options->dir, lease->trial,
                   lease->attempt);
    spool_init(&attempt->spool, path);
    attempt->next = executor->first;
    executor->first = attempt;
    executor->live++;
    (void)table_put_u64(executor->attempts, attempt->key, attempt);
    return attempt;
}

void attempt_launch(struct executor *executor, const struct msg_lease *lease)
{
    struct attempt *attempt =
        table_get_u64(executor->attempts, attempt_key(lease->trial, lease->attempt));

    if (attempt != NULL) {
        /* It runs already, or has: say again what is known of it, never run it twice. */
        spool_rewind(&attempt->spool);
        daemon_link_wake_records(executor, attempt);
        return;
    }
    attempt = attempt_new(executor, lease);
    attempt_start(attempt);
}

static void list_remove(struct attempt *attempt)
{
    struct attempt **link = &attempt->executor->first;

    while (*link != attempt)
        link = &(*link)->next;
    *link = attempt->next;
}

void attempt_free(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;

    list_remove(attempt);
    (void)table_remove_u64(executor->attempts, attempt->key);
    deadlines_cancel(executor->deadlines, attempt->key);
    daemon_link_forget(executor, attempt);
    if (attempt->pid > 0 && !attempt->reaped) {
        tree_signal(attempt->pid, SIGKILL);
        (void)table_remove_u64(executor->processes, (uint64_t)attempt->pid);
    }
    if (attempt->state < ATTEMPT_DRAINING)
        executor->live--;
    attempt_held_drop(attempt);
    attempt_checkpoints_end(attempt);
    while (attempt->channels != NULL)
        channel_free(attempt->channels);
    for (int i = 0; i < 2; i++) {
        (void)loop_set(&executor->loop, &attempt->streams[i].source, 0);
        if (attempt->streams[i].source.fd >= 0)
            (void)close(attempt->streams[i].source.fd);
        output_fini(&attempt->streams[i].output);
    }
    attempt_limits_forget(attempt);
    cell_give(executor->cage, attempt->cell);
    tagged_fini(&attempt->tagged);
    spool_fini(&attempt->spool);
    buf_fini(&attempt->unread);
    buf_fini(&attempt->text);
    arena_fini(&attempt->arena);
    free(attempt);
}

void attempt_record(struct attempt *attempt, const struct record *record)
{
    struct buf *bytes = &attempt->executor->record;

    buf_reset(bytes);
    record_pack(record, bytes);
    spool_append(&attempt->spool, buf_span(bytes));
    daemon_link_wake_records(attempt->executor, attempt);
}

static void listen_all(struct attempt *attempt)
{
    for (int i = 0; i < 2; i++)
        if (loop_set(&attempt->executor->loop, &attempt->streams[i].source, EPOLLIN) < 0)
            attempt_misspoke(attempt, "cannot wait for its output: %s", strerror(errno));
    for (struct channel *channel = attempt->channels, *next; channel != NULL; channel = next) {
        next = channel->next;
        channel_listen(channel, true);
        (void)channel_read(channel); /* what came before it was known to have started */
    }
    attempt_allow(attempt);
}

void attempt_count(struct attempt *attempt)
{
    autofill_start(&attempt->fill, (double)clock_ns() * 1e-9,
                   attempt->restore_dir != NULL ? &attempt->lease.counters : NULL);
}

void attempt_started(struct attempt *attempt, pid_t pid)
{
    struct executor *executor = attempt->executor;
    struct record record = {.kind = RECORD_START,
                            .start = {.pid = pid, .unix_ms = clock_unix_ms()}};

    assert(attempt->state == ATTEMPT_STARTING);
    attempt->state = ATTEMPT_RUNNING;
    attempt->pid = pid;
    (void)table_put_u64(executor->processes, (uint64_t)pid, attempt);
    attempt_count(attempt);
    if (attempt->fenced) {
        tree_signal(pid, SIGKILL);
        return;
    }
    attempt_record(attempt, &record);
    attempt_limits_begin(attempt);
    listen_all(attempt);
    if (attempt->closed && attempt->ladder == LADDER_NONE) {
        /* It was decided before there was anybody to tell: the ladder begins here. */
        attempt->ladder = LADDER_TERM;
        tree_signal(pid, SIGTERM);
        executor_wake_in(executor, attempt->key, LIMIT_GRACE_MS);
    }
    if (attempt->offered != NULL)
        attempt_settle(attempt); /* it had ended before it was known to have begun */
}

void attempt_failed_to_start(struct attempt *attempt, const char *format, ...)
{
    struct record record = {.kind = RECORD_START, .start = {.unix_ms = clock_unix_ms()}};
    va_list args;

    assert(attempt->state == ATTEMPT_STARTING);
    if (!attempt->closed) {
        va_start(args, format);
        buf_vprintf(&attempt->text, format, args);
        va_end(args);
        attempt->closed = true;
        attempt->reason = END_START;
    }
    if (!attempt->fenced)
        attempt_record(attempt, &record); /* a stream begins with a START, also this one */
    attempt->reaped = true;
    attempt->state = ATTEMPT_CLEARING;
    attempt_settle(attempt);
}

void attempt_found_no_room(struct attempt *attempt, const char *path)
{
    if (!attempt->closed) {
        buf_printf(&attempt->text, "its node has no room left for %s", path);
        attempt->closed = true;
        attempt->reason = END_DISK_FULL;
    }
    attempt_failed_to_start(attempt, "%s", "");
}

void attempt_exited(struct attempt *attempt, int wait_status)
{
    if (attempt->reaped || attempt->pid == 0)
        return;
    attempt->reaped = true;
    attempt->wait_status = wait_status;
    attempt->state = ATTEMPT_CLEARING;
    (void)table_remove_u64(attempt->executor->processes, (uint64_t)attempt->pid);
    attempt_settle(attempt);
}

/* The head has judged all up to acked_seq: the horizon is there now, wherever the trial is. A trial
 * that waits goes on when the result that met the horizon was judged, whatever the new one is (it
 * may be that the very next result is wanted), or when it is inside the new one. */
static void horizon_move(struct attempt *attempt, double value, uint64_t acked_seq)
{
    horizon_set(attempt, value);
    if (!attempt->holding ||
        (acked_seq < attempt->reached_seq && attempt->reached >= attempt->horizon.value))
        return;
    attempt->holding = false;
    attempt_limits_heard(attempt);
    if (attempt->asker != NULL) {
        channel_answer(attempt->asker, true);
        attempt->asker = NULL;
    }
    attempt_unhold(attempt);
}

/* What the head acknowledged it has no more, and nor have we: it begins anew from what there is. */
static void acknowledged_lost(struct attempt *attempt, uint64_t seq)
{
    log_line(LOG_ERROR, "amnesia",
             "AMNESIA: the head's log has lost what it had acknowledged trial=%s acknowledged=%llu "
             "there=%llu",
             attempt->id, (unsigned long long)attempt->spool.acked, (unsigned long long)seq);
    spool_forget(&attempt->spool, seq);
    attempt_records_lost(attempt, "the head's log has lost results that it had acknowledged");
    attempt_settle(attempt);
}

void attempt_verdict(struct attempt *attempt, const struct msg_verdict *verdict)
{
    int err;

    if (verdict->action == ACTION_RESEND && verdict->acked_seq < attempt->spool.acked) {
        acknowledged_lost(attempt, verdict->acked_seq);
        return;
    }
    err = spool_ack(&attempt->spool, verdict->acked_seq);

    if (err < 0) {
        log_line(LOG_ERROR, "spool_lost", "the spool gives nothing back: %s trial=%s",
                 err_text(err), attempt->id);
        attempt_records_lost(attempt, "the executor's spool file cannot be read back");
    }
    switch (verdict->action) {
    case ACTION_FENCED:
        attempt_fence(attempt);
        return;
    case ACTION_RESEND:
        spool_rewind(&attempt->spool);
        break;
    case ACTION_CONTINUE:
        horizon_move(attempt, verdict->horizon, verdict->acked_seq);
        break;
    case ACTION_SAVE:
        attempt_save(attempt);
        horizon_move(attempt, verdict->horizon, verdict->acked_seq);
        break;
    case ACTION_PAUSE:
        attempt_pause(attempt);
        break;
    case ACTION_STOP:
        attempt_close(attempt, END_STOPPED);
        break;
    default:
        log_line(LOG_ERROR, "verdict_unknown",
                 "a verdict that this version cannot follow action=%u", verdict->action);
        attempt_misspoke(attempt, "the head's verdict %u is not known here", verdict->action);
    }
    if (spool_has_unsent(&attempt->spool))
        daemon_link_wake_records(attempt->executor, attempt);
    attempt_unhold(attempt);
    attempt_allow(attempt);
    attempt_settle(attempt);
}
