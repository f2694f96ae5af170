/* msg.h - everything that is said on the wire, one plain struct a message.
 *
 * A message is one frame: the msgpack list [protocol, type, request id, fields...]. The fields of a
 * type are a table in messages.c; packing, unpacking, limits and printing follow the table. A reply
 * carries the request id of its request; 0 is "nobody asked". Spans are borrowed from the frame.
 *
 * A worker and its executors speak the same messages over a unix socket (local.h).
 *
 * Planes: JOIN (the head's address; any key), CLIENT and WORKER (only keys that the head knows;
 * their ports come with WELCOME). Who may send what is roles.c. */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include "common/resource.h"
#include "common/schema.h"
#include "common/stop.h"

/* Raised when a message changes so that an older peer would misread it. */
#define PROTOCOL_VERSION 1u

/* Numbers stand on the wire: never reused. */
enum msg_type {
    /* any plane, head to peer */
    MSG_OK = 1,
    MSG_ERROR = 2,
    /* join plane */
    MSG_HELLO = 10,
    MSG_WELCOME = 11,
    MSG_JOIN = 12,
    MSG_JOINED = 13,
    /* worker plane */
    MSG_REGISTER = 20,   /* worker: what I am */
    MSG_REGISTERED = 21, /* head: your number */
    MSG_READY = 22,      /* worker: what I hold; give me work */
    MSG_HEARTBEAT = 23,  /* both ways, from the main loops */
    MSG_UNKNOWN = 24,    /* head: I do not know this connection; register */
    MSG_EXPERIMENT = 25, /* head: what the trials of an experiment share */
    MSG_LAUNCH = 26,     /* head: start these attempts, or keep them until there is room */
    MSG_REPORTS = 27,    /* worker: records of attempts */
    MSG_VERDICTS = 28,   /* head: what is acknowledged, and what attempts may do */
    MSG_RELEASE = 29,    /* head: an experiment has ended; its executor may go */
    MSG_OUTPUT = 30,     /* worker: bytes of a trial's stdout or stderr; answered by OK */
    MSG_LEAVING = 31,    /* worker: I end by my own will */
    MSG_VACATED = 32,    /* executor to its worker: these attempts' processes are gone */
    /* worker and client plane */
    MSG_BLOB_GET = 40,
    MSG_BLOB_CHUNK = 41,
    MSG_BLOB_PUT = 42, /* client: a chunk; answered by BLOB_STATE */
    MSG_BLOB_ASK = 43, /* how much of a blob is there; answered by BLOB_STATE */
    MSG_BLOB_STATE = 44,
    /* client plane */
    MSG_SUBMIT = 50,
    MSG_SUBMITTED = 51,
    MSG_STOP = 52,
    MSG_REMOVE = 53,
    MSG_LIST = 54,
    MSG_EXPERIMENTS = 55,
    MSG_STATUS = 56,
    MSG_STATUS_REPLY = 57,
    MSG_TRIALS = 58,
    MSG_TRIAL_ROWS = 59,
    MSG_SHOW = 60,
    MSG_SHOW_REPLY = 61,
    MSG_RESULTS = 62,
    MSG_LINES = 63,
    MSG_LOGS = 64,
    MSG_LOG_CHUNK = 65,
    MSG_BEST = 66, /* answered by TRIAL_ROWS */
    MSG_NODES = 67,
    MSG_NODE_ROWS = 68,
    MSG_EXPLAIN = 69,
    MSG_TEXT = 70,
    MSG_TOKEN_CREATE = 71,
    MSG_TOKEN = 72,
    MSG_TOKEN_LIST = 73,
    MSG_TOKEN_ROWS = 74,
    MSG_TOKEN_REVOKE = 75,
    MSG_DRAIN = 76
};

enum error_code {
    ERROR_NOT_FOUND = 1,
    ERROR_CONFLICT = 2,
    ERROR_INVALID = 3,
    ERROR_LIMIT = 4,
    ERROR_DENIED = 5,
    ERROR_BUSY = 6,
    ERROR_VERSION = 7,
    ERROR_MALFORMED = 8,
    ERROR_UNAVAILABLE = 9 /* the head cannot commit now: Redis is away; ask again */
};

struct msg_ok {
    uint64_t value; /* what it means stands at the request */
};

/* WHAT, WHY and MEND of the line that people see. */
struct msg_error {
    uint32_t code; /* enum error_code */
    struct span what;
    struct span why;
    struct span mend;
};

struct msg_hello {
    struct span version; /* of the program, for people */
};

struct msg_welcome {
    struct span name; /* of the cluster */
    struct span version;
    uint32_t client_port;
    uint32_t worker_port;
    uint32_t role; /* what this key may be: enum role of event.h, 0: unknown, JOIN first */
};

struct msg_join {
    struct span token;  /* 8 bytes */
    struct span secret; /* 20 bytes */
    struct span name;
};

struct msg_joined {
    uint32_t role;
    uint32_t principal;
};

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
};

struct msg_held {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t last_seq;
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

struct msg_leaving {
    struct span reason;
};

struct msg_vacated {
    struct record_list attempts; /* struct msg_held */
};

struct msg_blob_get {
    struct span hash; /* BLAKE2b, 32 bytes */
    uint64_t offset;
    uint32_t size;
};

struct msg_blob_chunk {
    struct span hash;
    uint64_t offset;
    uint64_t total;
    struct span bytes;
};

struct msg_blob_put {
    struct span hash;
    uint64_t offset;
    uint64_t total;
    struct span bytes;
};

struct msg_blob_ask {
    struct span hash;
};

struct msg_blob_state {
    struct span hash;
    uint64_t have; /* bytes from the start that are there; with complete: all, verified */
    bool complete;
};

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

struct msg_remove {
    uint32_t experiment;
};

struct msg_list {
    uint32_t limit;
};

struct msg_count {
    uint32_t count;
};

struct msg_experiment_row {
    uint32_t experiment;
    struct span name;
    struct span state; /* "RUNNING", "TERMINATED", "ERROR" (ended with failed trials) */
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

struct msg_show_reply {
    struct msg_experiment_row experiment;
    struct span spec;          /* packed */
    struct record_list trials; /* struct msg_trial_row: the one asked for */
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

/* Any of them, as it comes off a socket. */
struct message {
    enum msg_type type;
    uint64_t request;
    void *body; /* the struct of the type; in the arena it was unpacked into */
};

/* The table of a type; NULL for a number that is none. */
const struct schema *message_schema(uint32_t type);

/* Tables of records that are only part of messages, for readers of schema.json. */
extern const struct schema msg_trial_row_schema;
extern const struct schema msg_experiment_row_schema;
extern const struct schema msg_node_row_schema;

/* One frame into out (which is reset first). body is the type's struct. */
void message_pack(enum msg_type type, uint64_t request, const void *body, struct buf *out);

/* A frame from a peer: scanned for every limit, then unpacked. Returns 0; ERR_VERSION where the
 * protocol is another (out->request is set); ERR_MALFORMED or ERR_TOO_BIG, *error filled, with
 * out->request set if it could be read. */
int message_unpack(struct span frame, struct arena *arena, struct message *out,
                   struct schema_error *error);

/* The type and request id of a frame, before anything of it is unpacked: to look up whether its
 * sender may say this at all. False where it does not begin as a message. */
bool message_peek(struct span frame, uint32_t *type, uint64_t *request);

/* A line for logs and tests. */
void message_print(const struct message *message, struct buf *out);

/* All tables as one JSON document: schema.json. */
void message_describe(struct buf *out);

#endif
