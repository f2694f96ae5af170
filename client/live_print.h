/* live_print.h - which results of an experiment under way are printed, and how. */
#ifndef CLIENT_LIVE_PRINT_H
#define CLIENT_LIVE_PRINT_H

#include <stdbool.h>

#include "proto/msg.h"

struct live_print;

/* json: an object a line. redraw: each block is drawn over the one before. */
struct live_print *live_print_new(bool json, bool redraw);
void live_print_free(struct live_print *print);

void live_print_status(struct live_print *print, const struct msg_status_reply *status);

/* A trial's row has changed: its result is printed if it is the trial's last, or if the trial's
 * last print is 5 s ago. */
void live_print_row(struct live_print *print, const struct msg_trial_row *row, uint64_t now_ms);

/* Ctrl-C was taken in. */
void live_print_stopping(struct live_print *print);

#endif
