/* zap_keys.h - for zap.c alone: the keys that the head knows, and what each may into.
 *
 * Lives in the handler's thread; knows no sockets. */
#ifndef PROTO_ZAP_KEYS_H
#define PROTO_ZAP_KEYS_H

#include <stdint.h>

#include "common/span.h"
#include "proto/key.h"
#include "proto/roles.h"

struct zap_keys;

struct zap_keys *zap_keys_new(void);

/* Accepts NULL. */
void zap_keys_free(struct zap_keys *keys);

/* An older entry of the key is replaced. ERR_FULL over LIMIT_PRINCIPALS keys. */
int zap_keys_add(struct zap_keys *keys, const uint8_t key[KEY_BYTES], uint32_t principal,
                 enum principal_role role);

/* ERR_NOT_FOUND where the key is not known. */
int zap_keys_revoke(struct zap_keys *keys, const uint8_t key[KEY_BYTES]);

/* Why a key may not into a domain, as constant text. NULL where it may: *principal is then whose
 * key it is, 0 for one that nobody knows. */
const char *zap_keys_refuse(const struct zap_keys *keys, struct span domain,
                            const uint8_t key[KEY_BYTES], uint32_t *principal);

#endif
