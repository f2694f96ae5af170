/* registry.h - who may talk: principals, each a public key with a role, and the tokens with which
 * new ones come in. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "common/table.h"
#include "head/core/effect.h"

#define KEY_BYTES         32u
#define TOKEN_ID_BYTES    8u
#define SECRET_HASH_BYTES 32u

struct principal {
    uint32_t number; /* from 1 */
    uint8_t key[KEY_BYTES];
    enum role role; /* ROLE_NONE: revoked */
    char *name;     /* owned */
    bool by_token;  /* it came in with a token, and goes with it */
    uint8_t token[TOKEN_ID_BYTES];
};

struct token {
    uint8_t id[TOKEN_ID_BYTES];
    uint8_t secret_hash[SECRET_HASH_BYTES];
    enum role role;
    uint32_t uses_left;
    uint64_t expires_ms;
    uint32_t principal; /* who made it */
    bool revoked;
};

struct registry {
    struct principal **principals; /* owned; number 1 is at 0 */
    uint32_t principal_count;
    uint32_t principal_capacity;
    struct table *by_key;
    struct token **tokens; /* owned; in the order in which they were made */
    uint32_t token_count;
    uint32_t token_capacity;
    struct table *by_token;
};

void registry_init(struct registry *registry);
void registry_fini(struct registry *registry);

/* NULL where there is none. */
struct principal *registry_principal(const struct registry *registry, uint32_t number);
struct principal *registry_key(const struct registry *registry, struct span key);
struct token *registry_token(const struct registry *registry, struct span id);

/* A new one with the next number. The caller has looked at the limit, and that the key is new. */
struct principal *registry_add(struct registry *registry, struct span key, enum role role,
                               struct span name);
void principal_rename(struct principal *principal, struct span name);

/* The token (its id) that let it in. */
void principal_came_with(struct principal *principal, struct span token);

/* A new token, empty but for its id. The same holds. */
struct token *registry_add_token(struct registry *registry, struct span id);

/* Forget tokens that can let nobody in any more. */
void registry_purge(struct registry *registry, uint64_t now_ms);

bool token_is_good(const struct token *token, uint64_t now_ms);

/* Takes the same time wherever the two differ. */
bool token_secret_is(const struct token *token, struct span secret_hash);

void principal_tell(const struct principal *principal, struct effects *effects);
void token_tell(const struct token *token, struct effects *effects);

#endif
