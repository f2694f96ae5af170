#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/err.h"
#include "common/sys/log.h"
#include "worker/executors_inside.h"

#define LENGTH_BYTES 4u
#define EVENTS       64

void talk_watch(struct executor *executor)
{
    struct executors *all = executor->all;
    uint32_t events = 0;
    struct epoll_event event = {.data = {.ptr = &executor->talk}};
    int rc = 0;

    if (executor->local.fd >= 0)
        events = local_pending(&executor->local) ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if (executor->local.fd < 0) {
        executor->talk.fd = -1; /* local has closed it */
        executor->watched = 0;
        executor->greeted = false;
        executor->output.own = 0;
        executor->store.own = 0;
        if (executor->process.fd < 0)
            return;
        executor->lost = true;
        executor->introduced = executor->introduced && executor->experiment.size == 0;
        if (executor->connect_at_ms == 0)
            executor->connect_at_ms = all->now_ms + RECONNECT_MS;
        return;
    }
    if (events == executor->watched && executor->talk.fd == executor->local.fd)
        return;
    event.events = events;
    rc = epoll_ctl(all->frames, executor->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                   executor->local.fd, &event);
    if (rc != 0)
        log_line(LOG_ERROR, "epoll", "a socket cannot be watched: %s", strerror(errno));
    executor->talk.fd = executor->local.fd;
    executor->watched = events;
}

/* ---- what they say ---- */

/* All whole frames that were read; false: one could not be taken. */
static bool frames_take(struct executor *executor)
{
    struct executors *all = executor->all;
    struct span frame;

    while (local_next(&executor->local, &frame)) {
        if (all->parts.calls.frame(all->parts.calls.context, executor, frame))
            continue;
        all->stalled = executor;
        buf_reset(&all->stalled_frame);
        buf_append_span(&all->stalled_frame, frame);
        return false;
    }
    return true;
}

void executors_resume(struct executors *executors)
{
    struct executor *executor = executors->stalled;

    if (executor == NULL)
        return;
    if (!executors->parts.calls.frame(executors->parts.calls.context, executor,
                                      buf_span(&executors->stalled_frame)))
        return;
    executors->stalled = NULL;
    buf_reset(&executors->stalled_frame);
    if (frames_take(executor) && executor->local.fd < 0)
        executor_lose_talk(executor);
}

bool executors_is_stalled(const struct executors *executors)
{
    return executors->stalled != NULL;
}

static void talk_ready(struct executor *executor, uint32_t events)
{
    int err = 0;

    if ((events & EPOLLOUT) != 0)
        err = local_flush(&executor->local);
    if (err == 0 && (events & ~(uint32_t)EPOLLOUT) != 0)
        err = local_read(&executor->local);
    if (!frames_take(executor))
        return; /* what is behind it is read when that one is taken */
    if (err != 0 || executor->local.fd < 0) {
        executor_lose_talk(executor);
        return;
    }
    executor_flush(executor);
}

void executors_read(struct executors *executors)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(executors->frames, events, EVENTS, 0);

    for (int i = 0; i < count && executors->stalled == NULL; i++) {
        const struct source *source = events[i].data.ptr;

        if (source->fd >= 0 && source->fd == source->executor->local.fd)
            talk_ready(source->executor, events[i].events);
    }
}

void executor_drain(struct executor *executor)
{
    const struct local *local = &executor->local;
    bool stalled = executor->all->stalled != NULL; /* then nothing is taken of anybody */
    bool more = true;

    /* Until nothing comes: who inherited the other end may hold it open, and behind half a frame
     * there may be nothing for ever. */
    while (more && !stalled) {
        size_t before = local->in.size - local->taken;

        more = local_read(&executor->local) == 0 && local->in.size > before;
        stalled = !frames_take(executor);
    }
    /* The head is slow, and the process that would say it again is gone: what is lost here the head
     * asks for, and hears of the end. */
    if (executor->all->stalled == executor) {
        executor->all->stalled = NULL;
        buf_reset(&executor->all->stalled_frame);
    }
}

/* ---- what is said to them ---- */

static void outbox_add(struct executor *executor, struct span frame)
{
    uint32_t size = (uint32_t)frame.size;

    buf_append(&executor->outbox, &size, LENGTH_BYTES);
    buf_append_span(&executor->outbox, frame);
}

static bool may_order(const struct executor *executor)
{
    return executor->local.fd >= 0 && executor->code == CODE_READY && executor->greeted &&
           executor->introduced && !executor->leaving;
}

void executor_flush(struct executor *executor)
{
    size_t done = 0;

    if (executor->local.fd >= 0 && executor->code == CODE_READY && !executor->introduced &&
        !executor->leaving && executor->experiment.size > 0)
        executor->introduced = executor_say(executor, buf_span(&executor->experiment));
    while (may_order(executor) && done < executor->outbox.size) {
        uint32_t size;

        memcpy(&size, executor->outbox.data + done, LENGTH_BYTES);
        if (local_send(&executor->local,
                       span_of(executor->outbox.data + done + LENGTH_BYTES, size)) == ERR_AGAIN)
            break;
        done += LENGTH_BYTES + size;
    }
    if (done > 0)
        buf_consume(&executor->outbox, done);
    talk_watch(executor);
}

void executor_order(struct executor *executor, struct span frame)
{
    if (may_order(executor) && executor->outbox.size == 0 &&
        local_send(&executor->local, frame) != ERR_AGAIN) {
        /* One that just closed: it is handed over again, or ended with its process. */
        talk_watch(executor);
        return;
    }
    outbox_add(executor, frame);
}

void executor_judge(struct executor *executor, struct span frame)
{
    /* Nobody has what it is about. It is no reason to start anybody. */
    if (!executor_is_there(executor) && executor->outbox.size == 0)
        return;
    /* What a leaving one still has, and what waits for the one after it. */
    if (executor->leaving)
        (void)executor_say(executor, frame);
    executor_order(executor, frame);
}

bool executor_say(struct executor *executor, struct span frame)
{
    int err;

    if (executor->local.fd < 0)
        return false;
    err = local_send(&executor->local, frame);
    talk_watch(executor);
    return err == 0;
}
