/* journal_inside.h - for the two files of journal.h alone.
 *
 * journal.c: the connection, what is asked and when. journal_answer.c: what Redis's answers mean.
 */
#ifndef HEAD_JOURNAL_INSIDE_H
#define HEAD_JOURNAL_INSIDE_H

#include "common/redis/store.h"
#include "head/journal.h"

enum phase {
    PHASE_AWAY,      /* no connection: another try at retry_ms */
    PHASE_CHECKING,  /* asked for the top id */
    PHASE_READY,     /* nothing asked */
    PHASE_APPENDING, /* XADD sent */
    PHASE_ASKING,    /* asked whether our id is there, with our bytes */
    PHASE_LOOKING,   /* asked whether anything stands behind what we committed */
    PHASE_BEATING,   /* nothing does: said that we live */
    PHASE_TOUCHING,  /* a write, for PHASE_WAITING to wait for */
    PHASE_WAITING,   /* asked how many replicas have it */
    PHASE_HOLDING    /* refused: another try at retry_ms */
};

struct journal {
    struct store *store; /* owned */
    char name[STORE_NAME_BYTES + 1];
    char key_bytes[STORE_KEY_BYTES];
    struct span key;
    uint32_t replicas;
    bool plain_wait; /* a Redis that knows no WAITAOF */
    bool beats;
    bool doubted;
    bool short_of_replicas; /* what is in flight is in the log, but not yet at all of them */
    uint64_t doubted_ms;    /* only what was said since then tells */
    uint64_t beat;          /* the number of the last one */
    uint64_t said_ms;       /* when that was sent whose answer will tell that we lead */
    uint64_t sure_ms;       /* the last one of those that were answered */
    enum phase phase;
    struct log_id committed;
    bool in_flight;
    bool done;         /* committed, and not told yet */
    struct span bytes; /* borrowed: what is in flight */
    uint64_t since_ms; /* when it was handed in */
    uint64_t asked_ms; /* when Redis was last asked something */
    uint64_t retry_ms;
    uint64_t delay_ms;
    bool stall_told;
    bool trouble_told;
    int failure; /* 0, or what ended this head */
    char why[256];
};

/* journal.c */
struct log_id journal_next_id(const struct journal *journal);
/* Another try a little later; twice as long as the last time. */
void journal_delay(struct journal *journal, uint64_t now_ms);
/* Say what is wrong: once, until it is well again. */
void journal_complain(struct journal *journal, const char *code, struct span why);
void journal_is_well(struct journal *journal);
void journal_lost(struct journal *journal, uint64_t now_ms, const char *why);
/* This head is at its end. */
void journal_fail(struct journal *journal, int err, const char *why);
void journal_send_append(struct journal *journal, uint64_t now_ms);
void journal_send_check(struct journal *journal, uint64_t now_ms);
void journal_send_beat(struct journal *journal, uint64_t now_ms);
void journal_send_wait(struct journal *journal, uint64_t now_ms);
void journal_send_touch(struct journal *journal, uint64_t now_ms);

/* journal_answer.c */
void journal_take_reply(struct journal *journal, uint64_t now_ms, const struct redisReply *reply);

#endif
