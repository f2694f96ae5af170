#include "worker/executor/loop.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "common/err.h"

int loop_init(struct loop *loop)
{
    *loop = (struct loop){.fd = epoll_create1(EPOLL_CLOEXEC)};
    return loop->fd < 0 ? err_from_errno() : 0;
}

void loop_fini(struct loop *loop)
{
    if (loop->fd >= 0)
        (void)close(loop->fd);
    loop->fd = -1;
}

/* What this turn found for a source that goes away must not reach it. */
static void batch_forget(struct loop *loop, const struct loop_source *source)
{
    for (int i = 0; i < loop->count; i++)
        if (loop->batch[i].data.ptr == source)
            loop->batch[i].data.ptr = NULL;
}

int loop_set(struct loop *loop, struct loop_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    int operation = events == 0 ? EPOLL_CTL_DEL : source->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (events == (source->added ? source->events : 0))
        return 0;
    /* A descriptor that was closed has left by itself. */
    if (epoll_ctl(loop->fd, operation, source->fd, &event) < 0 && events != 0)
        return err_from_errno();
    source->added = events != 0;
    source->events = events;
    if (!source->added)
        batch_forget(loop, source);
    return 0;
}

void loop_turn(struct loop *loop, int timeout_ms)
{
    int count = epoll_wait(loop->fd, loop->batch, LOOP_BATCH, timeout_ms);

    assert(count >= 0 || errno == EINTR);
    loop->count = count;
    for (int i = 0; i < count; i++) {
        struct loop_source *source = loop->batch[i].data.ptr;

        if (source != NULL)
            source->ready(source, loop->batch[i].events);
    }
    loop->count = 0;
}
