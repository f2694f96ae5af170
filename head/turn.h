/* turn.h - one pass of the head's loop: events in, one append, effects out.
 *
 * A turn owns everything its events and effects point to: the frames they came in, an arena, the
 * entry for the log. It is open (taking events), then committing (its entry is on the way to
 * Redis's disk), then released (its effects are done; the sinks may still read it), then used
 * again. One is open and one commits at a time; there are LIMIT_TURNS in all, and when none is free
 * the head takes nothing from its sockets: that is the whole of its back-pressure. */
#ifndef HEAD_TURN_H
#define HEAD_TURN_H

#include <stdbool.h>
#include <zmq.h>

#include "head/core/core.h"

struct turn;
struct turns;

/* core is borrowed. */
struct turns *turns_new(struct core *core);

/* All turns must be free again: drain the sinks first. */
void turns_free(struct turns *turns);

/* Whether an event can be taken now: a turn is open or free, and not full. */
bool turns_ready(struct turns *turns);

/* Make a frame the open turn's: it is closed when the turn is used again. Returns its bytes. Call
 * turns_ready first. */
struct span turns_frame(struct turns *turns, zmq_msg_t *frame);

/* The open turn's arena, for what events point to. */
struct arena *turns_arena(struct turns *turns);

/* Judge one event in the open turn; its time is set here from now_ms, which never goes back. An
 * event that is admitted is part of the entry. */
enum core_answer turns_step(struct turns *turns, struct event *event, uint64_t now_ms);

/* Close the open turn if it has something: places what can be placed and makes the entry, which
 * *entry then borrows (empty: nothing was admitted, its effects are answers only and wait for the
 * commit before it). NULL where there is nothing to close. */
struct turn *turns_close(struct turns *turns, struct span *entry);

const struct effects *turn_effects(const struct turn *turn);

/* Give a turn back; may be called from the sinks' thread. */
void turn_release(void *turn);

/* How many nobody uses. */
size_t turns_free_count(struct turns *turns);

/* Give back memory that turns have grown to and that was not used for the last 20 calls. */
void turns_trim(struct turns *turns);

/* A descriptor that becomes readable when a turn is given back while none was free; when eager,
 * with every turn: somebody waits for what the sinks write. */
void turns_set_eager(struct turns *turns, bool eager);
int turns_fd(const struct turns *turns);
void turns_awake(struct turns *turns);

/* The time of the last turn, and after a replay that of the last entry. */
void turns_set_time(struct turns *turns, uint64_t now_ms);
uint64_t turns_time(const struct turns *turns);

#endif
