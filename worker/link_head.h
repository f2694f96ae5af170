/* link_head.h - this worker's connection to its head, from the first word to the last.
 *
 *   AWAY -> (FIND ->) HELLO -> (JOIN ->) REGISTER -> COLLECT -> READYING -> OPEN
 *     ^                                       silence, a dead socket          |
 *     `-----------------------------------------------------------------------'
 *
 * FIND, where the head is found by a Redis, asks that who leads now.  * HELLO asks at the head's
 * address where its workers talk to it; a key that the head does not know joins with the token. In
 * COLLECT the head has answered REGISTER and waits for what this node holds: the caller says it by
 * link_head_ready. In OPEN the head knows, and takes reports. UNKNOWN, at any time, leads back to
 * REGISTER. Whatever is lost on the way is said again; what the head answered before a session
 * ended counts, nothing else does.
 *
 * Nothing here waits: poll what link_head_items gives, call link_head_turn, then link_head_next
 * until there is nothing. */
#ifndef WORKER_LINK_HEAD_H
#define WORKER_LINK_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "proto/link.h"
#include "proto/msg.h"
#include "worker/settings.h"

struct link_head;

enum head_state {
    HEAD_AWAY,
    HEAD_FIND,
    HEAD_HELLO,
    HEAD_JOIN,
    HEAD_REGISTER,
    HEAD_COLLECT,
    HEAD_READYING,
    HEAD_OPEN
};

const char *head_state_name(enum head_state state);

/* All borrowed. registers: what REGISTER says; its node_ip is filled in here. */
struct link_head *link_head_new(void *context, const struct settings *settings,
                                const struct msg_register *registers);
/* What was sent last gets half a second to leave. */
void link_head_free(struct link_head *link);

enum head_state link_head_state(const struct link_head *link);
/* How often OPEN was reached. */
uint64_t link_head_opened(const struct link_head *link);
/* The epoch of the head that answered last, and where that keeps checkpoints ("": it has not said).
 */
uint64_t link_head_epoch(const struct link_head *link);
const char *link_head_checkpoints(const struct link_head *link);
/* This node's number, once OPEN was reached. */
uint32_t link_head_node(const struct link_head *link);

/* Something that waiting does not mend: a key or token that is refused, somebody else's head. Then
 * *trouble says it; the exit status, or 0. */
int link_head_failed(const struct link_head *link, const struct trouble **trouble);

#define LINK_HEAD_ITEMS 2

/* What to poll: the number of items filled in. */
int link_head_items(const struct link_head *link, zmq_pollitem_t items[LINK_HEAD_ITEMS]);
/* When link_head_turn has something to do at the latest. */
uint64_t link_head_next_ms(const struct link_head *link);

/* Connect, ask again, beat, notice silence. */
void link_head_turn(struct link_head *link, uint64_t now_ms);

/* The next message that is not the link's own affair; borrowed, with its frame, until the next
 * call. */
bool link_head_next(struct link_head *link, uint64_t now_ms, struct message *message,
                    struct span *frame);

/* In COLLECT: what this node holds, and how many leases it takes. */
void link_head_ready(struct link_head *link, uint64_t now_ms, const struct msg_ready *ready);

/* The head was told what this node holds, or is being told: it is not as it was said, so begin
 * again at REGISTER. */
void link_head_register(struct link_head *link, uint64_t now_ms);

/* Send a frame in a session. ERR_AGAIN: not now, it was not taken (link_head_is_full says whether
 * the poll waits for room); ERR_CLOSED: there is no session that takes it. */
int link_head_send(struct link_head *link, struct span frame);
bool link_head_is_full(const struct link_head *link);

/* Say goodbye, if somebody listens. */
void link_head_leave(struct link_head *link, const char *reason);

#endif
