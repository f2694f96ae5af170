#include "head/core/trial_state.h"

#include <assert.h>
#include <stddef.h>

/* One move a line, and no move that is not here. */
static const struct {
    enum trial_state from;
    enum trial_input input;
    enum trial_state to;
} moves[] = {
    {TRIAL_PENDING, TRIAL_PLACE, TRIAL_STARTING},
    {TRIAL_PENDING, TRIAL_STOP, TRIAL_STOPPED},
    {TRIAL_PENDING, TRIAL_GIVE_UP, TRIAL_FAILED},
    {TRIAL_PENDING, TRIAL_PAUSE, TRIAL_PAUSED},

    {TRIAL_STARTING, TRIAL_STARTED, TRIAL_RUNNING},
    {TRIAL_STARTING, TRIAL_UNPLACE, TRIAL_PENDING},
    {TRIAL_STARTING, TRIAL_PAUSE, TRIAL_PAUSING},
    {TRIAL_STARTING, TRIAL_STOP, TRIAL_STOPPING},
    {TRIAL_STARTING, TRIAL_EXITED, TRIAL_DONE},
    {TRIAL_STARTING, TRIAL_RETRY, TRIAL_PENDING},
    {TRIAL_STARTING, TRIAL_GIVE_UP, TRIAL_FAILED},

    {TRIAL_RUNNING, TRIAL_PAUSE, TRIAL_PAUSING},
    {TRIAL_RUNNING, TRIAL_STOP, TRIAL_STOPPING},
    {TRIAL_RUNNING, TRIAL_EXITED, TRIAL_DONE},
    {TRIAL_RUNNING, TRIAL_RETRY, TRIAL_PENDING},
    {TRIAL_RUNNING, TRIAL_GIVE_UP, TRIAL_FAILED},

    {TRIAL_PAUSING, TRIAL_SUSPENDED, TRIAL_PAUSED},
    {TRIAL_PAUSING, TRIAL_STOP, TRIAL_STOPPING},
    {TRIAL_PAUSING, TRIAL_EXITED, TRIAL_DONE},
    {TRIAL_PAUSING, TRIAL_RETRY, TRIAL_PENDING},
    {TRIAL_PAUSING, TRIAL_GIVE_UP, TRIAL_FAILED},

    {TRIAL_PAUSED, TRIAL_PLACE, TRIAL_STARTING},
    {TRIAL_PAUSED, TRIAL_RESUME, TRIAL_PENDING},
    {TRIAL_PAUSED, TRIAL_STOP, TRIAL_STOPPED},

    /* However a stopping trial ends, it was stopped. */
    {TRIAL_STOPPING, TRIAL_UNPLACE, TRIAL_STOPPED},
    {TRIAL_STOPPING, TRIAL_SUSPENDED, TRIAL_STOPPED},
    {TRIAL_STOPPING, TRIAL_EXITED, TRIAL_STOPPED},
    {TRIAL_STOPPING, TRIAL_RETRY, TRIAL_STOPPED},
    {TRIAL_STOPPING, TRIAL_GIVE_UP, TRIAL_STOPPED},
};

enum trial_state trial_next(enum trial_state state, enum trial_input input)
{
    assert(state > TRIAL_NONE && state < TRIAL_STATE_COUNT);
    assert(input < TRIAL_INPUT_COUNT);

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
        if (moves[i].from == state && moves[i].input == input)
            return moves[i].to;
    return TRIAL_NONE;
}

bool trial_is_final(enum trial_state state)
{
    return state == TRIAL_DONE || state == TRIAL_STOPPED || state == TRIAL_FAILED;
}

bool trial_is_live(enum trial_state state)
{
    return state == TRIAL_STARTING || state == TRIAL_RUNNING || state == TRIAL_PAUSING ||
           state == TRIAL_STOPPING;
}

const char *trial_state_name(enum trial_state state)
{
    static const char *const names[TRIAL_STATE_COUNT] = {
        [TRIAL_NONE] = "none",         [TRIAL_PENDING] = "pending", [TRIAL_STARTING] = "starting",
        [TRIAL_RUNNING] = "running",   [TRIAL_PAUSING] = "pausing", [TRIAL_PAUSED] = "paused",
        [TRIAL_STOPPING] = "stopping", [TRIAL_DONE] = "done",       [TRIAL_STOPPED] = "stopped",
        [TRIAL_FAILED] = "failed",
    };

    assert(state < TRIAL_STATE_COUNT);
    return names[state];
}

const char *trial_state_label(enum trial_state state)
{
    static const char *const labels[TRIAL_STATE_COUNT] = {
        [TRIAL_NONE] = "NONE",        [TRIAL_PENDING] = "PENDING", [TRIAL_STARTING] = "RUNNING",
        [TRIAL_RUNNING] = "RUNNING",  [TRIAL_PAUSING] = "RUNNING", [TRIAL_PAUSED] = "PAUSED",
        [TRIAL_STOPPING] = "RUNNING", [TRIAL_DONE] = "TERMINATED", [TRIAL_STOPPED] = "TERMINATED",
        [TRIAL_FAILED] = "ERROR",
    };

    assert(state < TRIAL_STATE_COUNT);
    return labels[state];
}
