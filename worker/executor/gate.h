/* gate.h - the socket at ASSAY_REPORT_SOCKET: programs that have no descriptor report there.
 *
 * A connection's first line says whose it is: {"trial_id": "1f0e22aa", "attempt": 1}; the attempt
 * may be left out. From then on it is a channel like the report descriptor. */
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
    uint32_t count;          /* of all connections */
};

/* Listens beside the worker's socket, or where that path is too long in a folder of its own. 0,
 * ERR_*. */
int gate_open(struct executor *executor);
void gate_close(struct executor *executor);

/* Whose connection it is by its first line; NULL where that is nobody's who lives. */
struct attempt *gate_find(struct executor *executor, struct span line);

#endif
