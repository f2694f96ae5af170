/* live.h - an experiment shown while it runs: Tune's status block and results, and on_result fed.
 *
 * A block at the beginning, then one every 5 s at most, the last one whole; each trial's final
 * result, and others at most every 5 s a trial. On a terminal `watch` draws one block in place. */
#ifndef CLIENT_LIVE_H
#define CLIENT_LIVE_H

#include "client/connection.h"
#include "client/private_cluster.h"

struct live_options {
    struct connection *connection;
    struct private_cluster *cluster; /* NULL: none of ours */
    uint32_t experiment;
    const char *on_result; /* NULL */
    const char *folder;    /* that on_result runs in */
    int signals;           /* of sig_open */
    bool json;
    bool quiet;  /* nothing is shown: `wait` */
    bool redraw; /* one block, in place */
    bool stops;  /* Ctrl-C stops the experiment, a second one kills; else it only ends the show */
    uint64_t until_ms; /* 0: as long as it takes */
};

struct live_outcome {
    bool ended;          /* the experiment has */
    int signal;          /* that ended the show or the experiment; 0: none */
    bool killed;         /* by a second one */
    int callback_status; /* of on_result; -1: it stopped reading */
};

/* 0 when the show is over; else an exit status, and it was said why. EXIT_TIMED_OUT: until_ms
 * came, nothing is said. */
int live_show(const struct live_options *options, struct live_outcome *outcome);

#endif
