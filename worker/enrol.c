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

/* One question, until it is answered: 0 with the token; ERR_DENIED, ERR_TIMEOUT, ERR_MALFORMED. */
static int token_ask(void *socket, struct monitor *monitor, struct token *token)
{
    const struct msg_token_create create = {
        .role = PRINCIPAL_WORKER, .uses = 1, .expires_s = EXPIRES_S};
    uint64_t end_ms = clock_ms() + WITHIN_MS;
    struct link_watch watch;
    struct buf frame = {0};
    bool sent = false;
    int rc = ERR_AGAIN;

    link_watch_init(&watch);
    message_pack(MSG_TOKEN_CREATE, 1, &create, &frame);
    while (rc == ERR_AGAIN) {
        zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                                  {.socket = monitor_socket(monitor), .events = ZMQ_POLLIN}};
        struct link_message message;

        (void)link_watch_update(&watch, monitor);
        if (!sent)
            sent = link_send_to_head(socket, buf_span(&frame)) == 0;
        if (clock_ms() > end_ms || watch.dead)
            rc = watch.dead ? ERR_DENIED : ERR_TIMEOUT;
        else if (link_receive(socket, &message) == 0) {
            struct arena arena = {0};
            struct message answer;

            rc = message_unpack(link_message_body(&message), &arena, &answer, NULL);
            if (rc == 0 && answer.type == MSG_TOKEN) {
                struct fault fault;

                fault_init(&fault);
                rc = token_decode(((const struct msg_token *)answer.body)->token, token, &fault);
                fault_fini(&fault);
            } else if (rc == 0) {
                rc = ERR_DENIED;
            }
            arena_fini(&arena);
            link_message_fini(&message);
        } else {
            (void)zmq_poll(items, 2, 50);
        }
    }
    buf_fini(&frame);
    return rc;
}

int enrol_token(void *context, const struct settings *settings, uint16_t client_port,
                struct token *token)
{
    struct address clients = settings->address;
    struct key_pair admin = {.secret = NULL};
    struct monitor *monitor = NULL;
    void *socket = NULL;
    struct last_head head;
    struct fault fault;
    int rc;

    fault_init(&fault);
    clients.port = client_port;
    rc = client_port == 0 ? ERR_NOT_FOUND : last_head_load(&head, &fault);
    if (rc == 0)
        rc = key_pair_load(head.admin_key, &admin, &fault);
    if (rc == 0)
        rc = link_connect(context, &clients, settings->head_key, &admin, LIMIT_MESSAGE_BYTES,
                          &socket, &monitor, &fault);
    if (rc == 0)
        rc = token_ask(socket, monitor, token);
    if (rc != 0)
        log_line(LOG_WARNING, "enrol", "this user's own head gave no token: %s %s", err_text(rc),
                 buf_text(&fault.why));
    link_close(socket, monitor);
    key_pair_fini(&admin);
    fault_fini(&fault);
    return rc;
}
