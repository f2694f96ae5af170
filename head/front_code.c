/* Code trees: uploads, which of them are kept. */
#include <string.h>

#include "common/err.h"
#include "head/front_inside.h"

#define STORE_FULL_MEND                                                                            \
    "wait until experiments are over or stop some, make room on the head's disk, or ship less: "   \
    "`code: none`, or a .assayignore"

static void tell_state(struct front *front, const struct link_route *route, uint64_t request,
                       struct span hash)
{
    struct msg_blob_state state = {.hash = hash};

    state.have = blobs_have(front->parts.blobs, hash, &state.complete);
    front_send(front, front->parts.client_socket, route, MSG_BLOB_STATE, request, &state);
}

static void refuse_code(struct front *front, const struct link_route *route, uint64_t request,
                        int err)
{
    const char *mend = NULL;
    uint32_t code = ERROR_INVALID;
    const char *why = err_text(err);

    if (err == ERR_TOO_BIG) {
        code = ERROR_LIMIT;
        mend = "ship less: `code: none`, or a .assayignore";
    } else if (err == ERR_FULL) {
        code = ERROR_LIMIT;
        why = "the head has no room for it";
        mend = STORE_FULL_MEND;
    } else if (err == ERR_AGAIN) {
        code = ERROR_BUSY;
        why = "too many wait for theirs to be verified";
        mend = "submit again";
    }
    front_refuse(front, front->parts.client_socket, route, request, code, "code tree", why, mend);
}

/* Answered when it is verified. */
static void await_seal(struct front *front, const struct link_message *from, uint64_t request,
                       struct span hash)
{
    struct upload *upload = &front->uploads[front->upload_count];

    if (front->upload_count == FRONT_UPLOADS) {
        refuse_code(front, &from->route, request, ERR_AGAIN);
        return;
    }
    *upload = (struct upload){.route = from->route, .request = request};
    memcpy(upload->hash, hash.data, sizeof(upload->hash));
    front->upload_count++;
}

void front_blob_put(struct front *front, const struct link_message *from,
                    const struct message *message)
{
    const struct msg_blob_put *put = message->body;
    int err = put->hash.size == BLOB_HASH_BYTES
                  ? blobs_put(front->parts.blobs, put->hash, put->offset, put->total, put->bytes)
                  : ERR_MALFORMED;

    if (err == ERR_AGAIN)
        await_seal(front, from, message->request, put->hash);
    else if (err != 0)
        refuse_code(front, &from->route, message->request, err);
    else
        tell_state(front, &from->route, message->request, put->hash);
}

void front_blob_ask(struct front *front, const struct link_message *from,
                    const struct message *message)
{
    const struct msg_blob_ask *ask = message->body;

    if (ask->hash.size != BLOB_HASH_BYTES)
        refuse_code(front, &from->route, message->request, ERR_MALFORMED);
    else if (blobs_sealing(front->parts.blobs, ask->hash))
        await_seal(front, from, message->request, ask->hash);
    else
        tell_state(front, &from->route, message->request, ask->hash);
}

void front_sealed(struct front *front)
{
    uint8_t hash[BLOB_HASH_BYTES];
    int err;

    while (blobs_sealed(front->parts.blobs, hash, &err)) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < front->upload_count; i++) {
            const struct upload *upload = &front->uploads[i];

            if (memcmp(upload->hash, hash, sizeof(hash)) != 0)
                front->uploads[kept++] = *upload;
            else if (err != 0)
                refuse_code(front, &upload->route, upload->request, err);
            else
                tell_state(front, &upload->route, upload->request, span_of(hash, sizeof(hash)));
        }
        front->upload_count = kept;
    }
}

/* Trials of an experiment that is over start no more. */
void front_code_kept(void *context, struct table *kept)
{
    struct front *front = context;
    size_t count;
    struct view_experiment *const *all = view_experiments(front->parts.view, &count);

    for (size_t i = 0; i < count; i++)
        if (all[i]->row.state != EXPERIMENT_DONE && all[i]->row.code.size > 0)
            (void)table_put(kept, all[i]->row.code, all[i]);
    for (struct request *request = front->requests; request != NULL; request = request->next)
        if (request->has_code)
            (void)table_put(kept, span_of(request->code, sizeof(request->code)), request);
}
