/* first.h - the way of a first result, bare: what has to be waited for one after the other.
 *
 * A client is started, connects with CURVE and hands something in; that is appended to the log and
 * synced; a process is started for it and says a word; that is appended too; the client is told,
 * and says so. */
#ifndef BENCH_FIRST_H
#define BENCH_FIRST_H

#include <stdint.h>

#include "bench/sockets.h"

/* Median milliseconds of count ways. */
double first_median_ms(const char *dir, uint64_t count);

/* The same, but each begins with the start of a redis-server in a folder of its own. */
double first_from_nothing_median_ms(const char *dir, uint64_t count);

/* The client: a process of its own. */
void first_client(const struct peer *peer);

#endif
