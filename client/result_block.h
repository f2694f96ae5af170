/* result_block.h - one result as Tune prints it: "Result for NAME:" and YAML, without its
 * configuration and without what is not known. */
#ifndef CLIENT_RESULT_BLOCK_H
#define CLIENT_RESULT_BLOCK_H

#include "common/value.h"
#include "proto/msg.h"

/* The row's last result, with the line of two blanks that ends it; nothing where there is none. */
void result_block(const struct msg_trial_row *row, struct arena *arena, struct buf *out);

/* The same for a result at hand. */
void result_block_write(struct span name, const struct value *result, struct arena *arena,
                        struct buf *out);

#endif
