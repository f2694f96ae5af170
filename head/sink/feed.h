/* feed.h - reading what the sinks wrote: lines of result.json, in order, from a cursor.
 *
 * A reader keeps its place itself (a number), so a slow or absent one costs the head nothing. Reads
 * are from files and bounded; only whole lines are given. */
#ifndef SINK_FEED_H
#define SINK_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/* Lines of a trial's result.json from byte *cursor on, at most limit bytes (at least one line),
 * behind out; *cursor moves. ERR_NOT_FOUND where the file is not there (yet). */
int feed_trial(const char *trial_folder, uint64_t *cursor, uint32_t limit, struct buf *out);

/* Lines of all trials of an experiment in the order of commits from row *cursor on. rows: how many
 * there are by sinks_feed_rows. Rows whose lines were superseded since are given from
 * superseded.json. */
int feed_experiment(const char *experiment_folder, uint64_t *cursor, uint64_t rows, uint32_t limit,
                    struct buf *out);

/* Bytes of a file (stdout, stderr) from *offset on. */
int feed_file(const char *trial_folder, const char *name, uint64_t *offset, uint32_t limit,
              struct buf *out);

#endif
