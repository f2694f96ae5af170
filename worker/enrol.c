#include "worker/enrol.h"

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "proto/known.h"
#include "proto/link.h"
#include "proto/link_watch.h"
#include "proto/msg.h"
#include "proto/roles.h"

#define WITHIN_MS 5000u
#define EXPIRES_S 60u
#define STEP_MS   50

/* One question on one plane, and its answer. */
struct question {
    const struct settings *settings;
    const struct address *address;
    struct key_pair *keys; /* the admin's */
    uint16_t port;
    enum msg_type type;
    const void *body;
    enum msg_type answer_type;
    struct arena arena; /* of the answer */
    struct buf frame;   /* its bytes */
    struct message answer;
};

static int answer_take(struct question *question, const struct link_message *message)
{
    int rc;

    buf_reset(&question->frame);
    buf_append_span(&question->frame, link_message_body(message));
    rc = message_unpack(buf_span(&question->frame), &question->arena, &question->answer, NULL);
    return rc == 0 && question->answer.type != question->answer_type ? ERR_DENIED : rc;
}

static int wait_answer(struct question *question, void *socket, struct monitor *monitor)
{
    uint64_t end_ms = clock_ms() + WITHIN_MS;
    struct link_watch watch;
    bool sent = false;

    link_watch_init(&watch);
    message_pack(question->type, 1, question->body, &question->frame);
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                                  {.socket = monitor_socket(monitor), .events = ZMQ_POLLIN}};
        struct link_message message;
        int rc;

        (void)link_watch_update(&watch, monitor);
        if (watch.dead || clock_ms() > end_ms)
            return watch.dead ? ERR_DENIED : ERR_TIMEOUT;
        sent = sent || link_send_to_head(socket, buf_span(&question->frame)) == 0;
        if (link_receive(socket, &message) != 0) {
            (void)zmq_poll(items, 2, STEP_MS);
            continue;
        }
        rc = answer_take(question, &message);
        link_message_fini(&message);
        return rc;
    }
}

static int ask(void *context, struct question *question)
{
    struct address address = *question->address;
    struct monitor *monitor = NULL;
    void *socket = NULL;
    struct trouble trouble;
    int rc;

    address.port = question->port;
    rc = link_connect(context, &address, question->settings->head_key, question->keys,
                      LIMIT_MESSAGE_BYTES, &socket, &monitor, &trouble);
    if (rc == 0)
        rc = wait_answer(question, socket, monitor);
    link_close(socket, monitor);
    return rc;
}

/* Where clients talk to the head: it says so to a key that it knows. */
static int ask_port(void *context, const struct settings *settings, const struct address *address,
                    struct key_pair *admin, uint16_t *port)
{
    const struct msg_hello hello = {.version = span_text(ASSAY_VERSION)};
    struct question question = {.settings = settings,
                                .address = address,
                                .keys = admin,
                                .port = address->port,
                                .type = MSG_HELLO,
                                .body = &hello,
                                .answer_type = MSG_WELCOME};
    const struct msg_welcome *welcome;
    int rc = ask(context, &question);

    if (rc == 0) {
        welcome = question.answer.body;
        if (welcome->client_port == 0 || welcome->client_port > UINT16_MAX)
            rc = ERR_DENIED;
        else
            *port = (uint16_t)welcome->client_port;
    }
    arena_fini(&question.arena);
    buf_fini(&question.frame);
    return rc;
}

static int ask_token(void *context, const struct settings *settings, const struct address *address,
                     struct key_pair *admin, uint16_t port, struct token *token)
{
    const struct msg_token_create create = {
        .role = PRINCIPAL_WORKER, .uses = 1, .expires_s = EXPIRES_S};
    struct question question = {.settings = settings,
                                .address = address,
                                .keys = admin,
                                .port = port,
                                .type = MSG_TOKEN_CREATE,
                                .body = &create,
                                .answer_type = MSG_TOKEN};
    const struct msg_token *made;
    struct trouble trouble;
    int rc = ask(context, &question);

    if (rc == 0) {
        made = question.answer.body;
        rc = token_decode(made->token, token, &trouble);
    }
    arena_fini(&question.arena);
    buf_fini(&question.frame);
    return rc;
}

int enrol_token(void *context, const struct settings *settings, const struct address *address,
                struct token *token)
{
    struct key_pair admin = {.secret = NULL};
    struct last_head head;
    struct trouble trouble = {0}; /* the head may say no without a word of this machine's */
    uint16_t port = 0;
    int rc;

    rc = last_head_load(NULL, &head, &trouble);
    if (rc == 0)
        rc = key_pair_load(head.admin_key, &admin, &trouble);
    if (rc == 0)
        rc = ask_port(context, settings, address, &admin, &port);
    if (rc == 0)
        rc = ask_token(context, settings, address, &admin, port, token);
    if (rc != 0)
        log_line(LOG_WARNING, "enrol", "this user's own head gave no token: %s %s", err_text(rc),
                 trouble.why);
    key_pair_fini(&admin);
    return rc;
}
