/* writer_inside.h - what a writer is made of, for writer.c and writer_image.c. */
#ifndef SINK_WRITER_INSIDE_H
#define SINK_WRITER_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/table.h"
#include "head/sink/exploits.h"
#include "head/sink/origin.h"
#include "head/sink/trial_files.h"
#include "head/sink/writer.h"

struct output;

/* How far the head's thread may read of an experiment's feed; shared. */
struct written {
    _Atomic uint64_t rows;
};

/* An experiment as its sink knows it. */
struct sunk {
    uint32_t experiment;
    char *folder;   /* owned */
    int feed;       /* descriptor; -1: none */
    int names;      /* .names beside it */
    bool open_then; /* when the image was made that it was loaded from */
    bool begun;     /* they hold what this log, or its image, tells of: not to be emptied */
    bool away;      /* the folder is not the one that the image knows: nothing is touched there */
    bool lacks;     /* ... and something was to be written: no image */
    char origin[ORIGIN_BYTES]; /* of the folder's files; "": not known */
    uint64_t rows;             /* in the feed, with those gathered */
    struct buf gathered;
    struct exploits exploits;
    struct sunk *next; /* of those with something gathered */
    bool waiting;
    struct sunk *next_of_all;
    struct written *written; /* owned */
};

/* Trials in the order of their last use. */
struct lru {
    struct trial_files *newest;
    struct trial_files *oldest;
    size_t count;
};

/* A file that was cut, as an image needs it: keep.h. */
struct kept {
    struct kept *next;
    uint64_t image;
    char *path; /* owned */
};

struct writer {
    uint64_t image;            /* number of the newest that was begun; 0: none */
    struct kept *kept;         /* owned */
    struct table *redone;      /* while what comes was perhaps written before: trials of which an
                                * attempt has come again; else NULL */
    bool missing;              /* rows are not in files that a replay can write: no image */
    struct table *experiments; /* by number */
    struct sunk *all;
    struct output *output;
    struct table *files; /* by experiment and trial */
    struct lru open;     /* trials that may hold descriptors */
    struct lru closed;   /* the others */
    struct sunk *gathered;
    struct trial_files **dirty; /* with rows gathered in this call */
    size_t dirty_count;
    size_t dirty_room;
    char said[WRITER_TROUBLE]; /* trouble of this call */
    pthread_mutex_t lock;      /* of written_by_number alone */
    struct table *written_by_number;
};

static inline uint64_t files_key(uint32_t experiment, uint32_t trial)
{
    return (uint64_t)experiment << 32 | trial;
}

/* An experiment that was not known yet. */
struct sunk *writer_sunk_new(struct writer *writer, uint32_t experiment, struct span folder);

/* Whether something may be written there. False: it is another machine's; the first time that is
 * said, and from then on there is no image. */
bool writer_is_here(struct writer *writer, struct sunk *sunk);

/* Its feed, as far as that is not open; it begins anew where it was not begun. */
void writer_open_feed(struct writer *writer, struct sunk *sunk);

/* Something of it failed, as errno says: `what` it was goes to what is said, if that is the first.
 */
void writer_feed_failed(struct writer *writer, const struct sunk *sunk, const char *what);

/* A trial that is in neither list becomes the newest of one. */
void writer_lru_front(struct writer *writer, struct trial_files *files, bool closed);

#endif
