/* order.h - orders about what operands select: one request for an experiment or each of its trials.
 */
#ifndef CLIENT_ORDER_H
#define CLIENT_ORDER_H

#include "client/command.h"
#include "client/source.h"

/* One request; trial MSG_ALL: the whole experiment. 0 or an exit status. */
typedef int order_fn(struct connection *connection, uint32_t experiment, uint32_t trial,
                     struct arena *arena);

/* Each operand in its turn at the head, until one goes wrong. */
int order_each(const struct invocation *invocation,
               int (*act)(struct source *source, const char *selects, struct arena *arena));

/* What one operand selects: an experiment, or trials of one. */
int order_picked(struct source *source, const char *selects, order_fn *order, struct arena *arena);

#endif
