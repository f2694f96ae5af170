/* trial_table.h - trials as a table: what, where, how far, how good. */
#ifndef CLIENT_TRIAL_TABLE_H
#define CLIENT_TRIAL_TABLE_H

#include "common/value.h"
#include "proto/msg.h"

/* The column of the best value is called after the experiment's metric. */
void trial_table_print(const struct msg_trial_row *rows, uint32_t count,
                       const struct msg_experiment_row *experiment, struct arena *arena);

/* A configuration in one line, as its tag has it: "lr=0.1,act=relu". */
const char *trial_config_text(struct span config, struct arena *arena);
const char *trial_config_value_text(const struct value *config, struct arena *arena);

/* One value of it, behind out. */
void trial_value_text(const struct value *value, struct buf *out);

#endif
