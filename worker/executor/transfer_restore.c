/* A checkpoint on its way from the head. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/manifest.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/checkpoint_files.h"
#include "worker/executor/executor.h"
#include "worker/executor/transfer.h"

/* A helper unpacks what is in a stage, or in the head's folder. */
static bool unpack_start(struct transfer *transfer, const char *from)
{
    char hex[2 * LIMIT_HASH_BYTES + 1];
    const char *words[] = {"unpack", from, hex, transfer->target, NULL};

    (void)sodium_bin2hex(hex, sizeof(hex), transfer->hash, LIMIT_HASH_BYTES);
    transfer->step = TRANSFER_UNPACKING;
    return transfer_help(transfer, words);
}

void transfer_restore(struct attempt *attempt, const char *target)
{
    struct transfer *transfer = transfer_new(attempt, TRANSFER_GETTING_LIST);
    const char *folder = attempt->executor->options->checkpoints;

    transfer->target = xstrdup(target);
    memcpy(transfer->hash, attempt->lease.checkpoint.data, LIMIT_HASH_BYTES);
    transfer->shared = folder != NULL && unpack_start(transfer, folder);
    if (!transfer->shared)
        transfer->step = TRANSFER_GETTING_LIST;
}

/* Broken: another node would find it so, too. Else it is this node's, or the head's, for now. */
static void restore_fail(struct transfer *transfer, const char *why, bool broken)
{
    struct attempt *attempt = transfer->attempt;

    transfer_free(transfer);
    attempt_not_restored(attempt, broken ? END_CHECKPOINT : END_EXECUTOR_LOST, why);
}

static const uint8_t *hash_at_hand(const struct transfer *transfer)
{
    return transfer->step == TRANSFER_GETTING_LIST ? transfer->hash
                                                   : transfer->blobs.data + transfer->at;
}

void restore_send(struct transfer *transfer)
{
    const struct msg_blob_get get = {.hash = span_of(hash_at_hand(transfer), LIMIT_HASH_BYTES),
                                     .offset = transfer->offset,
                                     .size = LIMIT_CHUNK_BYTES};

    daemon_link_ask(transfer->attempt->executor, MSG_BLOB_GET, &get);
}

static void unpack_begin(struct transfer *transfer)
{
    if (!unpack_start(transfer, transfer->stage))
        restore_unpacked(transfer, FILES_DISK);
}

static void list_complete(struct transfer *transfer)
{
    struct manifest_summary summary;
    uint8_t found[LIMIT_HASH_BYTES];

    (void)crypto_generichash(found, sizeof(found), transfer->manifest.data,
                             (unsigned long long)transfer->manifest.size, NULL, 0);
    if (memcmp(found, transfer->hash, sizeof(found)) != 0 ||
        manifest_check(buf_span(&transfer->manifest), &summary) != 0) {
        restore_fail(transfer, "the list of its files is not what its hash says", true);
        return;
    }
    if (transfer_stage_write(transfer, "manifest", buf_span(&transfer->manifest)) != 0) {
        restore_fail(transfer, "the node's disk does not take it", false);
        return;
    }
    transfer_list(transfer);
    transfer->offset = 0;
    transfer->step = TRANSFER_GETTING;
    if (transfer->blobs.size == 0)
        unpack_begin(transfer);
}

/* A whole chunk: it is verified when it is unpacked. */
static void chunk_take(struct transfer *transfer, struct span bytes)
{
    char name[FILES_NAME_BYTES];

    files_name(name, hash_at_hand(transfer));
    if (transfer_stage_write(transfer, name, bytes) != 0) {
        restore_fail(transfer, "the node's disk does not take it", false);
        return;
    }
    transfer->at += LIMIT_HASH_BYTES;
    if (transfer->at == transfer->blobs.size)
        unpack_begin(transfer);
}

static void bytes_take(struct transfer *transfer, const struct msg_blob_chunk *chunk)
{
    bool list = transfer->step == TRANSFER_GETTING_LIST;
    uint64_t most = list ? LIMIT_MANIFEST_BYTES : LIMIT_CHUNK_BYTES;

    if (!span_equal(chunk->hash, span_of(hash_at_hand(transfer), LIMIT_HASH_BYTES)) ||
        chunk->offset != transfer->offset || chunk->total > most ||
        chunk->bytes.size > chunk->total - chunk->offset || chunk->bytes.size == 0 ||
        (!list && chunk->bytes.size < chunk->total)) {
        restore_fail(transfer, "what the head has of it is not all of it", true);
        return;
    }
    transfer->wire_bytes += chunk->bytes.size;
    if (!list) {
        chunk_take(transfer, chunk->bytes);
        return;
    }
    buf_append_span(&transfer->manifest, chunk->bytes);
    transfer->offset += chunk->bytes.size;
    if (transfer->offset == chunk->total)
        list_complete(transfer);
}

void restore_answered(struct transfer *transfer, const struct message *message)
{
    const struct msg_error *error = message->body;

    if (message->type == MSG_BLOB_CHUNK)
        bytes_take(transfer, message->body);
    else if (message->type == MSG_ERROR && error->code == ERROR_NOT_FOUND)
        restore_fail(transfer, "the head does not have all of it", true);
    else
        restore_fail(transfer, "the head does not give it", false);
}

void restore_unpacked(struct transfer *transfer, int status)
{
    struct attempt *attempt = transfer->attempt;
    const char *target;

    if (status != FILES_DONE && transfer->shared) {
        log_line(LOG_WARNING, "checkpoint", "trial=%s: not out of %s: %s; the head is asked for it",
                 attempt->id, attempt->executor->options->checkpoints, files_text(status));
        transfer->shared = false;
        transfer->step = TRANSFER_GETTING_LIST;
        return;
    }
    if (status != FILES_DONE) {
        restore_fail(transfer, files_text(status),
                     status == FILES_WRONG || status == FILES_UNSAFE || status == FILES_BIG);
        return;
    }
    log_line(LOG_INFO, "checkpoint", "restored trial=%s got=%llu", attempt->id,
             (unsigned long long)transfer->wire_bytes);
    target = arena_strdup(&attempt->arena, transfer->target);
    free(transfer->target);
    transfer->target = NULL; /* it is the attempt's now */
    transfer_free(transfer);
    attempt_restored(attempt, target);
}
