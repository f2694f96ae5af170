/* checker.h - whether what the core does is right, judged without any of its code.
 *
 * It knows three things: the truth, which executors write down for each record before it is sent;
 * what was committed, event by event with its effects, in the order of the log; and what processes
 * there are on which host. From these it keeps a ledger of its own (checker_lease.c) and compares.
 * What it finds goes to world_fail, with the name of the invariant:
 *
 *   I1 nothing acknowledged is lost       I5 resources are never oversubscribed
 *   I2 results exactly once, in order     I7 everything ends, and counts add up
 *   I3 attempts 1, 2, 3.., one at a time  I8 a submission is one experiment
 *   I9 a replay decides the same          I15 only a trial's own failures count against it */
#ifndef SIM_CHECKER_H
#define SIM_CHECKER_H

#include "common/record.h"
#include "head/core/core.h"
#include "tests/sim/world.h"

struct checker;

struct whose {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
};

struct checker *checker_new(struct world *world);
void checker_free(struct checker *checker);

/* ---- the truth ---- */

/* An executor begins an attempt: once, whoever dies. */
void checker_began(struct checker *checker, const struct whose *who);
/* Its record seq, in place of one that was written there before and of all behind it; unless those
 * get there first. */
void checker_wrote(struct checker *checker, const struct whose *who, uint64_t seq,
                   const struct record *record, struct span packed);
/* A worker was told that records up to seq are safe. */
void checker_told(struct checker *checker, const struct whose *who, uint64_t seq);

/* ---- processes ---- */

void checker_process(struct checker *checker, uint32_t host, const struct whose *who,
                     const struct resources *need, const uint32_t *devices, uint32_t device_count);
void checker_process_gone(struct checker *checker, uint32_t host, const struct whose *who);

/* ---- what was committed ---- */

/* effects: count of them, from one event; or, event NULL, from the end of a turn. */
void checker_take(struct checker *checker, const struct event *event, bool admitted,
                  const struct effect *effects, size_t count);

/* The row of an ended trial, as committed; false: it has not ended. */
bool checker_row(struct checker *checker, uint32_t experiment, uint32_t trial,
                 struct event_recall *out);

/* The plan's experiment behind a number; UINT32_MAX while it is not known. */
uint32_t checker_plan_of(const struct checker *checker, uint32_t experiment);
/* Known and not removed; done. */
bool checker_is_done(const struct checker *checker, uint32_t experiment);
bool checker_is_removed(const struct checker *checker, uint32_t experiment);
uint32_t checker_total(const struct checker *checker, uint32_t experiment);
uint32_t checker_created(const struct checker *checker, uint32_t experiment);
/* As a reader of the rows sees it. */
bool checker_node_lost(const struct checker *checker, uint32_t node);

void checker_final(struct checker *checker);

#endif
