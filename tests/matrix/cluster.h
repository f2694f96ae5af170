/* cluster.h - three nodes, the trials on them and two people, all out of one seed.
 *
 * Trials report, save and end as they are told; some fail, nodes are lost and come back, people
 * pause trials and stop them. It reckons with + - * / and comparisons alone, and so does the same
 * whoever compiled it. */
#ifndef MATRIX_CLUSTER_H
#define MATRIX_CLUSTER_H

#include "head/core/core.h"

struct cluster;

struct cluster *cluster_new(uint64_t seed);
void cluster_free(struct cluster *cluster);

/* The first events: keys, nodes and the experiment. NULL: no more. Borrowed from arena. */
const char *cluster_opening(uint32_t nth, const char *experiment, struct arena *arena);

/* What happens next; it lives in arena. False: nothing can any more. */
bool cluster_next(struct cluster *cluster, const struct core *core, struct arena *arena,
                  struct event *out);

/* Time passes between turns. */
uint64_t cluster_now_ms(const struct cluster *cluster);
void cluster_pass_time(struct cluster *cluster);

/* What the core wants done: it is, at once. */
void cluster_obey(struct cluster *cluster, const struct effects *effects);

/* The experiment has ended. */
bool cluster_is_done(const struct cluster *cluster);

/* How often a trial was told something else than to go on, by nobody but its scheduler. */
uint32_t cluster_told(const struct cluster *cluster);

#endif
