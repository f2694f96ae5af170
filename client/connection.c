#include "client/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/join.h"
#include "client/say.h"
#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/sig.h"
#include "common/xalloc.h"
#include "proto/link.h"
#include "proto/link_watch.h"

#define REQUESTS     16u    /* open at once */
#define AGAIN_MS     5000u  /* without an answer for so long, a request is sent again */
#define REJOIN_MS    1000u  /* away for so long, ask anew for the port */
#define REJOIN_TRY   500u   /* and how long one such question may take */
#define AWAY_MOST_MS 60000u /* then the head is gone */
#define LEADER_TRY   2000u  /* one try of a head that a Redis names */
#define LEADER_AGAIN 200    /* before Redis is asked again */
#define PUMP_MS      100
#define BUSY_MS      200u /* before a head that cannot commit is asked again */
#define BUSY_MOST_MS 30000u

struct request {
    uint64_t number; /* 0: free */
    struct buf frame;
    uint32_t wait_ms;
    uint64_t sent_ms; /* 0: not yet */
    bool once;        /* must not be sent twice */
};

struct connection {
    struct where where; /* owned */
    char address[WHERE_TEXT];
    void *context;
    void *socket;
    struct monitor *monitor;
    struct link_watch watch;
    uint16_t port;      /* of the client plane */
    uint64_t up_ms;     /* last time it was known to be up */
    uint64_t rejoin_ms; /* when to ask for the port again */
    bool opened;        /* it was up once */
    uint32_t within_ms;
    int signals; /* -1: none are looked at */
    struct request requests[REQUESTS];
    uint64_t next_number;
};

static int connect_client(struct connection *connection)
{
    struct address address = connection->where.address;
    struct trouble trouble;

    link_close(connection->socket, connection->monitor);
    connection->socket = NULL;
    connection->monitor = NULL;
    address.port = connection->port;
    if (link_connect(connection->context, &address, connection->where.head_key,
                     &connection->where.keys, LIMIT_MESSAGE_BYTES, &connection->socket,
                     &connection->monitor, &trouble) != 0)
        return say_trouble(EXIT_NO_HEAD, connection->address, &trouble);
    link_watch_init(&connection->watch);
    return 0;
}

/* The head that a Redis names may just have died, and the one that follows it not lead yet: ask
 * until one is there that answers. */
static int join_leader(struct connection *connection, bool quiet)
{
    uint64_t until_ms = clock_ms() + connection->within_ms;
    int rc;

    if (connection->where.finder == NULL)
        return join_head(connection->context, &connection->where, connection->within_ms, quiet,
                         &connection->port);
    for (;;) {
        rc =
            join_head(connection->context, &connection->where, LEADER_TRY, true, &connection->port);
        if (rc != EXIT_NO_HEAD || clock_ms() >= until_ms)
            break;
        (void)zmq_poll(NULL, 0, LEADER_AGAIN);
        (void)where_again(&connection->where, LEADER_TRY); /* else it is where it was */
    }
    if (rc == EXIT_NO_HEAD && !quiet)
        return say(rc, connection->address, "see whether one stands by: assay head --standby",
                   "the head that leads there does not answer");
    return rc;
}

int connection_open(struct where *where, uint32_t within_ms, bool quiet, struct connection **out)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));
    int rc;

    connection->where = *where;
    memset(where, 0, sizeof(*where));
    where_text(&connection->where, connection->address, sizeof(connection->address));
    connection->next_number = 1;
    connection->within_ms = within_ms;
    connection->signals = -1;
    connection->context = link_context_new(1);
    if (connection->context == NULL) {
        rc = say_errno(EXIT_OURS, "sockets", NULL);
        goto out;
    }
    rc = join_leader(connection, quiet);
    if (rc != 0)
        goto out;
    rc = connect_client(connection);
    if (rc != 0)
        goto out;
    connection->up_ms = clock_ms();
    *out = connection;
    return 0;
out:
    connection_close(connection);
    return rc;
}

int connection_open_head(const char *address, const char *token_file, struct connection **out)
{
    struct where where;
    int rc = where_find(address, token_file, false, &where);

    return rc != 0 ? rc : connection_open(&where, CONNECT_MS, false, out);
}

void connection_watch_signals(struct connection *connection, int signals)
{
    connection->signals = signals;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    link_close(connection->socket, connection->monitor);
    link_context_free(connection->context);
    for (uint32_t i = 0; i < REQUESTS; i++)
        buf_fini(&connection->requests[i].frame);
    where_fini(&connection->where);
    free(connection);
}

const char *connection_address(const struct connection *connection)
{
    return connection->address;
}

bool connection_is_local(const struct connection *connection)
{
    return connection->where.local;
}

uint64_t connection_send(struct connection *connection, enum msg_type type, const void *body,
                         uint32_t wait_ms)
{
    struct request *request = NULL;

    for (uint32_t i = 0; i < REQUESTS && request == NULL; i++)
        if (connection->requests[i].number == 0)
            request = &connection->requests[i];
    assert(request != NULL);
    request->number = connection->next_number++;
    request->wait_ms = wait_ms;
    request->sent_ms = 0;
    request->once = type == MSG_TOKEN_CREATE;
    message_pack(type, request->number, body, &request->frame);
    return request->number;
}

void connection_items(struct connection *connection, zmq_pollitem_t items[CONNECTION_ITEMS])
{
    items[0] = (zmq_pollitem_t){.socket = connection->socket, .events = ZMQ_POLLIN};
    items[1] =
        (zmq_pollitem_t){.socket = monitor_socket(connection->monitor), .events = ZMQ_POLLIN};
}

/* A head that was started anew may have other ports; and one that is there may not know us now. */
static int rejoin(struct connection *connection, uint64_t now_ms)
{
    struct address before = connection->where.address;
    uint16_t port = connection->port;
    int rc;

    if (now_ms < connection->rejoin_ms)
        return 0;
    if (now_ms - connection->up_ms > AWAY_MOST_MS)
        return say(EXIT_NO_HEAD, connection->address, "see whether it runs: assay status",
                   "the head has been away for %u s", AWAY_MOST_MS / 1000);
    (void)where_again(&connection->where, REJOIN_TRY); /* else it is where it was */
    rc = join_head(connection->context, &connection->where, REJOIN_TRY, true, &port);
    connection->rejoin_ms = clock_ms() + REJOIN_MS;
    if (rc == EXIT_NO_HEAD || rc == EXIT_TIMED_OUT)
        return 0;
    if (rc != 0)
        return rc;
    if (port == connection->port && !connection->watch.dead &&
        before.port == connection->where.address.port &&
        strcmp(before.host, connection->where.address.host) == 0)
        return 0;
    connection->port = port;
    return connect_client(connection);
}

static int send_waiting(struct connection *connection, uint64_t now_ms)
{
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct request *request = &connection->requests[i];

        if (request->number == 0 ||
            (request->sent_ms != 0 &&
             (request->once || now_ms < request->sent_ms + request->wait_ms + AGAIN_MS)))
            continue;
        if (link_send_to_head(connection->socket, buf_span(&request->frame)) == 0)
            request->sent_ms = now_ms;
    }
    return 0;
}

/* What was sent over the connection that broke may not have arrived, nor its answer. */
static int unsend(struct connection *connection)
{
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct request *request = &connection->requests[i];

        if (request->number == 0 || request->sent_ms == 0)
            continue;
        if (request->once)
            return say(EXIT_NO_HEAD, connection->address, "ask again",
                       "the connection was lost before the answer came");
        request->sent_ms = 0;
    }
    return 0;
}

int connection_pump(struct connection *connection)
{
    uint64_t now_ms = clock_ms();
    bool was_up = connection->watch.state == LINK_UP;

    (void)link_watch_update(&connection->watch, connection->monitor);
    if (connection->watch.state == LINK_UP) {
        connection->opened = true;
        connection->up_ms = now_ms;
        connection->rejoin_ms = now_ms + REJOIN_MS;
        return send_waiting(connection, now_ms);
    }
    if (was_up) {
        say_note("the connection to %s was lost; trying again", connection->address);
        return unsend(connection);
    }
    if (connection->watch.state == LINK_REFUSED && connection->watch.dead)
        return say(EXIT_DENIED, connection->address, "join with a token: --token-file FILE",
                   "this key may not talk to the head as a client");
    if (connection->watch.state == LINK_STRANGER && connection->watch.dead)
        return say(EXIT_DENIED, connection->address, "check the address",
                   "who listens there does not hold this head's key");
    if (!connection->opened && now_ms - connection->up_ms > connection->within_ms)
        return say(EXIT_NO_HEAD, connection->address, "see whether a firewall is between",
                   "the head's port %u for clients does not answer", connection->port);
    if (!connection->opened && connection->rejoin_ms == 0)
        connection->rejoin_ms = now_ms + REJOIN_MS;
    return rejoin(connection, now_ms);
}

static struct request *request_find(struct connection *connection, uint64_t number)
{
    for (uint32_t i = 0; i < REQUESTS && number != 0; i++)
        if (connection->requests[i].number == number)
            return &connection->requests[i];
    return NULL;
}

bool connection_take(struct connection *connection, struct arena *arena, struct message *message)
{
    struct link_message received;
    int err;

    while ((err = link_receive(connection->socket, &received)) == 0 || err == ERR_TOO_BIG) {
        struct schema_error error = {"message", "another version's"};
        struct request *request;
        struct span frame;

        if (err != 0) {
            link_message_fini(&received);
            continue;
        }
        frame = arena_copy(arena, link_message_body(&received));
        link_message_fini(&received);
        if (message_unpack(frame, arena, message, &error) != 0) {
            say_note("an answer was not understood: %s: %s", error.field, error.what);
            continue;
        }
        request = request_find(connection, message->request);
        if (request == NULL)
            continue; /* answered already: it was sent twice */
        request->number = 0;
        return true;
    }
    return false;
}

/* Until something comes, ms at most. A signal is a status: 128 + its number. */
static int wait_ms(struct connection *connection, long ms)
{
    zmq_pollitem_t items[CONNECTION_ITEMS + 1];
    int count = CONNECTION_ITEMS;
    int number;

    connection_items(connection, items);
    if (connection->signals >= 0)
        items[count++] = (zmq_pollitem_t){.fd = connection->signals, .events = ZMQ_POLLIN};
    if (zmq_poll(items, count, ms) < 0 && errno != EINTR)
        return say_errno(EXIT_OURS, "poll", NULL);
    number = connection->signals >= 0 ? sig_next(connection->signals) : 0;
    return number != 0 ? 128 + number : 0;
}

/* Poll until the answer to one request is there. */
static int wait_for(struct connection *connection, uint64_t number, struct arena *arena,
                    struct message *message)
{
    for (;;) {
        int rc = connection_pump(connection);

        if (rc != 0)
            return rc;
        while (connection_take(connection, arena, message))
            if (message->request == number)
                return 0;
        rc = wait_ms(connection, PUMP_MS);
        if (rc != 0)
            return rc;
    }
}

static int pause_ms(struct connection *connection, uint32_t ms)
{
    uint64_t until = clock_ms() + ms;

    for (uint64_t now = clock_ms(); now < until; now = clock_ms()) {
        int rc = connection_pump(connection);

        if (rc == 0)
            rc = wait_ms(connection, (long)(until - now));
        if (rc != 0)
            return rc;
    }
    return 0;
}

int connection_try(struct connection *connection, enum msg_type type, const void *body,
                   uint32_t wait_ms, enum msg_type wanted, struct arena *arena, void **reply,
                   const struct msg_error **refusal)
{
    uint64_t until = clock_ms() + BUSY_MOST_MS;

    for (;;) {
        const struct msg_error *error;
        struct message message;
        uint64_t number = connection_send(connection, type, body, wait_ms);
        int rc = wait_for(connection, number, arena, &message);

        if (rc != 0)
            return rc;
        if (message.type == wanted) {
            *reply = message.body;
            return 0;
        }
        if (message.type != MSG_ERROR)
            return say(EXIT_OURS, connection->address, "bring head and client to the same version",
                       "an answer of another kind came: %u", (unsigned)message.type);
        error = message.body;
        if (error->code != ERROR_UNAVAILABLE || clock_ms() >= until) {
            *refusal = error;
            return EXIT_REFUSED;
        }
        rc = pause_ms(connection, BUSY_MS);
        if (rc != 0)
            return rc;
    }
}

int connection_ask(struct connection *connection, enum msg_type type, const void *body,
                   uint32_t wait_ms, enum msg_type wanted, struct arena *arena, void **reply)
{
    const struct msg_error *refusal = NULL;
    int rc = connection_try(connection, type, body, wait_ms, wanted, arena, reply, &refusal);

    return rc == EXIT_REFUSED && refusal != NULL ? say_refusal(refusal) : rc;
}
