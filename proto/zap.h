/* zap.h - who may connect: libzmq asks this handler about every key, in a thread of its own.
 *
 * Default no. Only CURVE with a 32-byte key is ever let in, and only:
 *   domain "join"    any key
 *   domain "client"  a known key with role submit, read or admin
 *   domain "worker"  a known key with role worker
 * A peer that is let in carries its principal's number ("?" for a key nobody knows) and its key in
 * every message, where link_receive finds them; nothing a peer says about itself gets there.
 *
 * Has to run before any socket is made: libzmq looks for it at one fixed name of the context. If
 * the thread ever ends but by zap_stop, the process aborts: without a handler, older libzmq let
 * anybody in. A key that is revoked keeps the connections it has; its messages are refused by the
 * head, which knows principals, and its connections shut by peerwatch_shut.
 *
 * All functions are for one thread, the one that called zap_start. */
#ifndef PROTO_ZAP_H
#define PROTO_ZAP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/key.h"
#include "proto/roles.h"

struct zap;

#define ZAP_ADDRESS 64u
#define ZAP_DOMAIN  16u

/* A refusal, for the log. More than 20 in a second become one record with their count and no more
 * than that. */
struct zap_audit {
    char address[ZAP_ADDRESS];         /* of the peer */
    char domain[ZAP_DOMAIN];           /* that it wanted into */
    char fingerprint[KEY_FINGERPRINT]; /* of its key; empty: it had none */
    char reason[40];
    uint32_t count; /* how many refusals this stands for */
};

/* Start the handler in a libzmq context. NULL where somebody else answers for it already, or no
 * socket or thread is to be had (errno says why). */
struct zap *zap_start(void *context);

/* End it. No socket of the context may be connected to by then. Accepts NULL. */
void zap_stop(struct zap *zap);

/* A key becomes that of a principal (not 0); an older entry of the key is replaced. The next
 * handshake after the call sees it. ERR_FULL over LIMIT_PRINCIPALS keys. */
int zap_add(struct zap *zap, const uint8_t key[KEY_BYTES], uint32_t principal,
            enum principal_role role);

/* ERR_NOT_FOUND where the key is not known. */
int zap_revoke(struct zap *zap, const uint8_t key[KEY_BYTES]);

/* The socket to poll (ZMQ_POLLIN) for refusals; borrowed. */
void *zap_audit_socket(struct zap *zap);

/* The next refusal; false where there is none. */
bool zap_audit_next(struct zap *zap, struct zap_audit *audit);

#endif
