/* channel.h - one conversation with a trial's program: its report descriptor, or a connection to
 * the report socket. Lines or frames, as docs/TRAINABLE.md says; the first byte decides. */
#ifndef EXECUTOR_CHANNEL_H
#define EXECUTOR_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "worker/executor/loop.h"

struct attempt;
struct executor;

enum channel_mode {
    CHANNEL_HELLO, /* a connection to the report socket: whose it is comes first */
    CHANNEL_NEW,   /* nothing was said yet */
    CHANNEL_LINES,
    CHANNEL_FRAMES
};

struct channel {
    struct loop_source source; /* fd is owned */
    struct executor *executor; /* borrowed */
    struct attempt *attempt;   /* borrowed; NULL until it is known */
    struct channel *next;      /* of the attempt, or of the gate's unknown ones */
    struct channel *gate_next; /* of all that came through the gate, the newest first */
    uint64_t origin;           /* of those: whose process it is, as gate.h says */
    enum channel_mode mode;
    struct buf in;
    struct buf out;
    uint64_t received; /* bytes */
    int64_t reports;   /* that came in frames */
    int64_t go;        /* the last number it was told */
    bool from_gate;
    bool said_stop;
    bool said_end; /* the program: no report follows */
    bool ended;    /* nothing more will come */
};

/* fd is taken over, and not yet listened to. For the gate attempt is NULL. */
struct channel *channel_new(struct executor *executor, int fd, struct attempt *attempt);
void channel_free(struct channel *channel);

/* It has a `go` from the start: a forked native trial. */
void channel_allow_from_start(struct channel *channel, int64_t go);

/* Say what may be done, where it has changed. */
void channel_allow(struct channel *channel, int64_t more);

/* Ask for something: "save", or "pause". */
void channel_say(struct channel *channel, const char *kind);

/* End now. */
void channel_stop(struct channel *channel);

/* Nobody has another trial for the program, which has said that it is idle: it ends, and may say
 * how.
 */
void channel_leave(struct channel *channel);

/* No more of it is read or written: it is another trial's. */
void channel_hand_over(struct channel *channel);

/* The answer to a line's report. */
void channel_answer(struct channel *channel, bool go_on);

/* Take in what was left while the attempt was stalled, and read once; false where nothing more
 * comes now. The channel may be gone after it, where it came through the gate. */
bool channel_read(struct channel *channel);

/* Listen, or do not: a program waits while its attempt is stalled or not known to have started. */
void channel_listen(struct channel *channel, bool on);

#endif
