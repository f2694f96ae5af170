/* trial_state.h - the life of one trial, as a table.
 *
 *   PENDING -> STARTING -> RUNNING -> DONE
 *      ^          ^        |  |  \
 *      |          |        |  |   `-> STOPPING -> STOPPED
 *      +------- PAUSED <- PAUSING
 *      `---- retry after a crash or a lost node; FAILED when no retry is left
 *
 * For people the states have Tune's names: STARTING, PAUSING and STOPPING are RUNNING; DONE and
 * STOPPED are TERMINATED; FAILED is ERROR. */
#ifndef CORE_TRIAL_STATE_H
#define CORE_TRIAL_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum trial_state {
    TRIAL_NONE,
    TRIAL_PENDING,
    TRIAL_STARTING,
    TRIAL_RUNNING,
    TRIAL_PAUSING,
    TRIAL_PAUSED,
    TRIAL_STOPPING,
    TRIAL_DONE,
    TRIAL_STOPPED,
    TRIAL_FAILED,
    TRIAL_STATE_COUNT
};

enum trial_input {
    TRIAL_PLACE,     /* ours: a node was chosen */
    TRIAL_UNPLACE,   /* the lease was never begun and its node is gone or full */
    TRIAL_STARTED,   /* worker: the process runs */
    TRIAL_PAUSE,     /* ours: scheduler or person want its slot */
    TRIAL_SUSPENDED, /* worker: checkpoint saved, process gone */
    TRIAL_RESUME,    /* ours: it waits for a slot again */
    TRIAL_STOP,      /* ours: scheduler or user */
    TRIAL_EXITED,    /* worker: the process ended well */
    TRIAL_RETRY,     /* crash or lost node, and a retry is left */
    TRIAL_GIVE_UP,   /* crash, and none is left */
    TRIAL_INPUT_COUNT
};

/* The state that input leads to, or TRIAL_NONE where the table has no such move. A report from a
 * worker may cross our own order on the wire, so a missing move is not an error here: callers drop
 * late reports, and assert on orders of their own. */
enum trial_state trial_next(enum trial_state state, enum trial_input input);

bool trial_is_final(enum trial_state state);

/* Whether it has a lease. */
bool trial_is_live(enum trial_state state);

/* "pending", for traces. */
const char *trial_state_name(enum trial_state state);

/* "PENDING", "RUNNING", "PAUSED", "TERMINATED", "ERROR": Tune's. */
const char *trial_state_label(enum trial_state state);

#endif
