/* core.h - the whole of the head's judgement, as one function.
 *
 * Time, seeds and everything that happened come in through an event; everything to be done goes out
 * as effects. Same events in, same effects out: that is what tests, replay, the simulator and a
 * standby rely on. Reading order from here: event.h, effect.h, trial_state.h, experiment.h. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdint.h>

#include "common/deadlines.h"
#include "head/core/effect.h"
#include "head/core/event.h"
#include "head/core/tape.h"

/* Which build may replay a tail: raised whenever the same events would be decided otherwise. */
#define CORE_RULES 4u

/* Which build may read an image: raised whenever its fields change. Other rules may read it: what
 * was decided stands in it as state. */
#define CORE_IMAGE 1u

struct core;

struct core *core_new(void);
void core_free(struct core *core);

enum core_answer {
    CORE_REFUSED, /* changed nothing and is not logged; its effects are answers only */
    CORE_ADMITTED
};

/* Judge one event. Borrows event; appends to effects what the caller must do, in order; writes to
 * tape what was decided, or reads it. */
enum core_answer core_step(struct core *core, const struct event *event, struct tape *tape,
                           struct effects *effects);

/* Place what can be placed: pending trials on nodes with room. Called once at the end of a turn,
 * with the turn's time, so that a batch of ends makes one batch of launches. Part of the judgement:
 * it is replayed at the same places. */
void core_place(struct core *core, uint64_t now_ms, struct tape *tape, struct effects *effects);

/* An ended trial that is to go on, of which the core needs the row: EVENT_RECALL brings it. False:
 * none now. One that was told and does not come is told again later. Changes nothing that counts.
 */
bool core_recall(struct core *core, uint32_t *experiment, uint32_t *trial);

/* When to send the next tick (unix ms), or DEADLINE_NEVER. */
uint64_t core_deadline_ms(const struct core *core);

/* Effects that tell everything a reader has to know from nothing: rows of all experiments, nodes,
 * principals and tokens, and of the trials that have not ended. For a head that loaded an image;
 * rows of ended trials are the store's, the core has not kept them. */
void core_describe(const struct core *core, struct effects *effects);

/* The scheduler's lines of the status block; false where there is no such experiment. */
bool core_status_text(const struct core *core, uint32_t experiment, struct buf *out);

/* Why a trial runs where it does, what it waits for, why it was stopped: sentences. */
bool core_explain(const struct core *core, uint32_t experiment, uint32_t trial, struct buf *out);

/* How a trial's attempts ended: the last LIMIT_PAST of them, the oldest first, as struct past
 * (past.h); borrowed until the next step. Empty where none has ended, or where it ended with its
 * only one: its row says all of that. NULL: there is no such trial. */
const struct record_list *core_past(const struct core *core, uint32_t experiment, uint32_t trial);

/* The principal's role, ROLE_NONE for an unknown or revoked one. */
enum role core_role(const struct core *core, uint32_t principal);

/* Whether no token let it in: the head put it there, for a key on its own machine. */
bool core_is_own(const struct core *core, uint32_t principal);

/* The whole state as an image (msgpack, begins with CORE_IMAGE), and back. core_load takes a fresh
 * core; ERR_VERSION, ERR_MALFORMED. step, save, load, step equals step, step. */
void core_save(const struct core *core, struct buf *out);
int core_load(struct core *core, struct span image);

/* A hash of the image: two cores with the same digest are in the same state. */
uint64_t core_digest(const struct core *core);

/* Every invariant over the whole state: NULL, or the first one that does not hold, in words. */
const char *core_check(const struct core *core);

#endif
