#include "head/front.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/query.h"
#include "head/wire.h"
#include "proto/roles.h"
#include "proto/token.h"

#define TOKEN_MOST_S     86400u
#define WAIT_MOST_MS     30000u
#define WAITERS          (LIMIT_CLIENTS * 4)
#define REQUESTS_PENDING 65536u
#define LOOK_MS          100u /* trials that work in the head's folders write there unseen */

/* A request whose event is on its way into the log. */
struct request {
    enum msg_type type;
    enum link_plane plane;
    struct link_route route;
    uint64_t request;
    uint32_t principal;     /* who asked; 0: a key that nobody knew */
    char token[TOKEN_TEXT]; /* TOKEN_CREATE: what is answered; wiped after */
    uint64_t expires_ms;
};

/* A reader that waits. */
struct waiter {
    enum msg_type type;
    struct link_route route;
    uint64_t request;
    uint64_t deadline_ms;
    union {
        struct msg_trials trials;
        struct msg_results results;
        struct msg_logs logs;
    };
};

struct front {
    struct front_parts parts;
    struct table *requests; /* by origin */
    uint64_t next_origin;
    struct waiter waiters[WAITERS];
    uint32_t waiter_count;
    uint64_t view_version; /* when the waiters were last looked at */
    uint64_t sinks_version;
    uint64_t look_ms; /* when they are looked at though neither has changed */
    bool committing;
    struct arena arena; /* of one reply */
    struct buf frame;
};

struct front *front_new(const struct front_parts *parts)
{
    struct front *front = xcalloc(1, sizeof(*front));

    front->parts = *parts;
    front->requests = table_new();
    front->next_origin = 1;
    front->committing = true;
    arena_init(&front->arena);
    buf_init(&front->frame);
    return front;
}

void front_free(struct front *front)
{
    if (front == NULL)
        return;
    for (uint64_t origin = 1; origin < front->next_origin && table_count(front->requests) > 0;
         origin++)
        free(table_remove_u64(front->requests, origin));
    table_free(front->requests);
    arena_fini(&front->arena);
    buf_fini(&front->frame);
    free(front);
}

static void *plane_socket(const struct front *front, enum link_plane plane)
{
    return plane == LINK_JOIN ? front->parts.join_socket : front->parts.client_socket;
}

static void send_to(struct front *front, void *socket, const struct link_route *route,
                    enum msg_type type, uint64_t request, const void *body)
{
    message_pack(type, request, body, &front->frame);
    /* A client that is gone or does not read asks again; nothing of it is kept. */
    (void)link_send(socket, route, buf_span(&front->frame));
}

void front_refuse(struct front *front, void *socket, const struct link_route *route,
                  uint64_t request, uint32_t code, const char *what, const char *why,
                  const char *mend)
{
    struct msg_error error = {
        .code = code, .what = span_text(what), .why = span_text(why), .mend = span_text(mend)};

    send_to(front, socket, route, MSG_ERROR, request, &error);
}

/* A request under way: its place in the answer's direction. */
static struct request *request_new(struct front *front, enum link_plane plane,
                                   const struct link_message *from, const struct message *message,
                                   struct event *event)
{
    struct request *request = xcalloc(1, sizeof(*request));

    request->type = message->type;
    request->plane = plane;
    request->route = from->route;
    request->principal = from->principal;
    request->request = message->request;
    event->origin = front->next_origin++;
    (void)table_put_u64(front->requests, event->origin, request);
    return request;
}

static void on_token_create(struct front *front, const struct link_message *from,
                            const struct message *message, uint64_t unix_ms)
{
    const struct msg_token_create *ask = message->body;
    struct event event = {.type = EVENT_TOKEN_CREATE};
    struct request *request;
    struct token token;
    uint8_t *hash;
    uint8_t *id;

    if (ask->role <= ROLE_NONE || ask->role >= ROLE_COUNT || ask->uses == 0 ||
        ask->expires_s == 0 || ask->expires_s > TOKEN_MOST_S) {
        front_refuse(front, front->parts.client_socket, &from->route, message->request,
                     ERROR_INVALID, "token", "role, uses or time is out of range",
                     "--role worker|submit|read|admin, --uses 1 or more, --expires up to 24h");
        return;
    }
    request = request_new(front, LINK_CLIENT, from, message, &event);
    token_make(front->parts.head_key, &token);
    token_encode(&token, request->token);
    request->expires_ms = unix_ms + ask->expires_s * 1000;
    hash = arena_alloc(turns_arena(front->parts.turns), TOKEN_HASH_BYTES);
    id = arena_alloc(turns_arena(front->parts.turns), TOKEN_ID_BYTES);
    token_hash(token.secret, hash);
    memcpy(id, token.id, TOKEN_ID_BYTES);
    token_fini(&token);
    event.token_create = (struct event_token_create){.id = span_of(id, TOKEN_ID_BYTES),
                                                     .secret_hash = span_of(hash, TOKEN_HASH_BYTES),
                                                     .role = ask->role,
                                                     .uses = ask->uses,
                                                     .expires_ms = request->expires_ms,
                                                     .principal = from->principal};
    (void)turns_step(front->parts.turns, &event, unix_ms);
    audit_line(front->parts.audit, "token", "created role=%s uses=%u by=%u", role_name(ask->role),
               ask->uses, from->principal);
}

static void on_token_revoke(struct front *front, const struct link_message *from,
                            const struct message *message, uint64_t unix_ms)
{
    const struct msg_token_revoke *ask = message->body;
    struct event event = {.type = EVENT_TOKEN_REVOKE};
    uint8_t *id = arena_alloc(turns_arena(front->parts.turns), TOKEN_ID_BYTES);
    size_t size;

    if (sodium_hex2bin(id, TOKEN_ID_BYTES, ask->id.data, ask->id.size, NULL, &size, NULL) != 0 ||
        size != TOKEN_ID_BYTES) {
        front_refuse(front, front->parts.client_socket, &from->route, message->request,
                     ERROR_INVALID, "token", "its id is 16 hex digits", "assay token list");
        return;
    }
    (void)request_new(front, LINK_CLIENT, from, message, &event);
    event.token_revoke = (struct event_token_revoke){.id = span_of(id, TOKEN_ID_BYTES)};
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

static void on_submit(struct front *front, const struct link_message *from,
                      const struct message *message, uint64_t unix_ms)
{
    const struct msg_submit *ask = message->body;
    struct event event = {0};
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
    (void)request_new(front, LINK_CLIENT, from, message, &event);
    wire_submit(ask, from->principal, &event);
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

/* STOP, REMOVE, DRAIN: one event each. */
static void on_order(struct front *front, const struct link_message *from,
                     const struct message *message, uint64_t unix_ms)
{
    struct event event = {0};

    (void)request_new(front, LINK_CLIENT, from, message, &event);
    if (message->type == MSG_STOP)
        wire_stop(message->body, from->principal, &event);
    else if (message->type == MSG_REMOVE)
        wire_remove(message->body, from->principal, &event);
    else
        wire_drain(message->body, &event);
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

static void on_blob_put(struct front *front, const struct link_message *from,
                        const struct message *message)
{
    const struct msg_blob_put *put = message->body;
    struct msg_blob_state state = {.hash = put->hash};
    int err = put->hash.size == BLOB_HASH_BYTES
                  ? blobs_put(front->parts.blobs, put->hash, put->offset, put->total, put->bytes)
                  : ERR_MALFORMED;

    if (err != 0) {
        front_refuse(front, front->parts.client_socket, &from->route, message->request,
                     err == ERR_TOO_BIG ? ERROR_LIMIT : ERROR_INVALID, "code tree", err_text(err),
                     err == ERR_TOO_BIG ? "ship less: `code: none`, or a .assayignore" : NULL);
        return;
    }
    state.have = blobs_have(front->parts.blobs, put->hash, &state.complete);
    send_to(front, front->parts.client_socket, &from->route, MSG_BLOB_STATE, message->request,
            &state);
}

static void on_blob_ask(struct front *front, const struct link_message *from,
                        const struct message *message)
{
    const struct msg_blob_ask *ask = message->body;
    struct msg_blob_state state = {.hash = ask->hash};

    if (ask->hash.size == BLOB_HASH_BYTES)
        state.have = blobs_have(front->parts.blobs, ask->hash, &state.complete);
    send_to(front, front->parts.client_socket, &from->route, MSG_BLOB_STATE, message->request,
            &state);
}

/* Try to answer one that may wait; true when it was answered. */
static bool waiter_answer(struct front *front, const struct waiter *waiter, bool last_call)
{
    const struct front_parts *parts = &front->parts;
    struct msg_trial_rows rows;
    struct msg_lines lines;
    struct msg_log_chunk chunk;
    const void *body = &rows;
    enum msg_type type = MSG_TRIAL_ROWS;
    bool nothing = false;
    int err;

    arena_reset(&front->arena);
    if (waiter->type == MSG_TRIALS) {
        err = query_trials(parts->view, &waiter->trials, &front->arena, &rows, &nothing);
    } else if (waiter->type == MSG_RESULTS) {
        err = query_results(parts->view, parts->sinks, &waiter->results, &front->arena, &lines,
                            &nothing);
        body = &lines;
        type = MSG_LINES;
    } else {
        err = query_logs(parts->view, &waiter->logs, &front->arena, &chunk, &nothing);
        body = &chunk;
        type = MSG_LOG_CHUNK;
    }
    if (err != 0) {
        front_refuse(front, parts->client_socket, &waiter->route, waiter->request,
                     err == ERR_NOT_FOUND ? ERROR_NOT_FOUND : ERROR_INVALID, "read", err_text(err),
                     "assay list");
        return true;
    }
    if (nothing && !last_call)
        return false;
    send_to(front, parts->client_socket, &waiter->route, type, waiter->request, body);
    return true;
}

static void on_waiting_read(struct front *front, const struct link_message *from,
                            const struct message *message, uint64_t now_ms)
{
    struct waiter waiter = {
        .type = message->type, .route = from->route, .request = message->request};
    uint32_t wait_ms;

    if (message->type == MSG_TRIALS) {
        waiter.trials = *(const struct msg_trials *)message->body;
        /* Its state is a text of the frame, which does not stay: a reader that waits gets all. */
        wait_ms = waiter.trials.state.size > 0 ? 0 : waiter.trials.wait_ms;
    } else if (message->type == MSG_RESULTS) {
        waiter.results = *(const struct msg_results *)message->body;
        wait_ms = waiter.results.wait_ms;
    } else {
        waiter.logs = *(const struct msg_logs *)message->body;
        wait_ms = waiter.logs.wait_ms;
    }
    if (waiter_answer(front, &waiter, wait_ms == 0 || front->waiter_count == WAITERS))
        return;
    waiter.deadline_ms = now_ms + (wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS);
    front->waiters[front->waiter_count++] = waiter;
}

void front_wake(struct front *front, uint64_t now_ms)
{
    uint64_t view_now = view_version(front->parts.view);
    uint64_t sinks_now = sinks_version(front->parts.sinks);
    uint32_t kept = 0;

    if (front->waiter_count == 0 ||
        (view_now == front->view_version && sinks_now == front->sinks_version &&
         now_ms < front->look_ms && now_ms < front_deadline_ms(front)))
        return;
    front->view_version = view_now;
    front->sinks_version = sinks_now;
    front->look_ms = now_ms + LOOK_MS;
    for (uint32_t i = 0; i < front->waiter_count; i++) {
        if (waiter_answer(front, &front->waiters[i], now_ms >= front->waiters[i].deadline_ms))
            continue;
        if (kept != i)
            front->waiters[kept] = front->waiters[i];
        kept++;
    }
    front->waiter_count = kept;
}

uint32_t front_waiting(const struct front *front)
{
    return front->waiter_count;
}

size_t front_requests(const struct front *front)
{
    return table_count(front->requests);
}

uint64_t front_deadline_ms(const struct front *front)
{
    uint64_t first = UINT64_MAX;

    for (uint32_t i = 0; i < front->waiter_count; i++)
        if (front->waiters[i].deadline_ms < first)
            first = front->waiters[i].deadline_ms;
    return first;
}

/* Reads that are answered at once. */
static void on_read(struct front *front, const struct link_message *from,
                    const struct message *message, uint64_t now_ms)
{
    const struct front_parts *parts = &front->parts;
    const struct msg_explain *explain = message->body;
    union {
        struct msg_experiments experiments;
        struct msg_status_reply status;
        struct msg_trial_rows rows;
        struct msg_show_reply show;
        struct msg_node_rows nodes;
        struct msg_token_rows tokens;
        struct msg_text text;
    } body = {0};
    enum msg_type type = MSG_TEXT;
    struct buf text;
    int err = 0;

    arena_reset(&front->arena);
    switch ((int)message->type) {
    case MSG_LIST:
        query_list(parts->view, message->body, &front->arena, &body.experiments);
        type = MSG_EXPERIMENTS;
        break;
    case MSG_STATUS:
        err = query_status(parts->view, parts->core, message->body, front->committing,
                           &front->arena, &body.status);
        type = MSG_STATUS_REPLY;
        break;
    case MSG_BEST:
        err = query_best(parts->view, message->body, &front->arena, &body.rows);
        type = MSG_TRIAL_ROWS;
        break;
    case MSG_SHOW:
        err = query_show(parts->view, message->body, &front->arena, &body.show);
        type = MSG_SHOW_REPLY;
        break;
    case MSG_NODES:
        query_nodes(parts->view, now_ms, &front->arena, &body.nodes);
        type = MSG_NODE_ROWS;
        break;
    case MSG_TOKEN_LIST:
        query_tokens(parts->view, message->body, &front->arena, &body.tokens);
        type = MSG_TOKEN_ROWS;
        break;
    default:
        assert(message->type == MSG_EXPLAIN);
        buf_init(&text);
        if (!core_explain(parts->core, explain->experiment, explain->trial, &text))
            err = ERR_NOT_FOUND;
        if (text.size > LIMIT_CHUNK_BYTES)
            text.size = LIMIT_CHUNK_BYTES;
        body.text.text = arena_copy(&front->arena, buf_span(&text));
        buf_fini(&text);
        break;
    }
    if (err != 0)
        front_refuse(front, parts->client_socket, &from->route, message->request, ERROR_NOT_FOUND,
                     "read", "no such experiment or trial", "assay list");
    else
        send_to(front, parts->client_socket, &from->route, type, message->request, &body);
}

static void on_hello(struct front *front, const struct link_message *from,
                     const struct message *message)
{
    const struct view_principal *principal = view_principal(front->parts.view, from->principal);
    struct msg_welcome welcome = {
        .name = span_text(front->parts.name),
        .version = span_text(ASSAY_VERSION),
        .client_port = front->parts.client_port,
        .worker_port = front->parts.worker_port,
        .role = principal != NULL && !principal->revoked ? principal->role : ROLE_NONE,
    };
    char fingerprint[KEY_FINGERPRINT];

    /* A key that nobody knows learns no port, only that it has to join. */
    if (welcome.role == ROLE_NONE) {
        welcome = (struct msg_welcome){.role = ROLE_NONE};
        key_fingerprint(from->key, fingerprint);
        audit_line(front->parts.audit, "refused", "unknown key %s from %s on join: HELLO",
                   fingerprint, from->address);
    }
    send_to(front, front->parts.join_socket, &from->route, MSG_WELCOME, message->request, &welcome);
}

static void on_join(struct front *front, const struct link_message *from,
                    const struct message *message, uint64_t unix_ms)
{
    const struct msg_join *join = message->body;
    struct arena *arena = turns_arena(front->parts.turns);
    struct event event = {.type = EVENT_JOIN};
    uint8_t *hash;

    if (join->token.size != TOKEN_ID_BYTES || join->secret.size != TOKEN_SECRET_BYTES) {
        front_refuse(front, front->parts.join_socket, &from->route, message->request,
                     ERROR_MALFORMED, "join", "this is no token", NULL);
        return;
    }
    (void)request_new(front, LINK_JOIN, from, message, &event);
    hash = arena_alloc(arena, TOKEN_HASH_BYTES);
    token_hash(join->secret.data, hash);
    event.join = (struct event_join){.token = join->token,
                                     .secret_hash = span_of(hash, TOKEN_HASH_BYTES),
                                     .key = arena_copy(arena, span_of(from->key, KEY_BYTES)),
                                     .name = join->name};
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

static bool changes_something(enum msg_type type)
{
    return type == MSG_SUBMIT || type == MSG_STOP || type == MSG_REMOVE || type == MSG_DRAIN ||
           type == MSG_TOKEN_CREATE || type == MSG_TOKEN_REVOKE || type == MSG_JOIN;
}

void front_message(struct front *front, enum link_plane plane, const struct link_message *from,
                   const struct message *message, uint64_t now_ms, uint64_t unix_ms)
{
    void *socket = plane_socket(front, plane);

    if (changes_something(message->type)) {
        if (!front->committing) {
            front_refuse(front, socket, &from->route, message->request, ERROR_UNAVAILABLE,
                         "the head", "its Redis does not take entries now",
                         "ask again; `assay status` says when it does");
            return;
        }
        if (table_count(front->requests) >= REQUESTS_PENDING) {
            front_refuse(front, socket, &from->route, message->request, ERROR_LIMIT, "the head",
                         "too many requests wait for the log", "ask again");
            return;
        }
    }
    switch ((int)message->type) {
    case MSG_HELLO:
        on_hello(front, from, message);
        break;
    case MSG_JOIN:
        on_join(front, from, message, unix_ms);
        break;
    case MSG_SUBMIT:
        on_submit(front, from, message, unix_ms);
        break;
    case MSG_STOP:
    case MSG_REMOVE:
    case MSG_DRAIN:
        on_order(front, from, message, unix_ms);
        break;
    case MSG_TOKEN_CREATE:
        on_token_create(front, from, message, unix_ms);
        break;
    case MSG_TOKEN_REVOKE:
        on_token_revoke(front, from, message, unix_ms);
        break;
    case MSG_BLOB_PUT:
        on_blob_put(front, from, message);
        break;
    case MSG_BLOB_ASK:
        on_blob_ask(front, from, message);
        break;
    case MSG_TRIALS:
    case MSG_RESULTS:
    case MSG_LOGS:
        on_waiting_read(front, from, message, now_ms);
        break;
    case MSG_LIST:
    case MSG_STATUS:
    case MSG_BEST:
    case MSG_SHOW:
    case MSG_NODES:
    case MSG_TOKEN_LIST:
    case MSG_EXPLAIN:
        on_read(front, from, message, now_ms);
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
    void *socket = plane_socket(front, request->plane);
    const struct view_experiment *experiment;
    struct msg_submitted submitted;
    struct msg_joined joined;
    struct msg_token token;
    struct msg_ok ok = {0};

    switch ((int)request->type) {
    case MSG_SUBMIT:
        experiment = view_experiment(front->parts.view, reply->experiment);
        submitted = (struct msg_submitted){.experiment = reply->experiment,
                                           .name = experiment != NULL ? experiment->row.name
                                                                      : (struct span){0}};
        send_to(front, socket, &request->route, MSG_SUBMITTED, request->request, &submitted);
        break;
    case MSG_JOIN:
        joined = (struct msg_joined){.role = reply->role, .principal = reply->experiment};
        send_to(front, socket, &request->route, MSG_JOINED, request->request, &joined);
        audit_line(front->parts.audit, "joined", "principal %u as %s", reply->experiment,
                   role_name(reply->role));
        break;
    case MSG_TOKEN_CREATE:
        token = (struct msg_token){.token = span_text(request->token),
                                   .expires_ms = request->expires_ms};
        send_to(front, socket, &request->route, MSG_TOKEN, request->request, &token);
        break;
    default:
        send_to(front, socket, &request->route, MSG_OK, request->request, &ok);
        break;
    }
}

void front_apply(struct front *front, const struct effect_reply *reply)
{
    struct request *request = table_remove_u64(front->requests, reply->origin);
    struct msg_error error;

    if (request == NULL)
        return; /* of an event that nobody asked for */
    if (reply->code == REPLY_OK) {
        answer_ok(front, request, reply);
    } else {
        wire_error(reply, &error);
        send_to(front, plane_socket(front, request->plane), &request->route, MSG_ERROR,
                request->request, &error);
        if (request->type == MSG_JOIN || reply->code == REPLY_DENIED)
            audit_line(front->parts.audit, "refused", "%s of principal %u: %.*s",
                       message_schema(request->type)->name, request->principal, SPAN(reply->why));
    }
    sodium_memzero(request->token, sizeof(request->token));
    free(request);
}

void front_set_committing(struct front *front, bool committing)
{
    front->committing = committing;
}
