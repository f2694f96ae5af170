/* plane_rig.h - a head's plane with one peer that has a key, and all that stands behind the plane,
 * for unit tests of the front and the fleet. Principal 1 is the peer. */
#ifndef TESTS_PLANE_RIG_H
#define TESTS_PLANE_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/blobs.h"
#include "head/checkpoint_store.h"
#include "head/core/core.h"
#include "head/sink/sink.h"
#include "head/turn.h"
#include "head/view.h"
#include "proto/link.h"
#include "proto/msg.h"

#define PEER         1u
#define PEER_REQUEST 9u
#define PEER_WAIT_MS 10000u

struct plane_rig {
    char folder[64];
    void *context;
    struct zap *zap;
    struct trouble trouble;
    struct key_pair head_keys;
    struct key_pair peer_keys;
    void *router;
    void *peer;
    struct core *core;
    struct view *view;
    struct turns *turns;
    struct sinks *sinks;
    struct blobs *blobs;
    struct checkpoint_store *checkpoints;
    struct arena arena; /* of what the peer hears */
    struct buf frame;
    void (*apply)(const struct effects *effects); /* of a committed turn, after the view */
};

/* What a head does with a committed turn. */
static inline void rig_commit(struct plane_rig *rig)
{
    struct span entry;
    struct turn *turn = turns_close(rig->turns, &entry);

    if (turn == NULL)
        return;
    for (size_t i = 0; i < turn_effects(turn)->count; i++)
        view_apply(rig->view, &turn_effects(turn)->items[i]);
    rig->apply(turn_effects(turn));
    turn_release(turn);
}

static inline void rig_event(struct plane_rig *rig, const struct event *event)
{
    struct event copy = *event;

    ck_assert(turns_ready(rig->turns));
    ck_assert_int_eq(turns_step(rig->turns, &copy, 1), CORE_ADMITTED);
    rig_commit(rig);
}

/* A folder below the rig's; good until the next call. */
static inline const char *rig_path(const struct plane_rig *rig, const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
    return path;
}

/* All but what is tested, which the caller makes and gives apply; then rig_admit. */
static inline void rig_open(struct plane_rig *rig, enum link_plane plane, enum principal_role role)
{
    const struct blobs_config limits = {.limit_bytes = 1u << 20, .limit_count = 100};
    struct address address = {.host = "127.0.0.1"};

    *rig = (struct plane_rig){.folder = "/tmp/test-plane-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(rig->folder));
    rig->context = link_context_new(1);
    rig->zap = zap_start(rig->context);
    key_pair_make(&rig->head_keys);
    key_pair_make(&rig->peer_keys);
    ck_assert_int_eq(zap_add(rig->zap, rig->peer_keys.public_key, PEER, role), 0);
    ck_assert_int_eq(link_bind(rig->context, plane, address.host, 0, &rig->head_keys, &rig->router,
                               &address.port, NULL, &rig->trouble),
                     0);
    ck_assert_int_eq(link_connect(rig->context, &address, rig->head_keys.public_key,
                                  &rig->peer_keys, LIMIT_MESSAGE_BYTES, &rig->peer, NULL,
                                  &rig->trouble),
                     0);
    rig->core = core_new();
    rig->view = view_new(NULL);
    rig->turns = turns_new(rig->core);
    rig->sinks = sinks_new();
    rig->blobs = blobs_open(rig_path(rig, "blobs"), &limits);
    rig->checkpoints = checkpoint_store_open(rig_path(rig, "checkpoints"));
    ck_assert_ptr_nonnull(rig->blobs);
    ck_assert_ptr_nonnull(rig->checkpoints);
}

/* Make the peer principal 1. */
static inline void rig_admit(struct plane_rig *rig, enum role role)
{
    struct event event = {.type = EVENT_PRINCIPAL_ADD};

    event.principal_add = (struct event_principal_add){
        .key = span_of(rig->peer_keys.public_key, KEY_BYTES), .role = role};
    rig_event(rig, &event);
}

/* What was tested is gone by now. */
static inline void rig_close(struct plane_rig *rig)
{
    blobs_close(rig->blobs);
    checkpoint_store_close(rig->checkpoints);
    sinks_free(rig->sinks);
    turns_free(rig->turns);
    view_free(rig->view);
    core_free(rig->core);
    link_close(rig->peer, NULL);
    link_close(rig->router, NULL);
    zap_stop(rig->zap);
    link_context_free(rig->context);
    key_pair_fini(&rig->head_keys);
    key_pair_fini(&rig->peer_keys);
    buf_fini(&rig->frame);
    arena_fini(&rig->arena);
    (void)fs_remove_tree(rig->folder);
}

static inline void rig_poll(void *socket, short events, uint64_t end_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = events};

    ck_assert_uint_lt(clock_ms(), end_ms);
    (void)zmq_poll(&item, 1, 50);
}

/* A message of the peer, as the head takes it from its socket into the open turn. The caller ends
 * it with link_message_fini. */
static inline void rig_say(struct plane_rig *rig, enum msg_type type, const void *body,
                           struct link_message *message, struct message *unpacked)
{
    uint64_t end_ms = clock_ms() + PEER_WAIT_MS;
    struct schema_error error;
    int err;

    message_pack(type, PEER_REQUEST, body, &rig->frame);
    while (link_send_to_head(rig->peer, buf_span(&rig->frame)) == ERR_AGAIN)
        rig_poll(rig->peer, ZMQ_POLLOUT, end_ms);
    while ((err = link_receive(rig->router, message)) == ERR_AGAIN)
        rig_poll(rig->router, ZMQ_POLLIN, end_ms);
    ck_assert_int_eq(err, 0);
    ck_assert(turns_ready(rig->turns));
    ck_assert_int_eq(message_unpack(turns_frame(rig->turns, &message->body),
                                    turns_arena(rig->turns), unpacked, &error),
                     0);
}

/* The next message to the peer; it must be of this type. */
static inline const void *rig_hear(struct plane_rig *rig, enum msg_type type, uint64_t *request)
{
    uint64_t end_ms = clock_ms() + PEER_WAIT_MS;
    struct link_message message;
    struct schema_error error;
    struct message unpacked;

    while (link_receive(rig->peer, &message) == ERR_AGAIN)
        rig_poll(rig->peer, ZMQ_POLLIN, end_ms);
    ck_assert_int_eq(message_unpack(arena_copy(&rig->arena, link_message_body(&message)),
                                    &rig->arena, &unpacked, &error),
                     0);
    link_message_fini(&message);
    ck_assert_int_eq(unpacked.type, type);
    if (request != NULL)
        *request = unpacked.request;
    return unpacked.body;
}

#endif
