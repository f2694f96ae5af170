/* daemon_link.h - the executor's connection to its worker: what is said, and in what order.
 *
 * One worker at a time; a new connection replaces the old one. On connecting the executor says
 * READY with what it holds, and begins again at the first record that is not acknowledged. Records
 * leave once a turn, those of all attempts in one message; then what VACATED; then bytes of output,
 * one message in flight. */
#ifndef EXECUTOR_DAEMON_LINK_H
#define EXECUTOR_DAEMON_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "proto/local.h"
#include "worker/executor/loop.h"

struct attempt;
struct executor;

/* Attempts waiting for something, each once, in the order they came. */
struct attempt_queue {
    struct attempt *first;
    struct attempt *last;
};

struct daemon_link {
    struct loop_source listening;
    struct loop_source connected;
    struct local local;          /* fd -1: no worker */
    struct attempt_queue unsent; /* with records to send; attempt->next_unsent */
    struct attempt_queue output; /* with output to send; attempt->next_output */
    uint64_t output_key;         /* what the output in flight belongs to */
    uint32_t output_stream;
    size_t output_size;
    uint64_t output_request; /* 0: none is in flight */
    uint64_t store_request;  /* about a checkpoint; 0: none is in flight */
    uint64_t requests;       /* ids given so far */
    bool vacated;            /* some attempt has attempt->vacated to be said */
    struct arena arena;      /* of the message being read or written */
    struct buf frame;
};

/* Listens at path. 0 or ERR_*. */
int daemon_link_open(struct executor *executor, const char *path);
void daemon_link_close(struct executor *executor);

bool daemon_link_is_up(const struct executor *executor);

/* daemon_link_queue.c: there is something to send; does nothing where that is known. */
void daemon_link_wake_records(struct executor *executor, struct attempt *attempt);
void daemon_link_wake_output(struct executor *executor, struct attempt *attempt);

/* The first of a queue, which must not be empty, out of it. */
struct attempt *daemon_link_next_records(struct daemon_link *link);
struct attempt *daemon_link_next_output(struct daemon_link *link);

/* The attempt goes away: out of the queues. */
void daemon_link_forget(struct executor *executor, struct attempt *attempt);

/* Ask something about a checkpoint; transfer_answered gets the answer. Where the worker goes first,
 * nobody answers, and it is asked again. */
void daemon_link_ask(struct executor *executor, enum msg_type type, const void *body);

/* At the end of a turn: send what there is. */
void daemon_link_flush(struct executor *executor);

#endif
