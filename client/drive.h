/* drive.h - `assay drive`: the core on a pipe. A line of JSON in, a line of JSON out.
 *
 * The core, its searchers and its schedulers are those of the head; the caller is its one node,
 * with room for every trial (head/core/hand.h). It asks for trials, runs them, and says what came
 * of them. This part is pure: cmd_drive.c reads and writes the pipe and says what time it is.
 * docs/DRIVE.md has every line. Reading order: drive_line.h, drive_inside.h, drive_core.c, drive.c.
 */
#ifndef CLIENT_DRIVE_H
#define CLIENT_DRIVE_H

#include "common/spec.h"

struct drive;

/* Of an experiment that spec_parse takes; what it needs of a machine counts for nothing here. NULL
 * with *error filled where the core refuses it. */
struct drive *drive_new(const struct value *experiment, uint64_t now_ms, struct spec_error *error);

/* Accepts NULL. */
void drive_free(struct drive *drive);

/* One line, without its newline; the answer goes to out, with one. A wrong line is answered with
 * {"error": ...} and changes nothing. now_ms: unix time. */
void drive_line(struct drive *drive, struct span line, uint64_t now_ms, struct buf *out);

/* The answer to a line that is longer than LIMIT_DRIVE_BYTES. */
void drive_too_long(struct buf *out);

/* A hash of all that later answers depend on; and the first of the core's invariants that does not
 * hold, NULL where all do. For tests. */
uint64_t drive_digest(const struct drive *drive);
const char *drive_check(const struct drive *drive);

#endif
