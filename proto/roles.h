/* roles.h - who may say what: one table, default no.
 *
 * Looked at in one place, before a message is even unpacked, with the role that the head's registry
 * has for the key the connection proved. */
#ifndef PROTO_ROLES_H
#define PROTO_ROLES_H

#include <stdbool.h>
#include <stdint.h>

/* The same numbers as enum role of the core's event.h. */
enum principal_role {
    PRINCIPAL_NONE,
    PRINCIPAL_WORKER,
    PRINCIPAL_SUBMIT,
    PRINCIPAL_READ,
    PRINCIPAL_ADMIN,
    PRINCIPAL_ROLE_COUNT
};

/* Whether a role may send a type of message to the head. */
bool role_allowed(uint32_t role, uint32_t type);

/* "worker", "submit", "read", "admin"; NULL for no role. */
const char *role_name(uint32_t role);

/* PRINCIPAL_NONE for a word that is none. */
enum principal_role role_parse(const char *name);

#endif
