/* callback.h - on_result: one process beside the client, which reads every result as a line of JSON
 * from its standard input, in order. Its own output goes where ours goes. */
#ifndef CLIENT_CALLBACK_H
#define CLIENT_CALLBACK_H

#include <stdbool.h>

#include "client/process.h"
#include "common/buf.h"

struct callback {
    struct process process;
    int fd;             /* to write to; -1: closed */
    struct buf pending; /* lines on their way */
};

/* A command for sh, run in folder. 0, or an exit status and it was said why. */
int callback_start(const char *command, const char *folder, struct callback *out);

void callback_add(struct callback *callback, struct span lines);

/* Write what goes without waiting. False where it reads no more: its input is closed then. */
bool callback_write(struct callback *callback);

/* No line follows: close its input. Its process.pidfd tells when it has ended. */
void callback_close(struct callback *callback);

/* Close its input and wait for its end. Its exit status. */
int callback_finish(struct callback *callback);

/* At once. */
void callback_kill(struct callback *callback);

#endif
