#include "proto/link_watch.h"

/* A head that is just being stopped also ends handshakes; once is no proof of a stranger. */
#define FAILURES_OF_A_STRANGER 2u

#define SURE_FAILURES 3u
#define FAILURE_MS    1000u /* for each of them, at most */

void link_watch_init(struct link_watch *watch)
{
    *watch = (struct link_watch){.state = LINK_TRYING};
}

static void failed(struct link_watch *watch, const struct monitor_event *event)
{
    watch->failures++;
    if (event->final) {
        watch->state = LINK_STRANGER;
        watch->dead = true;
    } else if (watch->failures >= FAILURES_OF_A_STRANGER) {
        watch->state = LINK_STRANGER;
    }
}

bool link_watch_is_stranger(const struct link_watch *watch, uint64_t age_ms)
{
    return watch->dead ||
           (watch->failures >= SURE_FAILURES && age_ms < (uint64_t)watch->failures * FAILURE_MS);
}

void link_watch_event(struct link_watch *watch, const struct monitor_event *event)
{
    switch (event->kind) {
    case MONITOR_READY:
        watch->state = LINK_UP;
        watch->failures = 0;
        break;
    case MONITOR_REFUSED:
        watch->state = LINK_REFUSED;
        watch->dead = true;
        break;
    case MONITOR_FAILED:
        failed(watch, event);
        break;
    case MONITOR_GONE:
        if (watch->state == LINK_UP)
            watch->state = LINK_LOST;
        break;
    case MONITOR_RETRY:
        /* Also follows each connection that ended: only one that never got to a handshake tells. */
        if (!watch->connected) {
            watch->failures = 0;
            watch->state = LINK_NO_HEAD;
        }
        watch->connected = false;
        break;
    case MONITOR_CONNECTED:
        watch->connected = true;
        break;
    case MONITOR_ACCEPTED:
        break;
    }
}

bool link_watch_update(struct link_watch *watch, struct monitor *monitor)
{
    enum link_state before = watch->state;
    struct monitor_event event;

    while (monitor_next(monitor, &event))
        link_watch_event(watch, &event);
    return watch->state != before;
}
