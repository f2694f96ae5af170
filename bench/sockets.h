/* sockets.h - bare encrypted sockets, with the options that Assay's have and nothing around them.
 */
#ifndef BENCH_SOCKETS_H
#define BENCH_SOCKETS_H

#define SOCKETS_KEY_BYTES 41u /* a CURVE key as text */

/* Where to connect to, and who has to be there. A plain value, for pipes and arguments. */
struct peer {
    char endpoint[64];
    char key[SOCKETS_KEY_BYTES];
};

/* A ROUTER on a free port of 127.0.0.1 with a key of its own; *peer says how to get there. */
void *socket_router(void *context, struct peer *peer);

/* A DEALER with a fresh key, on its way there. */
void *socket_dealer(void *context, const struct peer *peer);

#endif
