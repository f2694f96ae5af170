#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/shell.h"
#include "head/wire.h"
#include "proto/roles.h"

/* Of a plane, before the others are looked at. */
#define READ_AT_ONCE 512u /* messages */
#define READ_MS      20u  /* a reader can ask for much in a few messages */
#define READ_CHECK   16u  /* messages between two looks at the clock */

static uint32_t role_now(const struct view_principal *principal)
{
    return principal != NULL && !principal->revoked ? principal->role : (uint32_t)ROLE_NONE;
}

static void refuse_role(struct head *head, enum link_plane kind, const struct link_message *from,
                        uint32_t role, uint32_t type, uint64_t request)
{
    const struct schema *schema = message_schema(type);
    char fingerprint[KEY_FINGERPRINT];
    const char *word = role_name(role);

    key_fingerprint(from->key, fingerprint);
    audit_line(head->audit, "refused", "%s may not %s: principal %u key %s from %s on %s",
               word != NULL ? word : "nobody", schema != NULL ? schema->name : "?", from->principal,
               fingerprint, from->address, link_plane_name(kind));
    front_refuse(head->front, head->planes[kind].socket, &from->route, request, ERROR_DENIED,
                 "not allowed", "this key's role may not do that",
                 "ask an admin of the cluster for a token: assay token create --role ...");
}

static void refuse_form(struct head *head, enum link_plane kind, const struct link_message *from,
                        uint64_t request, int err, const struct schema_error *error,
                        uint64_t now_ms)
{
    const char *mend =
        err == ERR_VERSION ? "install the same version of Assay on both sides" : NULL;

    audit_line(head->audit, "refused", "bad message from principal %u, %s on %s: %s %s",
               from->principal, from->address, link_plane_name(kind), error->field, error->what);
    front_refuse(head->front, head->planes[kind].socket, &from->route, request,
                 err == ERR_VERSION ? ERROR_VERSION : ERROR_MALFORMED, error->field, error->what,
                 mend);
    if (err != ERR_VERSION && strikes_add(head->strikes, from->key, now_ms))
        audit_line(head->audit, "ignored", "principal %u, %s on %s: %u bad messages; for %u s",
                   from->principal, from->address, link_plane_name(kind), STRIKES_MOST,
                   STRIKES_WINDOW_MS / 1000);
}

/* What it said before its connections were shut. */
static void shut_revoked(struct head *head, enum link_plane kind, const struct link_message *from)
{
    audit_line(head->audit, "refused", "principal %u was revoked: its connection from %s on %s",
               from->principal, from->address, link_plane_name(kind));
    (void)peerwatch_shut(head->planes[kind].watch, from->fd);
}

/* The join plane is for joining, and nothing else is: an answer goes out where it was asked for. */
static bool plane_takes(enum link_plane kind, uint32_t type)
{
    bool joins = type == MSG_HELLO || type == MSG_JOIN;

    return joins == (kind == LINK_JOIN);
}

static void handle(struct head *head, enum link_plane kind, struct link_message *from,
                   uint64_t now_ms, uint64_t unix_ms)
{
    const struct view_principal *principal = view_principal(head->view, from->principal);
    uint32_t role = role_now(principal);
    struct schema_error error = {"message", "does not begin as a message"};
    struct message message;
    struct span frame;
    uint64_t request = 0;
    uint32_t type = 0;
    bool keep;
    int err;

    if (principal != NULL && principal->revoked) {
        shut_revoked(head, kind, from);
        return;
    }
    if (strikes_ignored(head->strikes, from->key, now_ms))
        return;
    if (!message_peek(link_message_body(from), &type, &request)) {
        refuse_form(head, kind, from, 0, ERR_MALFORMED, &error, now_ms);
        return;
    }
    if (!role_allowed(role, type)) {
        refuse_role(head, kind, from, role, type, request);
        return;
    }
    if (!plane_takes(kind, type)) {
        error = (struct schema_error){message_schema(type)->name, "not for this plane"};
        refuse_form(head, kind, from, request, ERR_MALFORMED, &error, now_ms);
        return;
    }
    /* What only reads is over when it is answered, and takes no room in a turn. */
    keep = wire_becomes_event(type) && turns_ready(head->turns);
    frame = keep ? turns_frame(head->turns, &from->body) : link_message_body(from);
    arena_reset(&head->scratch);
    err = message_unpack(frame, keep ? turns_arena(head->turns) : &head->scratch, &message, &error);
    if (err != 0) {
        refuse_form(head, kind, from, request, err, &error, now_ms);
        return;
    }
    if (kind != LINK_WORKER) {
        front_message(head->front, kind, from, &message, now_ms, unix_ms);
        return;
    }
    err = fleet_message(head->fleet, &from->route, from->principal, &message, now_ms, unix_ms);
    if (err != 0) {
        error = (struct schema_error){"message", err_text(err)};
        refuse_form(head, kind, from, request, err, &error, now_ms);
    }
}

static void set_owner(struct plane *plane, int fd, uint32_t principal)
{
    size_t at = (size_t)fd;

    if (fd < 0 || (at >= plane->owner_room && principal == 0))
        return;
    if (at >= plane->owner_room) {
        size_t room = plane->owner_room > 0 ? plane->owner_room : 64;

        while (room <= at)
            room *= 2;
        plane->owners = xrealloc(plane->owners, room, sizeof(*plane->owners));
        memset(plane->owners + plane->owner_room, 0,
               (room - plane->owner_room) * sizeof(*plane->owners));
        plane->owner_room = room;
    }
    plane->owners[at] = principal;
}

void planes_revoke(struct head *head, uint32_t principal)
{
    for (int kind = 0; kind < PLANES; kind++) {
        struct plane *plane = &head->planes[kind];

        for (size_t fd = 0; fd < plane->owner_room; fd++) {
            if (plane->owners[fd] != principal)
                continue;
            plane->owners[fd] = 0;
            (void)peerwatch_shut(plane->watch, (int)fd); /* one that has ended needs no shutting */
        }
    }
}

bool plane_ready(struct head *head, enum link_plane kind)
{
    if (journal_is_doubted(head->journal))
        return false;
    return turns_ready(head->turns) || (head->stalled && kind != LINK_WORKER);
}

/* libzmq's descriptor tells of an edge: also what is sent takes in what has come, and hides it. */
bool plane_has(struct head *head, enum link_plane kind)
{
    struct plane *plane = &head->planes[kind];
    int events = 0;
    size_t size = sizeof(events);

    if (zmq_getsockopt(plane->socket, ZMQ_EVENTS, &events, &size) < 0)
        return false;
    plane->waiting = (events & ZMQ_POLLIN) != 0;
    return plane->waiting;
}

static void take(struct head *head, enum link_plane kind, struct link_message *message, int err,
                 uint64_t now_ms, uint64_t unix_ms)
{
    struct plane *plane = &head->planes[kind];

    /* It came in while this pass was reading. */
    if (!peerwatch_knows(plane->watch, message->fd))
        plane_events(head, kind);
    if (err == ERR_TOO_BIG) {
        audit_line(head->audit, "refused", "a message in parts from principal %u, %s on %s",
                   message->principal, message->address, link_plane_name(kind));
        (void)peerwatch_shut(plane->watch, message->fd);
        return;
    }
    peerwatch_delivered(plane->watch, message->fd, link_message_body(message).size);
    set_owner(plane, message->fd, message->principal);
    handle(head, kind, message, now_ms, unix_ms);
}

void plane_read(struct head *head, enum link_plane kind, uint64_t now_ms, uint64_t unix_ms)
{
    struct plane *plane = &head->planes[kind];
    uint64_t until_ms;

    plane->drained = !plane->waiting;
    until_ms = clock_ms() + READ_MS;
    for (uint32_t i = 0; i < READ_AT_ONCE && plane->waiting && plane_ready(head, kind); i++) {
        struct link_message message;
        int err;

        if (i % READ_CHECK == READ_CHECK - 1 && clock_ms() > until_ms)
            break;
        err = link_receive(plane->socket, &message);
        if (err == ERR_AGAIN || err == ERR_CLOSED) {
            plane->waiting = false;
            plane->drained = true;
            break;
        }
        take(head, kind, &message, err, now_ms, unix_ms);
        link_message_fini(&message);
    }
    if (plane->drained)
        plane->drained_ms = now_ms;
}

struct cut {
    struct head *head;
    enum link_plane kind;
};

static void cut_off(void *context, int fd, uint64_t behind)
{
    const struct cut *cut = context;

    audit_line(cut->head->audit, "refused",
               "connection %d on %s sent %llu bytes of a message without end", fd,
               link_plane_name(cut->kind), (unsigned long long)behind);
}

/* Without the port: so a stranger who knocks again says the same again. */
static const char *host_of(const char *address, char out[MONITOR_ADDRESS])
{
    char *colon;

    (void)snprintf(out, MONITOR_ADDRESS, "%s", address[0] != '\0' ? address : "somebody");
    colon = strrchr(out, ':');
    if (colon != NULL)
        *colon = '\0';
    return out;
}

void plane_events(struct head *head, enum link_plane kind)
{
    struct plane *plane = &head->planes[kind];
    struct monitor_event event;
    char host[MONITOR_ADDRESS];

    while (monitor_next(plane->monitor, &event)) {
        switch (event.kind) {
        case MONITOR_ACCEPTED:
            peerwatch_add(plane->watch, event.fd);
            set_owner(plane, event.fd, 0);
            break;
        case MONITOR_GONE:
            /* HTTP and other noise leaves without having failed at anything. */
            if (!peerwatch_remove(plane->watch, event.fd))
                audit_line(head->audit, "refused", "a connection from %s on %s never spoke",
                           host_of(event.address, host), link_plane_name(kind));
            break;
        case MONITOR_FAILED:
            audit_line(head->audit, "refused", "a stranger from %s on %s: %s",
                       host_of(event.address, host), link_plane_name(kind), event.reason);
            break;
        case MONITOR_CONNECTED:
        case MONITOR_RETRY:
        case MONITOR_READY:
        case MONITOR_REFUSED: /* the ZAP handler's audit has said who */
            break;
        }
    }
}

void planes_watch(struct head *head, uint64_t now_ms)
{
    for (int kind = 0; kind < PLANES; kind++) {
        struct cut cut = {.head = head, .kind = (enum link_plane)kind};

        (void)peerwatch_check(head->planes[kind].watch, now_ms, head->planes[kind].drained, cut_off,
                              &cut);
    }
}

void planes_refusals(struct head *head)
{
    struct zap_audit audit;

    while (zap_audit_next(head->zap, &audit))
        audit_line(head->audit, "refused", "%s: key %s from %s on %s (%u times)", audit.reason,
                   audit.fingerprint[0] != '\0' ? audit.fingerprint : "none", audit.address,
                   audit.domain, audit.count);
}
