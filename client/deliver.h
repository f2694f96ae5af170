/* deliver.h - an experiment handed in: its code tree first, in pieces that go on where an earlier
 * try ended, then the experiment itself, under an id that makes a second try the same one. */
#ifndef CLIENT_DELIVER_H
#define CLIENT_DELIVER_H

#include "client/connection.h"
#include "client/draft.h"

struct delivered {
    uint32_t experiment;
    const char *name; /* in the arena */
};

/* base: where the draft's paths start. shared: trials run on this machine. 0, or an exit status and
 * it was said why. */
int deliver(struct connection *connection, struct draft *draft, const char *base, bool shared,
            struct arena *arena, struct delivered *out);

#endif
