/* redisd_files.h - what the head's redis-server finds in its folder when it starts. */
#ifndef HEAD_REDISD_FILES_H
#define HEAD_REDISD_FILES_H

#include "common/trouble.h"

#define REDISD_HEAD       "head"
#define REDISD_SUPERVISOR "supervisor"
#define REDISD_CONFIG     "redis.conf"
#define REDISD_SOCKET     "s"
#define REDISD_LOCK       "lock"
#define REDISD_LOG        "redis.log"
#define REDISD_CLUSTER    "cluster"

#define REDISD_PASSWORD_BYTES 65u /* 64 hex digits and the terminator */

/* The password of a user, made on first use. out: REDISD_PASSWORD_BYTES. */
int redisd_password(const char *dir, const char *user, char *out, struct trouble *trouble);

/* Write configuration and users, where they are not so already. */
int redisd_write_files(const char *dir, const char *name, const char *head_password,
                       const char *supervisor_password, struct trouble *trouble);

#endif
