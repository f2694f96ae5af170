/* writer.h - effects and output into files: what the sinks' thread does.
 *
 * Knows the experiments and the trials whose files it writes, of which only LIMIT_SINK_FILES are
 * held open. Rows are gathered during a call and are all in the files when it returns; those of the
 * feed last, so that who sees them finds their lines. For one thread, but for writer_feed_rows. */
#ifndef SINK_WRITER_H
#define SINK_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "head/core/effect.h"

#define WRITER_TROUBLE 512u /* bytes of a sentence about what could not be written */

struct writer;

struct writer *writer_new(void);

/* Writes what was gathered, and closes. Accepts NULL. */
void writer_free(struct writer *writer);

/* Both return the first thing that could not be written in this call, good until the next; empty:
 * all was. What is not meant for files is passed over. */
const char *writer_effects(struct writer *writer, const struct effect *effects, size_t count);
const char *writer_output(struct writer *writer, const char *folder, uint32_t attempt,
                          uint32_t stream, uint64_t offset, struct span bytes);

/* For an image, when everything before it was written: how far all files go, and what the next rows
 * need. From now on a file that is cut keeps for image number `image` (which rises) what it had.
 * Calls file for each folder with files in it: they are to be on disk before the log is cut.
 * False, nothing saved: rows are missing in some file for a lack that can pass (trial_files.h), and
 * must stay in the log, from which a restart makes them. What is amiss for good refuses no image:
 * its rows go with the log. */
bool writer_save(struct writer *writer, uint64_t image, struct buf *out,
                 void (*file)(void *context, const char *folder), void *context);

/* Of files that heads of several machines write, one after the other. */
struct writer_lead {
    bool (*leads)(void *context); /* whether this head leads: while it does, no other one writes */
    void *context;
};

/* Into a fresh writer: files are cut to what they were. What is amiss with files is said as by
 * writer_effects. lead: another machine may have written them; an experiment whose folder is not
 * the same one here (origin.h) gets nothing written, and there is no image while that leaves
 * something out. NULL: nobody else has. 0; ERR_MALFORMED; ERR_FENCED: this head does not lead, or
 * no longer, and some files may be as they were. */
int writer_load(struct writer *writer, struct span saved, const struct writer_lead *lead,
                const char **said);

/* Whether what comes was written before, by a head that died: files may be further than they
 * should.
 */
void writer_redo(struct writer *writer, bool on);

/* An image is complete: what was kept for those before it goes. */
void writer_forget(struct writer *writer, uint64_t image);

/* Rows written so far of an experiment's feed. From any thread. */
uint64_t writer_feed_rows(struct writer *writer, uint32_t experiment);

#endif
