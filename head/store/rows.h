/* rows.h - rows of ended trials in a Redis that heads share.
 *
 * They stand in files of the head's own data directory (head/ended.h), which another head does not
 * have; and once the log is cut, nobody can make them from it. So each image of such a head is
 * preceded by what has come to them since the one before: a hash `assay:{NAME}:ended:<epoch>/<n>`
 * for the file of experiment n, its bytes in fields 0, 1, 2..., of 256 KiB each but the last. The
 * image says how far they go, and their CRC-32. That a hash is there stands in the hash `head`, as
 * a field `ended:<epoch>/<n>`.
 *
 * Each epoch has its own, since two heads need not have the same bytes. All functions wait for
 * Redis, as those of images.h. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <stdint.h>

#include "common/redis/store.h"
#include "common/trouble.h"

/* One experiment's, as an image has it. */
struct rows_part {
    uint32_t experiment;
    uint64_t size; /* bytes of its file */
    uint32_t crc;
};

/* What this head has written so far. For one thread. */
struct rows;

struct rows *rows_new(const char *name, uint64_t epoch);
void rows_free(struct rows *rows);

/* Bring Redis up to the first size bytes of a file, which only grows, and say what they are. fd: to
 * read from. 0; ERR_IO: the file; ERR_*: Redis. */
int rows_write(struct rows *rows, struct store *store, uint32_t experiment, int fd, uint64_t size,
               struct rows_part *out, struct trouble *trouble);

/* Behind a whole image: what heads before this one wrote goes, and what is of experiments that the
 * image does not have. */
int rows_forget(struct rows *rows, struct store *store, const struct rows_part *parts, size_t count,
                struct trouble *trouble);

/* See that folder has the file that an image of that epoch tells of: what is there is left where it
 * begins with these bytes, else it is made anew. 0; ERR_MALFORMED: Redis has other ones, or not
 * all; ERR_IO: the folder; ERR_*: Redis. */
int rows_fetch(struct store *store, const char *name, uint64_t epoch, const struct rows_part *part,
               const char *folder, struct trouble *trouble);

#endif
