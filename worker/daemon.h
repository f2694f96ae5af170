/* daemon.h - the worker: one loop that stands between a head, the node's leases and its executors.
 *
 * Messages of the head become events of the agent (worker/agent), its effects become orders to
 * executors; what executors report goes to the head as it is. While there is no session with the
 * head nothing is passed on: executors keep it and say it again when one is open. */
#ifndef WORKER_DAEMON_H
#define WORKER_DAEMON_H

#include "common/table.h"
#include "worker/agent/agent.h"
#include "worker/blob_cache.h"
#include "worker/ends.h"
#include "worker/executors.h"
#include "worker/link_head.h"
#include "worker/settings.h"

/* For the files of this folder; main.c calls daemon_run alone. */
struct daemon {
    const struct settings *settings; /* borrowed */
    char bin_dir[LIMIT_PATH_BYTES];
    char hostname[LIMIT_NAME_BYTES];
    int lock; /* on the data folder */
    int signals;
    void *context;
    struct link_head *link;
    struct agent *agent;
    struct executors *executors;
    struct blob_cache *blobs;
    struct ends *ends;
    uint64_t now_ms;
    uint64_t opened;     /* link_head_opened, when it was looked at last */
    uint64_t collect_ms; /* since when the head waits for READY; 0: it does not */
    uint64_t disk_ms;    /* when the disk was looked at last */
    bool disk_full;      /* then */
    bool disk_said;      /* in this session */
    bool shares;         /* settings->checkpoints is the head's folder */
    bool shared_said;    /* that it is not, in this session */
    uint64_t shared_ms;  /* when to look at it again, while it is not */
    uint64_t idle_ms;    /* when executors without work were looked for last */
    uint64_t outputs;    /* requests for output so far */
    uint64_t stores;     /* and about checkpoints */
    uint64_t epoch;      /* the highest of an order */
    uint64_t relayed;    /* frames of reports that went to the head */
    uint64_t discarded;  /* that came while there was no session */
    int ready_fd;
    const char *refused_why; /* while the agent handles a REFUSE; else NULL */
    struct arena arena;      /* of the message of an executor at hand */
    struct buf frame;        /* being packed */
    struct buf verdicts_frame;
    struct msg_verdict *verdicts; /* gathered for one executor */
    uint32_t verdict_count;
    uint32_t verdict_room;
    int stopping; /* the signal; 0: none */
    bool killing;
    uint64_t stop_ms; /* when patience ends */
};

/* Until told to end. The exit status. */
int daemon_run(const struct settings *settings);

/* In ids of our requests to the head; blob_cache.h has its own. */
#define REQUEST_OUTPUT (UINT64_C(1) << 61)
#define REQUEST_STORE  (UINT64_C(1) << 60)

/* act_head.c: a message of the head in an open session. */
void act_head(struct daemon *daemon, const struct message *message, struct span frame);

/* act_store.c: a request of an executor's about checkpoints; say it again; its answer: false where
 * the message is none. */
void act_store(struct daemon *daemon, struct executor *executor, const struct message *message);
void act_store_send(struct daemon *daemon, struct executor_relay *store);
bool act_store_answered(struct daemon *daemon, const struct message *message);

/* act.c: one step of the agent, and what follows from it. True: the event is a verdict that its
 * executor is to hear. */
bool act_step(struct daemon *daemon, const struct agent_event *event);
/* The calls of executors.h. */
bool act_frame(void *context, struct executor *executor, struct span frame);
void act_gone(void *context, struct executor *executor);
void act_left(void *context, struct executor *executor);
void act_refused(void *context, struct executor *executor, const char *why);
/* Say READY. */
void act_ready(struct daemon *daemon);
/* A session is open: what was not acknowledged is said again. */
void act_open(struct daemon *daemon);
/* What time brings: output, blobs, ends, executors without work. */
void act_turn(struct daemon *daemon);
uint64_t act_next_ms(const struct daemon *daemon);

/* dump.c: all state as text, to the log. */
void dump_state(const struct daemon *daemon);

#endif
