/* sig.h - signals as something to poll. */
#ifndef SYS_SIG_H
#define SYS_SIG_H

/* Block the listed signals (ended by 0) in this thread and those it starts, and return a
 * descriptor that becomes readable when one comes, or ERR_*. Call before any thread is started. */
int sig_open(const int *signals);

/* The next signal's number, or 0. */
int sig_next(int fd);

/* In a child before exec: nothing blocked, everything default. */
void sig_reset(void);

#endif
