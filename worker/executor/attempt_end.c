/* The way out of an attempt: why, the ladder, the last of its processes, its last record. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "worker/executor/attempt.h"
#include "worker/executor/cage.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"
#include "worker/executor/spare.h"
#include "worker/executor/transfer.h"
#include "worker/executor/tree.h"
#include "worker/executor/zygote.h"

#define LOOK_AGAIN_MS 50u   /* for processes that were killed and not yet reaped */
#define TRY_AGAIN_MS  1000u /* for a disk that was full */
#define TEXT_MOST     (LIMIT_END_TEXT - LIMIT_STDERR_TAIL - 64u)

static struct tree tree_of(const struct attempt *attempt)
{
    return (struct tree){attempt->pid, attempt->mark, attempt->dir, attempt->executor->killed,
                         attempt->cell};
}

/* How long a program that was told may take to leave by itself. One that only prints was not told.
 */
static uint32_t leave_ms(const struct attempt *attempt)
{
    if (attempt->reason != END_STOPPED && attempt->reason != END_COMPLETED)
        return 0;
    if (attempt->saves && attempt->executor->setup->experiment.checkpoint_at_end)
        return LIMIT_SAVE_MS;
    switch (attempt->spoke) {
    case CHANNEL_FRAMES:
        return LIMIT_LEAVE_MS;
    case CHANNEL_LINES:
        return attempt->reason == END_COMPLETED ? LIMIT_LEAVE_MS : LIMIT_LEAVE_LINES_MS;
    case CHANNEL_HELLO:
    case CHANNEL_NEW:
        break;
    }
    return attempt->reason == END_COMPLETED ? LIMIT_LEAVE_MS : 0;
}

static void ladder_climb(struct attempt *attempt)
{
    struct tree tree = tree_of(attempt);

    if (attempt->ladder == LADDER_LEAVE) {
        attempt->ladder = LADDER_TERM;
        tree_signal(tree.leader, SIGTERM);
        executor_wake_in(attempt->executor, attempt->key, LIMIT_GRACE_MS);
    } else {
        attempt->ladder = LADDER_KILL;
        (void)tree_kill(&tree, true, executor_knows, attempt->executor);
        executor_wake_in(attempt->executor, attempt->key, LOOK_AGAIN_MS);
    }
}

static void ladder_begin(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    uint32_t leave = leave_ms(attempt);

    if (attempt_restore_cancel(attempt) ||
        (attempt->state == ATTEMPT_STARTING && executor->setup->zygote != NULL &&
         (zygote_cancel(executor->setup->zygote, attempt) || spare_cancel(attempt))))
        attempt_failed_to_start(attempt, "it was stopped before it began");
    if (attempt->state != ATTEMPT_RUNNING)
        return;
    attempt->ladder = attempt->fenced ? LADDER_TERM : LADDER_LEAVE;
    if (leave > 0)
        executor_wake_in(executor, attempt->key, leave);
    else
        ladder_climb(attempt);
}

static void close_all(struct attempt *attempt)
{
    attempt->closed = true;
    attempt->holding = false;
    attempt_held_drop(attempt);
    if (attempt->asker != NULL)
        channel_answer(attempt->asker, false);
    attempt->asker = NULL;
    for (struct channel *channel = attempt->channels; channel != NULL; channel = channel->next)
        channel_stop(channel);
}

void attempt_close(struct attempt *attempt, enum end_reason reason)
{
    if (attempt->closed || attempt->state == ATTEMPT_ENDED)
        return;
    attempt->reason = reason;
    close_all(attempt);
    ladder_begin(attempt);
}

void attempt_fence(struct attempt *attempt)
{
    if (attempt->fenced)
        return;
    attempt->fenced = true;
    if (!attempt->restoring)
        transfer_drop(attempt);
    daemon_link_forget(attempt->executor, attempt);
    if (attempt->state != ATTEMPT_ENDED) {
        attempt->reason = END_STOPPED;
        close_all(attempt);
        ladder_begin(attempt);
    }
    attempt_settle(attempt);
}

void attempt_due(struct attempt *attempt)
{
    if (attempt->state == ATTEMPT_RUNNING && attempt->ladder != LADDER_NONE)
        ladder_climb(attempt);
    attempt_unhold(attempt);
    attempt_allow(attempt);
    attempt_settle(attempt);
}

/* A stalled attempt is not read from, so that its program waits in its write. */
static void stall_update(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    struct loop_source *output = &attempt->streams[OUTPUT_STDOUT].source;
    bool stalled = attempt->state != ATTEMPT_ENDED &&
                   (attempt_is_stalled(attempt) || (attempt->unread.size > 0 && !attempt->closed));

    if (stalled == attempt->stalled)
        return;
    attempt->stalled = stalled;
    if (output->fd >= 0)
        (void)loop_set(&executor->loop, output, stalled ? 0 : EPOLLIN);
    for (struct channel *channel = attempt->channels; channel != NULL; channel = channel->next)
        channel_listen(channel, !stalled);
}

/* What was left unread when the attempt stalled. */
static void unstall(struct attempt *attempt)
{
    if (!attempt->stalled || attempt_is_stalled(attempt))
        return;
    attempt_limits_heard(attempt);
    (void)attempt_stream_read(&attempt->streams[OUTPUT_STDOUT]);
    for (struct channel *channel = attempt->channels, *next; channel != NULL; channel = next) {
        next = channel->next;
        (void)channel_read(channel);
    }
}

/* Bytes that wait in a pipe or socket. */
static uint64_t waiting_bytes(int fd)
{
    int count = 0;

    return fd >= 0 && ioctl(fd, FIONREAD, &count) == 0 && count > 0 ? (uint64_t)count : 0;
}

/* All that its processes have said; there are none any more. What waits now and no more: somebody
 * who is not known to be the trial's may have the other end, and write for ever. False while it is
 * stalled. */
static bool drain(struct attempt *attempt)
{
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &attempt->streams[i];
        uint64_t until = stream->output.total + waiting_bytes(stream->source.fd);

        while (attempt_stream_read(stream) && stream->output.total < until)
            ;
    }
    for (struct channel *channel = attempt->channels, *next; channel != NULL; channel = next) {
        uint64_t until = channel->received + waiting_bytes(channel->source.fd);

        next = channel->next;
        while (channel_read(channel) && channel->received < until)
            ;
    }
    if (attempt->unread.size > 0 || attempt_is_stalled(attempt))
        return false;
    for (int i = 0; i < 2; i++)
        attempt_stream_end(&attempt->streams[i]);
    attempt_last_line(attempt);
    return true;
}

static bool has_left_well(const struct attempt *attempt)
{
    return !attempt->limits.ran_out && !attempt->said_error && WIFEXITED(attempt->wait_status) &&
           WEXITSTATUS(attempt->wait_status) == 0;
}

/* It was to save and leave, and has left from its horizon: no verdict follows. What it said past it
 * is dropped, so it has not completed. */
static void pause_end(struct attempt *attempt, bool all_read)
{
    if (!attempt->pausing || attempt->closed || !attempt->holding)
        return;
    if (attempt->held != NULL && has_left_well(attempt)) {
        attempt_close(attempt, END_STOPPED);
        return;
    }
    attempt_held_drop(attempt);
    attempt->holding = !all_read; /* what is still to be read is past it, too */
}

/* As it was meant to: nothing is known against its process. */
static bool ends_well(const struct attempt *attempt)
{
    return !attempt->fenced && has_left_well(attempt) &&
           (!attempt->closed || attempt->reason == END_STOPPED || attempt->reason == END_COMPLETED);
}

static void reason_find(struct attempt *attempt, struct record_end *end)
{
    end->reason = attempt->reason;
    if (attempt->closed)
        return;
    if (attempt->limits.ran_out) {
        end->reason = END_OOM;
        end->status = WIFSIGNALED(attempt->wait_status) ? WTERMSIG(attempt->wait_status)
                                                        : WEXITSTATUS(attempt->wait_status);
    } else if (WIFSIGNALED(attempt->wait_status)) {
        end->reason = END_SIGNAL;
        end->status = WTERMSIG(attempt->wait_status);
    } else {
        end->status = WEXITSTATUS(attempt->wait_status);
        end->reason = end->status == 0 && !attempt->said_error ? END_COMPLETED : END_EXIT;
    }
}

/* In words, and the last lines of stderr for a failure. */
static void text_make(const struct attempt *attempt, const struct record_end *end, struct buf *out)
{
    size_t size = attempt->text.size < TEXT_MOST ? attempt->text.size : TEXT_MOST;

    buf_reset(out);
    if (size > 0) {
        while (size < attempt->text.size && size > 0 && (attempt->text.data[size] & 0xC0) == 0x80)
            size--; /* not inside a character */
        buf_append(out, attempt->text.data, size);
    } else if (end->reason == END_SIGNAL) {
        const char *name = sigabbrev_np((int)end->status);

        buf_printf(out, "ended by signal %d (SIG%s)", (int)end->status, name != NULL ? name : "?");
    } else if (end->reason == END_EXIT) {
        buf_printf(out, "ended with exit status %d", (int)end->status);
    }
    output_clean(out, 0);
    if (!end_reason_is_failure(end->reason))
        return;
    buf_append_text(out, "\n");
    output_last(&attempt->streams[OUTPUT_STDERR].output, LIMIT_STDERR_TAIL, out);
    if (out->data[out->size - 1] == '\n')
        out->size--;
}

static void end_write(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    struct record record = {.kind = RECORD_END, .end = {.unix_ms = clock_unix_ms()}};

    FAILPOINT("end");
    reason_find(attempt, &record.end);
    text_make(attempt, &record.end, &executor->fields);
    record.end.text = buf_span(&executor->fields);
    buf_reset(&executor->record);
    record_pack(&record, &executor->record);
    spool_append(&attempt->spool, buf_span(&executor->record));
    daemon_link_wake_records(executor, attempt);
}

void attempt_records_lost(struct attempt *attempt, const char *why)
{
    if (attempt->fenced)
        return;
    buf_reset(&attempt->text);
    buf_append_text(&attempt->text, why);
    attempt_close(attempt, END_EXECUTOR_LOST);
    attempt->reason = END_EXECUTOR_LOST;
    attempt->closed = true;
    if (attempt->state == ATTEMPT_ENDED)
        end_write(attempt); /* its END was among them */
}

static void end_all(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;

    if (!attempt->fenced)
        end_write(attempt);
    spare_release(attempt, !executor->ending && ends_well(attempt));
    while (attempt->channels != NULL)
        channel_free(attempt->channels);
    for (int i = 0; i < 2; i++) {
        struct loop_source *source = &attempt->streams[i].source;

        (void)loop_set(&executor->loop, source, 0);
        if (source->fd >= 0)
            (void)close(source->fd);
        source->fd = -1;
        output_end(&attempt->streams[i].output);
    }
    attempt->state = ATTEMPT_ENDED;
    attempt->vacated = true;
    executor->link.vacated = true;
    if (!executor->options->shares_results && !attempt->fenced)
        daemon_link_wake_output(executor, attempt);
}

/* True where all that it has said is read, and judged where that is needed. */
static bool is_heard_out(struct attempt *attempt)
{
    bool all_read = drain(attempt);

    pause_end(attempt, all_read);
    return all_read && !attempt->holding && attempt->held == NULL;
}

/* None of its processes is its own any more. */
static void cleared(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;

    attempt_limits_give(attempt);
    cell_give(executor->cage, attempt->cell);
    attempt->cell = NULL;
    attempt->state = ATTEMPT_DRAINING;
    executor->live--;
    if (executor->live == 0)
        tree_kill_orphans(executor_knows, executor);
}

/* Whether its process, which waits for another trial, may get one. */
static bool may_be_kept(const struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    struct tree tree = tree_of(attempt);

    return executor->setup->experiment.reuse && !executor->ending && !attempt->config_written &&
           attempt->ladder <= LADDER_LEAVE && attempt->offered->out.size == 0 &&
           ends_well(attempt) && tree_is_alone(&tree, executor_knows, executor);
}

/* It is as if that process had ended well, or it ends. */
static void offer_take(struct attempt *attempt)
{
    struct channel *channel = attempt->offered;
    bool kept = may_be_kept(attempt) && spare_keep(attempt, channel->source.fd);

    attempt->offered = NULL;
    if (!kept) {
        channel_leave(channel);
        return;
    }
    channel_hand_over(channel);
    attempt->reaped = true;
    (void)table_remove_u64(attempt->executor->processes, (uint64_t)attempt->pid);
    cleared(attempt);
}

void attempt_settle(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    struct tree tree = tree_of(attempt);

    if (attempt->state == ATTEMPT_RUNNING)
        unstall(attempt);
    if (attempt->state == ATTEMPT_RUNNING && attempt->offered != NULL)
        offer_take(attempt);
    if (attempt->state == ATTEMPT_CLEARING) {
        if (attempt->pid > 0 && !tree_kill(&tree, false, executor_knows, executor)) {
            stall_update(attempt);
            executor_wake_in(executor, attempt->key, LOOK_AGAIN_MS);
            return;
        }
        cleared(attempt);
    }
    if (attempt->state == ATTEMPT_DRAINING && is_heard_out(attempt) &&
        (!transfer_saves(attempt) || executor->ending))
        end_all(attempt);
    stall_update(attempt);
    if (attempt->state == ATTEMPT_DRAINING || attempt->stalled)
        executor_wake_in(executor, attempt->key, TRY_AGAIN_MS);
    attempt_check_done(attempt);
}

void attempt_check_done(struct attempt *attempt)
{
    bool sent = attempt->executor->options->shares_results ||
                (!output_unsent(&attempt->streams[0].output) &&
                 !output_unsent(&attempt->streams[1].output));

    if (attempt->state == ATTEMPT_ENDED && !attempt->vacated &&
        (attempt->fenced || (attempt->spool.acked == attempt->spool.last && sent))) {
        attempt->done = true;
        attempt->executor->sweep = true;
    }
}
