/* manifest.h - the list of a checkpoint's files: what it is made of, by content.
 *
 * A checkpoint is a folder of plain files and folders. Each file is cut into chunks of
 * LIMIT_CHUNK_BYTES, the last one shorter; a chunk is known by its BLAKE2b-256 hash, and the
 * checkpoint by that of its manifest. Packed it is the msgpack list [1, [entry...]], an entry
 * [path, folder, mode, size, hashes], in the order of the paths' bytes: so no path comes twice, and
 * a folder before what is in it. Pure: nothing here reads a file. */
#ifndef COMMON_MANIFEST_H
#define COMMON_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

struct manifest_entry {
    struct span path; /* below the checkpoint's folder, components between single slashes */
    bool folder;
    uint32_t mode; /* permissions: of 0755 */
    uint64_t size;
    struct span hashes; /* of its chunks behind one another */
};

struct manifest_summary {
    uint32_t entries;
    uint32_t chunks;
    uint64_t bytes;
};

/* Whether a path may be in a checkpoint: relative, no empty component, no `.` or `..`, no
 * backslash, no control character, UTF-8, within LIMIT_CHECKPOINT_PATH and _DEPTH. */
bool manifest_path_is_fine(struct span path);

/* How many chunks a file of so many bytes has. */
uint32_t manifest_chunks(uint64_t size);

/* Write one: count entries follow, each added by the next call, in the order of their paths. */
void manifest_begin(struct buf *out, uint32_t count);
void manifest_add(struct buf *out, const struct manifest_entry *entry);

/* Everything that makes bytes from a peer a manifest within the limits. 0, ERR_MALFORMED or
 * ERR_TOO_BIG. */
int manifest_check(struct span bytes, struct manifest_summary *out);

/* Read one that was checked: entry after entry; false behind the last. */
struct manifest_reader {
    struct cursor cursor;
    uint32_t left;
};

void manifest_open(struct manifest_reader *reader, struct span bytes);
bool manifest_next(struct manifest_reader *reader, struct manifest_entry *out);

#endif
