/* replay.h - the log read back: the same core, fed with the same events, decides the same.
 *
 * Used at a head's start to get its state back, by a standby to follow the head that leads, and
 * offline to compare. What was launched and what verdicts were given stands on each entry's tape;
 * the first difference stops a replay, since nothing behind it means anything. */
#ifndef HEAD_REPLAY_H
#define HEAD_REPLAY_H

#include "common/redis/address.h"
#include "common/redis/keys.h"
#include "common/trouble.h"
#include "head/core/core.h"
#include "head/store/stream.h"

/* The end of the log, wherever that is. */
#define REPLAY_ALL ((struct log_id){UINT64_MAX, UINT64_MAX})

/* The log's beginning: nothing came before. */
#define REPLAY_BEGINNING ((struct log_id){0, 0})

struct replay_summary {
    struct log_id last; /* read */
    uint64_t bytes;     /* of entries */
    uint64_t entries;   /* of turns */
    uint64_t takeovers;
    uint64_t events;
    uint64_t launches;
    uint64_t verdicts;
};

/* One entry after it was decided again. All borrowed until the function returns. */
struct replay_entry {
    struct log_id id;
    bool takeover;
    struct span who; /* takeover: who took the epoch */
    uint64_t now_ms;
    const struct event *events;
    uint32_t count;
    const struct effects *effects;
};

typedef void replay_entry_fn(void *context, const struct replay_entry *entry);
typedef void replay_effects_fn(void *context, const struct effects *effects, uint64_t now_ms);

struct replay;

/* To read a log behind the entry `from`, stepping a core that is as it was behind it: a fresh one
 * at the beginning, or one out of an image. Each entry is handed to watch, takeovers included.
 * address, name and core are borrowed; address may be NULL where replay_on is not called.
 * answer_ms: how long an answer of Redis may take; 0: half a minute. */
struct replay *replay_new(const struct store_address *address, const char *name, struct log_id from,
                          struct core *core, replay_entry_fn *watch, void *context,
                          uint32_t answer_ms);
void replay_free(struct replay *replay);

/* Read on behind the last entry that was read, up to until or to where the log ends now. May be
 * called again and again, also after ERR_CLOSED, ERR_DENIED and ERR_TIMEOUT: Redis; what was read
 * counts. Nothing goes on after ERR_NOT_FOUND: an entry is missing, and where an image has taken
 * its place, another replay begins with that; ERR_MALFORMED: damaged; ERR_VERSION: other rules;
 * ERR_IO: decided otherwise. */
int replay_on(struct replay *replay, struct log_id until, struct trouble *trouble);

/* Decide one entry again that comes from elsewhere than Redis (store/archive.h), as replay_on does
 * with each. */
int replay_take(struct replay *replay, const struct stream_entry *entry, struct trouble *trouble);

/* So far. */
const struct replay_summary *replay_summary(const struct replay *replay);

/* All of that at once, up to the entry until. Waits as long as Redis makes
 * progress. *out and the core are as far as it came, also after a failure. */
int replay_entries(const struct store_address *address, const char *name, struct log_id from,
                   struct log_id until, struct core *core, replay_entry_fn *watch, void *context,
                   struct replay_summary *out, struct trouble *trouble);

/* The same for a head: apply gets the effects of each turn, and its time. until has to be there, or
 * be where the replay begins. */
int replay_log(const struct store_address *address, const char *name, struct log_id from,
               struct log_id until, struct core *core, replay_effects_fn *apply, void *context,
               struct replay_summary *out, struct trouble *trouble);

/* `assay head replay [DATA-DIR] [--archive DIR] [--until ID]`; argv[0] is "replay". Prints every
 * entry, and whether all was decided alike. Without an archive the newest image is where it begins,
 * with one the beginning. No folder is changed: where its redis-server does not run, a copy is
 * read. Exit status: 0 equal, 70 decided otherwise, 2 for what cannot be read. */
int replay_command(int argc, char **argv);

#endif
