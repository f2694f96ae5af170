/* archive.h - what images cut off the log, kept in a folder: `assay head --log-archive DIR`.
 *
 * A file holds a part of the log, whole and never changed again. Its name says which one it is,
 * whose, and which entries are in it: `NUMBER.NAME.FIRST_LAST.assaylog`, as
 * `00000003.default.2-0_2-917.assaylog`. Numbers begin with 1; a file goes on where the one before
 * ends. In it (numbers big-endian):
 *
 *   head   8 bytes "ASSAYLOG", format (4), bytes of the cluster's name (4), the name, CRC-32 of all
 *          of that (4)
 *   entry  bytes of it (4), bytes of its boot (4), its id (8 and 8), 1 where it is a takeover (4),
 *          CRC-32 of all that and of what follows (4); then its bytes as they stand in the log, and
 *          the boot (stream.h)
 *
 * What is being written is called `.new`, and gets its name when it is on the disk: so a file that
 * has a name is whole, what it holds is never written again, and a crash between that and the cut
 * leaves nothing twice. `.lock` is held by the head that writes: one at a time.
 *
 * All of it waits for the disk: for start-up and for a thread of its own. */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include "common/trouble.h"
#include "head/store/stream.h"

#define ARCHIVE_FORMAT 1u

/* The last entry that an archive holds; epoch 0: it is empty. */
struct archive_end {
    struct log_id id;
    uint32_t crc; /* of what stands there, to know it again */
};

struct archive;

/* Open the folder, which is made where it is not there, to write the log of the cluster `name`.
 * ERR_AGAIN: another head writes there; ERR_EXISTS: it holds another cluster's; ERR_MALFORMED: its
 * last file is damaged; ERR_VERSION; others: it cannot be written to. */
int archive_open(const char *folder, const char *name, struct archive **out,
                 struct trouble *trouble);

/* What was not sealed is forgotten. Accepts NULL. */
void archive_close(struct archive *archive);

/* What is sealed. */
struct archive_end archive_end(const struct archive *archive);

/* Write the entry that comes behind the one before it. One that the archive has already is passed
 * over; ERR_MALFORMED where that is another one, or where there is a gap. ERR_FULL, ERR_IO: nothing
 * of the file that was begun counts, and it is begun anew with the next one. */
int archive_add(struct archive *archive, const struct stream_entry *entry, struct trouble *trouble);

/* What was added and is not sealed counts for nothing. */
void archive_forget(struct archive *archive);

/* Bytes that were added and are not sealed. */
uint64_t archive_unsealed(const struct archive *archive);

/* When this returns 0, what was added is on the disk and has its name. Nothing to be done is no
 * failure. */
int archive_seal(struct archive *archive, struct trouble *trouble);

/* ---- archive_log.c ---- */

/* Whether the log in Redis goes on where the archive ends. image: the entry of its newest image, up
 * to which it may be cut; epoch 0: not known. Anything joins an empty one; else ERR_MALFORMED:
 * there are entries between them that nobody has, or it is the log of another cluster. Waits for
 * Redis.
 */
int archive_joins(const struct archive_end *end, struct store *store, const char *name,
                  struct log_id image, struct trouble *trouble);

/* Add and seal what the log has up to the entry `until`, which was committed. 0: all of it is on
 * the disk, and may be cut. */
int archive_take_log(struct archive *archive, struct store *store, const char *name,
                     struct log_id until, struct trouble *trouble);

/* ---- archive_read.c ---- */

/* Takes an entry, borrowed; below 0 ends the reading, with *trouble filled. */
typedef int archive_take_fn(void *context, const struct stream_entry *entry,
                            struct trouble *trouble);

/* Read all that a folder holds, in order; nothing is changed there. name: of the cluster whose it
 * has to be, or empty, and it is filled in (STORE_NAME_BYTES + 1). *out is as far as it came.
 * ERR_NOT_FOUND: there is no such file; ERR_EXISTS: another cluster's; ERR_MALFORMED: damaged, or a
 * file is missing; ERR_VERSION; ERR_IO and others of the disk; and what take answers. */
int archive_read(const char *folder, char *name, archive_take_fn *take, void *context,
                 struct archive_end *out, struct trouble *trouble);

#endif
