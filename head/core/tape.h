/* tape.h - what was decided, written while deciding, compared while replaying.
 *
 * The tape of a turn stands in its log entry beside the events. Three kinds of things are on it:
 * what came out of libm (tape_double, tape_packed) and so might differ on another processor - a
 * replay takes these from the tape; and launches and verdicts (tape_confirm), which a replay
 * computes again and must find the same. */
#ifndef CORE_TAPE_H
#define CORE_TAPE_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/cursor.h"

struct tape {
    bool replaying;
    bool diverged;      /* a replay found something else than what was decided */
    struct buf written; /* recording: owned */
    struct cursor from; /* replaying: borrowed */
    char what[160];     /* the first difference, for people */
};

void tape_init(struct tape *tape);
void tape_fini(struct tape *tape);

/* Begin to write, forgetting what was there. */
void tape_record(struct tape *tape);

/* Begin to read; decided is borrowed until the next tape_record or tape_replay. */
void tape_replay(struct tape *tape, struct span decided);

/* Recording: writes computed and returns it. Replaying: returns what was written. */
double tape_double(struct tape *tape, double computed);

/* The same for one packed item. Whoever computes dearly asks tape->replaying first and passes an
 * empty span then. */
struct span tape_packed(struct tape *tape, struct span computed);

/* Recording: writes the numbers. Replaying: compares them. */
void tape_confirm(struct tape *tape, const char *what, const uint64_t *numbers, uint32_t count);

/* Everything was read and nothing differed. */
bool tape_ended_well(const struct tape *tape);

#endif
