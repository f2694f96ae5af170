#include "head/checkpoint_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/manifest.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

/* A blob that somebody needs. */
struct need {
    struct need *next; /* of all */
    struct need *previous;
    uint8_t hash[BLOB_HASH_BYTES];
    uint32_t checkpoints; /* that are kept and have it as their manifest */
    uint32_t uses;        /* by manifests of those, as a chunk */
    uint32_t holds;       /* by uploads */
    struct buf chunks;    /* of a manifest that was looked into: hashes */
};

/* An upload. */
struct upload {
    struct upload *next;
    struct store_owner owner;
    struct table *known; /* what it holds, by hash */
    struct need **held;  /* owned; the same in a list */
    size_t count;
    size_t room;
};

struct checkpoint_store {
    struct blobs *blobs;
    struct table *needs; /* by hash */
    struct need *first;  /* owned */
    struct upload *uploads;
    bool settled;
    uint64_t stale_ms; /* when what is left of an earlier life goes; 0: it is gone */
    uint64_t sweep_ms; /* when what was placed is looked at next */
};

static void list_needed(void *context, struct table *kept)
{
    const struct checkpoint_store *store = context;

    for (struct need *need = store->first; need != NULL; need = need->next)
        (void)table_put(kept, span_of(need->hash, BLOB_HASH_BYTES), need);
}

struct checkpoint_store *checkpoint_store_open(const char *folder)
{
    static const struct blobs_config config = {.limit_bytes = LIMIT_CHECKPOINT_STORE,
                                               .limit_count = LIMIT_CHECKPOINT_BLOBS,
                                               .shared = true};
    struct blobs *blobs = blobs_open(folder, &config);
    struct checkpoint_store *store;

    if (blobs == NULL)
        return NULL;
    store = xcalloc(1, sizeof(*store));
    store->blobs = blobs;
    store->needs = table_new();
    blobs_keep(blobs, list_needed, store);
    return store;
}

static void upload_free(struct upload *upload)
{
    table_free(upload->known);
    free(upload->held);
    free(upload);
}

void checkpoint_store_close(struct checkpoint_store *store)
{
    if (store == NULL)
        return;
    while (store->first != NULL) {
        struct need *need = store->first;

        store->first = need->next;
        buf_fini(&need->chunks);
        free(need);
    }
    while (store->uploads != NULL) {
        struct upload *upload = store->uploads;

        store->uploads = upload->next;
        upload_free(upload);
    }
    table_free(store->needs);
    blobs_close(store->blobs);
    free(store);
}

struct blobs *checkpoint_store_blobs(const struct checkpoint_store *store)
{
    return store->blobs;
}

static struct need *need_get(struct checkpoint_store *store, const uint8_t *hash)
{
    struct need *need = table_get(store->needs, span_of(hash, BLOB_HASH_BYTES));

    if (need != NULL)
        return need;
    need = xcalloc(1, sizeof(*need));
    memcpy(need->hash, hash, BLOB_HASH_BYTES);
    need->next = store->first;
    if (need->next != NULL)
        need->next->previous = need;
    store->first = need;
    (void)table_put(store->needs, span_of(need->hash, BLOB_HASH_BYTES), need);
    return need;
}

/* One reason less: it goes where that was the last. */
static void need_look(struct checkpoint_store *store, struct need *need)
{
    struct span hash = span_of(need->hash, BLOB_HASH_BYTES);

    if (need->checkpoints > 0 || need->uses > 0 || need->holds > 0)
        return;
    /* In a replay it may be needed again by the next entry. */
    if (store->settled)
        blobs_drop(store->blobs, hash);
    (void)table_remove(store->needs, hash);
    if (need->previous != NULL)
        need->previous->next = need->next;
    else
        store->first = need->next;
    if (need->next != NULL)
        need->next->previous = need->previous;
    buf_fini(&need->chunks);
    free(need);
}

/* All of a manifest that is here; false where it is not, or is none. */
static bool manifest_read(const struct checkpoint_store *store, struct span hash, struct buf *out)
{
    struct manifest_summary summary;
    uint64_t total = 0;
    size_t before;

    do {
        before = out->size;
        if (blobs_get(store->blobs, hash, out->size, LIMIT_CHUNK_BYTES, out, &total) != 0 ||
            total > LIMIT_MANIFEST_BYTES)
            return false;
    } while (out->size < total && out->size > before);
    return out->size == total && manifest_check(buf_span(out), &summary) == 0;
}

/* What a kept checkpoint is made of is needed from now on. */
static void look_into(struct checkpoint_store *store, struct need *manifest)
{
    struct span hash = span_of(manifest->hash, BLOB_HASH_BYTES);
    struct manifest_reader reader;
    struct manifest_entry entry;
    struct buf bytes = {0};

    if (manifest->chunks.size > 0)
        return;
    if (manifest_read(store, hash, &bytes)) {
        manifest_open(&reader, buf_span(&bytes));
        while (manifest_next(&reader, &entry))
            buf_append_span(&manifest->chunks, entry.hashes);
    } else {
        log_line(LOG_WARNING, "checkpoint-lost", "the manifest of a checkpoint cannot be read");
    }
    buf_fini(&bytes);
    for (size_t i = 0; i < manifest->chunks.size; i += BLOB_HASH_BYTES)
        need_get(store, manifest->chunks.data + i)->uses++;
}

/* Uploads up to this one of an attempt, or all of attempts before it. */
static void uploads_end(struct checkpoint_store *store, const struct store_owner *until)
{
    struct upload **at = &store->uploads;

    while (*at != NULL) {
        struct upload *upload = *at;
        const struct store_owner *owner = &upload->owner;

        if (owner->experiment != until->experiment || owner->trial != until->trial ||
            owner->attempt > until->attempt ||
            (owner->attempt == until->attempt && owner->number > until->number)) {
            at = &upload->next;
            continue;
        }
        *at = upload->next;
        for (size_t i = 0; i < upload->count; i++) {
            upload->held[i]->holds--;
            need_look(store, upload->held[i]);
        }
        upload_free(upload);
    }
}

static void keep(struct checkpoint_store *store, const struct effect_checkpoint *checkpoint)
{
    struct need *need = need_get(store, checkpoint->manifest.data);
    const struct store_owner owner = {checkpoint->experiment, checkpoint->trial,
                                      checkpoint->attempt, checkpoint->number};

    need->checkpoints++;
    if (store->settled)
        look_into(store, need);
    uploads_end(store, &owner);
}

static void release(struct checkpoint_store *store, const struct effect_checkpoint *checkpoint)
{
    struct need *need = table_get(store->needs, checkpoint->manifest);
    struct buf chunks = {0};

    if (need == NULL || need->checkpoints == 0)
        return; /* of a log that was cut */
    if (checkpoint->broken && store->settled) {
        /* Where a chunk is wrong, nobody may be told that it is here. */
        blobs_recheck(store->blobs, checkpoint->manifest);
        for (size_t i = 0; i < need->chunks.size; i += BLOB_HASH_BYTES)
            blobs_recheck(store->blobs, span_of(need->chunks.data + i, BLOB_HASH_BYTES));
    }
    if (--need->checkpoints > 0)
        return;
    chunks = need->chunks;
    need->chunks = (struct buf){0};
    need_look(store, need);
    for (size_t i = 0; i < chunks.size; i += BLOB_HASH_BYTES) {
        struct need *chunk = need_get(store, chunks.data + i);

        chunk->uses--;
        need_look(store, chunk);
    }
    buf_fini(&chunks);
}

void checkpoint_store_apply(struct checkpoint_store *store, const struct effect *effect)
{
    if (effect->type == EFFECT_CHECKPOINT && effect->checkpoint.kept) {
        keep(store, &effect->checkpoint);
    } else if (effect->type == EFFECT_CHECKPOINT) {
        release(store, &effect->checkpoint);
    } else if (effect->type == EFFECT_TRIAL && store->uploads != NULL) {
        const struct effect_trial *row = &effect->trial;
        struct store_owner over = {row->experiment, row->trial, row->attempt, 0};

        if (!trial_is_live((enum trial_state)row->state))
            over.number = UINT64_MAX;
        uploads_end(store, &over);
    }
}

void checkpoint_store_settle(struct checkpoint_store *store, uint64_t now_ms)
{
    struct need **manifests = xcalloc(table_count(store->needs) + 1, sizeof(struct need *));
    size_t count = 0;

    store->settled = true;
    store->stale_ms = now_ms + STORE_STALE_MS;
    for (struct need *need = store->first; need != NULL; need = need->next)
        manifests[count++] = need;
    for (size_t i = 0; i < count; i++)
        look_into(store, manifests[i]);
    free(manifests);
}

uint32_t checkpoint_store_kept(const struct checkpoint_store *store)
{
    uint32_t count = 0;

    for (const struct need *need = store->first; need != NULL; need = need->next)
        count += need->checkpoints > 0;
    return count;
}

void checkpoint_store_tend(struct checkpoint_store *store, uint64_t now_ms)
{
    if (now_ms >= store->sweep_ms) {
        store->sweep_ms = now_ms + STORE_SWEEP_MS;
        blobs_sweep_placed(store->blobs);
    }
    if (store->stale_ms == 0 || now_ms < store->stale_ms)
        return;
    store->stale_ms = 0;
    blobs_sweep(store->blobs);
}

bool checkpoint_store_sealed(struct checkpoint_store *store, uint8_t hash[BLOB_HASH_BYTES],
                             int *err)
{
    const struct span name = span_of(hash, BLOB_HASH_BYTES);

    if (!blobs_sealed(store->blobs, hash, err))
        return false;
    if (store->settled && table_get(store->needs, name) == NULL)
        blobs_drop(store->blobs, name);
    return true;
}

static struct upload *upload_get(struct checkpoint_store *store, const struct store_owner *owner)
{
    struct upload *upload = store->uploads;

    while (upload != NULL &&
           (upload->owner.experiment != owner->experiment || upload->owner.trial != owner->trial ||
            upload->owner.attempt != owner->attempt || upload->owner.number != owner->number))
        upload = upload->next;
    if (upload != NULL)
        return upload;
    upload = xcalloc(1, sizeof(*upload));
    upload->owner = *owner;
    upload->known = table_new();
    upload->next = store->uploads;
    store->uploads = upload;
    return upload;
}

void checkpoint_store_hold(struct checkpoint_store *store, const struct store_owner *owner,
                           struct span hash)
{
    struct upload *upload = upload_get(store, owner);
    struct need *need = need_get(store, hash.data);

    if (table_get(upload->known, hash) != NULL)
        return;
    if (upload->count == upload->room) {
        upload->room = upload->room * 2 + 16;
        upload->held = xrealloc(upload->held, upload->room, sizeof(struct need *));
    }
    need->holds++;
    upload->held[upload->count++] = need;
    (void)table_put(upload->known, span_of(need->hash, BLOB_HASH_BYTES), need);
}
