/* sig.h - signals as something to poll. */
#ifndef SYS_SIG_H
#define SYS_SIG_H

/* Block the listed signals (ended by 0) in this thread and those it starts, and return a
 * descriptor that becomes readable when one comes, or ERR_*. Call before any thread is started. */
int sig_open(const int *signals);

/* The next signal's number, or 0. */
int sig_next(int fd);

/* Nothing blocked, everything default: in a child before exec, or at a program's start, whatever it
 * has inherited. Async-signal-safe, as the next one is. */
void sig_reset(void);

/* Nothing blocked: enough in a child of a program that began with sig_reset and ignores nothing. */
void sig_unblock(void);

#endif
