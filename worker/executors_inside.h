/* executors_inside.h - for the files of executors.h alone.
 *
 * executors.c: the registry and the loop. executor_talk.c: what is said, both ways.
 * executor_process.c: found, started, gone. executor_code.c: the code tree. */
#ifndef WORKER_EXECUTORS_INSIDE_H
#define WORKER_EXECUTORS_INSIDE_H

#include "common/arena.h"
#include "common/table.h"
#include "worker/executors.h"

#define RECONNECT_MS 100u
#define REMOVERS     8u

/* Something that epoll watches. */
struct source {
    int fd; /* owned; -1: none */
    struct executor *executor;
    void (*ready)(struct executor *executor);
};

enum executor_code {
    CODE_UNKNOWN, /* EXPERIMENT was not said */
    CODE_FETCHING,
    CODE_UNPACKING,
    CODE_WAITING, /* for a while, after a failure */
    CODE_READY    /* in place, or none is needed */
};

struct executor {
    struct executors *all;
    struct executor *next;
    uint32_t number;
    char dir[LIMIT_PATH_BYTES];
    char socket_path[LIMIT_PATH_BYTES];
    struct buf experiment; /* the frame; empty: not said in this daemon's life */
    bool told;             /* in this session */

    enum executor_code code;
    uint8_t hash[LIMIT_HASH_BYTES];
    bool has_code;
    uint32_t code_failures;
    uint64_t code_at_ms;    /* WAITING: until then */
    struct source unpacker; /* a helper's end */
    pid_t unpacker_pid;

    struct source starter; /* the end of the process that starts it */
    pid_t starter_pid;
    struct source process; /* pidfd of the executor itself */
    pid_t pid;
    struct local local;
    struct source talk;     /* local's descriptor; not owned */
    uint32_t watched;       /* events of talk that epoll waits for */
    bool greeted;           /* READY was heard on this connection */
    bool lost;              /* what was said to this process before it may not have come there */
    bool introduced;        /* EXPERIMENT was said to this process */
    uint64_t connect_at_ms; /* it hung up: try again then; 0: no */
    uint64_t started_ms;
    uint64_t start_at_ms; /* not before */
    uint32_t deaths;      /* in a row, soon after the start */
    struct buf outbox;    /* frames behind their length */

    bool wanted;   /* start it, also while nothing waits for it */
    bool stopping; /* this node leaves: it was told to end */
    bool leaving;  /* this process was told RELEASE */
    bool released;
    bool dead;          /* to be freed at the end of the turn */
    struct arena arena; /* of need's names */
    struct resources need;
    bool has_need;
    struct executor_relay output;
    struct executor_relay store;
};

struct executors {
    struct executors_parts parts;
    char exec_dir[LIMIT_PATH_BYTES];
    char runtime_dir[128]; /* for sockets whose path would be too long */
    int processes;         /* epoll: pidfds, and ends of helpers */
    int frames;            /* epoll: talks */
    struct executor *first;
    struct table *by_number;
    struct executor *stalled; /* its frame could not be taken */
    struct buf stalled_frame;
    const char *checkpoints;  /* the head's folder, for those that start; NULL: not seen here */
    uint64_t now_ms;          /* of the turn */
    pid_t removers[REMOVERS]; /* helpers that nobody waits for; 0: none */
    bool bury;                /* some are dead */
};

/* executors.c */
struct executor *executor_new(struct executors *executors, uint32_t number);
void source_watch(struct executor *executor, struct source *source, int fd);
void source_close(struct executor *executor, struct source *source);
/* Say RELEASE to the process that there is. */
void executor_dismiss(struct executor *executor);
void executor_refuse(struct executor *executor, const char *why);

/* executor_talk.c */
/* Watch what the socket needs; 0 where there is none. */
void talk_watch(struct executor *executor);
/* Say what waits, as far as it may be said now. */
void executor_flush(struct executor *executor);
/* Take in what it said, to the end; for one whose process is gone. */
void executor_drain(struct executor *executor);

/* executor_process.c */
int executor_paths(struct executor *executor);
void executor_find_process(struct executor *executor);
void executor_start(struct executor *executor);
void executor_connect(struct executor *executor);
void executor_lose_talk(struct executor *executor);
void executor_starter_ready(struct executor *executor);
void executor_process_ready(struct executor *executor);
/* After it was released and went: what the daemon put into its folder goes as well. */
void executor_files_remove(struct executor *executor);
void need_load(struct executor *executor);

/* executor_code.c */
void code_begin(struct executor *executor, const struct msg_experiment *experiment);
void code_come(struct executor *executor, bool missing);
/* Its folder was emptied: the tree is put there again. */
void code_again(struct executor *executor);
void code_turn(struct executor *executor);
void code_unpacker_ready(struct executor *executor);

#endif
