/* enrol.h - how a worker on the head's own machine joins without anybody handing it a token.
 *
 * Who started the head on this machine can read its admin key: with it one token for one worker is
 * asked for. */
#ifndef WORKER_ENROL_H
#define WORKER_ENROL_H

#include "proto/token.h"
#include "worker/settings.h"

/* A token from the head that this user started last. Waits, at most some seconds; done once in a
 * worker's life. 0; ERR_NOT_FOUND, ERR_DENIED, ERR_TIMEOUT, ERR_*, logged. */
int enrol_token(void *context, const struct settings *settings, const struct address *address,
                struct token *token);

#endif
