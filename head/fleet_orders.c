#include <stdlib.h>

#include "common/limits.h"
#include "common/xalloc.h"
#include "head/fleet_inside.h"
#include "head/wire.h"

#define FLUSH_BYTES (LIMIT_MESSAGE_BYTES / 4) /* gathered for a worker; one more always fits */
#define LEASE_BYTES 4096u                     /* of a lease at most, without its long fields */

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
        session_order(fleet, session, MSG_LAUNCH, &launch);
    session->lease_count = 0;
    session->lease_bytes = 0;
}

static void flush_verdicts(struct fleet *fleet, struct session *session)
{
    struct msg_verdicts verdicts = {
        .epoch = fleet->parts.epoch,
        .verdicts = {.items = session->verdicts, .count = session->verdict_count}};

    if (session->verdict_count > 0)
        session_order(fleet, session, MSG_VERDICTS, &verdicts);
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
    session_order(fleet, session, MSG_EXPERIMENT, &message);
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
    if (session != NULL)
        session->readies--;
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
        /* Only now does the head take the worker's reports: this second REGISTERED says so. Where
         * the worker has said READY once more since, it waits for the answer to that: what was
         * decided before it is decided anew, and must not reach it twice. One that is still under
         * way is not known here: so the answer names the one that it is for. */
        if (session->readies == 0)
            fleet_send(fleet, &session->route, MSG_REGISTERED, session->asked, &known);
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
        session_order(fleet, session, MSG_RELEASE, &release);
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
