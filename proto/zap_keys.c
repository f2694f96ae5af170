#include "proto/zap_keys.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/table.h"
#include "common/xalloc.h"

struct known_key {
    uint8_t key[KEY_BYTES];
    uint32_t principal;
    enum principal_role role;
    struct known_key *next;
    struct known_key **link; /* what points here */
};

struct zap_keys {
    struct table *by_key;    /* struct known_key, borrowed from the list */
    struct known_key *first; /* owned */
};

struct zap_keys *zap_keys_new(void)
{
    struct zap_keys *keys = xcalloc(1, sizeof(*keys));

    keys->by_key = table_new();
    return keys;
}

static void known_drop(struct zap_keys *keys, struct known_key *known)
{
    table_remove(keys->by_key, span_of(known->key, KEY_BYTES));
    *known->link = known->next;
    if (known->next != NULL)
        known->next->link = known->link;
    free(known);
}

void zap_keys_free(struct zap_keys *keys)
{
    if (keys == NULL)
        return;
    while (keys->first != NULL)
        known_drop(keys, keys->first);
    table_free(keys->by_key);
    free(keys);
}

int zap_keys_add(struct zap_keys *keys, const uint8_t key[KEY_BYTES], uint32_t principal,
                 enum principal_role role)
{
    struct known_key *known = table_get(keys->by_key, span_of(key, KEY_BYTES));

    if (known == NULL) {
        if (table_count(keys->by_key) >= LIMIT_PRINCIPALS)
            return ERR_FULL;
        known = xcalloc(1, sizeof(*known));
        memcpy(known->key, key, KEY_BYTES);
        known->next = keys->first;
        known->link = &keys->first;
        if (known->next != NULL)
            known->next->link = &known->next;
        keys->first = known;
        table_put(keys->by_key, span_of(known->key, KEY_BYTES), known);
    }
    known->principal = principal;
    known->role = role;
    return 0;
}

int zap_keys_revoke(struct zap_keys *keys, const uint8_t key[KEY_BYTES])
{
    struct known_key *known = table_get(keys->by_key, span_of(key, KEY_BYTES));

    if (known == NULL)
        return ERR_NOT_FOUND;
    known_drop(keys, known);
    return 0;
}

/* known is NULL for a key nobody knows. */
static const char *domain_refuses(struct span domain, const struct known_key *known)
{
    bool client = span_is(domain, "client");

    if (span_is(domain, "join"))
        return NULL;
    if (!client && !span_is(domain, "worker"))
        return "no such domain";
    if (known == NULL)
        return "unknown key";
    if (client && known->role != PRINCIPAL_SUBMIT && known->role != PRINCIPAL_READ &&
        known->role != PRINCIPAL_ADMIN)
        return "role is not a client's";
    if (!client && known->role != PRINCIPAL_WORKER)
        return "role is not a worker's";
    return NULL;
}

const char *zap_keys_refuse(const struct zap_keys *keys, struct span domain,
                            const uint8_t key[KEY_BYTES], uint32_t *principal)
{
    const struct known_key *known = table_get(keys->by_key, span_of(key, KEY_BYTES));
    const char *reason = domain_refuses(domain, known);

    if (reason == NULL)
        *principal = known != NULL ? known->principal : 0;
    return reason;
}
