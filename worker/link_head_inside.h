/* link_head_inside.h - for the two files of link_head.h alone.
 *
 * link_head.c: the connection, and what is said on it. link_head_answer.c: what the head's answers
 * to that mean. */
#ifndef WORKER_LINK_HEAD_INSIDE_H
#define WORKER_LINK_HEAD_INSIDE_H

#include "proto/link_watch.h"
#include "worker/link_head.h"

#define AGAIN_MS     1000u /* after a connection that came to nothing */
#define EXIT_DENIED  4
#define EXIT_REFUSED 6

struct link_head {
    void *context;                   /* borrowed */
    const struct settings *settings; /* borrowed */
    struct msg_register registers;
    char node_ip[ADDRESS_HOST];
    enum head_state state;
    void *socket;
    struct monitor *monitor;
    struct link_watch watch;
    uint64_t begun_ms;                  /* when the socket began to connect */
    struct address address;             /* of the head */
    struct address workers;             /* its worker plane */
    uint64_t epoch;                     /* the highest seen */
    char checkpoints[LIMIT_PATH_BYTES]; /* the head's folder of them; "": not said */
    uint32_t node;
    uint64_t opened;
    uint64_t requests; /* ids given so far */
    uint64_t readied;  /* that of the last READY */
    uint64_t asked;    /* the id of the question that is open */
    uint64_t ask_ms;   /* when to ask again */
    uint64_t beat_ms;
    uint64_t beat_every_ms;
    uint64_t heard_ms;
    uint64_t turned_ms;
    bool full;
    bool away_said;
    bool has_token;
    bool join_refused; /* once; an answer to an earlier JOIN may have been lost */
    struct token token;
    bool has_message;
    struct link_message message;
    struct arena arena;
    struct buf frame;
    int failed;
    struct trouble trouble; /* set where failed is not 0 */
};

/* link_head.c */
void link_head_fail(struct link_head *link, int status, const char *what, const char *why,
                    const char *mend);
/* Begin anew with HELLO, after a while. */
void link_head_go_away(struct link_head *link, uint64_t now_ms, uint64_t wait_ms);
void link_head_connect(struct link_head *link, const struct address *address, size_t answer_bytes,
                       enum head_state state, uint64_t now_ms);
/* Ask the question of the state. */
void link_head_ask(struct link_head *link, uint64_t now_ms);

/* link_head_answer.c: whether the message is the link's own affair; then it was seen to. */
bool link_head_take(struct link_head *link, const struct message *message, uint64_t now_ms);

#endif
