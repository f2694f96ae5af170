/* agent.h - a node's leases: which wait, which run, what is known of their records. Pure.
 *
 * Leases are kept in the order in which they came. The first that waits is started as soon as it
 * fits into what the node has less what runs, and while no other attempt of its trial is on the
 * node; nobody overtakes it. The head's ledger goes by the same rule. GPU devices come with a lease
 * and are only checked.
 *
 * An attempt is handed to its executor once, and again only where the executor has said all that it
 * has and did not name it: the order never came there. From its first word on the executor speaks
 * for it, until it is over and acknowledged. For what no executor can say (it was stopped while it
 * waited, its executor died) there is an effect AGENT_END: the record that the daemon then reports
 * itself. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/resource.h"
#include "common/span.h"

struct agent;

/* 12 bytes without holes: also the key of tables. */
struct agent_attempt {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
};

enum agent_event_type {
    AGENT_LAUNCH, /* the head leases an attempt to this node; a known one is passed over */
    AGENT_FOUND,  /* its executor has it, with records up to seq */
    AGENT_ALL,  /* of who.experiment its executor has what was FOUND since the last ALL, and nothing
                 * else: what did not come there is handed over again */
    AGENT_SEEN, /* its executor sent records up to seq */
    AGENT_VERDICT, /* of the head: seq is acknowledged, action is to be taken */
    AGENT_VACATED, /* its processes are gone; its END is record seq */
    AGENT_LOST,    /* the executor of who.experiment is gone, and all of its trials with it */
    AGENT_LEFT,    /* the same, but what it has not spoken of was not handed to it yet */
    AGENT_REFUSE   /* nothing of who.experiment can run here */
};

struct agent_event {
    enum agent_event_type type;
    struct agent_attempt who;
    const struct resources *need; /* LAUNCH, FOUND: copied */
    const uint32_t *devices;      /* LAUNCH, FOUND: of the gpu amount in need; copied */
    uint32_t device_count;
    struct span payload; /* LAUNCH: what START gives back; copied */
    uint64_t seq;
    uint32_t action; /* VERDICT: enum action */
};

enum agent_effect_type {
    AGENT_START,   /* hand payload to its executor */
    AGENT_FORWARD, /* the verdict is its executor's to hear */
    AGENT_END      /* report an END with this seq and reason, and see to its acknowledgement */
};

struct agent_effect {
    enum agent_effect_type type;
    struct agent_attempt who;
    struct span payload; /* START: borrowed until the next agent_step */
    uint64_t seq;        /* END */
    uint32_t reason;     /* END: enum end_reason */
};

/* capacity is copied; gpus is how many devices there are. */
struct agent *agent_new(const struct resources *capacity, uint32_t gpus);
void agent_free(struct agent *agent);

/* What an event leads to: count effects, borrowed until the next call. */
const struct agent_effect *agent_step(struct agent *agent, const struct agent_event *event,
                                      uint32_t *count);

/* A row for READY and for people. */
struct agent_row {
    struct agent_attempt who;
    bool waiting;
    bool vacated;
    uint64_t seen; /* the last record of it that came by; 0: none */
    uint64_t acked;
};

/* The leases in their order: *at is NULL before the first. False behind the last. No step may be
 * taken between two calls. */
bool agent_next(const struct agent *agent, const void **at, struct agent_row *row);

/* Of one experiment: how many leases there are, waiting ones too. */
uint32_t agent_count(const struct agent *agent, uint32_t experiment);
/* Of all: that were started and may have processes. */
uint32_t agent_running(const struct agent *agent);

/* What runs holds, in sum. */
const struct resources *agent_used(const struct agent *agent);

#endif
