/* effect.h - what is to be done: the only output of the core.
 *
 * Nothing of it happens before the events behind it are in the log. Everything an effect points to
 * lives in the effects' arena or in the event's memory, never in the core: effects outlive the step
 * that made them, while the core goes on. */
#ifndef CORE_EFFECT_H
#define CORE_EFFECT_H

#include "common/action.h"
#include "common/arena.h"
#include "common/counters.h"
#include "common/resource.h"
#include "common/schema.h"
#include "head/core/event.h"
#include "head/core/trial_state.h"

enum effect_type {
    EFFECT_REPLY = 1,      /* to a client's request: front */
    EFFECT_LAUNCH = 2,     /* start an attempt: fleet */
    EFFECT_VERDICT = 3,    /* what an attempt may do, and what is acknowledged: fleet */
    EFFECT_RELEASE = 4,    /* an experiment has ended, or is gone: fleet, sinks */
    EFFECT_EXPERIMENT = 5, /* a row changed: view, store, sinks */
    EFFECT_TRIAL = 6,      /* a row changed: view, store */
    EFFECT_NODE = 7,       /* a row changed: view, store */
    EFFECT_ATTEMPT = 8,    /* an attempt began: sinks open or cut the trial's files */
    EFFECT_RESULTS = 9,    /* rows for the files and the feed: sinks */
    EFFECT_CLOSE = 10,     /* no more rows will come for a trial: sinks */
    EFFECT_PRINCIPAL = 11, /* a key may talk from now on, or no more: the ZAP handler */
    EFFECT_TOKEN = 12,     /* a token's row changed: view */
    EFFECT_CHECKPOINT =
        13,             /* a checkpoint's bytes are needed, or are not any more: store of blobs */
    EFFECT_EXPLOIT = 14 /* a trial has taken over from another: sinks */
};

enum reply_code {
    REPLY_OK = 0,
    REPLY_NOT_FOUND = 1,
    REPLY_CONFLICT = 2, /* the same submission id with another spec */
    REPLY_INVALID = 3,
    REPLY_LIMIT = 4,
    REPLY_DENIED = 5,
    REPLY_BUSY = 6 /* cannot be now: the experiment still runs */
};

struct effect_reply {
    uint64_t origin;
    uint32_t code;       /* enum reply_code */
    uint32_t experiment; /* SUBMIT: its number; JOIN: the principal's; NODE_BACK: the node's;
                            SUGGEST: the trial's */
    uint32_t role;       /* JOIN */
    struct span what;    /* for an error: WHAT, WHY and MEND */
    struct span why;
    struct span mend;
};

/* One device number, as a record of a list. */
struct gpu_device {
    uint32_t device;
};

struct effect_launch {
    uint32_t node;
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    struct span trial_id; /* 8 hex digits */
    struct span trial_name;
    struct span folder; /* the trial's folder: its name in the experiment's */
    struct span config; /* packed map */
    struct resources resources;
    struct record_list gpus;  /* struct gpu_device */
    double horizon;           /* of the experiment's horizon attribute; infinity: none */
    uint64_t seed;            /* for the trial's own random generators */
    bool again;               /* re-sent: the node did not know it after a reconnect */
    struct span checkpoint;   /* to go on from: hash of its manifest; empty: from scratch */
    struct counters counters; /* that it carries */
};

const char *action_name(uint32_t action);

struct effect_verdict {
    uint32_t node;
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t acked_seq;
    uint32_t action; /* enum action */
    double horizon;
    struct span config;     /* EXPLOIT: packed map */
    struct span checkpoint; /* EXPLOIT: hash */
};

struct effect_release {
    uint32_t experiment;
    bool removed; /* rm: rows and log are forgotten */
};

/* A draining node, and one whose disk is full, finishes what it has and gets nothing new; a lost
 * one keeps its number. */
enum node_state { NODE_UP, NODE_DRAINING, NODE_LOST, NODE_FULL, NODE_STATE_COUNT };

enum experiment_state { EXPERIMENT_RUNNING, EXPERIMENT_STOPPING, EXPERIMENT_DONE };

/* The whole row each time: who reads it keeps the latest. */
struct effect_experiment {
    uint32_t experiment;
    uint32_t state; /* enum experiment_state */
    struct span name;
    uint32_t principal; /* who submitted it */
    uint64_t submitted_ms;
    uint64_t ended_ms; /* 0 while it runs */
    uint32_t total;    /* trials it will have; NUMBER_NONE when not known */
    uint32_t created;  /* trials proposed so far */
    uint32_t counts[TRIAL_STATE_COUNT];
    uint64_t results;
    struct span folder; /* absolute: local_dir/name */
    struct span spec;   /* packed; only in the first row of an experiment, else empty */
    struct span code;
    uint64_t seed;
    struct span why; /* it was ended for this; empty: it was not */
    bool paused;     /* by a person: nothing of it starts */
    uint32_t wanted; /* suggestions that it could use now (suggest.h) */
};

struct effect_trial {
    uint32_t experiment;
    uint32_t trial;
    uint32_t state; /* enum trial_state */
    uint32_t attempt;
    uint32_t node; /* NUMBER_NONE when on none */
    uint32_t failures;
    int64_t pid;
    uint64_t started_ms;
    uint64_t ended_ms;
    uint64_t results; /* rows in result.json */
    uint32_t reason;  /* enum end_reason, of the last attempt that ended */
    int64_t status;
    bool has_best;
    double best;     /* of the metric */
    int64_t best_at; /* training_iteration where */
    struct span id;  /* these four only in the first row of a trial, else empty */
    struct span name;
    struct span tag;
    struct span config; /* packed */
    struct span folder; /* name of its folder; empty until it first starts */
    struct span last;   /* last result, packed as result.h; empty: unchanged */
    struct span text;   /* why it ended, with the end of stderr; empty: unchanged */
    bool ahead;         /* leased, waiting on its node */
};

struct effect_node {
    uint32_t node;
    struct span name;
    struct span hostname;
    struct span node_ip;
    uint32_t state; /* enum node_state */
    struct resources capacity;
    struct resources used;
    uint32_t gpus;
    uint32_t running;
    uint32_t ahead;
    uint32_t credit;
};

/* rows: how many result rows of the trial stay; those behind are superseded (a new attempt goes on
 * from a checkpoint, which holds so many; from scratch: 0). stood: how many there were before: of a
 * trial that had ended, and whose files are closed, nothing else says so. */
struct effect_attempt {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t rows;
    uint64_t stood;
    struct span trial_folder;
    struct span experiment_folder; /* absolute */
    struct span config;
    struct span experiment_id; /* 32 hex digits: the constant of its results */
    struct span hostname;
    struct span node_ip;
    int64_t pid;
    uint32_t files; /* enum spec_files */
};

struct effect_results {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t first_row; /* 0-based number of the first in the trial's result.json */
    uint32_t count;
    struct span records; /* the packed records; those that are no results are passed over */
    bool final;          /* the last of them is the trial's last: its done is true */
};

struct effect_close {
    uint32_t experiment;
    uint32_t trial;
};

struct effect_principal {
    uint32_t principal;
    struct span key; /* 32 bytes */
    uint32_t role;
    bool revoked;
    struct span name;
};

struct effect_token {
    struct span id;
    uint32_t role;
    uint32_t uses_left;
    uint64_t expires_ms;
    bool revoked;
};

/* Each that is kept is told once, and once that it is not any more. */
struct effect_checkpoint {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;     /* that took it */
    uint64_t number;      /* of its mark there */
    struct span manifest; /* its hash */
    uint64_t bytes;
    int64_t iteration;
    bool kept;
    bool broken; /* not kept because a node could not use it: its bytes are not to be trusted */
};

/* The trial is from now on where the donor was at donor_iteration, with another configuration. The
 * donor may be the trial itself. */
struct effect_exploit {
    uint32_t experiment;
    uint32_t trial;
    uint32_t donor;
    int64_t iteration; /* of its own last result; 0: it had none */
    int64_t donor_iteration;
    struct span tag; /* both without what is behind them since somebody took over */
    struct span donor_tag;
    struct span donor_config; /* packed; what the new one was made of */
    struct span config;       /* packed */
    uint32_t files;           /* enum spec_files; 0: nobody wants to read of it */
};

struct effect {
    enum effect_type type;
    union {
        struct effect_reply reply;
        struct effect_launch launch;
        struct effect_verdict verdict;
        struct effect_release release;
        struct effect_experiment experiment;
        struct effect_trial trial;
        struct effect_node node;
        struct effect_attempt attempt;
        struct effect_results results;
        struct effect_close close;
        struct effect_principal principal;
        struct effect_token token;
        struct effect_checkpoint checkpoint;
        struct effect_exploit exploit;
    };
};

/* A growing list, owned by a turn. */
struct effects {
    struct effect *items; /* owned */
    size_t count;
    size_t capacity;
    struct arena *arena; /* borrowed: the turn's */
};

void effects_init(struct effects *effects, struct arena *arena);
void effects_fini(struct effects *effects);
void effects_reset(struct effects *effects);

/* A new zeroed one at the end. Valid until the next call. */
struct effect *effects_add(struct effects *effects, enum effect_type type);

const struct schema *effect_schema(uint32_t type);

/* A line of text, for traces. */
void effect_print(const struct effect *effect, struct buf *out);

#endif
