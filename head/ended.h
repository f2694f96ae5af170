/* ended.h - an experiment's ended trials, on disk: what the view shows of them.
 *
 * A file in the head's data directory, one an experiment, to which a row is appended when a trial
 * ends; it is all that is left of the trial but a few numbers in memory. Rows are gathered until
 * ended_flush and then written at one go: into the page cache, which waits for no disk unless the
 * kernel is short of memory. A row is a msgpack item with eight bytes in front, its length and its
 * CRC-32, big-endian.
 *
 * The file is a function of the log, as result.json is: a replay from the log's beginning empties
 * it, one from an image cuts it to the size that the image says. It is synced before the log
 * behind an image is cut. */
#ifndef HEAD_ENDED_H
#define HEAD_ENDED_H

#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"

struct ended;

/* folder: of all such files, made if need be; NULL keeps the rows in memory (for tests). Nothing is
 * opened yet. */
struct ended *ended_new(const char *folder, uint32_t experiment);

/* Closes. removed: the experiment is forgotten, and the file with it. Accepts NULL. */
void ended_free(struct ended *ended, bool removed);

/* Cut the file to size bytes, whole rows; it is empty at first. ERR_MALFORMED: it is shorter;
 * ERR_IO. */
int ended_cut(struct ended *ended, uint64_t size);

/* Where the next row will stand: the file's size with what is gathered. */
uint64_t ended_size(const struct ended *ended);

/* Append a row, a whole msgpack item; its place is ended_size before the call. Never fails: a row
 * that cannot be written stays in memory. */
void ended_append(struct ended *ended, struct span row);

/* Write what was gathered. 0, or ERR_IO: it stays gathered, and is tried again the next time. */
int ended_flush(struct ended *ended);

/* The row at a place, in arena. 0; ERR_MALFORMED: the file is damaged there; ERR_IO. */
int ended_read(struct ended *ended, uint64_t place, struct arena *arena, struct span *out);

/* All rows in order; stops at the first that take refuses, with ERR_MALFORMED. */
int ended_scan(struct ended *ended, bool (*take)(void *context, uint64_t place, struct span row),
               void *context);

/* To be synced, by whoever: -1 where there is no file. Stays open as long as ended. */
int ended_fd(const struct ended *ended);

#endif
