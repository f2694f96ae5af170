/* rows.h - the head's rows as values: for --json, and for experiment.json, from which they are read
 * back when no head is there. The fields of each stand in docs/JSON.md. */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H

#include "common/value.h"
#include "proto/msg.h"

/* Values live in arena and may borrow from the row. */
struct value rows_experiment(const struct msg_experiment_row *row, struct arena *arena);
struct value rows_trial(const struct msg_trial_row *row, struct arena *arena);
/* A trial as `show` has it: with how its attempts ended, as "attempts". */
struct value rows_shown_trial(const struct msg_show_reply *reply, struct arena *arena);
struct value rows_trials(const struct msg_trial_row *rows, uint32_t count, struct arena *arena);
struct value rows_node(const struct msg_node_row *row, struct arena *arena);
struct value rows_token(const struct msg_token_row *row, struct arena *arena);
struct value rows_status(const struct msg_status_reply *status, struct arena *arena);

/* gpus: devices, which a node has whole and a trial may have a part of. */
struct value rows_resources(const struct resources *resources, double gpus, struct arena *arena);

/* A packed item as a value; null where there is none. */
struct value rows_unpacked(struct span packed, struct arena *arena);

/* Back again. What is missing or of another type is zero. */
void rows_experiment_read(const struct value *value, struct msg_experiment_row *out);
void rows_trial_read(const struct value *value, struct arena *arena, struct msg_trial_row *out);

/* "max" or "min". */
const char *rows_mode(uint32_t mode);

#endif
