#include "proto/roles.h"

#include <string.h>

#include "proto/msg.h"

#define TYPE_COUNT (MSG_DRAIN + 1)

/* Whoever reaches the head may ask what it is and hand in a token. */
#define ANYBODY [MSG_HELLO] = true, [MSG_JOIN] = true

#define READER                                                                                     \
    [MSG_LIST] = true, [MSG_STATUS] = true, [MSG_TRIALS] = true, [MSG_SHOW] = true,                \
    [MSG_RESULTS] = true, [MSG_LOGS] = true, [MSG_BEST] = true, [MSG_NODES] = true,                \
    [MSG_EXPLAIN] = true

#define SUBMITTER                                                                                  \
    [MSG_SUBMIT] = true, [MSG_STOP] = true, [MSG_REMOVE] = true, [MSG_BLOB_PUT] = true,            \
    [MSG_BLOB_ASK] = true

static const bool allowed[PRINCIPAL_ROLE_COUNT][TYPE_COUNT] = {
    [PRINCIPAL_NONE] = {ANYBODY},
    [PRINCIPAL_WORKER] = {ANYBODY, [MSG_REGISTER] = true, [MSG_READY] = true,
                          [MSG_HEARTBEAT] = true, [MSG_REPORTS] = true, [MSG_OUTPUT] = true,
                          [MSG_LEAVING] = true, [MSG_BLOB_GET] = true, [MSG_BLOB_ASK] = true},
    [PRINCIPAL_SUBMIT] = {ANYBODY, READER, SUBMITTER},
    [PRINCIPAL_READ] = {ANYBODY, READER},
    [PRINCIPAL_ADMIN] = {ANYBODY, READER,
                         SUBMITTER, [MSG_BLOB_GET] = true, [MSG_TOKEN_CREATE] = true,
                         [MSG_TOKEN_LIST] = true, [MSG_TOKEN_REVOKE] = true, [MSG_DRAIN] = true},
};

static const char *const names[PRINCIPAL_ROLE_COUNT] = {
    [PRINCIPAL_WORKER] = "worker",
    [PRINCIPAL_SUBMIT] = "submit",
    [PRINCIPAL_READ] = "read",
    [PRINCIPAL_ADMIN] = "admin",
};

bool role_allowed(uint32_t role, uint32_t type)
{
    return role < PRINCIPAL_ROLE_COUNT && type < TYPE_COUNT && allowed[role][type];
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
