/* best.h - one trial as the best one: what it reached, and its configuration. */
#ifndef CLIENT_BEST_H
#define CLIENT_BEST_H

#include "proto/msg.h"

void best_print(const struct msg_trial_row *row, const struct msg_experiment_row *experiment,
                struct arena *arena);

#endif
