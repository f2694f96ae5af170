/* join.h - the first words with a head: at its public address, who we are, and where its clients
 * talk to it. A key that it does not know joins with a token, once. */
#ifndef CLIENT_JOIN_H
#define CLIENT_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/where.h"

/* The port of the client plane. Once in, the head's key is pinned. 0, or an exit status, and it was
 * said why; with quiet nothing is said of a head that is not there or does not answer. */
int join_head(void *context, const struct where *where, uint32_t within_ms, bool quiet,
              uint16_t *port);

#endif
