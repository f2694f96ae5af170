/* A checkpoint on its way to the head. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/manifest.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/checkpoint_files.h"
#include "worker/executor/executor.h"
#include "worker/executor/transfer.h"

#define ROUNDS_MOST 4u /* of asking: what the head has must not go away while we look */
#define ASTRAY_MOST 3u /* saves in a row that the head did not find: then nothing is placed */

void transfer_save(struct attempt *attempt, uint64_t number, const char *source, bool own,
                   struct channel *asker)
{
    struct transfer *transfer = transfer_new(attempt, TRANSFER_PACKING);
    const char *words[] = {"pack", source, transfer->stage, NULL};

    transfer->number = number;
    transfer->source = xstrdup(source);
    transfer->own = own;
    transfer->asker = asker;
    if (!transfer_help(transfer, words))
        executor_wake_in(attempt->executor, DEADLINE_UNHELPED, 0);
}

/* It comes to nothing. What its trial can mend it has to hear of. */
static void save_fail(struct transfer *transfer, const char *why, bool own_fault)
{
    struct attempt *attempt = transfer->attempt;
    const char *name = strrchr(transfer->source, '/');

    name = name != NULL ? name + 1 : transfer->source;
    log_line(LOG_WARNING, "checkpoint", "trial=%s: %s is not saved: %s", attempt->id,
             transfer->source, why);
    if (own_fault && !attempt->closed)
        attempt_misspoke(attempt, "its checkpoint %s: %s", name, why);
    transfer_free(transfer);
    attempt_settle(attempt);
}

/* Whoever reported it may go on: the folder is not needed any more. */
static void asker_answer(struct transfer *transfer)
{
    struct attempt *attempt = transfer->attempt;
    struct channel *asker = transfer->asker;

    transfer->asker = NULL;
    if (asker == NULL)
        return;
    if (attempt->holding && attempt->asker == NULL)
        attempt->asker = asker; /* it still waits for the verdict on the same report */
    else
        channel_answer(asker, !attempt->closed);
}

static bool manifest_load(struct transfer *transfer)
{
    struct manifest_summary summary;
    char path[LIMIT_PATH_BYTES];

    if (fs_join(path, transfer->stage, "manifest") != 0 ||
        fs_read(path, LIMIT_MANIFEST_BYTES, &transfer->manifest) != 0 ||
        manifest_check(buf_span(&transfer->manifest), &summary) != 0)
        return false;
    transfer->bytes = summary.bytes;
    (void)crypto_generichash(transfer->hash, sizeof(transfer->hash), transfer->manifest.data,
                             (unsigned long long)transfer->manifest.size, NULL, 0);
    return true;
}

void save_packed(struct transfer *transfer, int status)
{
    struct executor *executor = transfer->attempt->executor;

    asker_answer(transfer);
    if (status != FILES_DONE) {
        save_fail(transfer, files_text(status),
                  status == FILES_MISSING || status == FILES_UNSAFE || status == FILES_BIG);
        return;
    }
    if (!manifest_load(transfer)) {
        save_fail(transfer, "what was packed cannot be read back", false);
        return;
    }
    if (transfer->own)
        transfer_remove(executor, transfer->source, NULL);
    transfer->own = false;
    transfer_list(transfer);
    buf_append(&transfer->blobs, transfer->hash, LIMIT_HASH_BYTES);
    transfer->step = TRANSFER_ASKING;
}

/* ---- what is asked and sent ---- */

static void ask_send(struct transfer *transfer)
{
    const struct msg_lease *lease = &transfer->attempt->lease;
    size_t left = transfer->blobs.size - transfer->at;
    struct msg_store_ask ask = {.experiment = lease->experiment,
                                .trial = lease->trial,
                                .attempt = lease->attempt,
                                .number = transfer->number};

    transfer->sent =
        left < LIMIT_HASHES_ASKED * LIMIT_HASH_BYTES ? left : LIMIT_HASHES_ASKED * LIMIT_HASH_BYTES;
    ask.hashes = span_of(transfer->blobs.data + transfer->at, transfer->sent);
    daemon_link_ask(transfer->attempt->executor, MSG_STORE_ASK, &ask);
}

/* The bytes of a blob: a chunk's out of the stage, or a part of the manifest. */
static int blob_read(struct transfer *transfer, const uint8_t *hash, struct buf *out,
                     struct msg_store_put *put)
{
    char name[FILES_NAME_BYTES];
    char path[LIMIT_PATH_BYTES];
    uint64_t left;
    int err;

    buf_reset(out);
    if (memcmp(hash, transfer->hash, LIMIT_HASH_BYTES) == 0) {
        left = transfer->manifest.size - transfer->offset;
        put->total = transfer->manifest.size;
        put->bytes = span_of(transfer->manifest.data + transfer->offset,
                             left < LIMIT_CHUNK_BYTES ? (size_t)left : LIMIT_CHUNK_BYTES);
        return 0;
    }
    files_name(name, hash);
    err = fs_join(path, transfer->stage, name);
    if (err == 0)
        err = fs_read(path, LIMIT_CHUNK_BYTES, out);
    put->bytes = buf_span(out);
    put->total = out->size;
    return err;
}

/* Not the bytes, but that they are there. */
static int placed_name(struct transfer *transfer, const uint8_t *hash, struct msg_store_put *put)
{
    char name[FILES_NAME_BYTES];
    char path[LIMIT_PATH_BYTES];
    struct stat status;

    put->placed = true;
    put->total = transfer->manifest.size;
    if (memcmp(hash, transfer->hash, LIMIT_HASH_BYTES) == 0)
        return 0;
    files_name(name, hash);
    if (fs_join(path, transfer->stage, name) != 0 || stat(path, &status) != 0)
        return ERR_NOT_FOUND;
    put->total = (uint64_t)status.st_size;
    return 0;
}

static void put_send(struct transfer *transfer)
{
    struct executor *executor = transfer->attempt->executor;
    const struct msg_lease *lease = &transfer->attempt->lease;
    const uint8_t *hash = transfer->missing.data + transfer->at;
    struct msg_store_put put = {.experiment = lease->experiment,
                                .trial = lease->trial,
                                .attempt = lease->attempt,
                                .number = transfer->number,
                                .hash = span_of(hash, LIMIT_HASH_BYTES),
                                .offset = transfer->offset};

    if ((transfer->shared ? placed_name(transfer, hash, &put)
                          : blob_read(transfer, hash, &executor->fields, &put)) != 0) {
        executor->asking = NULL;
        save_fail(transfer, "what was packed cannot be read back", false);
        return;
    }
    transfer->sent = put.placed ? (size_t)put.total : put.bytes.size;
    transfer->wire_bytes += put.bytes.size;
    daemon_link_ask(executor, MSG_STORE_PUT, &put);
}

void save_send(struct transfer *transfer)
{
    if (transfer->step == TRANSFER_ASKING)
        ask_send(transfer);
    else
        put_send(transfer);
}

/* ---- answers ---- */

static void save_done(struct transfer *transfer)
{
    struct attempt *attempt = transfer->attempt;
    struct record record = {.kind = RECORD_CHECKPOINT,
                            .checkpoint = {.number = transfer->number,
                                           .manifest = span_of(transfer->hash, LIMIT_HASH_BYTES),
                                           .bytes = transfer->bytes}};

    attempt_record(attempt, &record);
    log_line(LOG_INFO, "checkpoint", "saved trial=%s number=%llu bytes=%llu sent=%llu placed=%llu",
             attempt->id, (unsigned long long)transfer->number, (unsigned long long)transfer->bytes,
             (unsigned long long)transfer->wire_bytes, (unsigned long long)transfer->placed_bytes);
    transfer_free(transfer);
    attempt_settle(attempt);
}

/* What is missing goes into the head's folder, once: what is missing after that is sent. */
static bool place_begin(struct transfer *transfer)
{
    const struct executor *executor = transfer->attempt->executor;
    const char *folder = executor->options->checkpoints;
    char hex[2 * LIMIT_HASH_BYTES + 1];
    const char *words[] = {"place", transfer->stage, hex, folder, NULL};

    if (folder == NULL || transfer->rounds > 1 || executor->astray >= ASTRAY_MOST ||
        transfer_stage_write(transfer, FILES_WANTED, buf_span(&transfer->missing)) != 0)
        return false;
    (void)sodium_bin2hex(hex, sizeof(hex), transfer->hash, LIMIT_HASH_BYTES);
    return transfer_help(transfer, words);
}

void save_placed(struct transfer *transfer, int status)
{
    const struct attempt *attempt = transfer->attempt;

    transfer->step = TRANSFER_PUTTING;
    transfer->shared = status == FILES_DONE;
    if (status != FILES_DONE)
        log_line(LOG_WARNING, "checkpoint", "trial=%s: %s does not take it; it is sent",
                 attempt->id, attempt->executor->options->checkpoints);
}

/* All that was placed was said. */
static void placed_said(struct transfer *transfer)
{
    struct executor *executor = transfer->attempt->executor;

    transfer->shared = false;
    executor->astray = transfer->lost > 0 ? executor->astray + 1 : 0;
    if (transfer->lost == 0)
        return;
    log_line(LOG_WARNING, "checkpoint",
             "trial=%s: the head does not find in its folder what was put into %s, and is sent it "
             "blobs=%u%s",
             transfer->attempt->id, executor->options->checkpoints, transfer->lost,
             executor->astray == ASTRAY_MOST ? "; nothing is put there any more" : "");
}

static void state_take(struct transfer *transfer, const struct msg_store_state *state)
{
    if (state->missing.size % LIMIT_HASH_BYTES != 0 || state->missing.size > transfer->sent) {
        save_fail(transfer, "the head's answer is none", false);
        return;
    }
    buf_append_span(&transfer->missing, state->missing);
    transfer->at += transfer->sent;
    if (transfer->at < transfer->blobs.size)
        return;
    transfer->at = 0;
    transfer->offset = 0;
    if (transfer->missing.size == 0)
        save_done(transfer);
    else if (++transfer->rounds > ROUNDS_MOST)
        save_fail(transfer, "the head does not keep it", false);
    else
        transfer->step = place_begin(transfer) ? TRANSFER_PLACING : TRANSFER_PUTTING;
}

static void put_taken(struct transfer *transfer, const struct msg_ok *ok)
{
    const uint8_t *hash = transfer->missing.data + transfer->at;
    bool list = memcmp(hash, transfer->hash, LIMIT_HASH_BYTES) == 0;

    transfer->offset += transfer->sent;
    if (transfer->shared && ok->value > 0)
        transfer->placed_bytes += transfer->sent;
    else if (transfer->shared)
        transfer->lost++;
    else if (list && transfer->offset < transfer->manifest.size)
        return;
    transfer->offset = 0;
    transfer->at += LIMIT_HASH_BYTES;
    if (transfer->at < transfer->missing.size)
        return;
    if (transfer->shared)
        placed_said(transfer);
    /* Once more: by now everything should be there. */
    transfer->at = 0;
    buf_reset(&transfer->missing);
    transfer->step = TRANSFER_ASKING;
}

void save_answered(struct transfer *transfer, const struct message *message)
{
    const struct msg_error *error = message->body;
    char why[128];

    if (message->type == MSG_STORE_STATE && transfer->step == TRANSFER_ASKING) {
        state_take(transfer, message->body);
    } else if (message->type == MSG_OK && transfer->step == TRANSFER_PUTTING) {
        put_taken(transfer, message->body);
    } else if (message->type == MSG_ERROR) {
        (void)snprintf(why, sizeof(why), "the head: %.*s",
                       (int)(error->why.size < 100 ? error->why.size : 100),
                       (const char *)error->why.data);
        save_fail(transfer, why, false);
    } else {
        save_fail(transfer, "the head's answer is none", false);
    }
}
