/* sink.h - the files people read: params.json, result.json, progress.csv, stdout, stderr.
 *
 * A thread of its own takes committed effects in order and writes them; the head's loop never waits
 * for a disk here. What it is handed stays the caller's memory and must not change until `done` is
 * called for it, from this thread.
 *
 * Files are a function of the log: the first ATTEMPT of a trial truncates its files to nothing, so
 * replaying the log from its beginning writes them again, byte for byte; and from an image, after
 * they were cut to what they were then. A later attempt's ATTEMPT cuts result.json and progress.csv
 * to the rows it goes on from; the rows cut off are appended to superseded.json.
 *
 * An experiment's folder also has `feed`: a row of 16 bytes a result in the order of commits, which
 * feed.h reads. */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "head/core/effect.h"

struct sinks;
struct writer_lead;

/* Starts the thread. */
struct sinks *sinks_new(void);

/* Writes everything that was put, if it may, then ends the thread. Accepts NULL. */
void sinks_free(struct sinks *sinks);

/* Until when, by clock_ms, this head may write: later another one may be at the same files. What
 * waits then waits until the time is moved on. DEADLINE_NEVER at first. */
void sinks_write_until(struct sinks *sinks, uint64_t until_ms);

/* Another head leads and has the files: write nothing any more, whatever was put. */
void sinks_abandon(struct sinks *sinks);

/* Hand over effects, in order; those that are none of its business are passed over. done(context)
 * is called from the sinks' thread when they are no longer looked at; NULL: nobody wants to know.
 */
void sinks_put(struct sinks *sinks, const struct effect *effects, size_t count,
               void (*done)(void *context), void *context);

/* Bytes of a trial's output at an offset of the attempt's stream (0 stdout, 1 stderr), copied here,
 * for the file of that name in the trial's folder (absolute). A later attempt's bytes are written
 * behind the earlier ones'. False where more than LIMIT_OUTPUT_QUEUE bytes wait already: offer it
 * again later. */
bool sinks_output(struct sinks *sinks, struct span folder, uint32_t attempt, uint32_t stream,
                  uint64_t offset, struct span bytes);

/* What an image has to know of the files (head/image.h), as they are behind all that was put so
 * far. saved(context, bytes, folders) is called from the sinks' thread: bytes for sinks_load, and
 * a text of the folders whose files are to be synced, each with a zero behind it; both the caller's
 * to keep. Empty bytes: rows are missing in some file for a lack that can pass (a full or failing
 * disk, no memory or descriptors left), until a restart has written them there can be no image. A
 * folder that is gone or may not be written stops none: its rows go with the log. image: its
 * number. */
void sinks_save(struct sinks *sinks, uint64_t image,
                void (*saved)(void *context, struct buf *bytes, struct buf *folders),
                void *context);

/* Before anything is put: files are cut to what they were. lead (writer.h): another machine may
 * have written them; where its folder of an experiment is not here, nothing is written of that one,
 * and no image comes about, until it is. NULL: nobody else has. 0, ERR_MALFORMED or ERR_FENCED. */
int sinks_load(struct sinks *sinks, struct span saved, const struct writer_lead *lead);

/* That image is complete: nothing is needed any more for those before it. */
void sinks_forget(struct sinks *sinks, uint64_t image);

/* What is put from now on was put before, in another life, as far as its files may tell (redo.h).
 * Waits until all is written. */
void sinks_redo(struct sinks *sinks, bool on);

/* Wait until everything that was put is written: before reading files in tests and at a clean end.
 */
void sinks_drain(struct sinks *sinks);

/* The first thing that could not be written since the last call (a full disk, a folder without
 * permission), for the head's log; false where there is none. Other trials go on. The results are
 * in the log: the files are made from it when the head starts again; for a folder that is gone or
 * may not be written only before the next image. */
bool sinks_trouble(struct sinks *sinks, char *out, size_t size);

/* Rises with every job that was done, before its `done` is called. */
uint64_t sinks_version(const struct sinks *sinks);

/* Jobs that wait. */
size_t sinks_waiting(struct sinks *sinks);

/* Rows written so far of an experiment's feed, and of a trial; safe from the head's thread. The
 * feed's readers wait for it to rise. */
uint64_t sinks_feed_rows(struct sinks *sinks, uint32_t experiment);

#endif
