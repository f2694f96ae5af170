/* What the head's loop waits for. */
#include <poll.h>

#include "common/limits.h"
#include "common/sys/clock.h"
#include "head/shell.h"

enum {
    WAIT_SIGNAL,
    WAIT_TURNS,
    WAIT_JOURNAL,
    WAIT_AUDIT,
    WAIT_BLOBS,
    WAIT_CHECKPOINTS,
    WAIT_IMAGER,
    WAIT_MONITORS,
    WAIT_PLANES = WAIT_MONITORS + PLANES,
    WAIT_COUNT = WAIT_PLANES + PLANES
};

/* When to look again though nothing has come. */
static uint64_t wake_ms(const struct head *head)
{
    const uint64_t deadlines[] = {journal_deadline_ms(head->journal),
                                  front_deadline_ms(head->front)};
    uint64_t until = head->tended_ms + SHELL_TICK_MS;

    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++)
        if (deadlines[i] < until)
            until = deadlines[i];
    return until;
}

/* The descriptor that says when something has come for a socket of libzmq's. */
static int socket_fd(void *socket)
{
    int fd = -1;
    size_t size = sizeof(fd);

    return zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

/* libzmq tells of what has come only who has found nothing before. */
void shell_wait_begin(struct head *head)
{
    head->refusals_fd = socket_fd(zap_audit_socket(head->zap));
    planes_refusals(head);
    for (int i = 0; i < PLANES; i++) {
        head->planes[i].fd = socket_fd(head->planes[i].socket);
        head->planes[i].monitor_fd = socket_fd(monitor_socket(head->planes[i].monitor));
        plane_events(head, (enum link_plane)i);
    }
}

static void wait_on(struct pollfd *item, int fd)
{
    *item = (struct pollfd){.fd = fd, .events = POLLIN}; /* one below 0 is passed over */
}

static void fill(const struct head *head, struct pollfd items[WAIT_COUNT])
{
    wait_on(&items[WAIT_SIGNAL], head->signals);
    wait_on(&items[WAIT_TURNS], turns_fd(head->turns));
    wait_on(&items[WAIT_JOURNAL], journal_fd(head->journal));
    wait_on(&items[WAIT_AUDIT], head->refusals_fd);
    wait_on(&items[WAIT_BLOBS], blobs_fd(head->blobs));
    wait_on(&items[WAIT_CHECKPOINTS], blobs_fd(checkpoint_store_blobs(head->checkpoints)));
    wait_on(&items[WAIT_IMAGER], imager_fd(head->imager));
    if (journal_wants_write(head->journal))
        items[WAIT_JOURNAL].events |= POLLOUT;
    for (int i = 0; i < PLANES; i++)
        wait_on(&items[WAIT_MONITORS + i], head->planes[i].monitor_fd);
}

/* Whether a plane that may be read has something. The others are not waited for: what they have
 * will be seen when they are read. */
static bool fill_planes(struct head *head, struct pollfd items[PLANES])
{
    bool any = false;

    for (int i = 0; i < PLANES; i++) {
        bool ready = plane_ready(head, (enum link_plane)i);

        wait_on(&items[i], ready ? head->planes[i].fd : -1);
        if (ready)
            any |= plane_has(head, (enum link_plane)i);
        else
            head->planes[i].waiting = true;
    }
    return any;
}

void shell_wait(struct head *head, uint64_t now_ms)
{
    struct pollfd items[WAIT_COUNT];
    uint64_t until = wake_ms(head);
    bool has;

    fill(head, items);
    has = fill_planes(head, &items[WAIT_PLANES]);
    if (poll(items, WAIT_COUNT, has || until <= now_ms ? 0 : (int)(until - now_ms)) <= 0)
        return;
    if (items[WAIT_SIGNAL].revents != 0)
        shell_signals(head);
    if (items[WAIT_TURNS].revents != 0)
        turns_awake(head->turns);
    if (items[WAIT_AUDIT].revents != 0)
        planes_refusals(head);
    if (items[WAIT_IMAGER].revents != 0)
        imager_poll(head->imager);
    for (int i = 0; i < PLANES; i++) {
        if (items[WAIT_MONITORS + i].revents != 0)
            plane_events(head, (enum link_plane)i);
        if (items[WAIT_PLANES + i].revents != 0)
            head->planes[i].waiting = true;
    }
}
