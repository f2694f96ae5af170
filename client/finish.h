/* finish.h - an experiment that has ended: what to say of it, and what to exit with. */
#ifndef CLIENT_FINISH_H
#define CLIENT_FINISH_H

#include "client/source.h"

/* 0, or 1 where a trial failed; else an exit status, and it was said why. Says nothing of failed
 * trials. */
int finish_status(struct source *source, uint32_t experiment, struct arena *arena);

/* The best trial, trials that failed and why, and where the files are; for JSON one object
 * {"event": "end", ...}. The same status. */
int finish_print(struct source *source, uint32_t experiment, bool json, struct arena *arena);

/* Write experiment.json into the experiment's folder, for commands that come when the head is gone.
 * What goes wrong is only worth a note. */
void finish_save(struct source *source, uint32_t experiment, bool whole, struct arena *arena);

#endif
