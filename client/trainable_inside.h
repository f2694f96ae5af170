/* trainable_inside.h - what a trial's program holds; for trainable.c (configuration, reports) and
 * trainable_save.c (checkpoints, tables). Names begin as they do because users link them. */
#ifndef CLIENT_TRAINABLE_INSIDE_H
#define CLIENT_TRAINABLE_INSIDE_H

#include <stdbool.h>

#include "client/trainable.h"
#include "common/buf.h"

struct text {
    struct text *next;
    char bytes[];
};

struct assay_trial {
    int report; /* the descriptor; -1: run by hand, reports are printed */
    struct buf out;
    struct buf in;
    struct buf config; /* packed map */
    struct buf json;
    struct text *texts; /* handed out by assay_config_text */
    int64_t reports;
    int64_t go;
    bool stopped;
    bool failed; /* it said so itself */
    int64_t flushed_ns;

    bool saves;        /* it was said that it can */
    bool by_itself;    /* a table: nobody has to ask */
    bool save_asked;   /* a checkpoint is wanted now */
    bool pause_asked;  /* and then it is to leave */
    int64_t iteration; /* of what it goes on from */
    int64_t saved_at;  /* reports that the last checkpoint holds; -1: none was made */
    uint32_t folders;  /* made so far */
    struct buf folder; /* being written, with its terminator */
};

/* A variable of the environment, or missing. */
const char *assay_inside_variable(const char *name, const char *missing);

/* A frame's place in out; the list is packed behind it, then it is ended; and all is sent. */
size_t assay_inside_begin(struct assay_trial *trial, uint32_t items, const char *kind);
void assay_inside_end(struct assay_trial *trial, size_t at);
void assay_inside_flush(struct assay_trial *trial);

/* A table that is to be paused ends here, and is saved behind its loop. */
bool assay_inside_is_over(const struct assay_trial *trial);

/* A table from its setup to its cleanup; what the program ends with. */
int assay_inside_table(const struct assay_trainable *table, struct assay_trial *trial);

#endif
