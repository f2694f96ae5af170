/* executor.h - the process that runs the trials of one experiment on one node.
 *
 * One loop, one thread. What lives in it: the link to the worker (daemon_link.h), the experiment
 * (setup.h), attempts (attempt.h), and the socket that programs report on (gate.h). Each turn first
 * takes in what is there, then ends attempts whose processes are gone, then sends what was made.
 *
 * This header is for the modules of this folder; main.c uses executor_run alone. */
#ifndef EXECUTOR_EXECUTOR_H
#define EXECUTOR_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/deadlines.h"
#include "common/table.h"
#include "worker/executor/daemon_link.h"
#include "worker/executor/folders.h"
#include "worker/executor/gate.h"
#include "worker/executor/loop.h"
#include "worker/executor/quota.h"

struct attempt;
struct cage;
struct setup;
struct spare;
struct transfer;

struct executor_options {
    const char *socket; /* where the worker connects */
    const char *dir;    /* absolute: own data */
    uint32_t experiment;
    bool shares_results;
    const char *checkpoints; /* the head's folder of them, absolute; NULL: it is not seen here */
};

struct executor {
    const struct executor_options *options; /* borrowed */
    struct cage *cage;                      /* borrowed */
    struct quota quota;
    struct folders folders;
    struct loop loop;
    struct deadlines *deadlines; /* by attempt's key, and DEADLINE_* below */
    struct setup *setup;         /* NULL until the worker has said what the experiment is */
    struct table *attempts;      /* by key */
    struct table *processes;     /* attempts, by the number of their first process */
    struct table *killed;        /* as tree.h says */
    struct table *helpers;       /* transfers, by the number of their process; this executor: of
                                  * a process that nobody waits for */
    struct transfer *transfers;  /* owned; transfer->next */
    struct transfer *asking;     /* whose request is in flight; NULL: nobody's any more */
    uint64_t stages;             /* folders of transfers so far */
    uint32_t astray;             /* saves in a row whose placed blobs the head did not find */
    struct attempt *first;       /* of all attempts; attempt->next */
    struct spare *spares;        /* owned; as spare.h says */
    uint64_t turn;               /* of the loop */
    size_t live;                 /* attempts whose processes may not be gone */
    struct daemon_link link;
    struct gate gate;
    struct loop_source signals;
    bool released;  /* the experiment has ended */
    bool ending;    /* no attempt is started any more; the rest is being ended */
    bool sweep;     /* some attempt is done: to be freed */
    bool giving_up; /* the last records have only so long to be acknowledged */
    bool gave_up;
    struct arena scratch; /* within one call of a callback */
    struct buf report;    /* the same: a report being packed */
    struct buf fields;
    struct buf record;
    uint8_t *bytes; /* the same: what a read gave; EXECUTOR_READ of them */
};

#define EXECUTOR_READ 65536u

/* Ids of deadlines that are no attempt's. */
#define DEADLINE_AWAY     (UINT64_MAX - 1)
#define DEADLINE_GIVE_UP  (UINT64_MAX - 2)
#define DEADLINE_UNHELPED (UINT64_MAX - 3)
#define DEADLINE_SPARES   (UINT64_MAX - 4)

/* Whether a child is an attempt's first process, the zygote or a helper; context is the executor.
 */
bool executor_knows(void *context, pid_t pid);

/* clock_ms. */
uint64_t executor_now_ms(void);

/* Set an attempt's one deadline, from now. */
void executor_wake_in(struct executor *executor, uint64_t key, uint64_t ms);

/* End everything that runs, for a reason of infrastructure, and then the process. */
void executor_end(struct executor *executor, const char *why);

/* Listens on socket; 0 or ERR_*, *why constant text. */
int executor_open(struct executor *executor, const struct executor_options *options,
                  const char **why);
/* Until there is nothing more to do. */
void executor_run(struct executor *executor);
void executor_close(struct executor *executor);

#endif
