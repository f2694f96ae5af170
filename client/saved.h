/* saved.h - an experiment read from its own folder, when no head is there to ask.
 *
 * `assay run` leaves experiment.json in the experiment's folder: what was asked for, and every
 * trial's row. Where it is missing, damaged or was written before the end, the trials' own
 * params.json and result.json say what they can. */
#ifndef CLIENT_SAVED_H
#define CLIENT_SAVED_H

#include "common/value.h"
#include "proto/msg.h"

struct saved {
    struct msg_experiment_row experiment;
    struct value spec;              /* null: not known */
    struct msg_status_reply status; /* without its groups */
    struct msg_trial_row *trials;   /* by number */
    uint32_t count;
};

/* Write experiment.json into folder, which is made if need be. rows NULL: the experiment has only
 * begun. 0 or ERR_* with errno set. */
int saved_write(const char *folder, const struct msg_status_reply *status, const struct value *spec,
                const struct msg_trial_row *rows, uint32_t count, struct arena *arena);

/* Read a folder. Everything lives in arena. 0; ERR_NOT_FOUND where it is no experiment's; ERR_*. */
int saved_read(const char *folder, struct arena *arena, struct saved *out);

/* The status block's parts, with all trials. */
void saved_status(const struct saved *saved, struct arena *arena, struct msg_status_reply *out);

/* Trials of a folder without experiment.json: in saved_walk.c. */
int saved_walk(const char *folder, struct arena *arena, struct saved *saved);

/* The folder of this user's last run, from ASSAY_HOME/last_run; false where there was none. And to
 * set it: 0 or ERR_*. */
bool saved_last(struct arena *arena, const char **folder);
int saved_set_last(const char *folder);

#endif
