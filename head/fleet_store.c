/* What workers ask about blobs: code trees to start with, checkpoints to go on from, and
 * checkpoints that they bring. */
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/xalloc.h"
#include "head/fleet_inside.h"

static void refuse(struct fleet *fleet, const struct link_route *route, uint64_t request,
                   uint32_t code, const char *what, const char *why)
{
    const struct msg_error error = {.code = code, .what = span_text(what), .why = span_text(why)};

    fleet_send(fleet, route, MSG_ERROR, request, &error);
}

void fleet_blob_get(struct fleet *fleet, const struct session *session,
                    const struct message *message)
{
    const struct msg_blob_get *ask = message->body;
    const struct blobs *checkpoints = checkpoint_store_blobs(fleet->parts.checkpoints);
    struct msg_blob_chunk chunk = {.hash = ask->hash, .offset = ask->offset};
    struct buf bytes = {0};
    int err = ERR_MALFORMED;

    if (ask->hash.size == BLOB_HASH_BYTES) {
        if (blobs_sealing(checkpoints, ask->hash))
            return; /* its bytes are being looked at: it is asked for again */
        err =
            blobs_get(fleet->parts.blobs, ask->hash, ask->offset, ask->size, &bytes, &chunk.total);
        if (err == ERR_NOT_FOUND)
            err = blobs_get(checkpoints, ask->hash, ask->offset, ask->size, &bytes, &chunk.total);
    }
    chunk.bytes = buf_span(&bytes);
    if (err == 0)
        fleet_send(fleet, &session->route, MSG_BLOB_CHUNK, message->request, &chunk);
    else
        refuse(fleet, &session->route, message->request,
               err == ERR_NOT_FOUND || err == ERR_MALFORMED ? ERROR_NOT_FOUND : ERROR_UNAVAILABLE,
               "blob", err_text(err));
    buf_fini(&bytes);
}

/* Whether a node runs this attempt now: nobody brings checkpoints for others. */
static bool is_its_own(struct fleet *fleet, const struct session *session,
                       const struct store_owner *owner)
{
    const struct view_experiment *experiment =
        view_experiment(fleet->parts.view, owner->experiment);
    const struct view_trial *trial =
        experiment != NULL ? view_trial(experiment, owner->trial, &fleet->scratch) : NULL;

    return trial != NULL && session->node != NUMBER_NONE && trial->node == session->node &&
           trial->attempt == owner->attempt && trial_is_live((enum trial_state)trial->state);
}

void fleet_store_ask(struct fleet *fleet, const struct session *session,
                     const struct message *message)
{
    const struct msg_store_ask *ask = message->body;
    const struct store_owner owner = {ask->experiment, ask->trial, ask->attempt, ask->number};
    const uint8_t *hashes = ask->hashes.data;
    struct msg_store_state state;
    struct buf missing = {0};

    if (ask->hashes.size % BLOB_HASH_BYTES != 0 || !is_its_own(fleet, session, &owner)) {
        refuse(fleet, &session->route, message->request, ERROR_DENIED, "checkpoint",
               "it is of no attempt that this node runs");
        return;
    }
    for (size_t i = 0; i < ask->hashes.size; i += BLOB_HASH_BYTES) {
        struct span hash = span_of(hashes + i, BLOB_HASH_BYTES);
        bool complete;

        checkpoint_store_hold(fleet->parts.checkpoints, &owner, hash);
        (void)blobs_have(checkpoint_store_blobs(fleet->parts.checkpoints), hash, &complete);
        if (!complete)
            buf_append_span(&missing, hash);
    }
    state.missing = buf_span(&missing);
    fleet_send(fleet, &session->route, MSG_STORE_STATE, message->request, &state);
    buf_fini(&missing);
}

/* One that was placed and is not there, or is not what it should be, can still be sent: who placed
 * it hears that nothing of it is here. */
static void tell_put(struct fleet *fleet, const struct link_route *route, uint64_t request,
                     bool placed, struct span hash, int err)
{
    struct msg_ok ok = {0};
    bool complete;

    if (placed && (err == ERR_NOT_FOUND || err == ERR_MALFORMED || err == ERR_IO))
        err = 0;
    if (err != 0) {
        refuse(fleet, route, request, err == ERR_FULL ? ERROR_LIMIT : ERROR_INVALID, "checkpoint",
               err == ERR_FULL ? "the head has no room for it" : err_text(err));
        return;
    }
    ok.value = blobs_have(checkpoint_store_blobs(fleet->parts.checkpoints), hash, &complete);
    if (placed && !complete)
        ok.value = 0;
    fleet_send(fleet, route, MSG_OK, request, &ok);
}

/* Answered when it is verified. Where too many wait it is not: who asks asks again. */
static void await_seal(struct fleet *fleet, const struct link_route *route, uint64_t request,
                       bool placed, struct span hash)
{
    for (uint32_t i = 0; i < fleet->store_wait_count; i++)
        if (fleet->store_waits[i].request == request &&
            memcmp(&fleet->store_waits[i].route, route, sizeof(*route)) == 0)
            return;
    if (fleet->store_wait_count == FLEET_STORE_WAITS)
        return;
    if (fleet->store_wait_count == fleet->store_wait_room) {
        fleet->store_wait_room = fleet->store_wait_room * 2 + 16;
        fleet->store_waits =
            xrealloc(fleet->store_waits, fleet->store_wait_room, sizeof(struct store_wait));
    }
    fleet->store_waits[fleet->store_wait_count] =
        (struct store_wait){.route = *route, .request = request, .placed = placed};
    memcpy(fleet->store_waits[fleet->store_wait_count++].hash, hash.data, BLOB_HASH_BYTES);
}

void fleet_store_put(struct fleet *fleet, const struct session *session,
                     const struct message *message)
{
    const struct msg_store_put *put = message->body;
    const struct store_owner owner = {put->experiment, put->trial, put->attempt, put->number};
    struct blobs *blobs = checkpoint_store_blobs(fleet->parts.checkpoints);
    int err = ERR_TOO_BIG;

    if (put->hash.size != BLOB_HASH_BYTES || !is_its_own(fleet, session, &owner)) {
        refuse(fleet, &session->route, message->request, ERROR_DENIED, "checkpoint",
               "it is of no attempt that this node runs");
        return;
    }
    checkpoint_store_hold(fleet->parts.checkpoints, &owner, put->hash);
    if (put->total <= LIMIT_MANIFEST_BYTES && put->placed)
        err = blobs_adopt(blobs, put->hash, put->total);
    else if (put->total <= LIMIT_MANIFEST_BYTES)
        err = blobs_put(blobs, put->hash, put->offset, put->total, put->bytes);
    if (err == ERR_AGAIN)
        await_seal(fleet, &session->route, message->request, put->placed, put->hash);
    else
        tell_put(fleet, &session->route, message->request, put->placed, put->hash, err);
}

void fleet_sealed(struct fleet *fleet)
{
    uint8_t hash[BLOB_HASH_BYTES];
    int err;

    while (checkpoint_store_sealed(fleet->parts.checkpoints, hash, &err)) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < fleet->store_wait_count; i++) {
            const struct store_wait wait = fleet->store_waits[i];

            if (memcmp(wait.hash, hash, sizeof(hash)) != 0)
                fleet->store_waits[kept++] = wait;
            else
                tell_put(fleet, &wait.route, wait.request, wait.placed, span_of(hash, sizeof(hash)),
                         err);
        }
        fleet->store_wait_count = kept;
    }
}
