/* msg_worker.h - for msg.h: what a head and its workers say to each other, and a worker and its
 * executors. */
#ifndef PROTO_MSG_WORKER_H
#define PROTO_MSG_WORKER_H

#include "common/counters.h"
#include "common/resource.h"
#include "common/schema.h"
#include "common/stop.h"

struct msg_register {
    struct span version;
    struct span name;
    struct span hostname;
    struct span node_ip;
    int64_t pid;
    uint64_t incarnation;
    struct resources capacity;
    uint32_t gpus;
    bool shares_results;
};

struct msg_registered {
    uint32_t node;
    uint64_t epoch;
    uint32_t heartbeat_ms;
    struct span checkpoints; /* the head's folder of them, for a worker that shares it */
};

struct msg_held {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t last_seq;
    struct record_list gpus; /* struct msg_gpu, in an executor's READY: what its processes have */
};

struct msg_ready {
    uint32_t credit;
    struct record_list held; /* struct msg_held */
};

struct msg_heartbeat {
    bool committing; /* head: its log takes entries */
};

struct msg_unknown {
    uint64_t epoch;
};

struct msg_env {
    struct span name;
    struct span value;
};

/* Sent once a session, before the first LAUNCH of its trials. */
struct msg_experiment {
    uint32_t experiment;
    struct span name;
    uint32_t run_kind; /* enum run_kind */
    struct span run;
    struct span run_name;
    uint32_t start;     /* enum start_kind */
    struct span code;   /* hash of the code blob, or empty */
    struct span folder; /* the experiment's results on the head; for a worker that shares them */
    struct span horizon_attribute; /* empty: none */
    struct record_list stop;       /* struct stop_rule */
    struct record_list env;        /* struct msg_env */
    uint32_t checkpoint_freq;
    bool checkpoint_at_end;
    uint64_t time_limit_ms;     /* of an attempt; 0: none */
    uint64_t report_timeout_ms; /* between two of its reports; 0: none */
    struct span interpreter;    /* of Python; empty: the node's own */
    bool reuse;                 /* processes whose trials ended well are handed others */
};

struct msg_gpu {
    uint32_t device;
};

struct msg_lease {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    struct span trial_id;
    struct span trial_name;
    struct span folder; /* name of the trial's folder */
    struct span config; /* packed map */
    struct resources resources;
    struct record_list gpus; /* struct msg_gpu */
    double horizon;
    uint64_t seed;
    bool again;
    struct span checkpoint;   /* to go on from: hash of its manifest; empty: from scratch */
    struct counters counters; /* that it carries */
};

struct msg_launch {
    uint64_t epoch;
    struct record_list leases; /* struct msg_lease */
};

struct msg_batch {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t first_seq;
    uint32_t count;
    struct span records;
};

struct msg_reports {
    struct record_list batches; /* struct msg_batch */
};

struct msg_verdict {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t acked_seq;
    uint32_t action; /* enum action of action.h */
    double horizon;
    struct span config;     /* EXPLOIT */
    struct span checkpoint; /* EXPLOIT */
};

struct msg_verdicts {
    uint64_t epoch;
    struct record_list verdicts; /* struct msg_verdict */
};

struct msg_release {
    uint32_t experiment;
};

enum output_stream { OUTPUT_STDOUT = 0, OUTPUT_STDERR = 1 };

struct msg_output {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint32_t stream; /* enum output_stream */
    uint64_t offset; /* of the first byte in the attempt's output */
    struct span bytes;
};

/* hashes: of a checkpoint's blobs, behind one another. */
struct msg_store_ask {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t number; /* of the checkpoint's mark */
    struct span hashes;
};

struct msg_store_state {
    struct span missing; /* of the hashes that were asked for */
};

struct msg_store_put {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t number;
    struct span hash;
    uint64_t offset;
    uint64_t total;
    struct span bytes;
    bool placed; /* it is in the head's folder, all of it; bytes is empty */
};

struct msg_leaving {
    struct span reason;
};

/* Said once a session, and when it changes. */
struct msg_disk {
    bool full;
};

struct msg_vacated {
    struct record_list attempts; /* struct msg_held */
};

#endif
