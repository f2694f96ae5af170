#include "head/fleet.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/log.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/wire.h"

/* Replies to NODE_BACK carry this bit, so that the front's and the fleet's handles never meet. */
#define ORIGIN_FLEET (UINT64_C(1) << 63)

#define OUTPUT_OFFSET_MOST (UINT64_C(1) << 40) /* of an attempt's stream */

#define FLUSH_BYTES (LIMIT_MESSAGE_BYTES / 4) /* gathered for a worker; one more always fits */
#define LEASE_BYTES 4096u                     /* of a lease at most, without its long fields */

struct session {
    struct session *next; /* all of the fleet */
    struct link_route route;
    uint32_t principal;
    uint32_t node; /* NUMBER_NONE until NODE_BACK was answered */
    uint64_t handle;
    uint64_t heard_ms;
    bool ready;
    struct arena arena; /* of registered's texts */
    struct msg_register registered;
    struct table *told; /* experiments whose EXPERIMENT was sent */
    /* Gathered for the next flush; what they point to is the turn's. */
    struct msg_lease *leases;
    uint32_t lease_count;
    uint32_t lease_room;
    size_t lease_bytes;
    struct msg_verdict *verdicts;
    uint32_t verdict_count;
    uint32_t verdict_room;
    size_t verdict_bytes;
    bool waiting; /* is in the list of those to flush */
    bool missed;  /* something could not be sent: it has to say READY again */
};

struct fleet {
    struct fleet_parts parts;
    struct session *sessions;
    size_t session_count;
    struct table *by_route;
    struct table *by_principal;
    struct table *by_node;
    struct table *by_handle;
    struct session **flush; /* sessions with something gathered */
    size_t flush_count;
    size_t flush_room;
    uint64_t next_handle;
    uint64_t ticked_ms;
    uint64_t beaten_ms; /* when all were last told that the head is alive */
    bool committing;
    struct buf frame;
    struct arena scratch;
};

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

static struct span route_key(const struct link_route *route)
{
    return span_of(route->bytes, route->size);
}

static void session_drop(struct fleet *fleet, struct session *session)
{
    struct session **at = &fleet->sessions;

    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    fleet->session_count--;
    for (size_t i = 0; i < fleet->flush_count; i++)
        if (fleet->flush[i] == session)
            fleet->flush[i] = NULL;
    (void)table_remove(fleet->by_route, route_key(&session->route));
    if (table_get_u64(fleet->by_principal, session->principal) == session)
        (void)table_remove_u64(fleet->by_principal, session->principal);
    if (session->node != NUMBER_NONE && table_get_u64(fleet->by_node, session->node) == session)
        (void)table_remove_u64(fleet->by_node, session->node);
    (void)table_remove_u64(fleet->by_handle, session->handle);
    table_free(session->told);
    arena_fini(&session->arena);
    free(session->leases);
    free(session->verdicts);
    free(session);
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
    buf_fini(&fleet->frame);
    arena_fini(&fleet->scratch);
    free(fleet);
}

static void send_to(struct fleet *fleet, const struct link_route *route, enum msg_type type,
                    uint64_t request, const void *body)
{
    message_pack(type, request, body, &fleet->frame);
    /* A peer that is gone or does not read hears it again after its next READY. */
    (void)link_send(fleet->parts.socket, route, buf_span(&fleet->frame));
}

/* What has to arrive, for nobody says it again before a READY. A worker that reads nothing for so
 * long that its queue is full loses its session: UNKNOWN makes it register anew. */
static void send_order(struct fleet *fleet, struct session *session, enum msg_type type,
                       const void *body)
{
    message_pack(type, 0, body, &fleet->frame);
    if (link_send(fleet->parts.socket, &session->route, buf_span(&fleet->frame)) == ERR_AGAIN)
        session->missed = true;
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

static void copy_register(const struct msg_register *from, struct session *session)
{
    struct msg_register *to = &session->registered;
    const struct resource_custom *source = from->capacity.custom.items;
    struct resource_custom *custom;

    arena_reset(&session->arena);
    *to = *from;
    to->version = arena_copy(&session->arena, from->version);
    to->name = arena_copy(&session->arena, from->name);
    to->hostname = arena_copy(&session->arena, from->hostname);
    to->node_ip = arena_copy(&session->arena, from->node_ip);
    custom = arena_alloc(&session->arena, from->capacity.custom.count * sizeof(*custom));
    for (uint32_t i = 0; i < from->capacity.custom.count; i++) {
        custom[i] = source[i];
        custom[i].name = arena_copy(&session->arena, source[i].name);
    }
    to->capacity.custom.items = custom;
}

static int on_register(struct fleet *fleet, const struct link_route *route, uint32_t principal,
                       const struct message *message, uint64_t now_ms)
{
    struct session *session = table_get(fleet->by_route, route_key(route));
    struct session *before = table_get_u64(fleet->by_principal, principal);
    struct msg_registered answer = {.epoch = fleet->parts.epoch,
                                    .heartbeat_ms = FLEET_HEARTBEAT_MS};

    if (before != NULL && before != session)
        session_drop(fleet, before);
    if (session == NULL) {
        if (fleet->session_count >= LIMIT_SESSIONS)
            return ERR_FULL;
        session = xcalloc(1, sizeof(*session));
        session->route = *route;
        session->principal = principal;
        session->node = NUMBER_NONE;
        session->told = table_new();
        session->next = fleet->sessions;
        session->handle = ORIGIN_FLEET | fleet->next_handle++;
        fleet->sessions = session;
        fleet->session_count++;
        (void)table_put(fleet->by_route, route_key(route), session);
        (void)table_put_u64(fleet->by_principal, principal, session);
        (void)table_put_u64(fleet->by_handle, session->handle, session);
    }
    copy_register(message->body, session);
    session->heard_ms = now_ms;
    session->ready = false;
    answer.node = session->node;
    send_to(fleet, route, MSG_REGISTERED, message->request, &answer);
    return 0;
}

static void on_ready(struct fleet *fleet, struct session *session, const struct message *message,
                     uint64_t unix_ms)
{
    struct event event = {.origin = session->handle};

    wire_ready(&session->registered, message->body, session->principal,
               turns_arena(fleet->parts.turns), &event);
    session->ready = true;
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
        experiment != NULL ? view_trial(experiment, output->trial) : NULL;
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
        send_to(fleet, &session->route, MSG_OK, message->request, &ok);
}

static void on_blob_get(struct fleet *fleet, const struct session *session,
                        const struct message *message)
{
    const struct msg_blob_get *ask = message->body;
    struct msg_blob_chunk chunk = {.hash = ask->hash, .offset = ask->offset};
    struct msg_error error = {.code = ERROR_NOT_FOUND, .what = span_text("code blob")};
    struct buf bytes;
    int err;

    buf_init(&bytes);
    err = ask->hash.size == BLOB_HASH_BYTES ? blobs_get(fleet->parts.blobs, ask->hash, ask->offset,
                                                        ask->size, &bytes, &chunk.total)
                                            : ERR_MALFORMED;
    chunk.bytes = buf_span(&bytes);
    error.why = span_text(err_text(err));
    if (err == 0)
        send_to(fleet, &session->route, MSG_BLOB_CHUNK, message->request, &chunk);
    else
        send_to(fleet, &session->route, MSG_ERROR, message->request, &error);
    buf_fini(&bytes);
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

int fleet_message(struct fleet *fleet, const struct link_route *route, uint32_t principal,
                  const struct message *message, uint64_t now_ms, uint64_t unix_ms)
{
    struct session *session = table_get(fleet->by_route, route_key(route));
    struct msg_unknown unknown = {.epoch = fleet->parts.epoch};
    struct msg_heartbeat beat = {.committing = fleet->committing};

    hear(fleet, principal, now_ms);
    if (message->type == MSG_REGISTER)
        return on_register(fleet, route, principal, message, now_ms);
    if (session == NULL) {
        send_to(fleet, route, MSG_UNKNOWN, message->request, &unknown);
        return 0;
    }
    session->heard_ms = now_ms;
    switch ((int)message->type) {
    case MSG_READY:
        on_ready(fleet, session, message, unix_ms);
        return 0;
    case MSG_HEARTBEAT:
        send_to(fleet, route, MSG_HEARTBEAT, 0, &beat);
        return 0;
    case MSG_REPORTS:
        return on_reports(fleet, session, message, unix_ms);
    case MSG_OUTPUT:
        on_output(fleet, session, message);
        return 0;
    case MSG_BLOB_GET:
        on_blob_get(fleet, session, message);
        return 0;
    case MSG_LEAVING:
        on_leaving(fleet, session, message, unix_ms);
        return 0;
    default:
        return ERR_MALFORMED;
    }
}

/* Into the list of those to flush. */
static void enlist(struct fleet *fleet, struct session *session)
{
    if (session->waiting)
        return;
    if (fleet->flush_count == fleet->flush_room) {
        fleet->flush_room = fleet->flush_room > 0 ? fleet->flush_room * 2 : 16;
        fleet->flush = xrealloc(fleet->flush, fleet->flush_room, sizeof(struct session *));
    }
    fleet->flush[fleet->flush_count++] = session;
    session->waiting = true;
}

/* The session of a node, to be flushed; NULL: it hears of it after its READY. */
static struct session *gather(struct fleet *fleet, uint32_t node)
{
    struct session *session = table_get_u64(fleet->by_node, node);

    if (session != NULL)
        enlist(fleet, session);
    return session;
}

static void flush_leases(struct fleet *fleet, struct session *session)
{
    struct msg_launch launch = {
        .epoch = fleet->parts.epoch,
        .leases = {.items = session->leases, .count = session->lease_count}};

    if (session->lease_count > 0)
        send_order(fleet, session, MSG_LAUNCH, &launch);
    session->lease_count = 0;
    session->lease_bytes = 0;
}

static void flush_verdicts(struct fleet *fleet, struct session *session)
{
    struct msg_verdicts verdicts = {
        .epoch = fleet->parts.epoch,
        .verdicts = {.items = session->verdicts, .count = session->verdict_count}};

    if (session->verdict_count > 0)
        send_order(fleet, session, MSG_VERDICTS, &verdicts);
    session->verdict_count = 0;
    session->verdict_bytes = 0;
}

/* What the trials of an experiment share goes ahead of the first of them. */
static void tell_experiment(struct fleet *fleet, struct session *session, uint32_t number)
{
    const struct view_experiment *experiment = view_experiment(fleet->parts.view, number);
    struct msg_experiment message;

    if (experiment == NULL || table_get_u64(session->told, number) != NULL)
        return;
    (void)table_put_u64(session->told, number, session);
    arena_reset(&fleet->scratch);
    wire_experiment(experiment, &fleet->scratch, &message);
    send_order(fleet, session, MSG_EXPERIMENT, &message);
}

static void apply_launch(struct fleet *fleet, const struct effect_launch *launch)
{
    struct session *session = gather(fleet, launch->node);

    if (session == NULL)
        return;
    tell_experiment(fleet, session, launch->experiment);
    if (session->lease_count == session->lease_room) {
        session->lease_room = session->lease_room > 0 ? session->lease_room * 2 : 16;
        session->leases = xrealloc(session->leases, session->lease_room, sizeof(struct msg_lease));
    }
    wire_lease(launch, &session->leases[session->lease_count++]);
    session->lease_bytes +=
        launch->config.size + launch->trial_name.size + launch->folder.size + LEASE_BYTES;
    if (session->lease_bytes > FLUSH_BYTES || session->lease_count >= LIMIT_BATCHES)
        flush_leases(fleet, session);
}

static void apply_verdict(struct fleet *fleet, const struct effect_verdict *verdict)
{
    struct session *session = gather(fleet, verdict->node);

    if (session == NULL)
        return;
    if (session->verdict_count == session->verdict_room) {
        session->verdict_room = session->verdict_room > 0 ? session->verdict_room * 2 : 16;
        session->verdicts =
            xrealloc(session->verdicts, session->verdict_room, sizeof(struct msg_verdict));
    }
    wire_verdict(verdict, &session->verdicts[session->verdict_count++]);
    session->verdict_bytes += verdict->config.size + 128;
    if (session->verdict_bytes > FLUSH_BYTES || session->verdict_count >= LIMIT_BATCHES)
        flush_verdicts(fleet, session);
}

static bool apply_reply(struct fleet *fleet, const struct effect_reply *reply)
{
    struct session *session;

    if ((reply->origin & ORIGIN_FLEET) == 0)
        return false;
    session = table_get_u64(fleet->by_handle, reply->origin);
    if (session != NULL && reply->code == REPLY_OK) {
        struct msg_registered known = {.node = reply->experiment,
                                       .epoch = fleet->parts.epoch,
                                       .heartbeat_ms = FLEET_HEARTBEAT_MS};
        struct view_node *node = view_node(fleet->parts.view, reply->experiment);

        session->node = reply->experiment;
        (void)table_put_u64(fleet->by_node, session->node, session);
        if (node != NULL) {
            node->heard_ms = session->heard_ms;
            node->given_up = false;
        }
        /* Only now does the head take the worker's reports: this second REGISTERED says so. */
        send_to(fleet, &session->route, MSG_REGISTERED, 0, &known);
    }
    return true;
}

static void apply_release(struct fleet *fleet, uint32_t experiment)
{
    struct msg_release release = {.experiment = experiment};

    for (struct session *session = fleet->sessions; session != NULL; session = session->next) {
        if (table_remove_u64(session->told, experiment) == NULL)
            continue;
        enlist(fleet, session);
        flush_verdicts(fleet, session);
        send_order(fleet, session, MSG_RELEASE, &release);
    }
}

bool fleet_apply(struct fleet *fleet, const struct effect *effect)
{
    switch ((int)effect->type) {
    case EFFECT_LAUNCH:
        apply_launch(fleet, &effect->launch);
        return true;
    case EFFECT_VERDICT:
        apply_verdict(fleet, &effect->verdict);
        return true;
    case EFFECT_RELEASE:
        apply_release(fleet, effect->release.experiment);
        return false;
    case EFFECT_REPLY:
        return apply_reply(fleet, &effect->reply);
    default:
        return false;
    }
}

void fleet_flush(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->flush_count; i++) {
        struct session *session = fleet->flush[i];

        if (session == NULL)
            continue;
        /* Verdicts first: they make room on the node for what is launched. */
        flush_verdicts(fleet, session);
        flush_leases(fleet, session);
        session->waiting = false;
        if (session->missed)
            session_drop(fleet, session);
    }
    fleet->flush_count = 0;
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
        send_to(fleet, &session->route, MSG_HEARTBEAT, 0, &beat);
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
