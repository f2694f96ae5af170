/* helper.h - work that takes long, done by another process of this program, so that the executor's
 * loop never waits: a checkpoint is packed, placed or unpacked, a folder is removed.
 *
 * A helper is `assay-executor --helper pack SOURCE STAGE`, `... place STAGE HASH SHARED`,
 * `... unpack STAGE HASH TARGET` or `... remove PATH...`. It dies with the executor. */
#ifndef EXECUTOR_HELPER_H
#define EXECUTOR_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

/* Start one with these words, which end with NULL, and the first of which is its work. Its number,
 * to be reaped by the caller, or -1 with errno. */
pid_t helper_start(const char *const *words);

/* Whether this process was started as a helper, and what its work is. */
bool helper_is_asked(int argc, char *const *argv);
int helper_main(int argc, char *const *argv);

#endif
