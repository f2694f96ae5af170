/* The door is tried before it is used: with a stranger's key, with no encryption, and with a key
 * that is known, on a socket like the head's own. */
#include <errno.h>
#include <stdio.h>
#include <zmq.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "proto/link.h"

#define WAIT_MS        3000u
#define TEST_PRINCIPAL UINT32_MAX /* no one's: the head numbers from 1 and stops long before */

struct door {
    void *context;
    void *socket;
    struct monitor *monitor;
    struct key_pair keys;
    struct address address;
};

static bool door_open(struct door *door, void *context, struct trouble *trouble)
{
    struct span host = span_text("127.0.0.1");

    *door = (struct door){.context = context};
    memcpy(door->address.host, host.data, host.size);
    key_pair_make(&door->keys);
    return link_bind(context, LINK_CLIENT, door->address.host, 0, &door->keys, &door->socket,
                     &door->address.port, &door->monitor, trouble) == 0;
}

static void door_close(struct door *door)
{
    link_close(door->socket, door->monitor);
    key_pair_fini(&door->keys);
}

/* Wait until the door says `wanted` about somebody. ERR_DENIED: it let somebody in instead. */
static int door_wait(struct door *door, enum monitor_kind wanted)
{
    uint64_t end_ms = clock_ms() + WAIT_MS;
    struct monitor_event event;

    for (;;) {
        zmq_pollitem_t item = {.socket = monitor_socket(door->monitor), .events = ZMQ_POLLIN};
        uint64_t now_ms = clock_ms();

        while (monitor_next(door->monitor, &event)) {
            if (event.kind == wanted)
                return 0;
            if (event.kind == MONITOR_READY)
                return ERR_DENIED;
        }
        if (now_ms >= end_ms)
            return ERR_TIMEOUT;
        if (zmq_poll(&item, 1, (long)(end_ms - now_ms)) < 0 && errno != EINTR)
            return ERR_IO;
    }
}

static int try_with_key(struct door *door, const struct key_pair *keys, enum monitor_kind wanted,
                        struct trouble *trouble)
{
    void *socket = NULL;
    int rc = link_connect(door->context, &door->address, door->keys.public_key, keys,
                          LIMIT_MESSAGE_BYTES, &socket, NULL, trouble);

    if (rc == 0)
        rc = door_wait(door, wanted);
    link_close(socket, NULL);
    return rc;
}

static int try_without_encryption(struct door *door)
{
    static const int none = 0;
    void *socket = zmq_socket(door->context, ZMQ_DEALER);
    char where[ADDRESS_TEXT];
    char endpoint[ADDRESS_TEXT + 8];
    int rc = ERR_IO;

    address_text(&door->address, where);
    snprintf(endpoint, sizeof(endpoint), "tcp://%s", where);
    if (socket != NULL && zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
        zmq_connect(socket, endpoint) == 0)
        rc = door_wait(door, MONITOR_FAILED);
    link_close(socket, NULL);
    return rc;
}

static int try_known(struct door *door, struct zap *zap, struct trouble *trouble)
{
    struct key_pair known;
    int rc;

    key_pair_make(&known);
    rc = zap_add(zap, known.public_key, TEST_PRINCIPAL, PRINCIPAL_ADMIN);
    if (rc == 0) {
        rc = try_with_key(door, &known, MONITOR_READY, trouble);
        (void)zap_revoke(zap, known.public_key);
    }
    key_pair_fini(&known);
    return rc;
}

static int report(int rc, const char *who, struct trouble *trouble)
{
    return trouble_set(trouble, rc, NULL, NULL, "%s %s", who,
                       rc == ERR_DENIED ? "was let in: the door does not shut"
                                        : "got no answer at the door");
}

int link_self_test(void *context, struct zap *zap, struct trouble *trouble)
{
    struct key_pair stranger;
    struct zap_audit audit;
    struct door door;
    int rc = ERR_IO;

    key_pair_make(&stranger);
    if (!door_open(&door, context, trouble))
        goto out;
    rc = try_with_key(&door, &stranger, MONITOR_REFUSED, trouble);
    if (rc != 0) {
        rc = report(rc, "a stranger's key", trouble);
        goto out;
    }
    rc = try_without_encryption(&door);
    if (rc != 0) {
        rc = report(rc, "a peer without encryption", trouble);
        goto out;
    }
    rc = try_known(&door, zap, trouble);
    if (rc != 0)
        rc = report(rc, "a known key", trouble);
out:
    door_close(&door);
    key_pair_fini(&stranger);
    while (zap_audit_next(zap, &audit))
        ;
    return rc;
}
