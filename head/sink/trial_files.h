/* trial_files.h - the files of one trial, as a sink writes them.
 *
 * Rows are gathered in memory and written by trial_files_flush, a write a file. After a failure the
 * trial's rows are dropped until its next attempt; what failed is kept for whoever asks.
 *
 * A failure that can pass (a full disk) leaves rows missing that a replay can write: whoever writes
 * here hands that back, and no image may cut the log then. One that stays (a folder that somebody
 * removed, or closed) is somebody's to mend, and nothing waits for it. */
#ifndef SINK_TRIAL_FILES_H
#define SINK_TRIAL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "head/core/effect.h"
#include "head/sink/csv.h"

/* A row of an experiment's feed: where the line of one result stands. */
struct feed_row {
    uint32_t trial;
    uint32_t length; /* bytes of the line with its newline; 0: it could not be written */
    uint64_t offset; /* in result.json; FEED_SUPERSEDED is set: in superseded.json */
};

#define FEED_SUPERSEDED (UINT64_C(1) << 63)

/* Beside the feed stands `.names`: for each trial's number a row of this size with the name of its
 * folder, zeros behind it. */
#define FEED_NAME_BYTES 256

struct trial_files {
    uint32_t experiment;
    uint32_t trial;
    char *folder;   /* absolute; owned */
    uint32_t files; /* enum spec_files */
    struct arena constants_arena;
    struct result_constants constants;
    struct csv csv;
    int json; /* descriptors; -1: closed */
    int progress;
    uint64_t json_end; /* bytes in result.json, with those gathered */
    bool new_progress; /* progress.csv has no header yet */
    bool begun;        /* an attempt of it was seen */
    bool unknown;      /* to the image that was the newest then: the trial had ended */
    bool broken;
    bool closed; /* in the sinks' list of those without descriptors */
    bool dirty;  /* in their list of those with rows gathered */
    struct buf json_rows;
    struct buf progress_rows;
    struct trial_files *newer; /* in the order of last use */
    struct trial_files *older;
};

struct trial_files *trial_files_new(uint32_t experiment, uint32_t trial);
/* Closes; what was gathered must have been flushed. */
void trial_files_free(struct trial_files *files);

/* What a cut has to know. */
struct trial_cut {
    int feed;           /* of the experiment; its rows for what is cut off are turned to
                           superseded.json. -1: none */
    uint64_t feed_rows; /* in it */
    uint64_t image;     /* number of the newest one that was begun; 0: none */
    bool redo;          /* a head that died may have cut before, and have written behind that: the
                         * first attempt of its trial that comes again */
    void (*kept)(void *context, const char *path); /* a file that was kept for it: keep.h */
    void *context;
};

/* Whether what failed with this errno can pass, and be written by a replay then: no room, no memory
 * or descriptors left, a disk's error. */
bool trial_files_lack_passes(int why);

/* An attempt begins: make the folder and params.json, cut the files to the rows that stay. A
 * failure's text goes to trouble (size bytes; untouched else). True: it can pass, rows will be
 * missing. */
bool trial_files_attempt(struct trial_files *files, const struct effect_attempt *attempt,
                         const struct trial_cut *cut, char *trouble, size_t size);

/* Gather the rows of a batch; feed rows go behind feed. */
void trial_files_results(struct trial_files *files, const struct effect_results *results,
                         struct buf *feed);

/* Write what was gathered. True: it failed, and that can pass; rows are missing. */
bool trial_files_flush(struct trial_files *files, char *trouble, size_t size);

/* Close descriptors; they are opened again when needed. */
void trial_files_close(struct trial_files *files);

/* trial_files_saved.c: for an image, after everything was flushed: what has to be known to go on
 * with the files, and how long they are. */
void trial_files_save(const struct trial_files *files, struct buf *out);

/* A trial as it was saved, its files cut to what they were then. NULL: *in holds none. What is
 * amiss with the files goes to trouble: rows that are missing where one is shorter stay missing,
 * and where one cannot be cut the trial's rows are dropped until its next attempt. *missing is set
 * where that can pass. Files of an experiment that is not here (here says false) are not touched.
 */
struct trial_files *trial_files_load(struct cursor *in, uint64_t image,
                                     bool (*here)(void *context, uint32_t experiment),
                                     void *context, bool *missing, char *trouble, size_t size);

#endif
