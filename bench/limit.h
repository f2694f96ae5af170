/* limit.h - what this machine gives at most, measured with as little as possible in between.
 *
 * Each function measures once and returns the figure. What goes wrong ends the program with a line
 * on stderr: half a measurement is none. */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Results a second through a bare chain: one process packs records, writes them to a spool and
 * sends them, `each` in a message, over DEALER-ROUTER with CURVE; the other gathers what comes
 * during a commit into one XADD (appendfsync always), then unpacks with msgpack-c and, with files,
 * prints both files' lines with printf. dir: an empty folder of ours. */
double chain_rate(const char *dir, uint64_t results, uint64_t each, bool files);

/* Median milliseconds of an XADD of some 250 bytes, one after the other. */
double xadd_median_ms(const char *dir, uint64_t count);

/* Processes a second: forked from one that has touched 8 MB, and ended at once, as many at a time
 * as there are processors; */
double fork_rate(uint64_t count);
/* spawned from a program's path, at_once at a time. argv ends with NULL. */
double spawn_rate(uint64_t count, uint64_t at_once, char **argv);

/* Ends the program. */
_Noreturn void limit_fail(const char *what, const char *why);

#endif
