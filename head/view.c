#include "head/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/table.h"
#include "common/xalloc.h"

/* Rows of one kind in the order of their numbers, and by number. */
struct rows {
    void **items; /* owned */
    size_t count;
    size_t room;
    struct table *by_number;
};

struct view {
    struct rows experiments;
    struct rows nodes;
    struct view_token *tokens;
    size_t token_count;
    size_t token_room;
    struct view_principal *principals;
    size_t principal_count;
    size_t principal_room;
    struct table *principal_by_key; /* both to index + 1 */
    struct table *principal_by_number;
    uint64_t version;
};

static void rows_add(struct rows *rows, uint32_t number, void *item)
{
    if (rows->count == rows->room) {
        rows->room = rows->room > 0 ? rows->room * 2 : 16;
        rows->items = xrealloc(rows->items, rows->room, sizeof(*rows->items));
    }
    rows->items[rows->count++] = item;
    (void)table_put_u64(rows->by_number, number, item);
}

static void rows_remove(struct rows *rows, uint32_t number)
{
    void *item = table_remove_u64(rows->by_number, number);

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i] != item)
            continue;
        memmove(&rows->items[i], &rows->items[i + 1], (rows->count - i - 1) * sizeof(*rows->items));
        rows->count--;
        return;
    }
}

struct view *view_new(void)
{
    struct view *view = xcalloc(1, sizeof(*view));

    view->experiments.by_number = table_new();
    view->nodes.by_number = table_new();
    view->principal_by_key = table_new();
    view->principal_by_number = table_new();
    return view;
}

static void trial_free(struct view_trial *trial)
{
    free(trial->block);
    free((void *)(uintptr_t)trial->last.data);
    free((void *)(uintptr_t)trial->text.data);
    free(trial);
}

static void experiment_free(struct view_experiment *experiment)
{
    struct view_trial *trial = experiment->oldest;

    while (trial != NULL) {
        struct view_trial *next = trial->newer;

        trial_free(trial);
        trial = next;
    }
    free(experiment->trials);
    arena_fini(&experiment->arena);
    free(experiment);
}

static void node_free(struct view_node *node)
{
    arena_fini(&node->arena);
    free(node);
}

void view_free(struct view *view)
{
    if (view == NULL)
        return;
    for (size_t i = 0; i < view->experiments.count; i++)
        experiment_free(view->experiments.items[i]);
    for (size_t i = 0; i < view->nodes.count; i++)
        node_free(view->nodes.items[i]);
    for (size_t i = 0; i < view->principal_count; i++)
        free(view->principals[i].name);
    table_free(view->experiments.by_number);
    table_free(view->nodes.by_number);
    table_free(view->principal_by_key);
    table_free(view->principal_by_number);
    free(view->experiments.items);
    free(view->nodes.items);
    free(view->tokens);
    free(view->principals);
    free(view);
}

/* The first row of an experiment carries its spec; what stays the same is copied then. */
static struct view_experiment *experiment_new(const struct effect_experiment *row)
{
    struct view_experiment *experiment = xcalloc(1, sizeof(*experiment));
    struct spec_error error;
    struct cursor cursor;
    int err;

    arena_init(&experiment->arena);
    experiment->row = *row;
    experiment->row.name = span_text(arena_text(&experiment->arena, row->name));
    experiment->row.folder = span_text(arena_text(&experiment->arena, row->folder));
    experiment->row.spec = arena_copy(&experiment->arena, row->spec);
    experiment->row.code = arena_copy(&experiment->arena, row->code);
    cursor_init(&cursor, experiment->row.spec);
    err = value_unpack(&cursor, &experiment->arena, &experiment->spec_value);
    if (err == 0)
        err = spec_parse(&experiment->spec_value, &experiment->arena, &experiment->spec, &error);
    assert(err == 0); /* the core has parsed the same bytes */
    return experiment;
}

static void apply_experiment(struct view *view, const struct effect_experiment *row)
{
    struct view_experiment *experiment = view_experiment(view, row->experiment);

    if (experiment == NULL) {
        experiment = experiment_new(row);
        rows_add(&view->experiments, row->experiment, experiment);
    } else {
        struct effect_experiment old = experiment->row;

        experiment->row = *row;
        experiment->row.name = old.name;
        experiment->row.folder = old.folder;
        experiment->row.spec = old.spec;
        experiment->row.code = old.code;
    }
    experiment->version++;
}

/* Texts that never change again, in one block: a row a finished trial has to stay small. */
static void trial_set_texts(struct view_trial *trial, const struct effect_trial *row)
{
    const struct span from[] = {row->id, row->name, row->tag, row->folder, row->config};
    struct span *to[] = {&trial->id, &trial->name, &trial->tag, &trial->folder, &trial->config};
    struct span merged[5];
    size_t size = 0;
    char *block;
    char *at;

    for (size_t i = 0; i < 5; i++) {
        merged[i] = from[i].size > 0 ? from[i] : *to[i];
        size += merged[i].size;
    }
    block = at = xmalloc(size + 1);
    for (size_t i = 0; i < 5; i++) {
        if (merged[i].size > 0)
            memcpy(at, merged[i].data, merged[i].size);
        *to[i] = span_of(at, merged[i].size);
        at += merged[i].size;
    }
    free(trial->block);
    trial->block = block;
}

static void trial_set_last(struct view_trial *trial, struct span last)
{
    void *memory = (void *)(uintptr_t)trial->last.data;

    if (last.size > trial->last_room) {
        memory = xrealloc(memory, last.size, 1);
        trial->last_room = last.size;
    }
    memcpy(memory, last.data, last.size);
    trial->last = span_of(memory, last.size);
}

static void trial_set_text(struct view_trial *trial, struct span text)
{
    free((void *)(uintptr_t)trial->text.data);
    trial->text = span_of(xstrndup(text.data, text.size), text.size);
}

static void version_unlink(struct view_experiment *experiment, struct view_trial *trial)
{
    if (trial->older != NULL)
        trial->older->newer = trial->newer;
    else
        experiment->oldest = trial->newer;
    if (trial->newer != NULL)
        trial->newer->older = trial->older;
    else
        experiment->newest = trial->older;
}

static void version_append(struct view_experiment *experiment, struct view_trial *trial)
{
    trial->older = experiment->newest;
    trial->newer = NULL;
    if (experiment->newest != NULL)
        experiment->newest->newer = trial;
    else
        experiment->oldest = trial;
    experiment->newest = trial;
    trial->version = ++experiment->version;
}

static void apply_trial(struct view *view, const struct effect_trial *row)
{
    struct view_experiment *experiment = view_experiment(view, row->experiment);
    struct view_trial *trial;

    assert(experiment != NULL);
    if (row->trial >= experiment->trial_count) {
        uint32_t room = experiment->trial_count > 0 ? experiment->trial_count : 32;

        while (room <= row->trial)
            room *= 2;
        experiment->trials = xrealloc(experiment->trials, room, sizeof(struct view_trial *));
        memset(&experiment->trials[experiment->trial_count], 0,
               (room - experiment->trial_count) * sizeof(struct view_trial *));
        experiment->trial_count = room;
    }
    trial = experiment->trials[row->trial];
    if (trial == NULL) {
        trial = xcalloc(1, sizeof(*trial));
        trial->trial = row->trial;
        experiment->trials[row->trial] = trial;
    } else {
        version_unlink(experiment, trial);
    }
    if (row->id.size + row->name.size + row->tag.size + row->config.size + row->folder.size > 0)
        trial_set_texts(trial, row);
    if (row->last.size > 0)
        trial_set_last(trial, row->last);
    if (row->text.size > 0)
        trial_set_text(trial, row->text);
    trial->state = row->state;
    trial->attempt = row->attempt;
    if (row->node != NUMBER_NONE || row->attempt == 0)
        trial->node = row->node;
    trial->failures = row->failures;
    trial->reason = row->reason;
    trial->pid = row->pid;
    trial->started_ms = row->started_ms;
    trial->ended_ms = row->ended_ms;
    trial->results = row->results;
    trial->status = row->status;
    trial->best = row->best;
    trial->best_at = row->best_at;
    trial->has_best = row->has_best;
    trial->ahead = row->ahead;
    version_append(experiment, trial);
}

static void apply_attempt(struct view *view, const struct effect_attempt *attempt)
{
    struct view_experiment *experiment = view_experiment(view, attempt->experiment);
    struct view_trial *trial = experiment != NULL ? view_trial(experiment, attempt->trial) : NULL;
    size_t size = attempt->experiment_id.size;

    if (trial == NULL || size >= sizeof(trial->experiment_id))
        return;
    memcpy(trial->experiment_id, attempt->experiment_id.data, size);
    trial->experiment_id[size] = '\0';
}

static void apply_node(struct view *view, const struct effect_node *row)
{
    struct view_node *node = view_node(view, row->node);
    struct arena fresh;

    if (node == NULL) {
        node = xcalloc(1, sizeof(*node));
        rows_add(&view->nodes, row->node, node);
    }
    arena_init(&fresh);
    node->row = *row;
    node->row.name = arena_copy(&fresh, row->name);
    node->row.hostname = arena_copy(&fresh, row->hostname);
    node->row.node_ip = arena_copy(&fresh, row->node_ip);
    node->row.capacity = resources_copy(&row->capacity, &fresh);
    node->row.used = resources_copy(&row->used, &fresh);
    arena_fini(&node->arena);
    node->arena = fresh;
}

static void apply_principal(struct view *view, const struct effect_principal *row)
{
    uintptr_t place = (uintptr_t)table_get_u64(view->principal_by_number, row->principal);
    struct view_principal *principal = place > 0 ? &view->principals[place - 1] : NULL;

    if (principal == NULL) {
        if (view->principal_count == view->principal_room) {
            view->principal_room = view->principal_room > 0 ? view->principal_room * 2 : 16;
            view->principals =
                xrealloc(view->principals, view->principal_room, sizeof(*view->principals));
        }
        principal = &view->principals[view->principal_count++];
        memset(principal, 0, sizeof(*principal));
    }
    assert(row->key.size == sizeof(principal->key));
    free(principal->name);
    principal->principal = row->principal;
    principal->role = row->role;
    principal->revoked = row->revoked;
    principal->name = xstrndup(row->name.data, row->name.size);
    memcpy(principal->key, row->key.data, sizeof(principal->key));
    place = (uintptr_t)(principal - view->principals) + 1;
    (void)table_put(view->principal_by_key, row->key, (void *)place);
    (void)table_put_u64(view->principal_by_number, row->principal, (void *)place);
}

/* Where a token's row may go that nobody can use any more, or else the one that ends first: the
 * core forgets those silently. */
static struct view_token *token_place(struct view *view)
{
    struct view_token *worst = &view->tokens[0];

    if (view->token_count < LIMIT_TOKENS) {
        if (view->token_count == view->token_room) {
            view->token_room = view->token_room > 0 ? view->token_room * 2 : 16;
            view->tokens = xrealloc(view->tokens, view->token_room, sizeof(*view->tokens));
        }
        return &view->tokens[view->token_count++];
    }
    for (size_t i = 0; i < view->token_count; i++) {
        struct view_token *token = &view->tokens[i];
        bool used_up = token->row.revoked || token->row.uses_left == 0;

        if (used_up || token->row.expires_ms < worst->row.expires_ms)
            worst = token;
        if (used_up)
            break;
    }
    /* The rows stay in the order in which they came. */
    memmove(worst, worst + 1,
            (size_t)(&view->tokens[view->token_count - 1] - worst) * sizeof(*worst));
    return &view->tokens[view->token_count - 1];
}

static void apply_token(struct view *view, const struct effect_token *row)
{
    struct view_token *token = NULL;

    assert(row->id.size == sizeof(token->id));
    for (size_t i = 0; i < view->token_count; i++)
        if (memcmp(view->tokens[i].id, row->id.data, row->id.size) == 0)
            token = &view->tokens[i];
    if (token == NULL)
        token = token_place(view);
    token->row = *row;
    token->row.id = (struct span){0};
    memcpy(token->id, row->id.data, sizeof(token->id));
}

void view_apply(struct view *view, const struct effect *effect)
{
    switch (effect->type) {
    case EFFECT_EXPERIMENT:
        apply_experiment(view, &effect->experiment);
        break;
    case EFFECT_TRIAL:
        apply_trial(view, &effect->trial);
        break;
    case EFFECT_NODE:
        apply_node(view, &effect->node);
        break;
    case EFFECT_PRINCIPAL:
        apply_principal(view, &effect->principal);
        break;
    case EFFECT_TOKEN:
        apply_token(view, &effect->token);
        break;
    case EFFECT_CHECKPOINT:
        break; /* explain tells of them */
    case EFFECT_RELEASE:
        if (effect->release.removed) {
            struct view_experiment *gone = view_experiment(view, effect->release.experiment);

            if (gone != NULL) {
                rows_remove(&view->experiments, effect->release.experiment);
                experiment_free(gone);
            }
        }
        break;
    case EFFECT_ATTEMPT:
        apply_attempt(view, &effect->attempt);
        break;
    case EFFECT_REPLY:
    case EFFECT_LAUNCH:
    case EFFECT_VERDICT:
    case EFFECT_RESULTS:
    case EFFECT_CLOSE:
        return; /* somebody else's */
    }
    view->version++;
}

struct view_experiment *view_experiment(const struct view *view, uint32_t number)
{
    return table_get_u64(view->experiments.by_number, number);
}

struct view_trial *view_trial(const struct view_experiment *experiment, uint32_t number)
{
    return number < experiment->trial_count ? experiment->trials[number] : NULL;
}

struct view_node *view_node(const struct view *view, uint32_t number)
{
    return table_get_u64(view->nodes.by_number, number);
}

const struct view_principal *view_principal(const struct view *view, uint32_t number)
{
    uintptr_t place = (uintptr_t)table_get_u64(view->principal_by_number, number);

    return place > 0 ? &view->principals[place - 1] : NULL;
}

const struct view_principal *view_principal_of_key(const struct view *view, const uint8_t key[32])
{
    uintptr_t place = (uintptr_t)table_get(view->principal_by_key, span_of(key, 32));

    return place > 0 ? &view->principals[place - 1] : NULL;
}

struct view_experiment *const *view_experiments(const struct view *view, size_t *count)
{
    *count = view->experiments.count;
    return (struct view_experiment *const *)view->experiments.items;
}

struct view_node *const *view_nodes(const struct view *view, size_t *count)
{
    *count = view->nodes.count;
    return (struct view_node *const *)view->nodes.items;
}

const struct view_token *view_tokens(const struct view *view, size_t *count)
{
    *count = view->token_count;
    return view->tokens;
}

const struct view_principal *view_principals(const struct view *view, size_t *count)
{
    *count = view->principal_count;
    return view->principals;
}

uint64_t view_version(const struct view *view)
{
    return view->version;
}
