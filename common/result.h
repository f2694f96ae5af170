/* result.h - one result of a trial: what the program reported and what was filled in.
 *
 * Packed it is a msgpack list, and the same bytes go from the executor's spool over the wire into
 * the log and to the files. What does not change during an attempt (host, pid, configuration) is
 * not in it: it travels once, and is put back when a line is written for people. */
#ifndef COMMON_RESULT_H
#define COMMON_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

struct result {
    struct span metrics;        /* packed map: the program's own keys, in its order; borrowed */
    bool done;                  /* the last one, by a stop rule or the program's own word */
    int64_t training_iteration; /* reports since the trial's first attempt began */
    bool has_timesteps;         /* timesteps_total is known, else null */
    bool has_episodes;
    int64_t timesteps_total;
    int64_t episodes_total;
    int64_t timestamp; /* unix seconds */
    double time_this_iter_s;
    double time_total_s;
    double time_since_restore;
    int64_t timesteps_since_restore;
    int64_t iterations_since_restore;
};

/* What stays the same for all results of an attempt. All borrowed. */
struct result_constants {
    struct span experiment_id; /* 32 hex digits */
    struct span hostname;
    struct span node_ip;
    int64_t pid;
    struct span config; /* packed map */
};

void result_pack(const struct result *result, struct buf *out);

/* Reads one; *out borrows from the cursor's bytes, which were scanned. 0 or ERR_MALFORMED. */
int result_unpack(struct cursor *cursor, struct result *out);

/* A top-level metric or filled-in field as a number (true 1, false 0). The program's own value wins
 * for training_iteration, timesteps_total, episodes_total and neg_mean_loss. A name with '/' or '.'
 * that is no key itself goes into nested maps. False where there is none or it is no number. */
bool result_number(const struct result *result, const char *name, double *out);
bool result_metric(const struct result *result, struct span name, double *out);

/* From here on: result_dict.c.
 *
 * The whole dict as the loggers see it, keys in the order of the reference's 4.1: a packed map. */
void result_dict(const struct result *result, const struct result_constants *constants,
                 struct buf *out);

/* The same as a line of result.json, without the newline. `done` is written true if final. */
void result_json(const struct result *result, const struct result_constants *constants, bool final,
                 struct buf *out);

/* "2019-04-21_16-54-53": local time. The caller gives the offset of its zone: this file reaches no
 * environment. out holds 20 bytes with the terminator. */
void result_date(int64_t timestamp, int32_t utc_offset_s, char *out);

/* The same in the zone of result_set_utc_offset; borrowed until this thread's next call. Results of
 * one second share it. */
const char *result_date_text(int64_t timestamp);

/* Seconds east of UTC that result_json and result_dict write dates in; 0 at first. Set once at
 * start by a program's main. */
void result_set_utc_offset(int32_t seconds);

#endif
