/* zygote.h - the process that holds the user's library open, or has imported the user's module, and
 * forks a child a trial: zygote_main.c, or python/assay/zygote.py.
 *
 * Started with the first trial that wants one. What it answers goes to the attempts
 * (attempt_started, attempt_exited, attempt_failed_to_start). When it dies, those it started die
 * with it and are lost; the next start makes a new one. */
#ifndef EXECUTOR_ZYGOTE_H
#define EXECUTOR_ZYGOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/executor/spawn.h"

struct attempt;
struct executor;
struct zygote;

/* cpu: what its trials reserve, in 1/10000. NULL, with errno, where no process can be had. */
struct zygote *zygote_new(struct executor *executor, int64_t cpu);
/* Kills it, and so its children. */
void zygote_free(struct zygote *zygote);

pid_t zygote_pid(const struct zygote *zygote);

/* Start an attempt, now or when the zygote is ready for it. The descriptors are taken over. config
 * is JSON text; environment the attempt's own entries. */
void zygote_start(struct zygote *zygote, struct attempt *attempt, const char *json,
                  char *const *environment, struct spawn_ends ends);

/* The attempt does not want to be started any more. False where the zygote was asked already. */
bool zygote_cancel(struct zygote *zygote, struct attempt *attempt);

/* The kernel says that it is dead. */
void zygote_died(struct zygote *zygote);

#endif
