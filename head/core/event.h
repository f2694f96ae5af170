/* event.h - what can happen: the only input of the core.
 *
 * An event is a checked struct. Its tables (event.c) write it into the log, read it back and print
 * it for traces. All spans are borrowed until core_step returns; effects that hand them on keep
 * borrowing from the same memory, which is the turn's. Fields that are not in the tables (origin,
 * by_hand) are not logged: they find the way back of a reply, or are for whoever has no log.
 *
 * A node's number is the number of its principal: who sends as principal 7 is node 7. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdint.h>

#include "common/resource.h"
#include "common/schema.h"

/* Numbers stand in logs: never reused. */
enum event_type {
    EVENT_SUBMIT = 1,
    EVENT_STOP = 2,
    EVENT_REMOVE = 3,
    EVENT_NODE_BACK = 4,
    EVENT_NODE_LOST = 5,
    EVENT_DRAIN = 6,
    EVENT_REPORT = 7,
    EVENT_PRINCIPAL_ADD = 8,
    EVENT_TOKEN_CREATE = 9,
    EVENT_TOKEN_REVOKE = 10,
    EVENT_JOIN = 11,
    EVENT_TICK = 12,
    EVENT_PAUSE = 13,
    EVENT_RESUME = 14,
    EVENT_EXTEND = 15,
    EVENT_RECALL = 16,
    EVENT_NODE_DISK = 20,
    EVENT_SUGGEST = 21
};

#define NUMBER_NONE UINT32_MAX /* no experiment, trial or node has this number */

enum role { ROLE_NONE, ROLE_WORKER, ROLE_SUBMIT, ROLE_READ, ROLE_ADMIN, ROLE_COUNT };

/* A client hands in an experiment. The same submission id with the same spec is answered the same
 * again; with another spec it is a conflict. */
struct event_submit {
    struct span submission; /* 16 bytes, made by the client */
    uint32_t principal;
    struct span spec; /* packed map, as spec_parse takes it */
    struct span code; /* hash of the code blob, 32 bytes, or empty */
    bool by_hand;     /* its trials are taken by hand (hand.h): num_samples may be 0; not logged */
};

/* A person stops a trial or, with trial NUMBER_NONE, a whole experiment. */
struct event_stop {
    uint32_t experiment;
    uint32_t trial;
    uint32_t principal;
};

/* A person has a trial or, with trial NUMBER_NONE, a whole experiment wait with its checkpoints and
 * without resources, or lets it go on (EVENT_RESUME). */
struct event_pause {
    uint32_t experiment;
    uint32_t trial;
    uint32_t principal;
};

/* A person wants more of an experiment: more samples; and, where it has ended, other stop rules,
 * with which the trials that were ended by a rule go on from their checkpoints. total: how many
 * trials it was to have when the person looked, so that the same order twice is done once. */
struct event_extend {
    uint32_t experiment;
    uint32_t principal;
    uint32_t samples; /* more; 0: none */
    uint32_t total;
    struct span stop; /* packed map as in a spec, set beside its rules; empty: none */
};

/* Somebody proposes a configuration for an experiment whose searcher waits for such. The same
 * number as that of the experiment's last one: it is that one, whose answer was not heard. */
struct event_suggest {
    uint32_t experiment;
    uint32_t principal;
    uint64_t number;    /* drawn by the client; not 0 */
    struct span config; /* packed map: all of a configuration, or a part of it */
};

/* The row of an ended trial that is to go on (core_recall): the core has kept little of it. An
 * empty name: it cannot be read, and the trial stays as it ended. */
struct event_recall {
    uint32_t experiment;
    uint32_t trial;
    struct span name;
    struct span tag;
    struct span folder;
    struct span config; /* packed */
    struct span last;   /* last result, packed as result.h; empty: none */
    uint64_t results;   /* rows in result.json */
    int64_t status;
    bool has_best;
    double best;
    int64_t best_at;
};

/* An ended experiment is forgotten. */
struct event_remove {
    uint32_t experiment;
    uint32_t principal;
};

/* An attempt that a node still has: running, waiting to start, or ended and not acknowledged. */
struct held_attempt {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t last_seq; /* highest it has written to its spool; 0: not started */
};

/* A worker has registered and is ready; says what it has and what it holds. The same principal
 * always gets the same node number. */
struct event_node_back {
    uint32_t principal;
    struct span name;
    struct span hostname;
    struct span node_ip;
    uint64_t incarnation; /* one a life of the worker daemon, rising */
    struct resources capacity;
    uint32_t gpus;           /* devices */
    uint32_t credit;         /* leases it will hold at once, queued ones included */
    bool shares_results;     /* its trials work in the head's result folders */
    struct record_list held; /* struct held_attempt */
};

/* Silent for longer than the lost timer, or gone by its own word. */
struct event_node_lost {
    uint32_t node;
    struct span reason;
};

struct event_drain {
    uint32_t node;
    bool on;
};

/* A node's disk has become full, or has room again: while full it gets nothing new. */
struct event_node_disk {
    uint32_t node;
    bool full;
};

/* Records of an attempt, in order, as the executor wrote them (record.h). */
struct event_report {
    uint32_t node;
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    uint64_t first_seq;
    uint32_t count;
    struct span records; /* count packed records behind one another, checked */
};

/* A known key keeps its number and gets the new role and name; ROLE_NONE revokes it. A worker's
 * that is none any more loses its node at once, an admin's the tokens that it made and nobody used
 * up. */
struct event_principal_add {
    struct span key; /* 32 bytes */
    uint32_t role;   /* enum role */
    struct span name;
};

struct event_token_create {
    struct span id;          /* 8 bytes */
    struct span secret_hash; /* 32 bytes */
    uint32_t role;
    uint32_t uses;
    uint64_t expires_ms; /* unix */
    uint32_t principal;  /* who made it */
};

/* It lets nobody in any more, and the principals that it let in are revoked. */
struct event_token_revoke {
    struct span id;
};

/* Using up a token and adding the principal are this one event, so two racers cannot both win. */
struct event_join {
    struct span token;       /* 8 bytes */
    struct span secret_hash; /* 32 bytes, of the secret that was shown */
    struct span key;         /* 32 bytes, proven by the handshake */
    struct span name;
};

struct event_tick {
    uint32_t nothing;
};

struct event {
    enum event_type type;
    uint64_t now_ms; /* unix time of the turn; the same for all events of an entry, never falls */
    uint64_t origin; /* whom to answer: the front's handle of a request, 0: nobody */
    union {
        struct event_submit submit;
        struct event_stop stop;
        struct event_remove remove;
        struct event_node_back node_back;
        struct event_node_lost node_lost;
        struct event_drain drain;
        struct event_report report;
        struct event_principal_add principal_add;
        struct event_token_create token_create;
        struct event_token_revoke token_revoke;
        struct event_join join;
        struct event_tick tick;
        struct event_node_disk node_disk;
        struct event_pause pause; /* RESUME as well */
        struct event_extend extend;
        struct event_recall recall;
        struct event_suggest suggest;
    };
};

/* The table of a type; NULL for a number that is none. */
const struct schema *event_schema(uint32_t type);

/* [type, fields...] as one msgpack list of two. */
void event_pack(const struct event *event, struct buf *out);

/* Reads what event_pack wrote; now_ms and origin are left alone. 0, ERR_MALFORMED, ERR_TOO_BIG. */
int event_unpack(struct cursor *cursor, struct arena *arena, struct event *out);

/* A line of text and back, for traces: "submit principal=1 spec={...}". */
void event_print(const struct event *event, struct buf *out);
int event_parse(const char *line, struct arena *arena, struct event *out,
                struct schema_error *error);

#endif
