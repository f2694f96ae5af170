/* process.h - children of the tool: the private daemons, and the callback. */
#ifndef CLIENT_PROCESS_H
#define CLIENT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/arena.h"

struct process {
    pid_t pid; /* 0: none */
    int pidfd; /* readable once it has ended */
};

struct process_start {
    char *const *argv;
    const char *folder; /* to work in; NULL: ours */
    int in;             /* its standard input; -1: nothing to read */
    int out;            /* its standard output and error; -1: ours */
    int keep;           /* a descriptor that stays open in it, under its own number; -1: none */
    bool mortal;        /* SIGTERM when we die */
};

/* Start one, in a process group of its own: Ctrl-C is ours to pass on. 0 or ERR_* with errno. */
int process_start(const struct process_start *start, struct process *out);

/* The exit status, 128 + the signal that ended it, or -1 while it runs (wait: until it does not).
 */
int process_reap(struct process *process, bool wait);

/* A signal to it and its group; nothing where it is gone. */
void process_signal(const struct process *process, int number);

/* The path of another of our programs: beside this one, else as the search path finds it. */
const char *process_program(const char *name, struct arena *arena);

#endif
