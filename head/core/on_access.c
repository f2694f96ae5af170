/* Who may talk: principals, tokens, joining. */
#include <string.h>

#include "common/limits.h"
#include "head/core/state.h"

static bool role_is_given(uint32_t role)
{
    return role > ROLE_NONE && role < ROLE_COUNT;
}

static enum core_answer too_many(struct step *step, const char *what)
{
    step_refuse(step, REPLY_LIMIT, what, "there are as many as can be",
                "revoke what is not used any more");
    return CORE_REFUSED;
}

/* Somebody's key does something else from now on, or nothing more. A worker's that is none any more
 * takes its node with it: what ran there goes on elsewhere. Tokens that a former admin made and
 * nobody used up let nobody in. */
static void principal_set_role(struct step *step, struct principal *principal, enum role role)
{
    const struct registry *registry = &step->core->registry;
    const struct event_node_lost lost = {.node = principal->number,
                                         .reason = span_text("its key was revoked")};
    enum role before = principal->role;

    principal->role = role;
    principal_tell(principal, step->effects);
    if (role == before)
        return;
    if (before == ROLE_WORKER)
        (void)on_node_lost(step, &lost); /* one that never came is no node */
    for (uint32_t i = 0; before == ROLE_ADMIN && i < registry->token_count; i++) {
        struct token *token = registry->tokens[i];

        if (token->principal != principal->number || !token_is_good(token, step->now_ms))
            continue;
        token->revoked = true;
        token_tell(token, step->effects);
    }
}

enum core_answer on_principal_add(struct step *step, const struct event_principal_add *add)
{
    struct registry *registry = &step->core->registry;
    struct principal *principal;

    if (add->key.size != KEY_BYTES || add->role >= ROLE_COUNT) {
        step_refuse(step, REPLY_INVALID, "principal",
                    "a key has 32 bytes and a role is a known one", "");
        return CORE_REFUSED;
    }
    principal = registry_key(registry, add->key);
    if (principal == NULL && !role_is_given(add->role)) {
        step_refuse(step, REPLY_NOT_FOUND, "principal", "nobody has this key", "");
        return CORE_REFUSED;
    }
    if (principal == NULL && registry->principal_count >= LIMIT_PRINCIPALS)
        return too_many(step, "principals");
    if (principal != NULL && principal->role == (enum role)add->role &&
        span_is(add->name, principal->name)) {
        step_reply(step, REPLY_OK, principal->number, principal->role);
        return CORE_REFUSED;
    }
    if (principal == NULL)
        principal = registry_add(registry, add->key, (enum role)add->role, add->name);
    else
        principal_rename(principal, add->name);
    step_reply(step, REPLY_OK, principal->number, (enum role)add->role);
    principal_set_role(step, principal, (enum role)add->role);
    return CORE_ADMITTED;
}

enum core_answer on_token_create(struct step *step, const struct event_token_create *create)
{
    struct registry *registry = &step->core->registry;
    struct token *token;

    if (create->id.size != TOKEN_ID_BYTES || create->secret_hash.size != SECRET_HASH_BYTES ||
        !role_is_given(create->role) || create->uses == 0) {
        step_refuse(step, REPLY_INVALID, "token", "its id, secret, role or uses are none", "");
        return CORE_REFUSED;
    }
    if (core_role(step->core, create->principal) != ROLE_ADMIN) {
        step_refuse(step, REPLY_DENIED, "token", "only an admin makes tokens",
                    "ask one who has an admin's key");
        return CORE_REFUSED;
    }
    if (registry_token(registry, create->id) != NULL) {
        step_refuse(step, REPLY_CONFLICT, "token", "its id is taken", "make another one");
        return CORE_REFUSED;
    }
    if (registry->token_count >= LIMIT_TOKENS) {
        uint32_t good = 0;

        for (uint32_t i = 0; i < registry->token_count; i++)
            good += token_is_good(registry->tokens[i], step->now_ms);
        if (good >= LIMIT_TOKENS)
            return too_many(step, "tokens");
        registry_purge(registry, step->now_ms);
    }
    token = registry_add_token(registry, create->id);
    memcpy(token->secret_hash, create->secret_hash.data, SECRET_HASH_BYTES);
    token->role = (enum role)create->role;
    token->uses_left = create->uses;
    token->expires_ms = create->expires_ms;
    token->principal = create->principal;
    step_reply(step, REPLY_OK, 0, token->role);
    token_tell(token, step->effects);
    return CORE_ADMITTED;
}

static bool came_with(const struct principal *principal, struct span token)
{
    return principal->by_token && span_equal(token, span_of(principal->token, TOKEN_ID_BYTES));
}

/* The token lets nobody in any more, and whom it let in is out again. One that was forgotten for
 * being used up can still be named. */
enum core_answer on_token_revoke(struct step *step, const struct event_token_revoke *revoke)
{
    struct registry *registry = &step->core->registry;
    struct token *token = registry_token(registry, revoke->id);
    bool changes = token != NULL && !token->revoked;
    bool known = token != NULL;

    for (uint32_t i = 0; i < registry->principal_count; i++) {
        if (!came_with(registry->principals[i], revoke->id))
            continue;
        known = true;
        changes |= registry->principals[i]->role != ROLE_NONE;
    }
    if (!known) {
        step_refuse(step, REPLY_NOT_FOUND, "token", "there is none with this id",
                    "see: assay token list");
        return CORE_REFUSED;
    }
    step_reply(step, REPLY_OK, 0, token != NULL ? token->role : ROLE_NONE);
    if (!changes)
        return CORE_REFUSED;
    if (token != NULL && !token->revoked) {
        token->revoked = true;
        token_tell(token, step->effects);
    }
    for (uint32_t i = 0; i < registry->principal_count; i++)
        if (came_with(registry->principals[i], revoke->id) &&
            registry->principals[i]->role != ROLE_NONE)
            principal_set_role(step, registry->principals[i], ROLE_NONE);
    return CORE_ADMITTED;
}

/* Every failure is answered alike: who guesses learns nothing. */
static enum core_answer join_denied(struct step *step)
{
    step_refuse(step, REPLY_DENIED, "token", "it is unknown, used up or expired",
                "make a new one: assay token create");
    return CORE_REFUSED;
}

enum core_answer on_join(struct step *step, const struct event_join *join)
{
    struct registry *registry = &step->core->registry;
    struct principal *principal;
    struct token *token;

    if (join->key.size != KEY_BYTES)
        return join_denied(step);
    principal = registry_key(registry, join->key);
    if (principal != NULL && principal->role == ROLE_NONE)
        return join_denied(step);
    if (principal != NULL) {
        step_reply(step, REPLY_OK, principal->number, principal->role);
        return CORE_REFUSED;
    }
    token = registry_token(registry, join->token);
    if (token == NULL || !token_is_good(token, step->now_ms) ||
        !token_secret_is(token, join->secret_hash))
        return join_denied(step);
    if (registry->principal_count >= LIMIT_PRINCIPALS)
        return too_many(step, "principals");
    token->uses_left--;
    principal = registry_add(registry, join->key, token->role, join->name);
    principal_came_with(principal, join->token);
    /* The door has to know the key before the key knows that it is let in: it is back at once. */
    principal_tell(principal, step->effects);
    token_tell(token, step->effects);
    step_reply(step, REPLY_OK, principal->number, principal->role);
    return CORE_ADMITTED;
}
