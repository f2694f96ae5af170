/* setup.h - what the trials of the experiment share: the message that said so, and what follows. */
#ifndef EXECUTOR_SETUP_H
#define EXECUTOR_SETUP_H

#include <stdbool.h>

#include "common/arena.h"
#include "proto/msg.h"
#include "worker/executor/environment.h"
#include "worker/executor/python.h"
#include "worker/executor/workdir.h"

struct executor;
struct zygote;

struct setup {
    struct arena arena;
    struct msg_experiment experiment; /* a copy, all of it in arena */
    const char *name;
    const char *run;
    struct environment *environment;
    struct workdir *workdir;
    const char *code;      /* the folder of its code; need not be there */
    const char *library;   /* native: path; else NULL */
    struct python python;  /* python: how it is started */
    struct zygote *zygote; /* NULL until the first trial that wants one */
    bool zygote_unsafe;    /* what it holds has threads: never fork */
};

/* frame is the message's, whose bytes are copied. 0 or ERR_*. */
int setup_new(struct executor *executor, const struct msg_experiment *experiment,
              struct setup **setup);
void setup_free(struct setup *setup);

/* The message came again: after a reconnect, or because the experiment was extended, and stops its
 * trials by other rules. */
void setup_renew(struct setup *setup, const struct msg_experiment *experiment);

#endif
