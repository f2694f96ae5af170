/* status_block.h - Tune's status block, from the parts that the head sends. */
#ifndef CLIENT_STATUS_BLOCK_H
#define CLIENT_STATUS_BLOCK_H

#include "proto/msg.h"

/* The whole block, with the empty line that ends it. */
void status_block(const struct msg_status_reply *status, struct arena *arena, struct buf *out);

/* What stands behind "NAME:<tab>" in a trial's line. head_hostname: a trial there shows its pid
 * alone. */
void status_progress(const struct msg_trial_row *row, struct span head_hostname,
                     struct arena *arena, struct buf *out);

#endif
