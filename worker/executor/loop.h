/* loop.h - what the executor waits for: descriptors, one callback each.
 *
 * Single-threaded, level-triggered. A source is embedded in its owner and must be removed before it
 * is freed; removing one in a callback is fine, also another one than the callback's own: it is not
 * called any more. */
#ifndef EXECUTOR_LOOP_H
#define EXECUTOR_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 128

struct loop_source {
    int fd;          /* borrowed */
    uint32_t events; /* that are waited for */
    void (*ready)(struct loop_source *source, uint32_t events);
    bool added;
};

struct loop {
    int fd;
    struct epoll_event batch[LOOP_BATCH]; /* of the turn */
    int count;
};

/* 0 or ERR_*. */
int loop_init(struct loop *loop);
void loop_fini(struct loop *loop);

/* Start waiting, or change what is waited for: EPOLLIN, EPOLLOUT or both. 0 stops it altogether, so
 * that a peer's hang-up is not heard either. 0 or ERR_*. */
int loop_set(struct loop *loop, struct loop_source *source, uint32_t events);

/* One turn: wait up to timeout_ms (-1: for ever) and call who is ready. */
void loop_turn(struct loop *loop, int timeout_ms);

#endif
