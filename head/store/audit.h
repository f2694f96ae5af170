/* audit.h - what a Redis that somebody else runs is worth as the home of the log.
 *
 * An acknowledgement of the head is as good as Redis's own. The audit says how good that is, and
 * refuses where entries would vanish by design. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/redis/address.h"
#include "common/trouble.h"

#define STORE_WORTH   "an acknowledgement %s"
#define STORE_ON_DISK "is on Redis's disk"

struct audit_report {
    char version[32];
    bool on_disk;      /* an append is synced before it is answered */
    uint32_t replicas; /* connected now */
    char worth[256];   /* what an acknowledgement means there: a sentence */
    char advice[256];  /* what would be better, or "" */
};

/* Connects and asks, up to until_ms of clock_ms. remote_allowed: whether the connection may leave
 * this machine, which it does without encryption. ERR_DENIED: not allowed there, a replica, evicts
 * keys, or a remote one; ERR_VERSION: too old; ERR_CLOSED, ERR_TIMEOUT. */
int store_audit(const struct store_address *address, bool remote_allowed, uint64_t until_ms,
                struct audit_report *out, struct trouble *trouble);

#endif
