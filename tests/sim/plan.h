/* plan.h - what one seed is about: hosts, experiments, which faults there are and how strong.
 *
 * One seed in four has no faults, so that plain errors show at once; one in four has a single
 * class, so that what fails can be read; the others have each class by the toss of a coin. Half of
 * them are quick: programs report every few milliseconds, so that much happens at once. In the
 * other half they take their time, up to hours, as programs do. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "common/arena.h"
#include "common/resource.h"
#include "common/rng.h"
#include "common/spec.h"
#include "head/core/event.h"

enum fault {
    FAULT_JITTER,   /* messages take up to a hundred times as long */
    FAULT_RESET,    /* a connection breaks: what is under way is lost */
    FAULT_CUT,      /* a host cannot reach the head for a while, nor the head it */
    FAULT_ONE_WAY,  /* one of the two does not hear the other for a while */
    FAULT_REPEAT,   /* batches come twice, or with a gap before them; horizons are run over */
    FAULT_HEAD,     /* the head is killed, with or without the entry that is being written */
    FAULT_PAUSE,    /* the head stands still for a while, and goes on */
    FAULT_SLOW_LOG, /* a commit takes seconds: the log is slow, or refuses and is asked again */
    FAULT_CLOCK,    /* the head's wall clock jumps */
    FAULT_DAEMON,   /* a worker daemon is started again; its executors go on */
    FAULT_STILL,    /* a worker daemon stands still for a while, and goes on */
    FAULT_TALK,     /* the executors of a host and its daemon do not hear one another for a while */
    FAULT_EXECUTOR, /* an executor dies, and its trials with it */
    FAULT_MACHINE,  /* a host dies and comes back with nothing */
    FAULT_DRAIN,    /* a host is drained for a while */
    FAULT_CAPACITY, /* a host comes back with less, and later with all */
    FAULT_REVOKE,   /* a host's key is revoked, and later given its role again */
    FAULT_COUNT
};

#define PLAN_HOSTS       12u
#define PLAN_EXPERIMENTS 6u

struct plan_host {
    struct resources capacity;
    struct resource_custom custom[1];
    uint32_t gpus;
    uint32_t credit;
    uint64_t joins_us;
};

struct plan_experiment {
    uint8_t submission[16];
    struct span packed;
    struct spec spec; /* the same, for what the executor needs of it */
    uint64_t submit_us;
    uint64_t interval_us;  /* between two reports, in the mean */
    uint32_t reports;      /* of a trial, at most */
    uint32_t fail_of_16;   /* how many attempts of 16 fail */
    bool never_done;       /* trials go on until they are stopped */
    bool doomed;           /* all of its attempts fail as soon as they start */
    bool deadly;           /* one of its trials takes its executor down, each time */
    uint32_t saves_of_16;  /* after how many results of 16 a checkpoint is taken */
    uint32_t breaks_of_16; /* how many of 16 that are gone on from are broken */
};

/* What of a seed's plan is left out, to see whether it is needed for what goes wrong. */
struct plan_limits {
    uint32_t without; /* bits by enum fault */
    uint32_t hosts;   /* 0: as many as the seed says */
    uint32_t experiments;
    uint32_t samples; /* of an experiment */
};

struct plan {
    struct plan_host hosts[PLAN_HOSTS];
    uint32_t host_count;
    struct plan_experiment experiments[PLAN_EXPERIMENTS];
    uint32_t experiment_count;
    uint32_t faults;                    /* bits by enum fault */
    uint64_t faults_until_us;           /* from then on nothing goes wrong */
    uint64_t pace;                      /* how many times as long everything takes that people do */
    uint64_t latency_us;                /* of a message, in the mean */
    uint64_t commit_us;                 /* of an entry, in the mean */
    uint64_t lost_us;                   /* how long a node may be silent */
    bool meddling;                      /* people stop and remove things */
    uint32_t pauses;                    /* how often they have something wait */
    uint32_t extends;                   /* how often somebody wants more of one that has ended */
    char *spec_texts[PLAN_EXPERIMENTS]; /* in the arena */
};

/* Everything of it lives in the arena. The limits change nothing else. */
void plan_draw(struct plan *plan, uint64_t seed, const struct plan_limits *limits,
               struct arena *arena);

static inline bool plan_has(const struct plan *plan, enum fault fault)
{
    return (plan->faults >> fault & 1) != 0;
}

const char *fault_name(enum fault fault);
/* FAULT_COUNT: none of this name. */
enum fault fault_of_name(const char *name, size_t size);

#endif
