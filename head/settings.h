/* settings.h - how a head was told to run. */
#ifndef HEAD_SETTINGS_H
#define HEAD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/address.h"

struct settings {
    const char *name;          /* of the cluster */
    char *data_dir;            /* absolute; owned */
    char *checkpoints;         /* where they are kept, absolute; owned; NULL: in data_dir */
    const char *bind;          /* NULL: all interfaces */
    const char *redis_address; /* NULL: a redis-server of our own */
    uint16_t port;             /* 0: any */
    uint64_t log_tail;         /* bytes of log behind an image before the next is made */
    bool cuts;                 /* whether images are made, and the log is cut behind them */
    char *log_archive;         /* absolute; where what images cut off the log goes; NULL: nowhere;
                                * owned */
    bool standby;              /* follow the head that leads, and lead when it has fallen silent */
    struct address advertise;  /* where others reach it; host "" and port 0: not said */
    /* For `assay run`: */
    bool private_cluster; /* ends with its parent, and so does its redis-server */
    int ready_fd;         /* one line of JSON goes there when the head listens; -1: none */
    bool verbose;
};

/* Read the command line. 0; 1: `--help` was printed; 2: wrong usage, said on stderr. */
int settings_read(int argc, char **argv, struct settings *out);
void settings_fini(struct settings *settings);

#endif
