/* turns.h - what a cluster lived through, as a log keeps it, and the same decided again.
 *
 * A turn keeps its events and its tape as an entry of the log does; and a sum over its effects,
 * which no log has: not only what was decided must be the same, but all that is to be done. */
#ifndef MATRIX_TURNS_H
#define MATRIX_TURNS_H

#include "common/buf.h"
#include "head/core/core.h"

struct turn {
    uint64_t now_ms;
    struct buf events; /* packed, one behind the other */
    struct buf tape;
    uint32_t effects; /* CRC-32 of their text */
};

struct turns {
    struct turn *items; /* owned */
    uint32_t count;
    uint32_t sum;    /* CRC-32 over all of them */
    uint64_t digest; /* of the core at the end */
    uint32_t told;   /* cluster_told */
};

/* A cluster runs this experiment (JSON) to its end. NULL, or what went wrong. */
const char *turns_live(struct turns *out, const char *experiment, uint64_t seed);

/* Decides them again: replayed from the first; replayed from an image that was taken halfway; and
 * from there decided anew, which must write the same tape. NULL, or what differs. */
const char *turns_check(const struct turns *turns);

void turns_fini(struct turns *turns);

#endif
