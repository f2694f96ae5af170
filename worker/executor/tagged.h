/* tagged.h - reports as lines of text: found in a program's output, and read.
 *
 * A line that begins with "assay: " is a report: a JSON object behind the tag, or words KEY=VALUE.
 * All other lines pass by without being kept, whatever their length. */
#ifndef EXECUTOR_TAGGED_H
#define EXECUTOR_TAGGED_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/buf.h"

struct tagged {
    struct buf line; /* the beginning of a line, while it may be a report */
    bool passing;    /* inside a line that is none */
};

void tagged_init(struct tagged *tagged);
void tagged_fini(struct tagged *tagged);

enum tagged_found { TAGGED_NONE, TAGGED_LINE, TAGGED_TOO_LONG };

/* Look through *input, taking what was seen off its front, for the next report: *report is what
 * stands behind the tag, without the end of the line; borrowed until the next call. NONE: all of
 * *input was taken. TOO_LONG: a report over LIMIT_LINE_BYTES. */
enum tagged_found tagged_next(struct tagged *tagged, struct span *input, struct span *report);

/* The output has ended: the last line may have no end. */
enum tagged_found tagged_end(struct tagged *tagged, struct span *report);

/* Read a report (what stands behind the tag, or a line of JSON) into out, a packed map, reset
 * first. 0, or ERR_MALFORMED or ERR_TOO_BIG with *why a text in the arena. */
int tagged_read(struct span report, struct arena *arena, struct buf *out, const char **why);

#endif
