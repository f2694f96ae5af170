/* head.h - a head around the real core, as head/turn.c, journal.c, replay.c and fleet.c make one.
 *
 * Events are judged in the open turn. A turn closes when no commit is in flight; its effects happen
 * once its entry is committed, and from memory that is the turn's alone. A killed head keeps what
 * was committed and nothing else; the entry in flight may or may not have reached the disk. The
 * next one reads an image, if there is one, and replays the rest of the journal, which must decide
 * the same, effect for effect. */
#ifndef SIM_HEAD_H
#define SIM_HEAD_H

#include "head/core/core.h"
#include "tests/sim/letter.h"
#include "tests/sim/world.h"

struct head *head_new(struct world *world);
void head_free(struct head *head);

void head_start(struct world *world);
bool head_is_up(const struct head *head);
void head_kill(struct world *world);
/* It stands still: what comes waits, and it does nothing that was due. */
void head_pause(struct world *world, uint64_t while_us);

/* A message of a host arrives. */
void head_letter(struct world *world, struct letter *letter);

/* A person's or a joining key's request arrives; the answer goes to people_answer under origin,
 * which is below 2^63. What event points to is borrowed for the call. */
void head_request(struct world *world, struct event *event, uint64_t origin);

/* The connection of a host is gone, as far as anybody sees. */
void head_disconnected(struct world *world, uint32_t host);
/* It is connected, and not heard of. */
void head_unheard(struct world *world, uint32_t host);
/* Its key may talk no more. */
void head_revoked(struct world *world, uint32_t host);

void head_jump_clock(struct head *head, int64_t by_ms);
/* The next commit takes so long. */
void head_slow_commit(struct head *head, uint64_t us);

/* At the end of all: the whole journal decides the same once more. */
void head_final(struct world *world);

#endif
