/* spool.h - an attempt's records from when they are made until the head has them in its log.
 *
 * Records are numbered 1, 2, 3... (their seq). They wait in memory, up to LIMIT_WINDOW_BYTES: that
 * is what may be sent and not acknowledged, and in the common case all there is, so that no file is
 * ever made. What comes beyond goes through a small buffer to a file, {length, CRC-32, bytes} a
 * record, and comes back in order when memory has room. The executor's death ends its trials, so
 * nothing in the file is needed after it: the file only carries what memory should not. */
#ifndef EXECUTOR_SPOOL_H
#define EXECUTOR_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/* Records that are in memory, the oldest first. */
struct spool_window {
    struct buf bytes;
    struct buf ends; /* size_t each: where a record ends in bytes */
    size_t first;    /* the first of ends that is not yet acknowledged */
};

struct spool {
    char *path;                 /* owned; where the file is made, when one is needed */
    struct spool_window window; /* seq acked + 1 and on */
    struct buf tail;            /* framed records behind those of the file, not yet written */
    int fd;                     /* -1: no file */
    uint64_t read_at;           /* where the file's first unread record begins */
    uint64_t written;           /* bytes of the file */
    uint64_t acked;
    uint64_t sent; /* the last record that was handed out */
    uint64_t last; /* the last record made */
};

/* path is copied; the folder it is in must be there when it is needed, the file is new, and has no
 * name once it is open: nothing of it stays, whoever dies. */
void spool_init(struct spool *spool, const char *path);
void spool_fini(struct spool *spool);

/* The next record. Always taken. */
void spool_append(struct spool *spool, struct span record);

/* Whether no more should be made now: the disk is full or the file at LIMIT_SPOOL_BYTES. */
bool spool_full(struct spool *spool);

/* Records from sent + 1 on that are in memory: at most most_bytes (but one always fits) and
 * most_count. They count as sent. False where there is none. *out is borrowed until the next call.
 */
bool spool_take(struct spool *spool, size_t most_bytes, uint32_t most_count, uint64_t *first_seq,
                uint32_t *count, struct span *out);

/* Whether spool_take would give something. */
bool spool_has_unsent(const struct spool *spool);

/* Everything up to seq is in the head's log: forget it. 0; ERR_MALFORMED where the file does not
 * give back what was written: what stood in it is lost, `last` is as if it had not been made, and
 * whoever made it has to end. */
int spool_ack(struct spool *spool, uint64_t seq);

/* The head's log ends with record seq, below what was acknowledged: everything is forgotten, and
 * the next record is seq + 1. */
void spool_forget(struct spool *spool, uint64_t seq);

/* Hand out again everything that is not acknowledged. */
void spool_rewind(struct spool *spool);

#endif
