/* run.h - one attempt in an executor: a program that reports as its script says, the records it
 * leads to, the stop rules and the horizon. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "common/autofill.h"
#include "tests/sim/host.h"

/* What START hands to an executor. */
struct run_order {
    double horizon;
    uint32_t device_count;
    uint32_t devices[8];
    bool restores;
    struct counters counters;
};

struct run {
    struct run *next; /* of its host */
    struct host *host;
    struct whose who;
    uint32_t plan;       /* its experiment */
    uint32_t devices[8]; /* that its processes have */
    uint32_t device_count;
    uint64_t generation; /* of what it has on the agenda */
    struct rng script;
    uint32_t reports; /* it will make */
    uint32_t end_reason;
    bool says_done;
    bool waits; /* at its horizon; else it goes on printing */
    bool rash;  /* its executor does not hold it there */
    bool started;
    bool gone; /* no process is left */
    bool ended;
    bool vacated;
    bool closed;
    bool fenced;
    bool dead; /* nothing is left of it */
    uint32_t reason;
    uint32_t printed;
    uint32_t held; /* of these, behind the horizon */
    uint32_t made;
    bool holding;
    double horizon;
    uint64_t holding_seq; /* of the result that met the horizon */
    struct autofill fill;
    bool restores;
    bool broken; /* what it is to go on from */
    struct counters counters;
    uint64_t marks;   /* so far */
    uint64_t sending; /* the mark whose bytes are on their way; 0: none */
    uint64_t behind;  /* and the one that comes next; 0: none */
    struct buf spool;
    size_t *offsets; /* owned; where record seq begins, at seq - 1 */
    uint64_t last;
    uint64_t sent;
    uint64_t acked;
};

void run_start(struct world *world, struct host *host, const struct whose *who,
               const struct run_order *order);
struct run *run_find(const struct host *host, const struct whose *who);
void run_verdict(struct world *world, struct run *run, const struct effect_verdict *verdict);
/* Send what was not sent; all that is not acknowledged, again. */
void run_flush(struct world *world, struct run *run);
void run_rewind(struct world *world, struct run *run);
/* It dies without a word. */
void run_vanish(struct world *world, struct run *run);
void run_free(struct run *run);

#endif
