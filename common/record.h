/* record.h - what an executor says about an attempt, one record after the other.
 *
 * Records are numbered 1, 2, 3... in an attempt (their seq): first a START, then RESULTs, last an
 * END. Between a MARK and its CHECKPOINT, which takes as long as the bytes need to the head, there
 * may be results; a MARK without a CHECKPOINT is one that came to nothing. The bytes are the same
 * in the spool, on the wire and in the log: a msgpack list whose first item is the kind. */
#ifndef COMMON_RECORD_H
#define COMMON_RECORD_H

#include "common/counters.h"
#include "common/result.h"
#include "common/schema.h"

enum record_kind {
    RECORD_START = 1,
    RECORD_RESULT = 2,
    RECORD_END = 3,
    RECORD_MARK = 4,      /* a checkpoint was taken here: it holds all results before this record */
    RECORD_CHECKPOINT = 5 /* the one of the last MARK is with the head, whole and on its disk */
};

/* Why an attempt ended: one reason each, from this list. */
enum end_reason {
    END_COMPLETED = 0,     /* the program ended well, or a result said done */
    END_STOPPED = 1,       /* a stop rule, a verdict or a person */
    END_EXIT = 2,          /* the program ended with a status other than 0 */
    END_SIGNAL = 3,        /* a signal ended it */
    END_PROTOCOL = 4,      /* it reported something that is none: text says what */
    END_START = 5,         /* it could not be started: text says why */
    END_EXECUTOR_LOST = 6, /* infrastructure: the executor died */
    END_NODE_LOST = 7,     /* infrastructure */
    END_CHECKPOINT = 8,    /* infrastructure: what it was to go on from is broken: text says how */
    END_OOM = 9,           /* it went over its memory limit: text says who saw it */
    END_TIME_LIMIT = 10,   /* it ran for longer than time_limit */
    END_REPORT_TIMEOUT = 11, /* it reported nothing for as long as report_timeout */
    END_DISK_FULL = 12,      /* infrastructure: its node had no room to start it in */
    END_REASON_COUNT
};

const char *end_reason_name(uint32_t reason);

/* Whether it is the trial's own fault and so counts against max_failures; and whether it is worth
 * another attempt: one that used up its time would do so again. */
bool end_reason_is_failure(uint32_t reason);
bool end_reason_may_pass(uint32_t reason);
bool end_reason_is_infrastructure(uint32_t reason);

struct record_start {
    int64_t pid;
    uint64_t unix_ms;
};

struct record_end {
    uint32_t reason; /* enum end_reason */
    int64_t status;  /* exit status, or the signal's number */
    uint64_t unix_ms;
    struct span text; /* what went wrong in words; the last lines of stderr behind it */
};

/* number counts the attempt's marks from 1. Of those before it at most one is still on its way. */
struct record_mark {
    uint64_t number;
    uint64_t other; /* that one; 0: none */
    struct counters counters;
};

struct record_checkpoint {
    uint64_t number;      /* of its mark */
    struct span manifest; /* hash */
    uint64_t bytes;       /* of all its files */
};

extern const struct schema record_start_schema;
extern const struct schema record_end_schema;
extern const struct schema record_mark_schema;
extern const struct schema record_checkpoint_schema;

struct record {
    enum record_kind kind;
    union {
        struct record_start start;
        struct result result;
        struct record_end end;
        struct record_mark mark;
        struct record_checkpoint checkpoint;
    };
};

void record_pack(const struct record *record, struct buf *out);

/* The next one; borrows from the cursor's bytes. 0, ERR_MALFORMED or ERR_TOO_BIG. */
int record_unpack(struct cursor *cursor, struct record *out);

/* Whether bytes hold exactly count records, each within limits, START only as seq 1, nothing
 * behind an END: for bytes from a peer. 0, ERR_MALFORMED or ERR_TOO_BIG. */
int record_check(struct span bytes, uint32_t count, uint64_t first_seq);

#endif
