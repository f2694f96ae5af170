/* assay-bench-peers HOST:PORT TOKEN-FILE COUNT - that many workers of a head, in one process.
 *
 * Each has a key of its own, joins with the token (of COUNT uses or more), registers, says that it
 * holds nothing and takes nothing, and beats every second: what an idle worker says, over the same
 * sockets. Prints "ready" when the head has taken all of them, and ends with its standard input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/resource.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"
#include "proto/link.h"
#include "proto/msg.h"
#include "proto/token.h"

#define AGAIN_MS     2000u /* between the same question and itself */
#define BEAT_MS      1000u
#define WAIT_MS      20u
#define READY_MS     120000u
#define SOCKETS_MORE 16 /* of a context; a peer has two while it goes from plane to plane */

/* What is waited for: JOINED, WELCOME (the first peer alone), REGISTERED, REGISTERED again. */
enum state { JOIN, HELLO, REGISTER, READY, OPEN };

struct worker {
    struct key_pair keys;
    char name[32];
    void *socket;
    enum state state;
    uint64_t due_ms; /* when to say it, or to say it again */
};

struct peers {
    void *context;
    struct address address; /* of the head */
    struct token token;
    uint16_t worker_port; /* 0: not known yet */
    struct worker *workers;
    zmq_pollitem_t *items; /* standard input, then the sockets */
    uint64_t count;
    uint64_t open;
    struct arena arena;
    struct buf frame;
};

_Noreturn static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "assay-bench-peers: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void connect_to(struct peers *peers, struct worker *worker, uint16_t port, enum state state)
{
    struct address address = peers->address;
    struct trouble trouble;

    address.port = port;
    link_close(worker->socket, NULL);
    if (link_connect(peers->context, &address, peers->token.head_key, &worker->keys,
                     LIMIT_MESSAGE_BYTES, &worker->socket, NULL, &trouble) != 0)
        fail("connect", trouble.why);
    worker->state = state;
    worker->due_ms = 0;
}

/* What a worker says in its state. */
static void pack(struct peers *peers, const struct worker *worker)
{
    const struct span version = span_text(ASSAY_VERSION);
    const struct msg_hello hello = {.version = version};
    const struct msg_heartbeat beat = {.committing = true};
    const struct msg_ready ready = {.credit = 0};
    const struct msg_join join = {.token = span_of(peers->token.id, TOKEN_ID_BYTES),
                                  .secret = span_of(peers->token.secret, TOKEN_SECRET_BYTES),
                                  .name = span_text(worker->name)};
    const struct msg_register registers = {.version = version,
                                           .name = span_text(worker->name),
                                           .hostname = span_text("localhost"),
                                           .node_ip = span_text("127.0.0.1"),
                                           .pid = getpid(),
                                           .incarnation = 1,
                                           .capacity = {.cpu = RESOURCE_ONE}};

    switch (worker->state) {
    case JOIN:
        message_pack(MSG_JOIN, 1, &join, &peers->frame);
        break;
    case HELLO:
        message_pack(MSG_HELLO, 1, &hello, &peers->frame);
        break;
    case REGISTER:
        message_pack(MSG_REGISTER, 1, &registers, &peers->frame);
        break;
    case READY:
        message_pack(MSG_READY, 2, &ready, &peers->frame);
        break;
    case OPEN:
        message_pack(MSG_HEARTBEAT, 0, &beat, &peers->frame);
        break;
    }
}

/* Say what is due; what does not leave is tried again in a moment. */
static void speak(struct peers *peers, struct worker *worker, uint64_t now_ms)
{
    if (worker->socket == NULL || now_ms < worker->due_ms)
        return;
    pack(peers, worker);
    if (link_send_to_head(worker->socket, buf_span(&peers->frame)) == 0)
        worker->due_ms = now_ms + (worker->state == OPEN ? BEAT_MS : AGAIN_MS);
}

static void enter(struct worker *worker, enum state state)
{
    worker->state = state;
    worker->due_ms = 0;
}

static void on_joined(struct peers *peers, struct worker *worker)
{
    if (worker == peers->workers) {
        /* Who a key is, is looked up once a connection. */
        connect_to(peers, worker, peers->address.port, HELLO);
        return;
    }
    link_close(worker->socket, NULL);
    worker->socket = NULL;
    if (peers->worker_port != 0)
        connect_to(peers, worker, peers->worker_port, REGISTER);
}

static void on_welcome(struct peers *peers, const struct msg_welcome *welcome)
{
    if (welcome->worker_port == 0 || welcome->worker_port > UINT16_MAX)
        fail("head", "it names no port for workers");
    peers->worker_port = (uint16_t)welcome->worker_port;
    for (uint64_t i = 0; i < peers->count; i++)
        if (peers->workers[i].socket == NULL)
            connect_to(peers, &peers->workers[i], peers->worker_port, REGISTER);
    connect_to(peers, &peers->workers[0], peers->worker_port, REGISTER);
}

static void take(struct peers *peers, struct worker *worker, const struct message *message)
{
    const struct msg_error *error = message->body;

    if (message->type == MSG_JOINED && worker->state == JOIN) {
        on_joined(peers, worker);
    } else if (message->type == MSG_WELCOME && worker->state == HELLO) {
        on_welcome(peers, message->body);
    } else if (message->type == MSG_REGISTERED && worker->state == REGISTER) {
        enter(worker, READY);
    } else if (message->type == MSG_REGISTERED && worker->state == READY && message->request == 2) {
        enter(worker, OPEN);
        peers->open++;
    } else if (message->type == MSG_UNKNOWN && worker->state == OPEN) {
        fail("head", "it has forgotten a worker");
    } else if (message->type == MSG_ERROR && error->code != ERROR_BUSY &&
               error->code != ERROR_UNAVAILABLE) {
        (void)fprintf(stderr, "%.*s: %.*s\n", SPAN(error->what), SPAN(error->why));
        fail("head", "it refuses");
    }
}

static void listen_to(struct peers *peers, struct worker *worker)
{
    struct link_message received;

    /* An answer may bring another socket. */
    while (worker->socket != NULL && link_receive(worker->socket, &received) == 0) {
        struct schema_error error;
        struct message message;

        arena_reset(&peers->arena);
        if (message_unpack(link_message_body(&received), &peers->arena, &message, &error) != 0)
            fail("head", error.what);
        take(peers, worker, &message);
        link_message_fini(&received);
    }
}

/* Whether standard input has ended. */
static bool wait_for(struct peers *peers, uint64_t wait_ms)
{
    char byte;
    int count = 1;

    /* Those without a socket now are left out, so places in items are not theirs. */
    for (uint64_t i = 0; i < peers->count; i++)
        if (peers->workers[i].socket != NULL)
            peers->items[count++] =
                (zmq_pollitem_t){.socket = peers->workers[i].socket, .events = ZMQ_POLLIN};
    if (zmq_poll(peers->items, count, (long)wait_ms) < 0 && zmq_errno() != EINTR)
        fail("poll", zmq_strerror(zmq_errno()));
    return peers->items[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void run(struct peers *peers)
{
    uint64_t begin_ms = clock_ms();
    bool said = false;

    while (!wait_for(peers, said ? BEAT_MS / 4 : WAIT_MS)) {
        uint64_t now_ms = clock_ms();

        for (uint64_t i = 0; i < peers->count; i++) {
            listen_to(peers, &peers->workers[i]);
            speak(peers, &peers->workers[i], now_ms);
        }
        if (!said && peers->open == peers->count) {
            if (puts("ready") < 0 || fflush(stdout) != 0)
                fail("standard output", strerror(errno));
            said = true;
        }
        if (!said && now_ms > begin_ms + READY_MS)
            fail("head", "it has not taken all workers");
    }
}

int main(int argc, char **argv)
{
    struct peers peers = {.count = argc == 4 ? strtoull(argv[3], NULL, 10) : 0};
    struct trouble trouble;

    if (peers.count == 0) {
        (void)fputs("usage: assay-bench-peers HOST:PORT TOKEN-FILE COUNT\n", stderr);
        return 2;
    }
    peers.context = link_context_new(1);
    if (peers.context == NULL ||
        zmq_ctx_set(peers.context, ZMQ_MAX_SOCKETS, 2 * (int)peers.count + SOCKETS_MORE) < 0)
        fail("sockets", strerror(errno));
    if (address_parse(span_text(argv[1]), 0, &peers.address, &trouble) != 0 ||
        token_read(argv[2], &peers.token, &trouble) != 0)
        fail(argv[1], trouble.why);
    peers.workers = xcalloc(peers.count, sizeof(*peers.workers));
    peers.items = xcalloc(peers.count + 1, sizeof(*peers.items));
    peers.items[0] = (zmq_pollitem_t){.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    arena_init(&peers.arena);
    buf_init(&peers.frame);
    for (uint64_t i = 0; i < peers.count; i++) {
        struct worker *worker = &peers.workers[i];

        key_pair_make(&worker->keys);
        (void)snprintf(worker->name, sizeof(worker->name), "peer-%04u", (unsigned)i);
        connect_to(&peers, worker, peers.address.port, JOIN);
    }
    run(&peers);
    for (uint64_t i = 0; i < peers.count; i++) {
        link_close(peers.workers[i].socket, NULL);
        key_pair_fini(&peers.workers[i].keys);
    }
    token_fini(&peers.token);
    link_context_free(peers.context);
    arena_fini(&peers.arena);
    buf_fini(&peers.frame);
    free(peers.workers);
    free(peers.items);
    return 0;
}
