/* people.h - clients: who submits, stops, removes, makes tokens; and keys that join.
 *
 * Every request is sent again until it is answered, with the same ids: a client that did not hear
 * the answer finds out that way. */
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

#include "head/core/core.h"
#include "tests/sim/world.h"

struct people *people_new(struct world *world);
void people_free(struct people *people);
void people_start(struct world *world);

/* A committed answer leaves the head. */
void people_answer(struct world *world, const struct effect_reply *reply);

/* A host's key asks to be let in: host_joined follows. key is borrowed for the seed. */
void people_join(struct world *world, uint32_t host, struct span key);

/* An admin drains a host's node, or changes what its key may do. */
void people_drain(struct world *world, uint32_t host, bool on);
void people_set_role(struct world *world, uint32_t host, enum role role);

/* An experiment's row was committed: somebody may want more of one that has ended. */
void people_look(struct world *world, const struct effect_experiment *row);

#endif
