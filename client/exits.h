/* exits.h - what the tool's exit statuses mean. 128+n is "ended by signal n". */
#ifndef CLIENT_EXITS_H
#define CLIENT_EXITS_H

enum exit_status {
    EXIT_DONE = 0,
    EXIT_TRIALS_FAILED = 1, /* also: a trial's program failed */
    EXIT_TO_MEND = 1,       /* of doctor: something is */
    EXIT_USAGE = 2,         /* wrong usage, or a bad file */
    EXIT_NO_HEAD = 3,
    EXIT_DENIED = 4,
    EXIT_TIMED_OUT = 5,
    EXIT_REFUSED = 6, /* by the head: limits, conflict, no such thing */
    EXIT_STOP = 10,   /* of `report`: the trial is to end now */
    EXIT_OURS = 70    /* our own fault, or this machine's */
};

#endif
