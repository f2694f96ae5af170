/* attempt.h - one run of a trial: from the lease to the last record's acknowledgement.
 *
 *   STARTING --pid--> RUNNING --first process ends--> CLEARING --all processes gone--> DRAINING
 *       |                                                                                 |
 *       +--cannot be started--------------------------------------> ENDED <--all read-----+
 *
 * Any state: a fenced attempt makes no more records and is forgotten once its processes are gone.
 * Why it ends is decided once, by the first of: a stop rule, a result that says done, a verdict, a
 * report that is none; else by how the first process ended. From then on nothing it reports is
 * taken, and the ladder begins: it is told and may leave; SIGTERM to its group; SIGKILL to all of
 * its tree.
 *
 * At its horizon results wait in `held` until the verdict: CONTINUE takes them in, STOP drops them.
 * So the END of a program that has long left may wait for a verdict; not that of one that was
 * paused there, after which none comes: its held results are dropped.
 *
 * attempt.c: life; attempt_start.c: start; attempt_report.c: reports; attempt_limit.c: what it
 * may take; attempt_checkpoint.c: checkpoints; attempt_end.c: the way out.
 */
#ifndef EXECUTOR_ATTEMPT_H
#define EXECUTOR_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/autofill.h"
#include "common/record.h"
#include "common/stop.h"
#include "proto/msg.h"
#include "worker/executor/channel.h"
#include "worker/executor/loop.h"
#include "worker/executor/output.h"
#include "worker/executor/quota.h"
#include "worker/executor/spool.h"
#include "worker/executor/tagged.h"

struct executor;
struct spare;

enum attempt_state {
    ATTEMPT_STARTING,
    ATTEMPT_RUNNING,
    ATTEMPT_CLEARING,
    ATTEMPT_DRAINING,
    ATTEMPT_ENDED
};

enum attempt_ladder { LADDER_NONE, LADDER_LEAVE, LADDER_TERM, LADDER_KILL };

/* A result past the horizon, as it was reported. */
struct held {
    struct held *next;
    struct channel *asker; /* who waits for an answer; NULL: nobody */
    double at_s;
    int64_t unix_s;
    size_t size;
    uint8_t report[];
};

/* stdout or stderr. */
struct stream {
    struct loop_source source; /* fd is owned; -1: at its end */
    struct attempt *attempt;
    struct output output;
};

/* Who sees to its limit of memory. */
enum limit_keeper { KEEPER_WATCHER, KEEPER_CELL, KEEPER_ROOM };

struct attempt_limits {
    uint64_t started_ms; /* executor_now_ms */
    uint64_t heard_ms;   /* when it last reported, or could do so again */
    enum limit_keeper keeper;
    struct room *room; /* of the executor's quota; NULL: none */
    uint64_t kills_before;
    bool ran_out; /* of memory: why it ends, if nothing was decided before */
};

struct attempt {
    struct executor *executor; /* borrowed */
    struct arena arena;        /* for the lease */
    struct msg_lease lease;    /* a copy in arena */
    uint64_t key;
    const char *id;
    const char *dir; /* working directory */
    char *mark;      /* in arena: of its processes' environment */

    enum attempt_state state;
    pid_t pid; /* 0: none yet */
    bool reaped;
    int wait_status;
    struct cell *cell; /* its processes; owned; NULL: none */
    struct attempt_limits limits;

    struct stream streams[2]; /* by enum output_stream */
    struct tagged tagged;
    struct buf unread; /* of stdout: read, and not looked through while stalled */
    struct channel *channels;
    enum channel_mode spoke; /* the best way it ever used */
    bool stalled;            /* not read from: the program waits */

    uint64_t turn;         /* of the executor's, in which it reported last */
    uint32_t turn_reports; /* in that turn */

    struct autofill fill;
    struct horizon horizon;
    double reached;       /* the value of the horizon's attribute that met the horizon */
    uint64_t reached_seq; /* the record of that result */
    bool holding;
    struct channel *asker; /* of the result that met the horizon */
    struct held *held;
    struct held **held_end;
    size_t held_bytes;

    bool closed; /* why it ends is decided */
    bool fenced;
    enum attempt_ladder ladder;
    uint32_t reason; /* enum end_reason, once closed */
    struct buf text; /* what went wrong, in words */
    bool said_error; /* text is the program's own */

    const char *checkpoint_dir; /* in arena: where it may write checkpoints */
    const char *restore_dir;    /* in arena: what it goes on from; NULL: nothing */
    uint64_t marks;             /* checkpoints that it took so far */
    bool restoring;             /* what it goes on from is on its way */
    bool saves;                 /* its program saves when it is asked to */
    bool save_asked;            /* it was, and has not yet */
    bool pausing;               /* it is to save and leave */
    struct channel *offered; /* on which its process waits for another trial; NULL: it does not */
    struct spare *spare;     /* its process, kept for one; spare.c's; NULL: it was not */
    bool fresh;              /* no other's process takes it: it gets one of its own */
    bool dropped;            /* it reported after that was decided: no such result is taken */

    struct spool spool;
    bool vacated; /* to be said to the worker */
    bool config_written;
    bool done; /* nothing is left to do: to be freed at the end of the turn */

    struct attempt *next; /* of executor->first */
    struct attempt *next_unsent;
    struct attempt *next_output;
    bool in_unsent;
    bool in_output;
};

uint64_t attempt_key(uint32_t trial, uint32_t attempt);

/* Make it and start it; whatever goes wrong becomes its END. */
void attempt_launch(struct executor *executor, const struct msg_lease *lease);
/* Kills what runs. Off the executor's lists. */
void attempt_free(struct attempt *attempt);

/* attempt_start.c */
void attempt_start(struct attempt *attempt);
/* Its program, now that all is there. */
void attempt_run(struct attempt *attempt);
/* The process that was to be its own takes it not: it gets a new one. */
void attempt_restart(struct attempt *attempt);
/* Its next record. */
void attempt_record(struct attempt *attempt, const struct record *record);
int64_t attempt_may_report(const struct attempt *attempt);

/* Its counters and clock begin: where its checkpoint was, or anew. Once for how far it may go, and
 * again when it has started. */
void attempt_count(struct attempt *attempt);

/* From the zygote or the start itself. */
void attempt_started(struct attempt *attempt, pid_t pid);
void attempt_failed_to_start(struct attempt *attempt, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Its node's disk had no room for it, which is nobody's fault. */
void attempt_found_no_room(struct attempt *attempt, const char *path);
void attempt_exited(struct attempt *attempt, int wait_status);

/* attempt_report.c: a packed report, scanned or not; asker may be NULL. It is copied where needed.
 */
void attempt_report(struct attempt *attempt, struct span report, struct channel *asker);
/* What the program said is no report: the attempt ends with reason protocol. */
void attempt_misspoke(struct attempt *attempt, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Whether it reported so much in this turn that the others come first. What it says waits where it
 * is, and is ready again in the next. */
bool attempt_had_its_turn(const struct attempt *attempt);
/* Whether nothing more should be taken in now. */
bool attempt_is_stalled(struct attempt *attempt);
/* Read stdout or stderr once; false where nothing more comes now. */
bool attempt_stream_read(struct stream *stream);
/* Nothing more is read of it. */
void attempt_stream_end(struct stream *stream);
/* The last line of stdout, which has no end, of a program that is gone: a report, unless it was
 * killed while it wrote it. */
void attempt_last_line(struct attempt *attempt);
/* There is something to read. */
void attempt_stream_ready(struct stream *stream);
/* Tell those who wait what they may do. */
void attempt_allow(struct attempt *attempt);
/* Take in held results up to the next horizon. */
void attempt_unhold(struct attempt *attempt);
void attempt_held_drop(struct attempt *attempt);

void attempt_verdict(struct attempt *attempt, const struct msg_verdict *verdict);

/* attempt_limit.c: what it may take. take: before its process, whose cell is known; doors: which it
 * has to go through (spawn.h), the caller's to close; outside: it could not; begin: it runs; give:
 * all of its processes are gone. */
void attempt_limits_take(struct attempt *attempt);
void attempt_limits_doors(struct attempt *attempt, int doors[QUOTA_COUNT]);
void attempt_limits_outside(struct attempt *attempt);
void attempt_limits_begin(struct attempt *attempt);
void attempt_limits_give(struct attempt *attempt);
void attempt_limits_forget(struct attempt *attempt);
/* It said something, or may again. */
void attempt_limits_heard(struct attempt *attempt);
/* Whether a deadline was one of these; then it was looked at. */
bool attempt_limits_due(struct executor *executor, uint64_t key);
/* attempt_checkpoint.c: where it writes. */
void attempt_checkpoint_paths(struct attempt *attempt);
/* It names a complete checkpoint, which holds all that it has reported. own: a folder below its
 * checkpoint_dir is not needed after that. asker, or NULL, is answered when it was read. */
void attempt_checkpoint(struct attempt *attempt, struct span name, bool own, struct channel *asker);
/* Verdicts: have it save; have it save and leave, or where it cannot, leave. */
void attempt_save(struct attempt *attempt);
void attempt_pause(struct attempt *attempt);
/* From transfer_restore: dir, in arena, holds what it goes on from; or there is nothing. */
void attempt_restored(struct attempt *attempt, const char *dir);
void attempt_not_restored(struct attempt *attempt, enum end_reason reason, const char *why);
/* It is to end before that; false: nothing is on its way. */
bool attempt_restore_cancel(struct attempt *attempt);
void attempt_checkpoints_end(struct attempt *attempt);

/* attempt_end.c: decide why it ends (does nothing where that is decided) and begin the ladder. */
void attempt_close(struct attempt *attempt, enum end_reason reason);
void attempt_fence(struct attempt *attempt);
/* Records that it made are lost here: it ends, for no fault of its own, whatever else was decided.
 */
void attempt_records_lost(struct attempt *attempt, const char *why);
/* Its deadline. */
void attempt_due(struct attempt *attempt);
/* Look again whether all of its processes are gone, all was read, all is acknowledged. */
void attempt_settle(struct attempt *attempt);
/* It is over, and its result is known to the head: may be forgotten. */
void attempt_check_done(struct attempt *attempt);

#endif
