#include "head/front.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/xalloc.h"
#include "head/front_inside.h"
#include "head/wire.h"

#define REQUESTS_PENDING 65536u

struct front *front_new(const struct front_parts *parts)
{
    struct front *front = xcalloc(1, sizeof(*front));

    front->parts = *parts;
    front->by_origin = table_new();
    front->next_origin = 1;
    front->committing = true;
    arena_init(&front->arena);
    buf_init(&front->frame);
    blobs_keep(front->parts.blobs, front_code_kept, front);
    return front;
}

/* It was answered. */
static void request_end(struct front *front, struct request *request)
{
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        front->requests = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    (void)table_remove_u64(front->by_origin, request->origin);
    sodium_memzero(request->token, sizeof(request->token));
    free(request->note);
    free(request);
}

void front_free(struct front *front)
{
    if (front == NULL)
        return;
    blobs_keep(front->parts.blobs, NULL, NULL);
    while (front->requests != NULL)
        request_end(front, front->requests);
    table_free(front->by_origin);
    arena_fini(&front->arena);
    buf_fini(&front->frame);
    free(front);
}

void *front_socket(const struct front *front, enum link_plane plane)
{
    return plane == LINK_JOIN ? front->parts.join_socket : front->parts.client_socket;
}

void front_send(struct front *front, void *socket, const struct link_route *route,
                enum msg_type type, uint64_t request, const void *body)
{
    message_pack(type, request, body, &front->frame);
    (void)link_send(socket, route, buf_span(&front->frame));
}

void front_refuse(struct front *front, void *socket, const struct link_route *route,
                  uint64_t request, uint32_t code, const char *what, const char *why,
                  const char *mend)
{
    struct msg_error error = {
        .code = code, .what = span_text(what), .why = span_text(why), .mend = span_text(mend)};

    front_send(front, socket, route, MSG_ERROR, request, &error);
}

struct request *request_new(struct front *front, enum link_plane plane,
                            const struct link_message *from, const struct message *message,
                            struct event *event)
{
    struct request *request = xcalloc(1, sizeof(*request));

    request->type = message->type;
    request->plane = plane;
    request->route = from->route;
    request->principal = from->principal;
    request->request = message->request;
    request->origin = event->origin = front->next_origin++;
    request->next = front->requests;
    if (request->next != NULL)
        request->next->previous = request;
    front->requests = request;
    (void)table_put_u64(front->by_origin, request->origin, request);
    return request;
}

static void on_submit(struct front *front, const struct link_message *from,
                      const struct message *message, uint64_t unix_ms)
{
    const struct msg_submit *ask = message->body;
    struct event event = {0};
    struct request *request;
    bool complete = false;

    if (ask->code.size > 0) {
        if (ask->code.size == BLOB_HASH_BYTES)
            (void)blobs_have(front->parts.blobs, ask->code, &complete);
        if (!complete) {
            front_refuse(front, front->parts.client_socket, &from->route, message->request,
                         ERROR_NOT_FOUND, "submit", "the code tree was not uploaded",
                         "submit again");
            return;
        }
    }
    request = request_new(front, LINK_CLIENT, from, message, &event);
    if (complete) {
        request->has_code = true;
        memcpy(request->code, ask->code.data, sizeof(request->code));
        blobs_use(front->parts.blobs, ask->code);
    }
    wire_submit(ask, from->principal, &event);
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

/* STOP, REMOVE, PAUSE, RESUME, EXTEND, SUGGEST, DRAIN: one event each. */
static void on_order(struct front *front, const struct link_message *from,
                     const struct message *message, uint64_t unix_ms)
{
    struct event event = {0};

    (void)request_new(front, LINK_CLIENT, from, message, &event);
    if (message->type == MSG_STOP)
        wire_stop(message->body, from->principal, &event);
    else if (message->type == MSG_REMOVE)
        wire_remove(message->body, from->principal, &event);
    else if (message->type == MSG_PAUSE)
        wire_pause(message->body, from->principal, &event);
    else if (message->type == MSG_RESUME)
        wire_resume(message->body, from->principal, &event);
    else if (message->type == MSG_EXTEND)
        wire_extend(message->body, from->principal, &event);
    else if (message->type == MSG_SUGGEST)
        wire_suggest(message->body, from->principal, &event);
    else
        wire_drain(message->body, &event);
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

size_t front_requests(const struct front *front)
{
    return table_count(front->by_origin);
}

static bool changes_something(enum msg_type type)
{
    return type == MSG_SUBMIT || type == MSG_STOP || type == MSG_REMOVE || type == MSG_DRAIN ||
           type == MSG_PAUSE || type == MSG_RESUME || type == MSG_EXTEND || type == MSG_SUGGEST ||
           type == MSG_TOKEN_CREATE || type == MSG_TOKEN_REVOKE || type == MSG_JOIN;
}

void front_message(struct front *front, enum link_plane plane, const struct link_message *from,
                   const struct message *message, uint64_t now_ms, uint64_t unix_ms)
{
    void *socket = front_socket(front, plane);

    if (changes_something(message->type)) {
        if (!front->committing) {
            front_refuse(front, socket, &from->route, message->request, ERROR_UNAVAILABLE,
                         "the head", "its Redis does not take entries now",
                         "ask again; `assay status` says when it does");
            return;
        }
        if (table_count(front->by_origin) >= REQUESTS_PENDING) {
            front_refuse(front, socket, &from->route, message->request, ERROR_LIMIT, "the head",
                         "too many requests wait for the log", "ask again");
            return;
        }
    }
    switch ((int)message->type) {
    case MSG_HELLO:
        front_hello(front, from, message);
        break;
    case MSG_JOIN:
        front_join(front, from, message, unix_ms);
        break;
    case MSG_SUBMIT:
        on_submit(front, from, message, unix_ms);
        break;
    case MSG_STOP:
    case MSG_REMOVE:
    case MSG_PAUSE:
    case MSG_RESUME:
    case MSG_EXTEND:
    case MSG_SUGGEST:
    case MSG_DRAIN:
        on_order(front, from, message, unix_ms);
        break;
    case MSG_TOKEN_CREATE:
        front_token_create(front, from, message, unix_ms);
        break;
    case MSG_TOKEN_REVOKE:
        front_token_revoke(front, from, message, unix_ms);
        break;
    case MSG_BLOB_PUT:
        front_blob_put(front, from, message);
        break;
    case MSG_BLOB_ASK:
        front_blob_ask(front, from, message);
        break;
    case MSG_TRIALS:
    case MSG_RESULTS:
    case MSG_LOGS:
    case MSG_WANT:
        front_read_waiting(front, from, message, now_ms);
        break;
    case MSG_LIST:
    case MSG_STATUS:
    case MSG_BEST:
    case MSG_SHOW:
    case MSG_NODES:
    case MSG_TOKEN_LIST:
    case MSG_EXPLAIN:
    case MSG_DOCTOR:
        front_read(front, from, message, now_ms);
        break;
    default:
        front_refuse(front, socket, &from->route, message->request, ERROR_MALFORMED, "request",
                     "not for this plane", NULL);
        break;
    }
}

static void answer_ok(struct front *front, const struct request *request,
                      const struct effect_reply *reply)
{
    void *socket = front_socket(front, request->plane);
    const struct view_experiment *experiment;
    struct msg_submitted submitted;
    struct msg_suggested suggested;
    struct msg_ok ok = {0};

    switch ((int)request->type) {
    case MSG_SUBMIT:
        experiment = view_experiment(front->parts.view, reply->experiment);
        submitted = (struct msg_submitted){.experiment = reply->experiment,
                                           .name = experiment != NULL ? experiment->row.name
                                                                      : (struct span){0}};
        front_send(front, socket, &request->route, MSG_SUBMITTED, request->request, &submitted);
        break;
    case MSG_SUGGEST:
        suggested = (struct msg_suggested){.trial = reply->experiment};
        front_send(front, socket, &request->route, MSG_SUGGESTED, request->request, &suggested);
        break;
    case MSG_JOIN:
    case MSG_TOKEN_CREATE:
    case MSG_TOKEN_REVOKE:
        front_access_granted(front, request, reply);
        break;
    default:
        front_send(front, socket, &request->route, MSG_OK, request->request, &ok);
        break;
    }
}

void front_apply(struct front *front, const struct effect_reply *reply)
{
    struct request *request = table_get_u64(front->by_origin, reply->origin);
    struct msg_error error;

    if (request == NULL)
        return; /* of an event that nobody asked for */
    FAILPOINT("reply");
    if (reply->code == REPLY_OK) {
        answer_ok(front, request, reply);
    } else {
        wire_error(reply, &error);
        front_send(front, front_socket(front, request->plane), &request->route, MSG_ERROR,
                   request->request, &error);
        if (request->type == MSG_JOIN || reply->code == REPLY_DENIED)
            audit_line(front->parts.audit, "refused", "%s of principal %u%s%s: %.*s",
                       message_schema(request->type)->name, request->principal,
                       request->type == MSG_JOIN ? " " : "",
                       request->type == MSG_JOIN ? request->note : "", SPAN(reply->why));
    }
    FAILPOINT("reply-sent");
    request_end(front, request);
}

void front_set_committing(struct front *front, bool committing)
{
    front->committing = committing;
}
