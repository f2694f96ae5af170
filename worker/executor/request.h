/* request.h - what a process is told of the trial that it is to run: a message of zygote_wire.h,
 * and the three descriptors that go with it. The zygote gets it for a new child, a spare process
 * (spare.h) for itself. */
#ifndef EXECUTOR_REQUEST_H
#define EXECUTOR_REQUEST_H

#include <sys/types.h>

#include "common/buf.h"
#include "worker/executor/spawn.h"

struct attempt;

/* Behind what out holds. json: the configuration as text; environment: the attempt's own entries.
 */
void request_pack(const struct attempt *attempt, const char *json, char *const *environment,
                  struct buf *out);

/* Bytes that it is in, and copies of the descriptors. As sendmsg; does not wait where the socket
 * does not. */
ssize_t request_send(int fd, struct span bytes, const struct spawn_ends *ends);

#endif
