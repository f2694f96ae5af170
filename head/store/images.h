/* images.h - images of a head's state in Redis, and the end of the log behind them.
 *
 * An image is a hash `assay:{NAME}:image:<id>`, id being the last entry of the log that it knows,
 * with its bytes in fields 0, 1, 2... Which images there are stands in the hash `head`: a field
 * `image:<id>`, empty while the image is being written, then its size, CRC-32 and format. So a
 * restart finds the newest whole one, and no half-written one is ever left without an owner.
 *
 * A head that another has taken over from may still write here for a moment. It does no harm: its
 * images hold what was committed, the newest by id is used, and each head removes only what is
 * older than a whole image of its own.
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

/* Of what is in an image beside the core's own: raised whenever that changes. */
#define IMAGES_FORMAT 1u

/* The newest whole image. False in *found: there is none. What was begun and never finished is
 * removed if tidy. 0 or ERR_*. */
int images_find(struct store *store, const char *name, bool tidy, bool *found, struct log_id *id,
                struct trouble *trouble);

/* Its bytes behind out. ERR_MALFORMED: damaged; ERR_VERSION: of another format. */
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

#endif
