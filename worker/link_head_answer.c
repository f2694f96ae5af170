#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/sys/log.h"
#include "proto/known.h"
#include "proto/roles.h"
#include "worker/enrol.h"
#include "worker/link_head_inside.h"

/* The head does not know our key. */
static void enter(struct link_head *link, uint64_t now_ms)
{
    const struct settings *settings = link->settings;

    if (!link->has_token && settings->may_ask_token &&
        enrol_token(link->context, settings, &link->address, &link->token) == 0)
        link->has_token = true;
    if (link->has_token) {
        link->state = HEAD_JOIN;
        link_head_ask(link, now_ms);
        return;
    }
    link_head_fail(
        link, EXIT_DENIED, "head", "it does not know this worker's key",
        "a token, once: assay token create --role worker, there; then here: --token-file F");
}

static void on_welcome(struct link_head *link, const struct msg_welcome *welcome, uint64_t now_ms)
{
    if (welcome->role == PRINCIPAL_NONE) {
        enter(link, now_ms);
        return;
    }
    if (welcome->role != PRINCIPAL_WORKER) {
        link_head_fail(link, EXIT_DENIED, "worker's key",
                       "at this head it belongs to somebody else",
                       "another --data-dir, so that the worker makes a key of its own");
        return;
    }
    if (welcome->worker_port == 0 || welcome->worker_port > UINT16_MAX)
        return;
    link->workers = link->address;
    link->workers.port = (uint16_t)welcome->worker_port;
    link_head_connect(link, &link->workers, LIMIT_MESSAGE_BYTES, HEAD_REGISTER, now_ms);
}

static int pin(const struct link_head *link, struct trouble *trouble)
{
    const struct settings *settings = link->settings;

    if (settings->finder != NULL)
        return known_cluster_pin(finder_cluster(settings->finder), settings->head_key, trouble);
    return known_head_pin(&link->address, settings->head_key, trouble);
}

static void on_joined(struct link_head *link, const struct msg_joined *joined, uint64_t now_ms)
{
    struct trouble trouble;

    if (joined->role != PRINCIPAL_WORKER) {
        link_head_fail(link, EXIT_DENIED, "token", "it is not for a worker",
                       "assay token create --role worker");
        return;
    }
    link->has_token = false;
    token_fini(&link->token);
    /* Without the pin only the next start is harder. */
    if (pin(link, &trouble) != 0)
        log_line(LOG_WARNING, "pin", "the head's key is not noted: %s", trouble.why);
    log_line(LOG_INFO, "joined", "the head knows this worker now principal=%u", joined->principal);
    /* What is known of a key is what was known at the handshake: a new one. */
    link_head_go_away(link, now_ms, 0);
}

static void on_error(struct link_head *link, const struct message *message, uint64_t now_ms)
{
    const struct msg_error *error = message->body;
    char *mend;

    if (message->request != link->asked || link->state > HEAD_REGISTER)
        return;
    log_line(LOG_WARNING, "head-error", "%.*s: %.*s", SPAN(error->what), SPAN(error->why));
    /* Asked again where it is only busy. */
    if (error->code == ERROR_UNAVAILABLE || error->code == ERROR_BUSY || error->code == ERROR_LIMIT)
        return;
    if (link->state == HEAD_JOIN && !link->join_refused) {
        link->join_refused = true;
        link_head_go_away(link, now_ms, AGAIN_MS);
        return;
    }
    mend = error->mend.size > 0 ? arena_text(&link->arena, error->mend) : NULL;
    link_head_fail(link, error->code == ERROR_DENIED ? EXIT_DENIED : EXIT_REFUSED, "head",
                   arena_printf(&link->arena, "%.*s: %.*s", SPAN(error->what), SPAN(error->why)),
                   mend);
}

static void on_registered(struct link_head *link, const struct message *message, uint64_t now_ms)
{
    const struct msg_registered *registered = message->body;

    if (registered->epoch < link->epoch) {
        log_line(LOG_ERROR, "head-old", "a head of epoch %llu, after one of %llu: not followed",
                 (unsigned long long)registered->epoch, (unsigned long long)link->epoch);
        link_head_go_away(link, now_ms, 5 * AGAIN_MS);
        return;
    }
    link->epoch = registered->epoch;
    if (registered->heartbeat_ms >= 100)
        link->beat_every_ms = registered->heartbeat_ms;
    if (link->state == HEAD_REGISTER && message->request == link->asked) {
        (void)snprintf(link->checkpoints, sizeof(link->checkpoints), "%.*s",
                       SPAN(registered->checkpoints));
        link->state = HEAD_COLLECT;
        link->beat_ms = now_ms + link->beat_every_ms;
    } else if (link->state == HEAD_READYING && message->request == link->readied) {
        link->state = HEAD_OPEN;
        link->opened++;
        link->away_said = false;
        link->node = registered->node;
        log_line(LOG_INFO, "head-open", "the head has taken this node node=%u epoch=%llu",
                 link->node, (unsigned long long)link->epoch);
    }
}

/* Whether the message is the link's own affair. */
bool link_head_take(struct link_head *link, const struct message *message, uint64_t now_ms)
{
    switch ((int)message->type) {
    case MSG_WELCOME:
        if (link->state == HEAD_HELLO)
            on_welcome(link, message->body, now_ms);
        return true;
    case MSG_JOINED:
        if (link->state == HEAD_JOIN)
            on_joined(link, message->body, now_ms);
        return true;
    case MSG_REGISTERED:
        on_registered(link, message, now_ms);
        return true;
    case MSG_HEARTBEAT:
        return true;
    case MSG_UNKNOWN:
        if (link->state > HEAD_REGISTER) {
            link->state = HEAD_REGISTER;
            link_head_ask(link, now_ms);
        }
        return true;
    case MSG_ERROR:
        if (link->state > HEAD_REGISTER)
            return false;
        on_error(link, message, now_ms);
        return true;
    default:
        return link->state != HEAD_OPEN;
    }
}
