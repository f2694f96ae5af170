/* action.h - what an attempt may do next: the head's answer to its results, as head and executor
 * speak of it. Numbers stand on the wire. */
#ifndef COMMON_ACTION_H
#define COMMON_ACTION_H

enum action {
    ACTION_CONTINUE = 0,
    ACTION_SAVE = 1,
    ACTION_PAUSE = 2,
    ACTION_STOP = 3,
    ACTION_EXPLOIT = 4,
    ACTION_FENCED = 5, /* an old attempt, or none of ours: kill it, drop its spool */
    ACTION_RESEND = 6  /* records are missing: send from acked_seq + 1 */
};

#endif
