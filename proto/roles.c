#include "proto/roles.h"

#include <string.h>

#include "proto/msg.h"

#define BY_HEAD    0u
#define BY_WORKER  (1u << PRINCIPAL_WORKER)
#define BY_SUBMIT  (1u << PRINCIPAL_SUBMIT)
#define BY_READ    (1u << PRINCIPAL_READ)
#define BY_ADMIN   (1u << PRINCIPAL_ADMIN)
#define BY_CLIENTS (BY_SUBMIT | BY_READ | BY_ADMIN)
/* Whoever reaches the head may ask what it is and hand in a token. */
#define BY_ANYBODY (1u << PRINCIPAL_NONE | BY_WORKER | BY_CLIENTS)

static const uint32_t allowed[] = {
#define MESSAGE(name, NUMBER, number, who) [MSG_##NUMBER] = (who),
#include "proto/messages.def"
#undef MESSAGE
};

#define TYPE_COUNT (sizeof(allowed) / sizeof(allowed[0]))

static const char *const names[PRINCIPAL_ROLE_COUNT] = {
    [PRINCIPAL_WORKER] = "worker",
    [PRINCIPAL_SUBMIT] = "submit",
    [PRINCIPAL_READ] = "read",
    [PRINCIPAL_ADMIN] = "admin",
};

bool role_allowed(uint32_t role, uint32_t type)
{
    return role < PRINCIPAL_ROLE_COUNT && type < TYPE_COUNT && (allowed[type] >> role & 1) != 0;
}

const char *role_name(uint32_t role)
{
    return role < PRINCIPAL_ROLE_COUNT ? names[role] : NULL;
}

enum principal_role role_parse(const char *name)
{
    for (uint32_t role = PRINCIPAL_NONE + 1; role < PRINCIPAL_ROLE_COUNT; role++)
        if (strcmp(name, names[role]) == 0)
            return (enum principal_role)role;
    return PRINCIPAL_NONE;
}
