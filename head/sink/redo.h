/* redo.h - hands a replay's effects to the sinks.
 *
 * What the effects of a replayed entry point to is gone with the next entry, and to wait for the
 * disk after each would make a restart slow. So what the sinks look at is copied and handed over a
 * megabyte at a time, while the next megabyte is gathered. */
#ifndef SINK_REDO_H
#define SINK_REDO_H

#include "head/core/effect.h"
#include "head/sink/sink.h"

struct redo;

/* sinks are borrowed. */
struct redo *redo_new(struct sinks *sinks);

/* Waits until all is written. Accepts NULL. */
void redo_free(struct redo *redo);

/* Take in the effects of one entry; nothing of them is needed after. */
void redo_put(struct redo *redo, const struct effects *effects);

#endif
