/* link_watch.h - how a connection to a head is doing, in the words that people need.
 *
 * Feed it all events of the socket's monitor. REFUSED and STRANGER are final where libzmq gave up:
 * then `dead` is set, and only a new socket tries again. */
#ifndef PROTO_LINK_WATCH_H
#define PROTO_LINK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/monitor.h"

enum link_state {
    LINK_TRYING,   /* nothing is known yet */
    LINK_UP,       /* encrypted and let in */
    LINK_NO_HEAD,  /* nobody listens there, or no such host: exit status 3 */
    LINK_STRANGER, /* somebody listens, who does not hold the head's key: exit status 4 */
    LINK_REFUSED,  /* the head does not know our key, or not in this role: exit status 4 */
    LINK_LOST      /* was up; libzmq connects again by itself */
};

struct link_watch {
    enum link_state state;
    bool dead;
    bool connected;    /* a handshake is under way, or was until the connection ended */
    uint32_t failures; /* handshakes in a row that came to nothing */
};

/* For a fresh socket. */
void link_watch_init(struct link_watch *watch);

/* An event of its monitor. */
void link_watch_event(struct link_watch *watch, const struct monitor_event *event);

/* Whether handshakes end so fast, in age_ms since the first was begun, that somebody else must be
 * there: who does not hold the key ends one at once. A head that stands still, or behind a wire
 * that is cut, is silent for as long as a handshake may take. */
bool link_watch_is_stranger(const struct link_watch *watch, uint64_t age_ms);

/* All events that wait. Returns whether the state changed. */
bool link_watch_update(struct link_watch *watch, struct monitor *monitor);

#endif
