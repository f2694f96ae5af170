/* linux/tcp.h has tcpi_bytes_received, which glibc's netinet/tcp.h lacks; the two cannot stand in
 * one file. */
#include "proto/peerwatch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/limits.h"
#include "common/xalloc.h"

/* What a message costs on the wire at least, besides its bytes: ZMTP's header, CURVE's command
 * name, nonce, authenticator and flags. */
#define OVERHEAD_BYTES 35u

/* Heartbeats, theirs and answers to ours, are never delivered. */
#define HEARTBEAT_BYTES_A_SECOND 256u

/* A look is a system call, and 1,000 of them ten times a second were a tenth of what a head with as
 * many idle workers takes: of many connections a part is looked at in each call, in turn. */
#define CHECKS_A_CALL 256u

struct peer {
    bool watched;
    bool delivered;   /* something, since the last check */
    bool spoke;       /* ever */
    bool was_drained; /* at the last check nothing was left to read */
    struct sockaddr_storage address;
    uint64_t settled;  /* bytes received that are accounted for */
    uint64_t received; /* at the last check */
    uint64_t checked_ms;
};

/* By descriptor. */
struct peerwatch {
    struct peer *peers;
    size_t capacity;
    size_t highest; /* one over the highest descriptor ever added */
    size_t next;    /* where the next check goes on */
    uint64_t allowance;
};

struct peerwatch *peerwatch_new(size_t message_bytes)
{
    struct peerwatch *watch = xcalloc(1, sizeof(*watch));

    watch->allowance = 2 * (uint64_t)message_bytes + (1u << 20);
    return watch;
}

void peerwatch_free(struct peerwatch *watch)
{
    if (watch == NULL)
        return;
    free(watch->peers);
    free(watch);
}

static bool peer_address(int fd, struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);

    memset(address, 0, sizeof(*address));
    return getpeername(fd, (struct sockaddr *)address, &size) == 0;
}

static struct peer *peer_find(struct peerwatch *watch, int fd)
{
    if (fd < 0 || (size_t)fd >= watch->highest || !watch->peers[fd].watched)
        return NULL;
    return &watch->peers[fd];
}

/* Whether fd is still the connection that was added. */
static bool peer_is_same(const struct peer *peer, int fd)
{
    struct sockaddr_storage now;

    return peer_address(fd, &now) && memcmp(&now, &peer->address, sizeof(now)) == 0;
}

void peerwatch_add(struct peerwatch *watch, int fd)
{
    struct sockaddr_storage address;
    size_t at = (size_t)fd;

    if (fd < 0 || !peer_address(fd, &address))
        return; /* gone before we looked */
    if (at >= watch->capacity) {
        size_t capacity = watch->capacity == 0 ? 64 : watch->capacity;

        while (capacity <= at)
            capacity *= 2;
        watch->peers = xrealloc(watch->peers, capacity, sizeof(*watch->peers));
        memset(watch->peers + watch->capacity, 0,
               (capacity - watch->capacity) * sizeof(*watch->peers));
        watch->capacity = capacity;
    }
    watch->peers[at] = (struct peer){.watched = true, .address = address};
    if (at >= watch->highest)
        watch->highest = at + 1;
}

bool peerwatch_remove(struct peerwatch *watch, int fd)
{
    struct peer *peer = peer_find(watch, fd);

    if (peer == NULL)
        return false;
    peer->watched = false;
    return peer->spoke;
}

bool peerwatch_knows(struct peerwatch *watch, int fd)
{
    return peer_find(watch, fd) != NULL;
}

void peerwatch_delivered(struct peerwatch *watch, int fd, size_t size)
{
    struct peer *peer = peer_find(watch, fd);

    if (peer == NULL)
        return;
    peer->settled += size + OVERHEAD_BYTES;
    peer->delivered = true;
    peer->spoke = true;
}

/* How many bytes are in and not accounted for. A message that was delivered since a check after
 * which nothing was left to deliver was finished after that check, and with it all that came
 * before: so small errors of the account do not add up. */
static uint64_t peer_behind(struct peer *peer, uint64_t received, uint64_t now_ms)
{
    if (peer->delivered && peer->was_drained && peer->settled < peer->received)
        peer->settled = peer->received;
    if (peer->checked_ms != 0)
        peer->settled += (now_ms - peer->checked_ms) * HEARTBEAT_BYTES_A_SECOND / 1000;
    if (peer->settled > received)
        peer->settled = received;
    peer->received = received;
    peer->checked_ms = now_ms;
    return received - peer->settled;
}

/* Whether the peer on fd has to go. One that delivers at all is only waiting for its turn. */
static bool peer_check(struct peerwatch *watch, int fd, uint64_t now_ms, bool drained,
                       uint64_t *behind)
{
    struct peer *peer = &watch->peers[fd];
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    bool delivered = peer->delivered;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return false;
    *behind = peer_behind(peer, info.tcpi_bytes_received, now_ms);
    peer->delivered = false;
    peer->was_drained = drained;
    return !delivered && *behind > watch->allowance + (drained ? 0 : LIMIT_PEER_QUEUED) &&
           peer_is_same(peer, fd);
}

size_t peerwatch_check(struct peerwatch *watch, uint64_t now_ms, bool drained,
                       void (*cut)(void *context, int fd, uint64_t behind), void *context)
{
    size_t count = 0;
    size_t looks = watch->highest < CHECKS_A_CALL ? watch->highest : CHECKS_A_CALL;

    for (; looks > 0; looks--) {
        int fd = (int)watch->next;
        uint64_t behind = 0;

        watch->next = (watch->next + 1) % watch->highest;
        if (!watch->peers[fd].watched || !peer_check(watch, fd, now_ms, drained, &behind))
            continue;
        if (cut != NULL)
            cut(context, fd, behind);
        (void)peerwatch_shut(watch, fd);
        count++;
    }
    return count;
}

bool peerwatch_shut(struct peerwatch *watch, int fd)
{
    struct peer *peer = peer_find(watch, fd);

    if (peer == NULL || !peer_is_same(peer, fd))
        return false;
    (void)shutdown(fd, SHUT_RDWR); /* ENOTCONN: it has ended just now, which is what we want */
    return true;
}
