/* executors.h - the executors of this node: one process an experiment, found, started, spoken with,
 * and missed when they are gone.
 *
 * An executor outlives the daemon: it listens on a socket of its own, and a restarted daemon finds
 * it there. What is to be said to one that is not there yet waits in its outbox, in order; leases
 * wait until the code tree is in place. What executors say goes to the calls in `struct
 * executors_calls`. */
#ifndef WORKER_EXECUTORS_H
#define WORKER_EXECUTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/resource.h"
#include "proto/local.h"
#include "proto/msg.h"
#include "worker/blob_cache.h"

struct executors;
struct executor;

/* What happens; context is the caller's. */
struct executors_calls {
    void *context;
    /* A frame of an executor. False: it cannot be taken now; the same frame comes again after
     * executors_resume, and nothing else of any executor before it. */
    bool (*frame)(void *context, struct executor *executor, struct span frame);
    /* Its process is gone, and all of its trials with it. */
    void (*gone)(void *context, struct executor *executor);
    /* Its process is gone after it was told to go: what it was not given yet is for the next one.
     */
    void (*left)(void *context, struct executor *executor);
    /* It cannot be had: nothing of the experiment can run here. */
    void (*refused)(void *context, struct executor *executor, const char *why);
};

struct executors_parts {
    const char *data_dir;
    const char *bin_dir; /* where assay-executor and assay-worker are */
    struct blob_cache *blobs;
    bool shares_results;
    struct executors_calls calls;
};

/* parts is copied, what it points to borrowed. Looks for executors that run already. NULL with
 * errno set where nothing can be waited for. */
struct executors *executors_new(const struct executors_parts *parts);
/* Lets the processes go on. */
void executors_free(struct executors *executors);

/* To poll for reading: processes and helpers; and what executors say. */
int executors_fd(const struct executors *executors);
int executors_frames_fd(const struct executors *executors);

/* Take in what is there. The second one calls `frame`. */
void executors_turn(struct executors *executors, uint64_t now_ms);
void executors_read(struct executors *executors);
/* After `frame` said false. */
void executors_resume(struct executors *executors);
bool executors_is_stalled(const struct executors *executors);
/* When executors_turn has something to do at the latest. */
uint64_t executors_next_ms(const struct executors *executors);

/* Executors that are started from now on see the head's folder of checkpoints there (borrowed);
 * NULL: they do not. */
void executors_share(struct executors *executors, const char *checkpoints);

struct executor *executors_find(const struct executors *executors, uint32_t experiment);
struct executor *executors_first(const struct executors *executors);
struct executor *executor_next(const struct executor *executor);

/* The head says what an experiment is: its executor is made if need be. frame is copied. */
struct executor *executors_experiment(struct executors *executors,
                                      const struct msg_experiment *experiment, struct span frame,
                                      uint64_t now_ms);
/* A new session of the head: EXPERIMENT will be said again. */
void executors_session(struct executors *executors);

/* A blob has come, or the head has none (missing). */
void executors_blob(struct executors *executors, const uint8_t *hash, bool missing,
                    uint64_t now_ms);

/* What to know of one. */
uint32_t executor_number(const struct executor *executor);
bool executor_is_up(const struct executor *executor);    /* it can be spoken to */
bool executor_is_mute(const struct executor *executor);  /* it runs, and is yet to say READY */
bool executor_was_told(const struct executor *executor); /* by this session's head */
void executor_print(const struct executor *executor, struct buf *out);

/* It has said READY. True where that is its first on a connection that is not its first: orders and
 * verdicts for it may have been lost. Those that waited for it are dropped; say all of them again.
 */
bool executor_greets(struct executor *executor);

/* An order (LAUNCH): waits in the outbox until the code is there, READY was heard and EXPERIMENT
 * was said. */
void executor_order(struct executor *executor, struct span frame);
/* VERDICTS: behind the LAUNCHes that wait. */
void executor_judge(struct executor *executor, struct span frame);
/* Anything else: at once. False where it is not there: it is not told. */
bool executor_say(struct executor *executor, struct span frame);

/* Its experiment has ended: it goes when it has nothing left to do. */
void executor_release(struct executor *executor);
/* Whether there is a process, or will be. */
bool executor_is_there(const struct executor *executor);
/* This node leaves: it is to end its trials and itself. Nothing is said to or heard of it any more.
 * Call it again each turn until executor_is_there says no. */
void executor_stop(struct executor *executor);
/* A signal to its process. */
void executor_signal(struct executor *executor, int signal_number);
/* Hang up: it goes on alone, or ends if it was told to. */
void executor_hang_up(struct executor *executor);

/* What its trials need, for after a restart of the daemon; NULL: not known. */
const struct resources *executor_need(const struct executor *executor);
void executor_set_need(struct executor *executor, const struct resources *need);

/* A request of an executor's on its way to the head: an OUTPUT, or one about checkpoints. One of
 * each an executor is in flight. */
struct executor_relay {
    uint64_t own;     /* the executor's request id; 0: none is in flight */
    uint64_t request; /* ours to the head */
    uint64_t sent_ms;
    struct buf frame; /* as it goes to the head */
};
struct executor_relay *executor_output(struct executor *executor);
struct executor_relay *executor_store(struct executor *executor);

#endif
