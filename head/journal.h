/* journal.h - the log in Redis: one append a turn, and nothing happens before it is there.
 *
 * Entries have ids `<epoch>-<n>` that the head gives. Redis takes only ids that rise, so one
 * command is commit, lock and fence: a head that another has taken over from is refused, and an
 * append whose answer was lost is found by its id. One append is in flight at a time; the caller's
 * group commit does the rest. Nothing here waits, but journal_open. All times are clock_ms of the
 * caller.
 *
 * The caller polls journal_fd, calls journal_poll when it is ready and at journal_deadline_ms, and
 * in every turn of its loop while a commit is in flight. */
#ifndef HEAD_JOURNAL_H
#define HEAD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/redis/address.h"
#include "common/redis/keys.h"
#include "common/span.h"
#include "common/trouble.h"

struct journal;

struct journal_config {
    const struct store_address *address; /* copied */
    const char *name;                    /* of the cluster; copied */
    const char *who;                     /* for people who read the log: "host pid 12"; copied */
    uint32_t replicas; /* that must have an entry before it counts as committed; 0 or 1 */
    uint64_t epoch;    /* to take, of a log that was read up to the one before it; 0: the next */
    bool beats;        /* a standby may watch: while nothing is committed, say that we live */
};

enum journal_state {
    JOURNAL_IDLE,     /* nothing is in flight */
    JOURNAL_PENDING,  /* not yet */
    JOURNAL_COMMITTED /* told once: the entry is as safe as that Redis makes it */
};

/* Connect, find the top of the log and take the next epoch with an entry of its own, `<epoch>-0`.
 * Waits, up to until_ms. ERR_FENCED: another head took that epoch at the same moment;
 * ERR_AMNESIA: the log whose next epoch was wanted is gone; ERR_CLOSED, ERR_DENIED, ERR_TIMEOUT;
 * ERR_MALFORMED: what stands there is no log. */
int journal_open(const struct journal_config *config, uint64_t until_ms, struct journal **out,
                 struct trouble *trouble);
void journal_free(struct journal *journal);

uint64_t journal_epoch(const struct journal *journal);

/* The last entry that is known to be in the log; at first the one that took the epoch. */
struct log_id journal_committed(const struct journal *journal);

/* Begin to append one entry; nothing may be in flight. bytes are borrowed until journal_poll
 * answers JOURNAL_COMMITTED or fails. */
void journal_append(struct journal *journal, struct span bytes, uint64_t now_ms);

/* Go on with what there is to do. An enum journal_state, or a failure that ends this head:
 * ERR_FENCED: another head leads; ERR_AMNESIA: the log is gone, or has lost entries that were
 * acknowledged. Redis being away, full or busy is no failure: it is asked again. */
int journal_poll(struct journal *journal, uint64_t now_ms);

/* What to poll for; -1 while there is no connection. It changes when the connection does. */
int journal_fd(const struct journal *journal);
bool journal_wants_write(const struct journal *journal);

/* When journal_poll is to be called at the latest, or DEADLINE_NEVER. */
uint64_t journal_deadline_ms(const struct journal *journal);

bool journal_is_connected(const struct journal *journal);

/* An append has been without an answer for 2 s: this head is alive, but commits nothing. With beats
 * also: whether it still leads was not known for LIMIT_LEAD_MS. */
bool journal_is_stalled(const struct journal *journal, uint64_t now_ms);

/* Until when this head may take itself for the one that leads: no standby takes over before. With
 * beats it is LIMIT_LEAD_MS after a question that Redis answered well, else DEADLINE_NEVER. */
uint64_t journal_leads_until_ms(const struct journal *journal);

/* This process did not run for a while before now_ms, and another head may lead by now: ask at
 * once. No-op without beats. */
void journal_doubt(struct journal *journal, uint64_t now_ms);

/* Doubted, and not answered yet; false while Redis is away or refuses, which is another matter. */
bool journal_is_doubted(const struct journal *journal);

/* Why appends do not get through at the moment, for people; "" while they do. After a failure of
 * journal_poll: what was found. */
const char *journal_why(const struct journal *journal);

#endif
