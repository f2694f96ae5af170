/* drive_line.h - one line of a caller of `assay drive`, checked as far as it can be without looking
 * at any trial: its op, its keys, and what each of them is. */
#ifndef CLIENT_DRIVE_LINE_H
#define CLIENT_DRIVE_LINE_H

#include "common/value.h"

#define DRIVE_WHY_BYTES 512u

enum drive_op {
    DRIVE_ASK,
    DRIVE_ADD,
    DRIVE_RESULT,
    DRIVE_COMPLETE,
    DRIVE_ERROR,
    DRIVE_REMOVE,
    DRIVE_REQUEUE,
    DRIVE_STATUS,
    DRIVE_BEST,
    DRIVE_OP_COUNT
};

struct drive_line {
    enum drive_op op;
    const char *trial;           /* a name; NULL: not given */
    const struct value *config;  /* a map; NULL */
    const struct value *result;  /* a map; NULL */
    const struct value *blocked; /* a list of names; NULL */
    bool peek;
    bool has_bracket;
    uint32_t bracket;
};

/* Everything in *out lives in arena. False with why filled, in one sentence. */
bool drive_line_read(struct span text, struct arena *arena, struct drive_line *out,
                     char why[DRIVE_WHY_BYTES]);

/* Fill why; returns false. */
bool drive_refuse(char why[DRIVE_WHY_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
