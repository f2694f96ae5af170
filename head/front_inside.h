/* front_inside.h - what a front holds; for the front's own files: front.c (requests that become
 * events, and their answers), front_access.c (who may talk: hello, join, tokens), front_code.c
 * (code trees), front_read.c (readers, also those that wait). */
#ifndef HEAD_FRONT_INSIDE_H
#define HEAD_FRONT_INSIDE_H

#include "common/arena.h"
#include "common/limits.h"
#include "common/table.h"
#include "head/front.h"
#include "proto/token.h"

#define FRONT_WAITERS (LIMIT_CLIENTS * 4)
#define FRONT_UPLOADS LIMIT_CLIENTS

/* A request whose event is on its way into the log. */
struct request {
    struct request *next; /* all of them */
    struct request *previous;
    enum msg_type type;
    enum link_plane plane;
    struct link_route route;
    uint64_t request;
    uint64_t origin;
    uint32_t principal;            /* who asked; 0: a key that nobody knew */
    char token[TOKEN_TEXT];        /* TOKEN_CREATE: what is answered; wiped after */
    uint64_t expires_ms;           /* the same */
    char *note;                    /* owned; for the audit log when it was granted; NULL: none */
    bool has_code;                 /* SUBMIT: with this code */
    uint8_t code[BLOB_HASH_BYTES]; /* the same */
};

/* A reader that waits. */
struct waiter {
    enum msg_type type;
    struct link_route route;
    uint64_t request;
    uint32_t principal;
    uint64_t deadline_ms;
    union {
        struct msg_trials trials;
        struct msg_results results;
        struct msg_logs logs;
        struct msg_want want;
    };
};

/* Somebody who waits for a code tree to be verified. */
struct upload {
    struct link_route route;
    uint64_t request;
    uint8_t hash[BLOB_HASH_BYTES];
};

struct front {
    struct front_parts parts;
    struct table *by_origin;
    struct request *requests;
    uint64_t next_origin;
    struct waiter waiters[FRONT_WAITERS];
    uint32_t waiter_count;
    uint64_t view_version; /* when the waiters were last looked at */
    uint64_t sinks_version;
    uint64_t look_ms; /* when they are looked at though neither has changed */
    struct upload uploads[FRONT_UPLOADS];
    uint32_t upload_count;
    bool committing;
    struct arena arena; /* of one reply */
    struct buf frame;
};

/* front.c */

void *front_socket(const struct front *front, enum link_plane plane);

/* To a client: one that is gone or does not read asks again, nothing of it is kept. */
void front_send(struct front *front, void *socket, const struct link_route *route,
                enum msg_type type, uint64_t request, const void *body);

/* A request under way: its place in the answer's direction, which event gets. */
struct request *request_new(struct front *front, enum link_plane plane,
                            const struct link_message *from, const struct message *message,
                            struct event *event);

/* One file each: a message that is theirs. */
void front_hello(struct front *front, const struct link_message *from,
                 const struct message *message);
void front_join(struct front *front, const struct link_message *from, const struct message *message,
                uint64_t unix_ms);
void front_token_create(struct front *front, const struct link_message *from,
                        const struct message *message, uint64_t unix_ms);
void front_token_revoke(struct front *front, const struct link_message *from,
                        const struct message *message, uint64_t unix_ms);

/* A granted JOIN, TOKEN_CREATE or TOKEN_REVOKE. */
void front_access_granted(struct front *front, const struct request *request,
                          const struct effect_reply *reply);

void front_blob_put(struct front *front, const struct link_message *from,
                    const struct message *message);
void front_blob_ask(struct front *front, const struct link_message *from,
                    const struct message *message);

/* Puts into kept the hashes of code trees that are needed, or soon will be. context: a front. */
void front_code_kept(void *context, struct table *kept);

void front_read(struct front *front, const struct link_message *from, const struct message *message,
                uint64_t now_ms);
void front_read_waiting(struct front *front, const struct link_message *from,
                        const struct message *message, uint64_t now_ms);

#endif
