/* private_cluster.h - a head, a worker and their redis-server for one run, which end with us. Their
 * data and logs are in ASSAY_HOME/runs/ID. */
#ifndef CLIENT_PRIVATE_CLUSTER_H
#define CLIENT_PRIVATE_CLUSTER_H

#include "client/process.h"
#include "client/where.h"

struct private_cluster;

/* Start the head; returns at once. 0, or an exit status and it was said why. */
int private_cluster_start(struct private_cluster **out);

/* Wait until the head listens, start the worker, and say where the head is. cpus 0: all of this
 * machine's. */
int private_cluster_join(struct private_cluster *cluster, uint32_t cpus, struct where *where);

/* Descriptors that become readable when one of the two has ended, and what to say then: a status.
 */
void private_cluster_fds(const struct private_cluster *cluster, int fds[2]);
int private_cluster_died(struct private_cluster *cluster);

/* The head's data directory, whose log `assay replay` reads. */
const char *private_cluster_folder(const struct private_cluster *cluster);

/* End both; in a hurry, and from the next of signals (of sig_open; -1: none) on, everything is
 * killed at once. The head's folder is kept, for `assay replay`
 * and for a look at what went wrong, unless nothing was run (keep false). 0, or an exit
 * status and it was said why: files are missing. Accepts NULL. */
int private_cluster_stop(struct private_cluster *cluster, int signals, bool hurry, bool keep);

#endif
