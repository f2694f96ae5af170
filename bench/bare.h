/* bare.h - the sockets of Assay's programs, in processes that do nothing else: what memory and
 * idling cost at least.
 *
 * Each says on standard output when it is ready and ends with its standard input; whoever runs
 * them looks at them from outside, as at Assay's own. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdint.h>

#include "bench/sockets.h"

/* A redis-server as the head's own in dir, and three ROUTERs which answer each message with the
 * same. Prints the ENDPOINT and KEY of one of them. */
void bare_head(const char *dir);

/* That many DEALERs to it, each of which says something every second. Prints "ready" when all were
 * answered. */
void bare_workers(const struct peer *peer, uint64_t count);

#endif
