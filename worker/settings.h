/* settings.h - how a worker was told to run. */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/resource.h"
#include "proto/address.h"
#include "proto/finder.h"
#include "proto/key.h"
#include "proto/token.h"
#include "worker/gpus.h"

struct settings {
    struct arena arena; /* of all texts and of capacity's names */
    struct address
        address;           /* of the head; with a finder, as that said at first; host "": not yet */
    struct finder *finder; /* owned: a Redis that knows who leads; NULL: the address is fixed */
    uint8_t head_key[KEY_BYTES];
    struct key_pair keys; /* owned: this worker's */
    bool has_token;
    struct token token; /* to join with, should the head not know our key */
    bool may_ask_token; /* the head is this user's own on this machine: see enrol.h */
    const char *name;
    char *data_dir;    /* absolute, made */
    char *checkpoints; /* where this node sees the head's folder of them, absolute; NULL: nowhere */
    struct resources capacity;
    struct gpus gpus;
    /* For `assay run`: */
    bool shares_results;
    bool private_cluster; /* ends with its parent */
    int ready_fd;         /* the line "ready" goes there when the head has taken us; -1: none */
    bool verbose;
};

/* Read the command line, the token, and the keys, which are made on first use. 0; else the exit
 * status: 1 stands for `--help` (0), and what is wrong was said on stderr. */
int settings_read(int argc, char **argv, struct settings *out);
void settings_fini(struct settings *settings);

/* NAME=AMOUNT into a list that is kept sorted; ERR_MALFORMED, ERR_EXISTS, ERR_FULL. */
int settings_resource(const char *text, struct arena *arena, struct resources *capacity);

#endif
