#include "client/deliver.h"

#include <sodium.h>

#include "client/code_tree.h"
#include "client/say.h"
#include "common/sys/failpoint.h"

#define TRIES 3u /* of a tree that came out wrong at the head */

static int upload(struct connection *connection, const struct buf *tree, struct span hash)
{
    const struct msg_blob_ask ask = {.hash = hash};
    const struct msg_blob_state *state;
    struct arena arena = {0};
    uint32_t tries = 0;
    void *reply;
    int rc = connection_ask(connection, MSG_BLOB_ASK, &ask, 0, MSG_BLOB_STATE, &arena, &reply);

    while (rc == 0) {
        struct msg_blob_put put = {.hash = hash, .total = tree->size};
        size_t size;

        state = reply;
        if (state->complete)
            break;
        put.offset = state->have < tree->size ? state->have : 0;
        if (put.offset == 0 && ++tries > TRIES) {
            rc = say(EXIT_REFUSED, "code tree", "submit again", "the head cannot put it together");
            break;
        }
        size = tree->size - (size_t)put.offset;
        put.bytes =
            span_of(tree->data + put.offset, size < LIMIT_CHUNK_BYTES ? size : LIMIT_CHUNK_BYTES);
        arena_reset(&arena);
        rc = connection_ask(connection, MSG_BLOB_PUT, &put, 0, MSG_BLOB_STATE, &arena, &reply);
        FAILPOINT("chunk-put");
    }
    arena_fini(&arena);
    return rc;
}

static int submit(struct connection *connection, const struct draft *draft, struct span code,
                  struct arena *arena, struct delivered *out)
{
    uint8_t submission[LIMIT_SUBMISSION];
    const struct msg_submitted *answer;
    struct msg_submit body;
    struct buf spec = {0};
    void *reply;
    int rc;

    randombytes_buf(submission, sizeof(submission));
    value_pack(&draft->value, &spec);
    body = (struct msg_submit){.submission = span_of(submission, sizeof(submission)),
                               .spec = buf_span(&spec),
                               .code = code};
    FAILPOINT("submit");
    rc = connection_ask(connection, MSG_SUBMIT, &body, 0, MSG_SUBMITTED, arena, &reply);
    FAILPOINT("submitted");
    buf_fini(&spec);
    if (rc != 0)
        return rc;
    answer = reply;
    out->experiment = answer->experiment;
    out->name = arena_text(arena, answer->name);
    return 0;
}

int deliver(struct connection *connection, struct draft *draft, const char *base, bool shared,
            struct arena *arena, struct delivered *out)
{
    struct code_plan plan;
    struct code_tree tree = {0};
    struct span code = {0};
    int rc = code_plan_make(draft, base, shared, arena, &plan);

    if (rc == 0 && !code_plan_is_empty(&plan)) {
        rc = code_tree_pack(&plan, &tree);
        code = span_of(tree.hash, sizeof(tree.hash));
        if (rc == 0)
            rc = upload(connection, &tree.packed, code);
    }
    if (rc == 0)
        rc = submit(connection, draft, code, arena, out);
    code_tree_fini(&tree);
    return rc;
}
