/* checkpoint_store.h - the bytes of checkpoints on the head's disk, and who needs them.
 *
 * A blob is a manifest or a chunk of a file (common/manifest.h), so what two checkpoints have in
 * common is there once. It is needed by each checkpoint that the core keeps, of which committed
 * effects tell; and, while an upload goes on, by the upload: what a worker asks about is held for
 * the checkpoint that it is about, until that one is kept or its attempt is over. What nobody needs
 * any more goes at once. What an earlier life of the head left behind goes STORE_STALE_MS after the
 * start: an upload that a restart interrupts asks again before that. */
#ifndef HEAD_CHECKPOINT_STORE_H
#define HEAD_CHECKPOINT_STORE_H

#include "head/blobs.h"
#include "head/core/effect.h"

struct checkpoint_store;

#define STORE_STALE_MS 600000u
#define STORE_SWEEP_MS 600000u /* between two looks for what was placed and never spoken of */

/* In this folder, which is made, and in which nodes may place blobs (placed.h). NULL with errno
 * set. */
struct checkpoint_store *checkpoint_store_open(const char *folder);
void checkpoint_store_close(struct checkpoint_store *store);

/* A committed effect, also of a replay: CHECKPOINT, and what ends attempts (TRIAL); others are
 * passed over. */
void checkpoint_store_apply(struct checkpoint_store *store, const struct effect *effect);

/* After the replay: until here manifests are not looked into. */
void checkpoint_store_settle(struct checkpoint_store *store, uint64_t now_ms);

/* How many manifests are of checkpoints that are kept. */
uint32_t checkpoint_store_kept(const struct checkpoint_store *store);

/* What time brings. */
void checkpoint_store_tend(struct checkpoint_store *store, uint64_t now_ms);

/* Which checkpoint an upload is for. */
struct store_owner {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t number;
};

/* Hold a blob for an upload, whether it is here or comes. */
void checkpoint_store_hold(struct checkpoint_store *store, const struct store_owner *owner,
                           struct span hash);

/* As blobs_sealed; what nobody needs any more by then goes. */
bool checkpoint_store_sealed(struct checkpoint_store *store, uint8_t hash[BLOB_HASH_BYTES],
                             int *err);

/* The files; what is put here must be held. */
struct blobs *checkpoint_store_blobs(const struct checkpoint_store *store);

#endif
