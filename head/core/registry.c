#include "head/core/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

void registry_init(struct registry *registry)
{
    *registry = (struct registry){.by_key = table_new(), .by_token = table_new()};
}

void registry_fini(struct registry *registry)
{
    for (uint32_t i = 0; i < registry->principal_count; i++) {
        free(registry->principals[i]->name);
        free(registry->principals[i]);
    }
    for (uint32_t i = 0; i < registry->token_count; i++)
        free(registry->tokens[i]);
    free(registry->principals);
    free(registry->tokens);
    table_free(registry->by_key);
    table_free(registry->by_token);
}

struct principal *registry_principal(const struct registry *registry, uint32_t number)
{
    return number > 0 && number <= registry->principal_count ? registry->principals[number - 1]
                                                             : NULL;
}

struct principal *registry_key(const struct registry *registry, struct span key)
{
    return table_get(registry->by_key, key);
}

struct token *registry_token(const struct registry *registry, struct span id)
{
    return table_get(registry->by_token, id);
}

void principal_rename(struct principal *principal, struct span name)
{
    free(principal->name);
    principal->name = xstrndup(name.size > 0 ? name.data : "", name.size);
}

void principal_came_with(struct principal *principal, struct span token)
{
    assert(token.size == TOKEN_ID_BYTES);
    principal->by_token = true;
    memcpy(principal->token, token.data, TOKEN_ID_BYTES);
}

struct principal *registry_add(struct registry *registry, struct span key, enum role role,
                               struct span name)
{
    struct principal *principal = xcalloc(1, sizeof(*principal));

    assert(key.size == KEY_BYTES);
    if (registry->principal_count == registry->principal_capacity) {
        registry->principal_capacity = registry->principal_capacity * 2 + 8;
        registry->principals = xrealloc(registry->principals, registry->principal_capacity,
                                        sizeof(struct principal *));
    }
    memcpy(principal->key, key.data, KEY_BYTES);
    principal->role = role;
    principal_rename(principal, name);
    registry->principals[registry->principal_count++] = principal;
    principal->number = registry->principal_count;
    (void)table_put(registry->by_key, span_of(principal->key, KEY_BYTES), principal);
    return principal;
}

struct token *registry_add_token(struct registry *registry, struct span id)
{
    struct token *token = xcalloc(1, sizeof(*token));

    assert(id.size == TOKEN_ID_BYTES);
    if (registry->token_count == registry->token_capacity) {
        registry->token_capacity = registry->token_capacity * 2 + 8;
        registry->tokens =
            xrealloc(registry->tokens, registry->token_capacity, sizeof(struct token *));
    }
    memcpy(token->id, id.data, TOKEN_ID_BYTES);
    registry->tokens[registry->token_count++] = token;
    (void)table_put(registry->by_token, span_of(token->id, TOKEN_ID_BYTES), token);
    return token;
}

bool token_is_good(const struct token *token, uint64_t now_ms)
{
    return !token->revoked && token->uses_left > 0 && now_ms < token->expires_ms;
}

void registry_purge(struct registry *registry, uint64_t now_ms)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < registry->token_count; i++) {
        struct token *token = registry->tokens[i];

        if (token_is_good(token, now_ms)) {
            registry->tokens[kept++] = token;
            continue;
        }
        (void)table_remove(registry->by_token, span_of(token->id, TOKEN_ID_BYTES));
        free(token);
    }
    registry->token_count = kept;
}

bool token_secret_is(const struct token *token, struct span secret_hash)
{
    const uint8_t *shown = secret_hash.data;
    unsigned difference = 0;

    if (secret_hash.size != SECRET_HASH_BYTES)
        return false;
    for (uint32_t i = 0; i < SECRET_HASH_BYTES; i++)
        difference |= (unsigned)(shown[i] ^ token->secret_hash[i]);
    return difference == 0;
}

void principal_tell(const struct principal *principal, struct effects *effects)
{
    struct effect_principal *row = &effects_add(effects, EFFECT_PRINCIPAL)->principal;

    row->principal = principal->number;
    row->key = arena_copy(effects->arena, span_of(principal->key, KEY_BYTES));
    row->role = principal->role;
    row->revoked = principal->role == ROLE_NONE;
    row->name = arena_copy(effects->arena, span_text(principal->name));
}

void token_tell(const struct token *token, struct effects *effects)
{
    struct effect_token *row = &effects_add(effects, EFFECT_TOKEN)->token;

    row->id = arena_copy(effects->arena, span_of(token->id, TOKEN_ID_BYTES));
    row->role = token->role;
    row->uses_left = token->uses_left;
    row->expires_ms = token->expires_ms;
    row->revoked = token->revoked;
}
