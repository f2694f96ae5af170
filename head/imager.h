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
 *                     back, and only then cuts the log; then Redis writes its own file anew
 *   imager_poll       the loop hears of the end; the sinks forget what only older images needed
 *
 * An image that fails is no harm: the log is not cut, and the next one is tried when as much has
 * come again. */
#ifndef HEAD_IMAGER_H
#define HEAD_IMAGER_H

#include "common/redis/address.h"
#include "common/redis/keys.h"
#include "common/trouble.h"
#include "head/core/core.h"
#include "head/sink/sink.h"
#include "head/view.h"

struct imager;

struct imager_config {
    const struct store_address *address;    /* copied */
    const struct store_address *supervisor; /* borrowed; of the head's own Redis, whose file is
                                             * written anew behind an image; NULL: it is not ours */
    const char *name;                       /* of the cluster; copied */
    uint64_t epoch;
    uint64_t tail_bytes; /* of log behind an image, before the next is made */
    struct sinks *sinks; /* borrowed */
};

/* What an image held, and where the log goes on. */
struct imager_start {
    bool found;
    struct log_id id; /* the last entry that it knows */
    uint64_t number;  /* its own: the next one's is above it, and above all of an earlier epoch */
    uint64_t now_ms;  /* the turn's time */
};

/* Load the newest image into a fresh core, view and sinks; nothing is done where there is none.
 * ERR_VERSION, ERR_MALFORMED: it is of another version, or damaged; ERR_CLOSED and others: Redis.
 */
int imager_load(const struct store_address *address, const char *name, struct core *core,
                struct view *view, struct sinks *sinks, struct imager_start *out,
                struct trouble *trouble);

/* The core alone, for `assay replay`: *out as above. */
int imager_load_core(const struct store_address *address, const char *name, struct core *core,
                     struct imager_start *out, struct trouble *trouble);

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
