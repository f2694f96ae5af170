#include "head/fleet.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/fleet_inside.h"
#include "head/wire.h"

#define OUTPUT_OFFSET_MOST (UINT64_C(1) << 40) /* of an attempt's stream */

struct fleet *fleet_new(const struct fleet_parts *parts)
{
    struct fleet *fleet = xcalloc(1, sizeof(*fleet));

    fleet->parts = *parts;
    fleet->by_route = table_new();
    fleet->by_principal = table_new();
    fleet->by_node = table_new();
    fleet->by_handle = table_new();
    fleet->next_handle = 1;
    fleet->committing = true;
    buf_init(&fleet->frame);
    arena_init(&fleet->scratch);
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    if (fleet == NULL)
        return;
    while (fleet->sessions != NULL)
        session_drop(fleet, fleet->sessions);
    table_free(fleet->by_route);
    table_free(fleet->by_principal);
    table_free(fleet->by_node);
    table_free(fleet->by_handle);
    free(fleet->flush);
    free(fleet->store_waits);
    buf_fini(&fleet->frame);
    arena_fini(&fleet->scratch);
    free(fleet);
}

/* A node has its principal's number; it is heard of whatever its session has come to. */
static void hear(struct fleet *fleet, uint32_t principal, uint64_t now_ms)
{
    struct view_node *node = view_node(fleet->parts.view, principal);

    if (node == NULL)
        return;
    node->heard_ms = now_ms;
    node->given_up = false;
}

static int on_register(struct fleet *fleet, const struct link_route *route, uint32_t principal,
                       const struct message *message, uint64_t now_ms)
{
    struct session *session = session_of_route(fleet, route);
    struct session *before = table_get_u64(fleet->by_principal, principal);
    struct msg_registered answer = {.epoch = fleet->parts.epoch,
                                    .heartbeat_ms = FLEET_HEARTBEAT_MS,
                                    .checkpoints = span_text(fleet->parts.checkpoint_folder)};

    if (before != NULL && before != session)
        session_drop(fleet, before);
    if (session == NULL)
        session = session_new(fleet, route, principal);
    if (session == NULL)
        return ERR_FULL;
    session_describe(session, message->body);
    session->heard_ms = now_ms;
    session->ready = false;
    answer.node = session->node;
    fleet_send(fleet, route, MSG_REGISTERED, message->request, &answer);
    return 0;
}

static void on_ready(struct fleet *fleet, struct session *session, const struct message *message,
                     uint64_t unix_ms)
{
    struct event event = {.origin = session->handle};

    wire_ready(&session->registered, message->body, session->principal,
               turns_arena(fleet->parts.turns), &event);
    session->ready = true;
    session->readies++;
    session->asked = message->request;
    table_free(session->told);
    session->told = table_new();
    (void)turns_step(fleet->parts.turns, &event, unix_ms);
}

static int on_reports(struct fleet *fleet, struct session *session, const struct message *message,
                      uint64_t unix_ms)
{
    const struct msg_reports *reports = message->body;
    const struct msg_batch *batches = reports->batches.items;

    if (!session->ready || session->node == NUMBER_NONE)
        return 0; /* not reconciled yet: the worker sends them again after its READY is answered */
    for (uint32_t i = 0; i < reports->batches.count; i++) {
        struct event event = {.origin = 0};
        int err = wire_batch(&batches[i], session->node, &event);

        if (err != 0)
            return err;
        (void)turns_step(fleet->parts.turns, &event, unix_ms);
    }
    return 0;
}

static void on_output(struct fleet *fleet, const struct session *session,
                      const struct message *message)
{
    const struct msg_output *output = message->body;
    const struct view_experiment *experiment =
        view_experiment(fleet->parts.view, output->experiment);
    const struct view_trial *trial =
        experiment != NULL ? view_trial(experiment, output->trial, &fleet->scratch) : NULL;
    struct msg_ok ok = {.value = output->offset + output->bytes.size};
    bool taken = true;

    /* Output of what nobody knows any more is taken and forgotten. Not answered when the sinks are
     * behind, or when the record of the trial's start is still on its way into the log, which
     * names its folder: the worker asks again. */
    if (trial == NULL || output->attempt == 0 || output->attempt > trial->attempt ||
        output->offset > OUTPUT_OFFSET_MOST) {
        taken = true;
    } else if (trial->folder.size == 0) {
        taken = output->attempt < trial->attempt ||
                (trial->state != TRIAL_STARTING && trial->state != TRIAL_RUNNING);
    } else {
        struct buf folder;

        buf_init(&folder);
        buf_printf(&folder, "%.*s/%.*s", SPAN(experiment->row.folder), SPAN(trial->folder));
        taken = sinks_output(fleet->parts.sinks, buf_span(&folder), output->attempt, output->stream,
                             output->offset, output->bytes);
        buf_fini(&folder);
    }
    if (taken)
        fleet_send(fleet, &session->route, MSG_OK, message->request, &ok);
}

static void on_leaving(struct fleet *fleet, struct session *session, const struct message *message,
                       uint64_t unix_ms)
{
    const struct msg_leaving *leaving = message->body;
    struct event event = {.type = EVENT_NODE_LOST};

    event.node_lost = (struct event_node_lost){.node = session->node, .reason = leaving->reason};
    if (session->node != NUMBER_NONE)
        (void)turns_step(fleet->parts.turns, &event, unix_ms);
    session_drop(fleet, session);
}

static void on_disk(struct fleet *fleet, const struct session *session,
                    const struct message *message, uint64_t unix_ms)
{
    const struct msg_disk *disk = message->body;
    struct event event = {.type = EVENT_NODE_DISK};

    if (!session->ready || session->node == NUMBER_NONE)
        return; /* not known yet: it is said again in the session */
    event.node_disk = (struct event_node_disk){.node = session->node, .full = disk->full};
    (void)turns_step(fleet->parts.turns, &event, unix_ms);
}

int fleet_message(struct fleet *fleet, const struct link_route *route, uint32_t principal,
                  const struct message *message, uint64_t now_ms, uint64_t unix_ms)
{
    struct session *session = session_of_route(fleet, route);
    struct msg_unknown unknown = {.epoch = fleet->parts.epoch};
    struct msg_heartbeat beat = {.committing = fleet->committing};

    hear(fleet, principal, now_ms);
    if (message->type == MSG_REGISTER)
        return on_register(fleet, route, principal, message, now_ms);
    if (session == NULL) {
        fleet_send(fleet, route, MSG_UNKNOWN, message->request, &unknown);
        return 0;
    }
    session->heard_ms = now_ms;
    switch ((int)message->type) {
    case MSG_READY:
        on_ready(fleet, session, message, unix_ms);
        return 0;
    case MSG_HEARTBEAT:
        fleet_send(fleet, route, MSG_HEARTBEAT, 0, &beat);
        return 0;
    case MSG_REPORTS:
        return on_reports(fleet, session, message, unix_ms);
    case MSG_OUTPUT:
        on_output(fleet, session, message);
        return 0;
    case MSG_BLOB_GET:
        fleet_blob_get(fleet, session, message);
        return 0;
    case MSG_STORE_ASK:
        fleet_store_ask(fleet, session, message);
        return 0;
    case MSG_STORE_PUT:
        fleet_store_put(fleet, session, message);
        return 0;
    case MSG_DISK:
        on_disk(fleet, session, message, unix_ms);
        return 0;
    case MSG_LEAVING:
        on_leaving(fleet, session, message, unix_ms);
        return 0;
    default:
        return ERR_MALFORMED;
    }
}

static void lose_node(struct fleet *fleet, struct view_node *node, uint64_t unix_ms)
{
    struct session *session = table_get_u64(fleet->by_principal, node->row.node);
    struct event event = {.type = EVENT_NODE_LOST};

    node->given_up = true;
    log_line(LOG_WARNING, "node-lost", "node %.*s was not heard of for %u s", SPAN(node->row.name),
             FLEET_LOST_MS / 1000);
    event.node_lost =
        (struct event_node_lost){.node = node->row.node, .reason = span_text("not heard of")};
    (void)turns_step(fleet->parts.turns, &event, unix_ms);
    if (session != NULL)
        session_drop(fleet, session);
}

/* Nothing is read now, so nobody's heartbeats are answered: workers that hear nothing for long
 * would go and look for another head. */
static void beat_all(struct fleet *fleet, uint64_t now_ms)
{
    const struct msg_heartbeat beat = {.committing = fleet->committing};

    if (now_ms < fleet->beaten_ms + FLEET_HEARTBEAT_MS)
        return;
    fleet->beaten_ms = now_ms;
    for (struct session *session = fleet->sessions; session != NULL; session = session->next)
        fleet_send(fleet, &session->route, MSG_HEARTBEAT, 0, &beat);
}

void fleet_tick(struct fleet *fleet, uint64_t now_ms, uint64_t drained_ms, uint64_t unix_ms)
{
    uint64_t gap = fleet->ticked_ms > 0 ? now_ms - fleet->ticked_ms : UINT64_MAX;
    size_t count;
    struct view_node *const *nodes = view_nodes(fleet->parts.view, &count);

    fleet->ticked_ms = now_ms;
    if (!turns_ready(fleet->parts.turns))
        beat_all(fleet, now_ms);
    for (size_t i = 0; i < count; i++) {
        struct view_node *node = nodes[i];

        if (node->row.state == NODE_LOST || node->given_up)
            continue;
        /* Not heard of since this head began, or the head itself was stopped: start to count. */
        if (node->heard_ms == 0 || gap > 2 * FLEET_HEARTBEAT_MS) {
            node->heard_ms = now_ms;
            continue;
        }
        if (drained_ms > node->heard_ms + FLEET_LOST_MS && turns_ready(fleet->parts.turns))
            lose_node(fleet, node, unix_ms);
    }
}

void fleet_set_committing(struct fleet *fleet, bool committing)
{
    fleet->committing = committing;
}

size_t fleet_sessions(const struct fleet *fleet)
{
    return fleet->session_count;
}

void fleet_revoke(struct fleet *fleet, uint32_t principal)
{
    struct session *session = table_get_u64(fleet->by_principal, principal);

    if (session != NULL)
        session_drop(fleet, session);
}
