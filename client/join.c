#include "client/join.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/say.h"
#include "common/err.h"
#include "common/sys/clock.h"
#include "proto/link.h"
#include "proto/link_watch.h"
#include "proto/msg.h"
#include "proto/roles.h"

#define ASK_AGAIN_MS   2000u
#define LOCAL_AGAIN_MS 5

struct joiner {
    const struct where *where;
    char address[ADDRESS_TEXT];
    void *socket;
    struct monitor *monitor;
    struct link_watch watch;
    struct arena arena;
    struct buf frame;
    uint64_t begun_ms;
    uint64_t until_ms;
    uint64_t number;
    bool quiet;
};

static int nobody(const struct joiner *joiner)
{
    if (joiner->quiet)
        return EXIT_NO_HEAD;
    return say(EXIT_NO_HEAD, joiner->address, "start one: assay head; or say where: --address",
               "no head is there");
}

/* Whether there is no use in waiting any longer. */
static int look(struct joiner *joiner)
{
    (void)link_watch_update(&joiner->watch, joiner->monitor);
    switch (joiner->watch.state) {
    case LINK_NO_HEAD:
        return nobody(joiner);
    case LINK_STRANGER:
        if (!link_watch_is_stranger(&joiner->watch, clock_ms() - joiner->begun_ms))
            break;
        return say(EXIT_DENIED, joiner->address,
                   "check the address; a head that was set up anew needs a new token",
                   "who listens there does not hold this head's key");
    case LINK_REFUSED:
        return say(EXIT_DENIED, joiner->address, "ask its admin", "the head refuses this key");
    case LINK_TRYING:
    case LINK_UP:
    case LINK_LOST:
        break;
    }
    if (clock_ms() < joiner->until_ms)
        return 0;
    if (joiner->quiet)
        return EXIT_NO_HEAD;
    return say(EXIT_NO_HEAD, joiner->address, "see whether a firewall is between",
               "nobody answers");
}

static bool take(struct joiner *joiner, struct message *message)
{
    struct link_message received;
    int err;

    while ((err = link_receive(joiner->socket, &received)) == 0 || err == ERR_TOO_BIG) {
        struct schema_error error;
        struct span frame = {0};

        if (err == 0)
            frame = arena_copy(&joiner->arena, link_message_body(&received));
        link_message_fini(&received);
        if (err == 0 && message_unpack(frame, &joiner->arena, message, &error) == 0 &&
            message->request == joiner->number)
            return true;
    }
    return false;
}

/* Ask and wait; asked again every so often, as both questions may be. */
static int ask(struct joiner *joiner, enum msg_type type, const void *body, struct message *message)
{
    uint64_t sent_ms = 0;

    message_pack(type, ++joiner->number, body, &joiner->frame);
    for (;;) {
        zmq_pollitem_t items[2] = {
            {.socket = joiner->socket, .events = ZMQ_POLLIN},
            {.socket = monitor_socket(joiner->monitor), .events = ZMQ_POLLIN},
        };
        uint64_t now_ms = clock_ms();
        int rc = look(joiner);

        if (rc != 0)
            return rc;
        if (joiner->watch.state == LINK_UP && (sent_ms == 0 || now_ms > sent_ms + ASK_AGAIN_MS) &&
            link_send_to_head(joiner->socket, buf_span(&joiner->frame)) == 0)
            sent_ms = now_ms;
        if (take(joiner, message))
            return 0;
        if (zmq_poll(items, 2, 50) < 0 && errno != EINTR)
            return say_errno(EXIT_OURS, "poll", NULL);
    }
}

static int hello(struct joiner *joiner, struct msg_welcome *welcome)
{
    const struct msg_hello body = {.version = span_text(ASSAY_VERSION)};
    struct message message;
    int rc = ask(joiner, MSG_HELLO, &body, &message);

    if (rc != 0)
        return rc;
    if (message.type == MSG_ERROR)
        return say_refusal(message.body);
    if (message.type != MSG_WELCOME)
        return say(EXIT_OURS, joiner->address, "bring head and client to the same version",
                   "this is no head that we understand");
    *welcome = *(const struct msg_welcome *)message.body;
    return 0;
}

static int join(struct joiner *joiner)
{
    const struct token *token = &joiner->where->token;
    const char *user = getenv("USER");
    char name[LIMIT_NAME_BYTES];
    char host[64] = "client";
    struct msg_join body;
    struct message message;
    int rc;

    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(name, sizeof(name), "%.40s@%s", user != NULL ? user : "user", host);
    body = (struct msg_join){.token = span_of(token->id, TOKEN_ID_BYTES),
                             .secret = span_of(token->secret, TOKEN_SECRET_BYTES),
                             .name = span_text(name)};
    rc = ask(joiner, MSG_JOIN, &body, &message);
    if (rc == 0 && message.type == MSG_ERROR)
        rc = say_refusal(message.body);
    return rc == EXIT_REFUSED ? EXIT_DENIED : rc;
}

static void disconnect(struct joiner *joiner)
{
    link_close(joiner->socket, joiner->monitor);
    joiner->socket = NULL;
    joiner->monitor = NULL;
}

/* Connect anew and say hello: who a key is, is looked up once a connection. */
static int greet(struct joiner *joiner, void *context, struct msg_welcome *welcome)
{
    const struct where *where = joiner->where;
    struct trouble trouble;

    disconnect(joiner);
    link_watch_init(&joiner->watch);
    if (link_connect(context, &where->address, where->head_key, &where->keys, LIMIT_JOIN_BYTES,
                     &joiner->socket, &joiner->monitor, &trouble) != 0)
        return say_trouble(EXIT_USAGE, joiner->address, &trouble);
    return hello(joiner, welcome);
}

static int get_in(struct joiner *joiner, void *context, struct msg_welcome *welcome)
{
    int rc = greet(joiner, context, welcome);

    /* A head that is just starting may not have its own keys in its log yet. */
    while (rc == 0 && welcome->role == PRINCIPAL_NONE && joiner->where->local &&
           clock_ms() < joiner->until_ms) {
        (void)zmq_poll(NULL, 0, LOCAL_AGAIN_MS);
        rc = greet(joiner, context, welcome);
    }
    if (rc != 0 || welcome->role != PRINCIPAL_NONE)
        return rc;
    if (!joiner->where->has_token)
        return say(EXIT_DENIED, joiner->address,
                   "there: assay token create --role submit > submit.token; here: "
                   "--token-file submit.token",
                   "the head does not know this machine's key");
    rc = join(joiner);
    return rc != 0 ? rc : greet(joiner, context, welcome);
}

static int check(const struct joiner *joiner, const struct msg_welcome *welcome)
{
    const struct where *where = joiner->where;
    struct trouble trouble;

    if (welcome->role == PRINCIPAL_NONE || welcome->role == PRINCIPAL_WORKER)
        return say(EXIT_DENIED, joiner->address, "join with a token of role submit, read or admin",
                   "this key may not give orders or read");
    if (welcome->client_port == 0 || welcome->client_port > UINT16_MAX)
        return say(EXIT_OURS, joiner->address, NULL, "the head named no port for clients");
    if (where->local)
        return 0;
    if (where_pin(where, &trouble) != 0)
        return say_trouble(EXIT_DENIED, "known heads", &trouble);
    return 0;
}

int join_head(void *context, const struct where *where, uint32_t within_ms, bool quiet,
              uint16_t *port)
{
    uint64_t now_ms = clock_ms();
    struct joiner joiner = {
        .where = where, .begun_ms = now_ms, .until_ms = now_ms + within_ms, .quiet = quiet};
    struct msg_welcome welcome = {0};
    int rc;

    address_text(&where->address, joiner.address);
    arena_init(&joiner.arena);
    buf_init(&joiner.frame);
    rc = get_in(&joiner, context, &welcome);
    if (rc == 0)
        rc = check(&joiner, &welcome);
    if (rc == 0)
        *port = (uint16_t)welcome.client_port;
    disconnect(&joiner);
    arena_fini(&joiner.arena);
    buf_fini(&joiner.frame);
    return rc;
}
