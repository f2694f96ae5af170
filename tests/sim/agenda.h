/* agenda.h - what happens when, in virtual time: a binary heap.
 *
 * Two that happen in the same microsecond come in an order that the seed draws. */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

/* subject and number are what the caller of agenda_add gave; subject is borrowed. */
typedef void happening_fn(struct world *world, void *subject, uint64_t number);

struct happening {
    uint64_t at_us;
    uint64_t tie;
    happening_fn *run;
    void *subject;
    uint64_t number;
};

struct agenda {
    struct happening *items; /* owned */
    size_t count;
    size_t capacity;
};

void agenda_fini(struct agenda *agenda);
void agenda_add(struct agenda *agenda, const struct happening *happening);

/* Take the next one; false where there is none. */
bool agenda_next(struct agenda *agenda, struct happening *out);

#endif
