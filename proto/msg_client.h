/* msg_client.h - for msg.h: what people's programs ask a head, and its answers. */
#ifndef PROTO_MSG_CLIENT_H
#define PROTO_MSG_CLIENT_H

#include "common/resource.h"
#include "common/schema.h"

struct msg_submit {
    struct span submission; /* 16 bytes */
    struct span spec;       /* packed map */
    struct span code;       /* hash or empty; the blob must be there */
};

struct msg_submitted {
    uint32_t experiment;
    struct span name;
};

#define MSG_ALL UINT32_MAX /* trial: the whole experiment */

struct msg_stop {
    uint32_t experiment;
    uint32_t trial; /* or MSG_ALL */
};

struct msg_pause {
    uint32_t experiment;
    uint32_t trial; /* or MSG_ALL */
};

struct msg_resume {
    uint32_t experiment;
    uint32_t trial; /* or MSG_ALL */
};

struct msg_extend {
    uint32_t experiment;
    uint32_t samples; /* more; 0: none */
    uint32_t total;   /* trials that it was to have when its owner looked */
    struct span stop; /* packed map of stop rules; empty: none */
};

struct msg_remove {
    uint32_t experiment;
};

struct msg_list {
    uint32_t limit;
};

struct msg_experiment_row {
    uint32_t experiment;
    struct span name;
    struct span state; /* "RUNNING", "PAUSED", "TERMINATED", "ERROR" (ended with failed trials) */
    struct span owner; /* the principal's name */
    uint64_t submitted_ms;
    uint64_t ended_ms;
    uint32_t total;
    uint32_t created;
    uint32_t pending;
    uint32_t running;
    uint32_t paused;
    uint32_t terminated;
    uint32_t error;
    uint64_t results;
    struct span folder;
    struct span metric; /* that `best` uses; empty: none known */
    uint32_t mode;      /* enum metric_mode */
    struct span why;    /* it was ended for this; empty: it was not */
};

struct msg_experiments {
    struct record_list rows; /* struct msg_experiment_row */
};

struct msg_trial_row {
    uint32_t experiment;
    uint32_t trial;
    struct span id;
    struct span name;
    struct span tag;
    struct span state; /* Tune's word */
    uint32_t attempt;
    uint32_t failures;
    struct span node; /* its name; empty: none yet */
    struct span hostname;
    int64_t pid;
    uint64_t started_ms;
    uint64_t ended_ms;
    uint64_t results;
    struct span reason; /* why the last attempt ended; empty: none did */
    int64_t status;
    struct span text; /* the same in words, with the end of stderr */
    bool has_best;
    double best;
    int64_t best_at;
    struct span folder;  /* absolute */
    struct span config;  /* packed */
    struct span last;    /* last result, as result_dict writes it: a packed map; empty: none */
    struct span summary; /* resources, as Tune prints them */
    uint64_t version;    /* rises with every change in the experiment */
};

/* The rows that changed after a version, the oldest change first; waits up to wait_ms for one. */
struct msg_trials {
    uint32_t experiment;
    uint64_t after_version; /* 0: all */
    uint32_t limit;
    uint32_t wait_ms;
    struct span state; /* only this label; empty: all */
};

struct msg_trial_rows {
    struct record_list rows; /* struct msg_trial_row, oldest change first; for BEST best first */
    uint64_t version;        /* nothing up to here is missing */
    bool more;               /* ask again with after_version = version */
    bool ended;              /* the experiment has ended */
};

/* Tune's status block, cut as the reference's 8.2 says. */
struct msg_status {
    uint32_t experiment;
    bool whole; /* nothing is cut (up to LIMIT_ROWS_REPLY rows) */
};

struct msg_status_group {
    struct span state;
    uint32_t count;
    uint32_t shown_first;    /* how many of rows stand before "... not shown" */
    struct record_list rows; /* struct msg_trial_row without config */
};

struct msg_usage {
    struct span name; /* "CPUs", "GPUs", or a custom resource's */
    double used;
    double total;
};

struct msg_status_reply {
    struct msg_experiment_row experiment;
    struct span scheduler;    /* its lines */
    struct record_list usage; /* struct msg_usage */
    uint64_t memory_used;     /* bytes, of the head's machine */
    uint64_t memory_total;
    uint32_t nodes; /* that are up */
    bool committing;
    struct record_list groups; /* struct msg_status_group in order of first appearance */
    struct span hostname;      /* the head's */
};

struct msg_show {
    uint32_t experiment;
    uint32_t trial; /* or MSG_ALL */
};

/* An attempt of a trial that has ended. */
struct msg_attempt_row {
    uint32_t attempt;
    struct span node;       /* its name; empty: never known, or no longer */
    bool restored;          /* false: it began fresh; true: from a checkpoint, ... */
    int64_t from_iteration; /* ... of this training_iteration */
    uint64_t ran_ms;        /* 0: its program never began */
    uint64_t ended_ms;      /* unix; 0: not known */
    struct span reason;     /* as msg_trial_row has it */
    int64_t status;         /* exit status, or the signal's number */
    uint64_t results;       /* taken of it */
};

struct msg_show_reply {
    struct msg_experiment_row experiment;
    struct span spec;            /* packed */
    struct record_list trials;   /* struct msg_trial_row: the one asked for */
    struct record_list attempts; /* struct msg_attempt_row: its last LIMIT_PAST that ended, the
                                  * oldest first; from a head before this field: none */
};

/* Lines of result.json. With a trial: the trial's own file, cursor counts its bytes. With MSG_ALL:
 * the experiment's feed in the order of commits, cursor counts rows. Waits up to wait_ms for more.
 */
struct msg_results {
    uint32_t experiment;
    uint32_t trial;
    uint64_t cursor;
    uint32_t limit_bytes;
    uint32_t wait_ms;
};

struct msg_lines {
    struct span lines; /* whole lines */
    uint64_t cursor;   /* to go on from */
    bool ended;        /* and no more will come */
};

struct msg_logs {
    uint32_t experiment;
    uint32_t trial;
    uint32_t stream;
    uint64_t offset;
    uint32_t limit_bytes;
    uint32_t wait_ms;
};

struct msg_log_chunk {
    struct span bytes;
    uint64_t offset; /* of the next byte */
    bool ended;
};

struct msg_best {
    uint32_t experiment;
    uint32_t count;
};

struct msg_nodes {
    bool verbose;
};

struct msg_node_row {
    uint32_t node;
    struct span name;
    struct span hostname;
    struct span node_ip;
    struct span state; /* "UP", "SUSPECT", "LOST", "DRAINING" */
    struct resources capacity;
    struct resources used;
    uint32_t gpus;
    uint32_t running;
    uint32_t ahead;
    uint64_t heard_ms_ago;
};

struct msg_node_rows {
    struct record_list rows; /* struct msg_node_row */
};

struct msg_explain {
    uint32_t experiment;
    uint32_t trial;
};

struct msg_text {
    struct span text;
};

struct msg_token_create {
    uint32_t role;
    uint32_t uses;
    uint64_t expires_s; /* from now */
};

struct msg_token {
    struct span token; /* the text to hand over */
    uint64_t expires_ms;
};

struct msg_token_list {
    uint32_t limit;
};

struct msg_token_row {
    struct span id; /* hex */
    struct span role;
    uint32_t uses_left;
    uint64_t expires_ms;
    bool revoked;
};

struct msg_token_rows {
    struct record_list rows; /* struct msg_token_row */
};

struct msg_token_revoke {
    struct span id; /* hex */
};

struct msg_drain {
    uint32_t node;
    bool on;
};

/* A configuration to try, in an experiment whose trials are suggested to it. The same number again
 * is answered the same again, until the next one. */
struct msg_suggest {
    uint32_t experiment;
    uint64_t number;    /* drawn by the client; not 0 */
    struct span config; /* packed map; what it leaves out is drawn */
};

struct msg_suggested {
    uint32_t trial;
};

/* How many suggestions it could use; waits up to wait_ms until it could use any. */
struct msg_want {
    uint32_t experiment;
    uint32_t wait_ms;
};

struct msg_wanted {
    uint32_t count;
    bool over; /* it has ended */
};

/* What the head finds when it looks at itself. */
struct msg_doctor {
    struct span version; /* of who asks */
};

enum finding_grade { FINDING_OK, FINDING_WARNING, FINDING_ERROR };

struct msg_finding {
    struct span subject;
    uint32_t grade; /* enum finding_grade */
    struct span text;
    struct span mend; /* what to do; empty where all is well */
};

struct msg_findings {
    struct span version;     /* the head's */
    struct span name;        /* of the cluster */
    uint64_t epoch;          /* it leads in */
    uint64_t unix_ms;        /* its clock, as it answered */
    struct record_list rows; /* struct msg_finding */
};

#endif
