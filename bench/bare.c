#include "bench/bare.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "bench/limit.h"
#include "bench/log_server.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"

#define PLANES       3
#define BEAT         "\x94\x01\x17\x00\xc3" /* a heartbeat as Assay packs it */
#define BEAT_BYTES   5
#define BEAT_MS      1000u
#define READY_MS     60000u
#define SOCKETS_MORE 16 /* of a context, beside the peers' */

/* Wait for a message for at most wait_ms. Items begins with the place for standard input; whether
 * that has ended. */
static bool wait_for(zmq_pollitem_t *items, size_t count, uint64_t wait_ms)
{
    char byte;

    items[0] = (zmq_pollitem_t){.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    if (zmq_poll(items, (int)count, (long)wait_ms) < 0 && zmq_errno() != EINTR)
        limit_fail("poll", zmq_strerror(zmq_errno()));
    return items[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void say(const char *text)
{
    if (puts(text) < 0 || fflush(stdout) != 0)
        limit_fail("standard output", strerror(errno));
}

/* ---- head ---- */

/* A peer that is gone needs no answer. */
static void answer_all(void *router)
{
    char route[16], bytes[64];
    int route_size, size;

    while ((route_size = zmq_recv(router, route, sizeof(route), ZMQ_DONTWAIT)) >= 0) {
        size = zmq_recv(router, bytes, sizeof(bytes), 0);
        if (size < 0 || size > (int)sizeof(bytes))
            limit_fail("ROUTER", "got a message that nobody sent");
        if (zmq_send(router, route, (size_t)route_size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
            (void)zmq_send(router, bytes, (size_t)size, ZMQ_DONTWAIT);
    }
}

void bare_head(const char *dir)
{
    zmq_pollitem_t items[1 + PLANES] = {0};
    struct peer peers[PLANES];
    struct log_server server;
    char line[sizeof(struct peer) + 2];
    void *context;

    log_server_start(&server, dir);
    context = zmq_ctx_new();
    for (int i = 0; i < PLANES; i++)
        items[1 + i] =
            (zmq_pollitem_t){.socket = socket_router(context, &peers[i]), .events = ZMQ_POLLIN};
    (void)snprintf(line, sizeof(line), "%s %s", peers[0].endpoint, peers[0].key);
    say(line);
    while (!wait_for(items, 1 + PLANES, BEAT_MS))
        for (int i = 0; i < PLANES; i++)
            answer_all(items[1 + i].socket);
    for (int i = 0; i < PLANES; i++)
        (void)zmq_close(items[1 + i].socket);
    (void)zmq_ctx_term(context);
    log_server_stop(&server);
}

/* ---- workers ---- */

struct workers {
    zmq_pollitem_t *items; /* standard input, then the sockets */
    bool *answered;
    uint64_t count;
    uint64_t answers; /* how many were answered at least once */
};

static void read_all(struct workers *workers)
{
    char bytes[64];

    for (uint64_t i = 0; i < workers->count; i++) {
        bool any = false;

        if ((workers->items[1 + i].revents & ZMQ_POLLIN) == 0)
            continue;
        while (zmq_recv(workers->items[1 + i].socket, bytes, sizeof(bytes), ZMQ_DONTWAIT) >= 0)
            any = true;
        if (any && !workers->answered[i]) {
            workers->answered[i] = true;
            workers->answers++;
        }
    }
}

static void beat_all(const struct workers *workers)
{
    /* What does not leave now is said again in a second. */
    for (uint64_t i = 0; i < workers->count; i++)
        (void)zmq_send(workers->items[1 + i].socket, BEAT, BEAT_BYTES, ZMQ_DONTWAIT);
}

static void run_workers(struct workers *workers)
{
    uint64_t begin_ms = clock_ms();
    uint64_t beat_ms = begin_ms;
    bool said = false;

    for (;;) {
        uint64_t now_ms = clock_ms();

        if (now_ms >= beat_ms) {
            beat_all(workers);
            beat_ms += BEAT_MS;
        }
        if (wait_for(workers->items, workers->count + 1, beat_ms > now_ms ? beat_ms - now_ms : 0))
            return;
        read_all(workers);
        if (!said && workers->answers == workers->count) {
            say("ready");
            said = true;
        }
        if (!said && now_ms > begin_ms + READY_MS)
            limit_fail("bare workers", "not all are answered");
    }
}

void bare_workers(const struct peer *peer, uint64_t count)
{
    void *context = zmq_ctx_new();
    struct workers workers = {.items = xcalloc(count + 1, sizeof(*workers.items)),
                              .answered = xcalloc(count, sizeof(*workers.answered)),
                              .count = count};

    if (zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)count + SOCKETS_MORE) < 0)
        limit_fail("sockets", zmq_strerror(zmq_errno()));
    for (uint64_t i = 0; i < count; i++)
        workers.items[1 + i] =
            (zmq_pollitem_t){.socket = socket_dealer(context, peer), .events = ZMQ_POLLIN};
    run_workers(&workers);
    for (uint64_t i = 0; i < count; i++)
        (void)zmq_close(workers.items[1 + i].socket);
    (void)zmq_ctx_term(context);
    free(workers.items);
    free(workers.answered);
}
