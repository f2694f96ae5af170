/* Who may talk: what a stranger is told, joining, tokens. */
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/front_inside.h"
#include "proto/roles.h"

#define TOKEN_MOST_S 86400u
#define ID_TEXT      (TOKEN_ID_BYTES * 2 + 1)

/* As people see it, and name it to revoke it. */
static void id_text(char out[ID_TEXT], const uint8_t *id)
{
    (void)sodium_bin2hex(out, ID_TEXT, id, TOKEN_ID_BYTES);
}

static void request_note(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void request_note(struct request *request, const char *format, ...)
{
    struct buf text;
    va_list args;

    buf_init(&text);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    request->note = xstrndup(buf_text(&text), text.size);
    buf_fini(&text);
}

void front_hello(struct front *front, const struct link_message *from,
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
    front_send(front, front->parts.join_socket, &from->route, MSG_WELCOME, message->request,
               &welcome);
}

/* A key that is known already needs no token, whatever it shows. */
static void note_join(const struct front *front, struct request *request,
                      const struct link_message *from, const struct msg_join *join)
{
    const struct view_principal *known = view_principal_of_key(front->parts.view, from->key);
    char fingerprint[KEY_FINGERPRINT];
    char id[ID_TEXT];

    key_fingerprint(from->key, fingerprint);
    id_text(id, join->token.data);
    if (known != NULL)
        request_note(request, "again, key %s from %s", fingerprint, from->address);
    else
        request_note(request, "with token %s, key %s from %s, named %.*s", id, fingerprint,
                     from->address, SPAN(join->name));
}

void front_join(struct front *front, const struct link_message *from, const struct message *message,
                uint64_t unix_ms)
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
    note_join(front, request_new(front, LINK_JOIN, from, message, &event), from, join);
    hash = arena_alloc(arena, TOKEN_HASH_BYTES);
    token_hash(join->secret.data, hash);
    event.join = (struct event_join){.token = join->token,
                                     .secret_hash = span_of(hash, TOKEN_HASH_BYTES),
                                     .key = arena_copy(arena, span_of(from->key, KEY_BYTES)),
                                     .name = join->name};
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

void front_token_create(struct front *front, const struct link_message *from,
                        const struct message *message, uint64_t unix_ms)
{
    const struct msg_token_create *ask = message->body;
    struct event event = {.type = EVENT_TOKEN_CREATE};
    struct request *request;
    struct token token;
    char text[ID_TEXT];
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
    id_text(text, id);
    request_note(request, "created %s role=%s uses=%u by=%u", text, role_name(ask->role), ask->uses,
                 from->principal);
    event.token_create = (struct event_token_create){.id = span_of(id, TOKEN_ID_BYTES),
                                                     .secret_hash = span_of(hash, TOKEN_HASH_BYTES),
                                                     .role = ask->role,
                                                     .uses = ask->uses,
                                                     .expires_ms = request->expires_ms,
                                                     .principal = from->principal};
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

void front_token_revoke(struct front *front, const struct link_message *from,
                        const struct message *message, uint64_t unix_ms)
{
    const struct msg_token_revoke *ask = message->body;
    struct event event = {.type = EVENT_TOKEN_REVOKE};
    uint8_t *id = arena_alloc(turns_arena(front->parts.turns), TOKEN_ID_BYTES);
    char text[ID_TEXT];
    size_t size;

    if (sodium_hex2bin(id, TOKEN_ID_BYTES, ask->id.data, ask->id.size, NULL, &size, NULL) != 0 ||
        size != TOKEN_ID_BYTES) {
        front_refuse(front, front->parts.client_socket, &from->route, message->request,
                     ERROR_INVALID, "token", "its id is 16 hex digits", "assay token list");
        return;
    }
    id_text(text, id);
    request_note(request_new(front, LINK_CLIENT, from, message, &event), "revoked %s by=%u", text,
                 from->principal);
    event.token_revoke = (struct event_token_revoke){.id = span_of(id, TOKEN_ID_BYTES)};
    (void)turns_step(front->parts.turns, &event, unix_ms);
}

void front_access_granted(struct front *front, const struct request *request,
                          const struct effect_reply *reply)
{
    void *socket = front_socket(front, request->plane);
    const struct msg_ok ok = {0};
    struct msg_joined joined;
    struct msg_token token;

    switch ((int)request->type) {
    case MSG_JOIN:
        joined = (struct msg_joined){.role = reply->role, .principal = reply->experiment};
        front_send(front, socket, &request->route, MSG_JOINED, request->request, &joined);
        audit_line(front->parts.audit, "joined", "principal %u as %s %s", reply->experiment,
                   role_name(reply->role), request->note);
        break;
    case MSG_TOKEN_CREATE:
        token = (struct msg_token){.token = span_text(request->token),
                                   .expires_ms = request->expires_ms};
        front_send(front, socket, &request->route, MSG_TOKEN, request->request, &token);
        audit_line(front->parts.audit, "token", "%s", request->note);
        break;
    default:
        front_send(front, socket, &request->route, MSG_OK, request->request, &ok);
        audit_line(front->parts.audit, "token", "%s", request->note);
        break;
    }
}
