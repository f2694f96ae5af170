/* letter.h - what hosts and head say to one another, and the connections between them.
 *
 * A connection keeps the order in each direction. When it is reset, all that is under way in it is
 * lost; a letter is delivered only in the connection that it was sent in. Letters live in the
 * world's arena. */
#ifndef SIM_LETTER_H
#define SIM_LETTER_H

#include "head/core/effect.h"
#include "tests/sim/world.h"

enum letter_type {
    LETTER_REGISTER,
    LETTER_READY,
    LETTER_REPORTS,
    LETTER_BEAT,
    LETTER_REGISTERED, /* node NUMBER_NONE: say READY; else it is known */
    LETTER_UNKNOWN,
    LETTER_ORDERS
};

struct letter {
    enum letter_type type;
    uint32_t host;
    uint32_t connection;
    uint32_t node;
    uint32_t ready_number;        /* READY: which one; REGISTERED with a node: the answer to it */
    struct event_node_back ready; /* READY */
    struct event_report report;   /* REPORTS */
    struct effect_verdict *verdicts;
    struct effect_launch *launches;
    uint32_t verdict_count;
    uint32_t launch_count;
    struct letter *next; /* where it waits */
};

struct letter *letter_new(struct world *world, enum letter_type type, uint32_t host);

/* Send in the host's connection as it is now; nothing comes of it where there is none. */
void letter_to_head(struct world *world, struct letter *letter);
void letter_to_host(struct world *world, struct letter *letter);

#endif
