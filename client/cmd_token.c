/* `assay token create|list|revoke`: the words that let new machines in. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/command.h"
#include "client/connection.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"
#include "common/spec.h"
#include "common/units.h"
#include "proto/roles.h"

#define EXPIRES_S 900u /* where nothing else is said */

struct values {
    struct common_flags common;
    const char *role;
    struct option_number uses;
    struct option_number expires;
};

static void print_json(const char *key, struct value value, struct arena *arena)
{
    struct value_builder map;
    struct value whole;

    value_builder_map(&map, arena);
    value_builder_set(&map, key, value);
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
}

static int create(struct connection *connection, const struct values *values, struct arena *arena)
{
    struct msg_token_create ask = {
        .role = role_parse(values->role),
        .uses = values->uses.given ? (uint32_t)values->uses.value : 1,
        .expires_s = values->expires.given ? values->expires.value / 1000 : EXPIRES_S,
    };
    const struct msg_token *token;
    void *reply;
    int rc;

    rc = connection_ask(connection, MSG_TOKEN_CREATE, &ask, 0, MSG_TOKEN, arena, &reply);
    if (rc != 0)
        return rc;
    token = reply;
    if (values->common.json) {
        print_json("token", value_text(arena, arena_text(arena, token->token)), arena);
        return 0;
    }
    (void)printf("%.*s\n", SPAN(token->token));
    if (isatty(STDERR_FILENO) && isatty(STDOUT_FILENO))
        (void)fprintf(stderr,
                      "This word lets %u machine(s) in as %s within %s. Keep it in a file, and "
                      "there:\n  assay %s --address %s --token-file FILE\n",
                      ask.uses, values->role, duration_text(ask.expires_s * 1000, arena),
                      ask.role == PRINCIPAL_WORKER ? "worker" : "list",
                      connection_address(connection));
    return 0;
}

static void print_tokens(const struct msg_token_rows *tokens, struct arena *arena)
{
    static const char *const columns[] = {"ID", "ROLE", "USES LEFT", "EXPIRES", "STATE"};
    static const bool numbers[] = {false, false, true, false, false};
    const struct msg_token_row *rows = tokens->rows.items;
    struct table_out *table = table_out_new(columns, numbers, 5);
    uint64_t now = (uint64_t)time(NULL) * 1000;

    for (uint32_t i = 0; i < tokens->rows.count; i++) {
        bool over = rows[i].expires_ms <= now;

        table_out_row(table);
        table_out_cell_span(table, rows[i].id);
        table_out_cell_span(table, rows[i].role);
        table_out_cellf(table, "%u", rows[i].uses_left);
        table_out_cell(table, over ? "over"
                                   : arena_printf(arena, "in %s",
                                                  duration_text(rows[i].expires_ms - now, arena)));
        table_out_cell(table, rows[i].revoked          ? "revoked"
                              : over                   ? "expired"
                              : rows[i].uses_left == 0 ? "used up"
                                                       : "good");
    }
    table_out_print(table);
}

static int list(struct connection *connection, bool json, struct arena *arena)
{
    const struct msg_token_list ask = {.limit = LIMIT_ROWS_REPLY};
    const struct msg_token_rows *tokens;
    const struct msg_token_row *rows;
    struct value_builder items;
    void *reply;
    int rc = connection_ask(connection, MSG_TOKEN_LIST, &ask, 0, MSG_TOKEN_ROWS, arena, &reply);

    if (rc != 0)
        return rc;
    tokens = reply;
    if (!json) {
        print_tokens(tokens, arena);
        return 0;
    }
    rows = tokens->rows.items;
    value_builder_list(&items, arena);
    for (uint32_t i = 0; i < tokens->rows.count; i++)
        value_builder_add(&items, rows_token(&rows[i], arena));
    print_json("tokens", value_builder_done(&items), arena);
    return 0;
}

static int revoke_one(struct connection *connection, const char *id, struct arena *arena)
{
    const struct msg_token_revoke ask = {.id = span_text(id)};
    void *reply;

    return connection_ask(connection, MSG_TOKEN_REVOKE, &ask, 0, MSG_OK, arena, &reply);
}

static const char *const verbs[] = {"create", "list", "revoke", NULL};

static const char *role_choice(size_t i)
{
    return role_name(PRINCIPAL_NONE + 1 + (uint32_t)i);
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    const char *verb = invocation->operands[0];
    const char *nearest = spec_nearest(verb, verbs, 3);
    bool revokes = strcmp(verb, "revoke") == 0;
    bool creates = strcmp(verb, "create") == 0;
    struct connection *connection;
    int rc;

    if (!revokes && !creates && strcmp(verb, "list") != 0)
        return say(EXIT_USAGE, verb,
                   nearest != NULL ? arena_printf(invocation->arena, "assay token %s", nearest)
                                   : "assay token --help",
                   "a token has no such verb");
    if (invocation->operand_count != (revokes ? 2 : 1))
        return say(EXIT_USAGE, verb, "assay token --help",
                   revokes ? "it needs the token's id" : "it takes no operand");
    if (!creates && (values->role != NULL || values->uses.given || values->expires.given))
        return say(EXIT_USAGE, verb, "assay token --help", "it takes no such flag");
    if (creates && (values->role == NULL || role_parse(values->role) == PRINCIPAL_NONE))
        return say(EXIT_USAGE, "--role", "--role worker, submit, read or admin", "%s",
                   values->role != NULL ? "there is no such role" : "it has to be said");
    rc = connection_open_head(values->common.address, values->common.token_file, &connection);
    if (rc != 0)
        return rc;
    if (creates)
        rc = create(connection, values, invocation->arena);
    else if (revokes)
        rc = revoke_one(connection, invocation->operands[1], invocation->arena);
    else
        rc = list(connection, values->common.json, invocation->arena);
    connection_close(connection);
    return rc;
}

static const struct option_row options[] = {
    OPTION_CHOICE(values, role, "role", 0, OPTION_TEXT, "ROLE", role_choice,
                  "create: worker, submit, read or admin"),
    OPTION(values, uses, "uses", 0, OPTION_NUMBER, "N", "create: how many may join with it (1)"),
    OPTION(values, expires, "expires", 0, OPTION_DURATION, "D",
           "create: how long it is good (15m; 24h at most)"),
};

const struct command command_token = {
    .name = "token",
    .operands = "create|list|revoke ID",
    .help = "Make, list and revoke the tokens that let machines join",
    .about = "A token is a word that lets new machines in: create prints one, which is "
             "good for as many machines, and as long, as was said. A machine that has "
             "joined has its own key from then on. Keep it in a file that only you can "
             "read: it is given with --token-file, never as an argument.\n\n"
             "list shows those that were made. revoke ID ends one, and the keys that came "
             "in with it.",
    .example = "assay token create --role worker --uses 10 > worker.token",
    .takes = TAKES_HEAD | TAKES_JSON,
    .least = 1,
    .most = 2,
    .options = options,
    .option_count = 3,
    .values_size = sizeof(struct values),
    .operand = OPERAND_TOKEN,
    .words = verbs,
    .run = run,
};
