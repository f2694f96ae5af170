/* imager.h - images of the head's state: what makes a restart short and lets the log be cut.
 *
 * When enough of the log stands behind the last one, an image is made in steps, and the head's loop
 * waits for none but the first:
 *
 *   imager_take       a turn was closed: the core is what it is behind that entry. Copied (a pause
 *                     of some milliseconds; what ended is 16 bytes a trial)
 *   imager_committed  that entry is on disk and done: what the view knows beside the core; and the
 *                     sinks are asked, who answer when they have written all of it
 *   a thread          syncs the files that the image counts on, writes the image to Redis, reads it
 *                     back, archives what is to be cut where that is wanted, and only then cuts the
 *                     log; then Redis writes its own file anew
 *   imager_poll       the loop hears of the end; the sinks forget what only older images needed
 *
 * An image that fails, or an archive, is no harm: the log is not cut, and the next one is tried
 * when as much has come again.
 *
 * Where heads share a Redis, another machine may begin with the image: what it then lacks of this
 * one's data directory, the rows of ended trials, goes to Redis as well (head/store/rows.h). Result
 * files do not: their folder has to be the same there. */
#ifndef HEAD_IMAGER_H
#define HEAD_IMAGER_H

#include "common/redis/address.h"
#include "common/redis/keys.h"
#include "common/trouble.h"
#include "head/core/core.h"
#include "head/sink/sink.h"
#include "head/store/archive.h"
#include "head/view.h"

struct imager;

struct imager_config {
    const struct store_address *address;    /* copied */
    const struct store_address *supervisor; /* borrowed; of the head's own Redis, whose file is
                                             * written anew behind an image; NULL: it is not ours */
    const char *name;                       /* of the cluster; copied */
    uint64_t epoch;
    uint64_t tail_bytes; /* of log behind an image, before the next is made; UINT64_MAX: none is */
    bool shared;         /* other heads may begin with it */
    struct sinks *sinks; /* borrowed */
    struct archive *archive; /* borrowed, the thread's from here on: what is cut goes there first;
                              * NULL: nowhere */
};

/* What an image held, and where the log goes on. */
struct imager_start {
    bool found;
    struct log_id id; /* the last entry that it knows */
    uint64_t number;  /* its own: the next one's is above it, and above all of an earlier epoch */
    uint64_t now_ms;  /* the turn's time */
};

/* Where an image goes. All borrowed. */
struct imager_load {
    const struct store_address *address;
    const char *name;    /* of the cluster */
    uint64_t epoch;      /* of the head that begins with it; 0: only to look, or to follow */
    struct core *core;   /* fresh */
    struct view *view;   /* fresh; NULL: not wanted */
    struct sinks *sinks; /* fresh; NULL: the files are not to be touched */
    bool shared;         /* another head may have made it: its rows and files need not be here */
    /* Whether this head leads, asked now and then and before files are touched; with shared, of a
     * head that begins with it. */
    bool (*leads)(void *context);
    void *context;
};

/* Load the newest image; of one that is not wanted whole, the core alone. Nothing is done where
 * there is none. ERR_VERSION, ERR_MALFORMED: it is of a newer version, or damaged; ERR_FENCED:
 * another head leads; ERR_AMNESIA: the log has lost what images tell of; ERR_CLOSED and others:
 * Redis. *out is set as far as it was found. */
int imager_load(const struct imager_load *load, struct imager_start *out, struct trouble *trouble);

/* Starts the thread. tail_bytes: of the log that was read behind the image. */
struct imager *imager_new(const struct imager_config *config, uint64_t number, uint64_t tail_bytes);

/* Behind sinks_free, which may still hand it a part. Waits for the thread's current command.
 * Accepts NULL. */
void imager_free(struct imager *imager);

/* So much was appended to the log. */
void imager_appended(struct imager *imager, size_t bytes);

/* Whether it is time for the next. */
bool imager_is_due(const struct imager *imager, uint64_t now_ms);

/* Begin one: the core is as it is behind entry id, which is about to be committed. */
void imager_take(struct imager *imager, const struct core *core, struct log_id id, uint64_t now_ms,
                 uint64_t turn_ms);

/* Every entry up to id was committed and its effects are with view and sinks. Does nothing where
 * no image waits for it. */
void imager_committed(struct imager *imager, const struct view *view, struct log_id id);

/* Whether one is under way. */
bool imager_is_busy(const struct imager *imager);

/* Becomes readable when imager_poll has something to do. */
int imager_fd(const struct imager *imager);
void imager_poll(struct imager *imager);

/* Bytes of log behind the last image. */
uint64_t imager_tail(const struct imager *imager);

#endif
