/* machine.h - what this node is: its processors and memory, as far as this process may use them.
 *
 * A container's or a batch job's limits count, not the whole machine: the affinity mask and the
 * control groups, of version 2 and 1, from this process's own group up to the top. */
#ifndef WORKER_MACHINE_H
#define WORKER_MACHINE_H

#include <stdint.h>

#include "proto/address.h"

/* root is "" on a machine, another folder in tests: files are looked for below it. */

/* Processors: at most most, which is how many may be scheduled on. A quota counts in whole ones,
 * and for at least one. */
uint32_t machine_cpus(const char *root, uint32_t most);

/* How many this process may be scheduled on. */
uint32_t machine_affinity(void);

/* Bytes; 0 where nothing can be read. */
uint64_t machine_memory(const char *root);

/* This machine's own address on the way to a numeric IP (as MONITOR_CONNECTED has it, with or
 * without a port); empty where there is none. No name is looked up and nothing is sent. */
void machine_ip(const char *peer, char out[ADDRESS_HOST]);

#endif
