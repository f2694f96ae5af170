#include <stdlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/xalloc.h"
#include "head/fleet_inside.h"

static struct span route_key(const struct link_route *route)
{
    return span_of(route->bytes, route->size);
}

struct session *session_of_route(const struct fleet *fleet, const struct link_route *route)
{
    return table_get(fleet->by_route, route_key(route));
}

struct session *session_new(struct fleet *fleet, const struct link_route *route, uint32_t principal)
{
    struct session *session;

    if (fleet->session_count >= LIMIT_SESSIONS)
        return NULL;
    session = xcalloc(1, sizeof(*session));
    session->route = *route;
    session->principal = principal;
    session->node = NUMBER_NONE;
    session->told = table_new();
    session->next = fleet->sessions;
    session->handle = ORIGIN_FLEET | fleet->next_handle++;
    fleet->sessions = session;
    fleet->session_count++;
    (void)table_put(fleet->by_route, route_key(route), session);
    (void)table_put_u64(fleet->by_principal, principal, session);
    (void)table_put_u64(fleet->by_handle, session->handle, session);
    return session;
}

void session_drop(struct fleet *fleet, struct session *session)
{
    struct session **at = &fleet->sessions;

    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    fleet->session_count--;
    for (size_t i = 0; i < fleet->flush_count; i++)
        if (fleet->flush[i] == session)
            fleet->flush[i] = NULL;
    (void)table_remove(fleet->by_route, route_key(&session->route));
    if (table_get_u64(fleet->by_principal, session->principal) == session)
        (void)table_remove_u64(fleet->by_principal, session->principal);
    if (session->node != NUMBER_NONE && table_get_u64(fleet->by_node, session->node) == session)
        (void)table_remove_u64(fleet->by_node, session->node);
    (void)table_remove_u64(fleet->by_handle, session->handle);
    table_free(session->told);
    arena_fini(&session->arena);
    free(session->leases);
    free(session->verdicts);
    free(session);
}

void session_describe(struct session *session, const struct msg_register *from)
{
    struct msg_register *to = &session->registered;
    const struct resource_custom *source = from->capacity.custom.items;
    struct resource_custom *custom;

    arena_reset(&session->arena);
    *to = *from;
    to->version = arena_copy(&session->arena, from->version);
    to->name = arena_copy(&session->arena, from->name);
    to->hostname = arena_copy(&session->arena, from->hostname);
    to->node_ip = arena_copy(&session->arena, from->node_ip);
    custom = arena_alloc(&session->arena, from->capacity.custom.count * sizeof(*custom));
    for (uint32_t i = 0; i < from->capacity.custom.count; i++) {
        custom[i] = source[i];
        custom[i].name = arena_copy(&session->arena, source[i].name);
    }
    to->capacity.custom.items = custom;
}

void fleet_send(struct fleet *fleet, const struct link_route *route, enum msg_type type,
                uint64_t request, const void *body)
{
    message_pack(type, request, body, &fleet->frame);
    (void)link_send(fleet->parts.socket, route, buf_span(&fleet->frame));
}

void session_order(struct fleet *fleet, struct session *session, enum msg_type type,
                   const void *body)
{
    message_pack(type, 0, body, &fleet->frame);
    FAILPOINT("order");
    if (link_send(fleet->parts.socket, &session->route, buf_span(&fleet->frame)) == ERR_AGAIN)
        session->missed = true;
    FAILPOINT("order-sent");
}
