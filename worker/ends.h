/* ends.h - END records that the daemon reports itself, because no executor can: of leases that were
 * stopped while they waited, and of attempts whose executor died. Each is kept until the head has
 * acknowledged it, and sent again when the head asks for it or the connection was lost. */
#ifndef WORKER_ENDS_H
#define WORKER_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "proto/msg.h"
#include "worker/agent/agent.h"

struct ends;

struct ends *ends_new(void);
void ends_free(struct ends *ends);

/* seq: of the record. text (may be NULL): what went wrong, in words. One that is there already
 * stays as it is. */
void ends_add(struct ends *ends, const struct agent_attempt *who, uint64_t seq, uint32_t reason,
              const char *text, uint64_t unix_ms);

/* A verdict of the head. Whether it is about one of them; nobody else need hear it then. */
bool ends_verdict(struct ends *ends, const struct msg_verdict *verdict);

/* A REPORTS frame of those that are to be sent, which then count as sent; false: there are none. */
bool ends_take(struct ends *ends, struct buf *frame);
bool ends_has_unsent(const struct ends *ends);
/* Send all again. */
void ends_rewind(struct ends *ends);

bool ends_has(const struct ends *ends, const struct agent_attempt *who);
size_t ends_count(const struct ends *ends);
/* All of them, for READY: room for ends_count. */
void ends_list(const struct ends *ends, struct msg_held *out);

#endif
