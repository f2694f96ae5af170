/* gate.h - the socket at ASSAY_REPORT_SOCKET: programs that have no descriptor report there.
 *
 * A connection's first line says whose it is: {"trial_id": "1f0e22aa", "attempt": 1}; the attempt
 * may be left out. From then on it is a channel like the report descriptor.
 *
 * A process of one trial does not speak for another one. Where all connections are in use, whose
 * processes have the most of them loses the oldest, so that no trial shuts out the others. */
#ifndef EXECUTOR_GATE_H
#define EXECUTOR_GATE_H

#include <stdint.h>

#include "common/span.h"
#include "worker/executor/loop.h"

struct attempt;
struct channel;
struct executor;

struct gate {
    struct loop_source source;
    char *path;              /* owned */
    char *folder;            /* owned; made for the socket where its path was too long; or NULL */
    struct channel *unknown; /* connections that have not said whose they are */
    struct channel *all;     /* connections; channel->gate_next */
    uint32_t count;          /* of all */
};

/* Listens beside the worker's socket, or where that path is too long in a folder of its own. 0,
 * ERR_*. */
int gate_open(struct executor *executor);
void gate_close(struct executor *executor);

/* Origins of connections are keys of attempts, or: */
#define GATE_OUTSIDE 0u         /* none of our processes: a container's, say */
#define GATE_ORPHAN  UINT64_MAX /* some trial's, and it is not known whose */

/* Whose connection it is by its first line; NULL where that is nobody's who lives, or another
 * trial's than the origin. */
struct attempt *gate_find(struct executor *executor, struct span line, uint64_t origin);

/* A connection goes away. */
void gate_forget(struct channel *channel);

#endif
