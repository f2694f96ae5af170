/* images.h - images of a head's state in Redis, and the end of the log behind them.
 *
 * An image is a hash `assay:{NAME}:image:<id>`, id being the last entry of the log that it knows,
 * with its bytes in fields 0, 1, 2... Which images there are stands in the hash `head`: a field
 * `image:<id>`, empty while the image is being written, then its size, CRC-32 and format. So a
 * restart finds the newest whole one, and no half-written one is ever left without an owner.
 *
 * A head that another has taken over from may still write here for a moment. What it writes then is
 * passed over: each head says in a field `start:<epoch>` with which image it began, and behind that
 * only that one counts, and those of its own epoch and later ones. (A file that this head has cut
 * since would not be what a late image knows of it.) The log is cut only where its last entry is of
 * the own epoch, behind an image that is whole by then: a head that takes an epoch first and looks
 * for images behind that has all of the log behind the one it finds.
 *
 * All functions wait for Redis, up to 30 s a command: they are for start-up and for a thread of
 * their own. */
#ifndef STORE_IMAGES_H
#define STORE_IMAGES_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/redis/keys.h"
#include "common/redis/store.h"
#include "common/trouble.h"

/* Of what is in an image beside the core's own: raised whenever that changes. Those before are
 * read: 1 had no list of rows, and no origins of folders. */
#define IMAGES_FORMAT 2u

/* The newest whole image that counts. False in *found: there is none, the log has its beginning.
 * Changes nothing. 0; ERR_MALFORMED: the one that the last head began with is gone; ERR_*: Redis.
 */
int images_find(struct store *store, const char *name, bool *found, struct log_id *id,
                struct trouble *trouble);

/* The head that has taken this epoch begins with the image that it has found (0-0: there was none),
 * before it touches a file. What heads before it begun and never finished is removed. 0 or ERR_*;
 * ERR_FENCED: a later head leads; ERR_AMNESIA: the log ends before what is known of. */
int images_start(struct store *store, const char *name, uint64_t epoch, struct log_id id,
                 struct trouble *trouble);

/* Its bytes behind out. ERR_MALFORMED: damaged, or gone; ERR_VERSION: of a
 * newer format. */
int images_read(struct store *store, const char *name, struct log_id id, struct buf *out,
                struct trouble *trouble);

/* Write one, whose bytes are those of the parts one behind the other, and read it back. When this
 * returns 0 it is whole, and a restart begins with it. */
int images_write(struct store *store, const char *name, struct log_id id, const struct span *parts,
                 size_t count, struct trouble *trouble);

/* Cut the log behind a whole image, some entries at a time so that commits go on in between, and
 * remove the images before it. epoch: of this head; nothing is cut where the log has a later one
 * (ERR_FENCED). */
int images_trim(struct store *store, const char *name, struct log_id id, uint64_t epoch,
                struct trouble *trouble);

/* Only the latter: remove the images before a whole one. */
int images_forget_before(struct store *store, const char *name, struct log_id id,
                         struct trouble *trouble);

#endif
