/* project.h - rows of experiments, trials and nodes as hashes in Redis, for people to read.
 *
 * They are written behind the commits, over a connection of their own, the latest row of each key
 * only: a slow or absent Redis costs nothing but rows that are late. Nothing ever reads them back
 * to decide. Of an experiment the newest LIMIT_PROJECTED_TRIALS trials have one, so that Redis does
 * not grow with trials; removing an experiment removes its keys. */
#ifndef STORE_PROJECT_H
#define STORE_PROJECT_H

#include <stddef.h>
#include <stdint.h>

#include "common/redis/address.h"
#include "head/core/effect.h"

struct project;

/* Connects by itself, and again. name: the cluster's. */
struct project *project_new(const struct store_address *address, const char *name);
void project_free(struct project *project);

/* Take the rows out of committed effects; the others are passed over. Copies. */
void project_effects(struct project *project, const struct effect *effects, size_t count);

/* Write who leads, and where, with the next project_tend: common/redis/lead.h. key: the fingerprint
 * of its public key. */
void project_announce(struct project *project, uint64_t epoch, const char *endpoint,
                      const char *key);

/* Send rows if it is time, and take answers: call it every 100 ms or so. Never waits. */
void project_tend(struct project *project, uint64_t now_ms);

/* Rows that wait to be sent or answered. */
size_t project_pending(const struct project *project);

/* Rows that were given up because too many waited. */
uint64_t project_dropped(const struct project *project);

#endif
