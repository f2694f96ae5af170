/* spare.h - processes whose trial has ended well, and that wait for another one: `reuse` of run.
 *
 *   KEPT --its attempt is over--> IDLE --an attempt's request--> ASKED --it takes it--> (the
 * attempt's) |                            |                               |
 *     +----------------------------+--> LEAVING <--it declines-----+
 *
 * A process says on its report descriptor that it is idle (channel.c); that it may be kept is
 * decided in attempt_end.c: its attempt ended well, and it has no other process about it. It then
 * waits on the same descriptor: for a request (request.h), with the next attempt's own descriptors,
 * which it answers by a byte (zygote_wire.h), or for its end, at which it leaves.
 *
 * Only who has the same CPUs and GPUs gets it, and there are never more processes than attempts
 * were alive at once: an attempt that none fits has the oldest idle one leave. They are children of
 * the zygote, which says when they are gone and takes them with it when it dies. What goes wrong
 * with one never fails an attempt: it is started in a new fork. */
#ifndef EXECUTOR_SPARE_H
#define EXECUTOR_SPARE_H

#include <stdbool.h>
#include <sys/types.h>

#include "worker/executor/spawn.h"

struct attempt;
struct executor;
struct spare;

/* The attempt's process, which waits on the other end of report (borrowed), is kept until the
 * attempt is over. False: it cannot be. */
bool spare_keep(struct attempt *attempt, int report);

/* The attempt is over: its process, if it was kept, may be handed another, or not. */
void spare_release(struct attempt *attempt, bool again);

/* Hand the attempt to one that fits. The descriptors are taken over then; false: there is none, and
 * they are the caller's still. json and environment as zygote_start. The answer goes to the
 * attempt: attempt_started, or attempt_restart. */
bool spare_start(struct attempt *attempt, const char *json, char *const *environment,
                 struct spawn_ends ends);

/* The attempt does not want to be started any more. False: no spare was asked. */
bool spare_cancel(struct attempt *attempt);

/* The oldest idle one leaves: its place is needed. */
void spare_yield(struct executor *executor);

/* The zygote says that a child is gone. Nothing where it is none of these. */
void spare_exited(struct executor *executor, pid_t pid, int wait_status);

/* All idle ones leave; whether one is still about to. */
bool spares_leave(struct executor *executor);

/* DEADLINE_SPARES. */
void spares_due(struct executor *executor);

/* Their zygote is dead, and so are they; or the executor ends, and kills them. */
void spares_free(struct executor *executor);

#endif
