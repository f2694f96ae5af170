/* transfer.h - checkpoints on their way between this node and the head.
 *
 *   save:    PACKING -> ASKING <-> [PLACING ->] PUTTING -> the record CHECKPOINT
 *   restore: GETTING_LIST -> GETTING -> UNPACKING -> the attempt starts
 *
 * A helper packs the folder into a stage of its own, so the trial may go on as soon as it has. Only
 * what the head says it does not have is sent; it is asked once more at the end, and when it has
 * everything the record is made. One request is in flight an executor, whosever it is; who was
 * answered comes last again. Of one attempt two may be saved at once, the older one is sent first;
 * a third takes the place of the second.
 *
 * Where this node sees the head's folder, a helper places there what is missing, and PUTTING only
 * says so; a restore begins with UNPACKING out of that folder. Whatever the head does not find
 * there, or is missing or wrong, is sent, or got, as if there were no such folder. */
#ifndef EXECUTOR_TRANSFER_H
#define EXECUTOR_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/limits.h"
#include "proto/msg.h"

struct attempt;
struct channel;
struct executor;

enum transfer_step {
    TRANSFER_PACKING,
    TRANSFER_ASKING,
    TRANSFER_PLACING,
    TRANSFER_PUTTING,
    TRANSFER_GETTING_LIST,
    TRANSFER_GETTING,
    TRANSFER_UNPACKING
};

struct transfer {
    struct transfer *next; /* executor->transfers, who is to be next first */
    struct attempt *attempt;
    enum transfer_step step;
    uint64_t number; /* save: of the mark */
    bool own;        /* save: the source is ours to remove */
    char *source;    /* save: the folder */
    char *stage;
    char *target; /* restore: the folder; NULL: it was handed over */
    pid_t helper; /* 0: none */
    struct channel *asker;
    uint8_t hash[LIMIT_HASH_BYTES]; /* of the manifest */
    uint64_t bytes;                 /* of all files */
    struct buf manifest;
    struct buf blobs; /* hashes, each once: of the chunks; when saving the manifest's behind them */
    struct buf missing;    /* hashes that the head wants */
    size_t at;             /* bytes of the hashes at hand that are done */
    uint64_t offset;       /* in the blob at hand */
    size_t sent;           /* bytes in flight */
    uint64_t wire_bytes;   /* of blobs that were sent, or have come, so far */
    uint64_t placed_bytes; /* that the head has found in its folder */
    uint32_t lost;         /* blobs that it has not */
    bool shared;           /* save: those at hand are placed; restore: out of the head's folder */
    uint32_t rounds;
};

/* Take a folder as the attempt's checkpoint of this mark. asker is answered when it was packed.
 * Where no helper can be had it fails later, not within this call: its caller is in the middle of
 * what the program said. */
void transfer_save(struct attempt *attempt, uint64_t number, const char *source, bool own,
                   struct channel *asker);

/* Have what the attempt's lease names in the folder target; attempt_restored or
 * attempt_not_restored follows. */
void transfer_restore(struct attempt *attempt, const char *target);

/* Whether a checkpoint of it is still on its way to the head. */
bool transfer_saves(const struct attempt *attempt);

/* The mark of the one that is being sent, or will be first; 0: none. Where there are two the second
 * is given up. */
uint64_t transfer_make_way(struct attempt *attempt);

/* Nothing of this attempt goes on. */
void transfer_drop(struct attempt *attempt);
/* Nobody waits for an answer on this channel any more. */
void transfer_forget_asker(const struct executor *executor, const struct channel *channel);

/* Saves for which no helper could be started come to nothing. */
void transfer_unhelped(struct executor *executor);

/* A child has ended; false: it is no helper. */
bool transfer_reaped(struct executor *executor, pid_t pid, int wait_status);

/* Send the next request, where there is one; the answer to it. */
void transfer_send(struct executor *executor);
void transfer_answered(struct executor *executor, const struct message *message);

/* Folders that nobody needs: removed by a helper. NULL for second where it is one. */
void transfer_remove(struct executor *executor, const char *first, const char *second);

/* transfer_save.c, transfer_restore.c: a step is done; for transfer.c alone. */
void save_packed(struct transfer *transfer, int status);
void save_placed(struct transfer *transfer, int status);
void save_send(struct transfer *transfer);
void save_answered(struct transfer *transfer, const struct message *message);
void restore_unpacked(struct transfer *transfer, int status);
void restore_send(struct transfer *transfer);
void restore_answered(struct transfer *transfer, const struct message *message);

/* transfer.c, for those two. */
struct transfer *transfer_new(struct attempt *attempt, enum transfer_step step);
void transfer_free(struct transfer *transfer);
/* Start its helper; false: there is none. */
bool transfer_help(struct transfer *transfer, const char *const *words);
/* A file of its stage. */
int transfer_stage_write(const struct transfer *transfer, const char *name, struct span bytes);
/* The chunks of its manifest into blobs, each once. */
void transfer_list(struct transfer *transfer);

#endif
