/* ledger.h - what the checker keeps: its own tables of experiments, trials, attempts and nodes. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "tests/sim/checker.h"

struct truth {
    uint64_t hash;
    enum record_kind kind;
    uint32_t reason; /* of an END */
};

/* One that another took the place of. It may be on its way all the same. */
struct former {
    uint64_t seq;
    struct truth truth;
};

/* A checkpoint of a trial that is kept. */
struct check_saved {
    uint8_t manifest[LIMIT_HASH_BYTES];
    uint32_t attempt;
    uint64_t rows;
    int64_t iteration;
    bool told; /* the effect was seen */
};

/* One on its way. */
struct check_mark {
    uint64_t number;
    uint64_t rows;
    int64_t iteration;
};

struct check_attempt {
    struct truth *truth; /* owned; by seq - 1 */
    uint32_t count;
    uint32_t capacity;
    struct former *formers; /* owned */
    uint32_t former_count;
    uint64_t hw;   /* committed */
    uint64_t rows; /* of results, committed */
    uint64_t told; /* the highest that a worker was told */
    bool begun;    /* by an executor */
    bool opened;   /* EFFECT_ATTEMPT was seen */
    bool final;    /* its last row was */
    bool over;     /* its END was committed */
    bool told_stop;
    uint64_t base;            /* rows of the checkpoint that it begins with */
    struct check_mark *marks; /* owned; all of it so far */
    uint32_t mark_count;
};

struct check_trial {
    struct check_attempt *attempts; /* owned; number 1 is at 0 */
    uint32_t count;
    uint32_t state; /* of its last row */
    bool known;
    bool live;
    uint32_t node;
    bool ahead; /* of the newest row */
    bool closed;
    bool cut; /* its node was lost under it: its processes may live on */
    uint32_t failures;
    uint32_t losses;
    uint32_t losses_in_row; /* in which it got no further */
    uint64_t furthest;
    uint32_t pauses;           /* that it gave its lease back for */
    uint32_t recalls;          /* that it went on for, behind its end */
    bool recalled;             /* within one event: it goes on now */
    struct event_recall row;   /* what its rows have said; texts in the world's arena */
    struct check_saved *saved; /* owned; the last is the latest */
    uint32_t saved_count;
    struct check_saved lent; /* another trial's, that this one is to go on from */
    bool has_lent;
    uint32_t exploits; /* that it went on from another's */
    /* Within one event. */
    bool broken;    /* its attempt says that the latest is */
    bool may_leave; /* its lease may end */
    bool must_leave;
};

struct check_experiment {
    uint32_t plan;
    uint8_t submission[16];
    bool known;
    bool done;
    bool removed;
    bool stopped; /* by a person */
    bool ended;   /* for some reason, before all of its trials had run */
    bool burnt;   /* that was that all of its trials failed at once */
    bool met;     /* a result has reached its budget's target */
    bool paused;
    bool extending; /* within one event: its row with another spec comes */
    bool extended;
    uint32_t leases;
    uint32_t created;
    uint32_t total; /* of its last row */
    uint64_t results;
    uint64_t suggestion;        /* number of the last one */
    struct check_trial *trials; /* owned */
    uint32_t trial_count;
};

struct check_lease {
    struct whose who;
    struct resources need; /* its names are the plan's */
    uint32_t devices[8];
    uint32_t device_count;
    bool runs;
};

struct check_node {
    struct resources capacity; /* without custom ones */
    int64_t licences;          /* its only custom resource */
    uint32_t gpus;
    uint32_t credit;
    bool known;
    bool lost;
    bool draining;
    struct check_lease *leases; /* owned; in their order */
    uint32_t count;
    uint32_t room;
};

struct process {
    struct whose who;
    uint32_t host;
    struct resources need;
    uint32_t devices[8];
    uint32_t device_count;
};

struct checker {
    struct world *world;
    struct check_experiment *experiments; /* owned; by number */
    uint32_t experiment_count;
    struct check_node *nodes; /* owned; by number */
    uint32_t node_count;
    struct process *processes; /* owned */
    uint32_t process_count;
    uint32_t process_room;
};

/* They grow as needed. */
struct check_experiment *ledger_experiment(struct checker *checker, uint32_t number);
struct check_trial *ledger_trial(struct checker *checker, uint32_t experiment, uint32_t trial);
/* NULL where it was never launched. */
struct check_attempt *ledger_attempt(struct checker *checker, const struct whose *who);
struct check_node *ledger_node(struct checker *checker, uint32_t number);

/* row.c: a trial's row was committed. */
void row_take(struct checker *checker, const struct effect_trial *row);

/* saved.c: a MARK and a CHECKPOINT of a report, behind so many results of it; a launch, and what is
 * told of a checkpoint. */
void saved_marked(struct check_attempt *attempt, const struct record_mark *mark, uint32_t results);
void saved_brought(struct check_trial *trial, const struct check_attempt *attempt,
                   const struct record_checkpoint *checkpoint);
void saved_launched(struct checker *checker, const struct effect_launch *launch,
                    const struct check_trial *trial, struct check_attempt *attempt);
void saved_told(struct checker *checker, const struct effect_checkpoint *effect);
/* It goes on from what it was lent, with so many rows. */
void saved_adopted(struct check_trial *trial, uint64_t rows);

/* What one event must bring about. */
struct expected {
    struct whose who;
    bool is_report;
    uint64_t hw;
    const uint64_t *hashes; /* of the results in it that are new */
    uint32_t count;
    bool told_results;
    bool told_verdict;
    struct span submission;
    uint32_t fences; /* attempts that a node holds and must not */
};

#define RESULTS_MOST 512u

/* reported.c: a report is admitted; hashes has room for RESULTS_MOST. Then its rows come. */
void report_expect(struct checker *checker, const struct event_report *report,
                   struct expected *expected, uint64_t *hashes);
void report_rows(struct checker *checker, const struct effect_results *effect,
                 struct expected *expected);

/* lease.c: the ledger of leases. */
void lease_launched(struct checker *checker, const struct effect_launch *launch, bool ahead);
void lease_left(struct checker *checker, uint32_t node, const struct whose *who);
void lease_node_row(struct checker *checker, const struct effect_node *row);
int64_t lease_custom(const struct resources *resources);

#endif
