/* crew.h - simulated workers, a slot each: trials report without end, save, pause and stop as their
 * scheduler says, and end by themselves now and then.
 *
 * Any result may be a trial's last, all with the same chance: from the first result on old trials
 * and new ones are as mixed as they ever will be, so that the first tenth of a run and the last one
 * are the same work. */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include "head/core/core.h"

struct crew;

/* ends: false where no trial ends by itself. */
struct crew *crew_new(uint32_t workers, bool ends, uint64_t seed);
void crew_free(struct crew *crew);

/* The event that makes worker i known, as text; borrowed from arena. */
const char *crew_key(uint32_t worker, struct arena *arena);
const char *crew_node(uint32_t worker, struct arena *arena);

/* A turn's reports, at most `most`, each of another worker: one result, and what goes with it. They
 * live in arena. Returns how many; *results of them are results. */
uint32_t crew_report(struct crew *crew, struct arena *arena, struct event *out, uint32_t most,
                     uint32_t *results);

/* What the core wants done. */
void crew_obey(struct crew *crew, const struct effects *effects);

/* Trials that began so far. */
uint64_t crew_begun(const struct crew *crew);

#endif
