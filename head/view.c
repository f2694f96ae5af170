#include "head/view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/sys/log.h"
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
    char *folder; /* of ended trials' rows; owned */
    bool loading; /* from an image: the files of ended rows are kept */
    struct view_experiment *unflushed;
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

struct view *view_new(const char *folder)
{
    struct view *view = xcalloc(1, sizeof(*view));

    view->folder = folder != NULL ? xstrdup(folder) : NULL;
    view->experiments.by_number = table_new();
    view->nodes.by_number = table_new();
    view->principal_by_key = table_new();
    view->principal_by_number = table_new();
    return view;
}

static void experiment_free(struct view_experiment *experiment, bool removed)
{
    view_trials_free(experiment);
    ended_free(experiment->ended, removed);
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
        experiment_free(view->experiments.items[i], false);
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
    free(view->folder);
    free(view);
}

static void spec_take(struct view_experiment *experiment, struct span packed)
{
    struct spec_error error;
    struct cursor cursor;
    int err;

    experiment->row.spec = arena_copy(&experiment->arena, packed);
    cursor_init(&cursor, experiment->row.spec);
    err = value_unpack(&cursor, &experiment->arena, &experiment->spec_value);
    if (err == 0)
        err = spec_parse(&experiment->spec_value, &experiment->arena, &experiment->spec, &error);
    assert(err == 0); /* the core has parsed the same bytes */
    (void)err;
}

/* The first row of an experiment carries its spec; what stays the same is copied then. */
static struct view_experiment *experiment_new(const struct view *view,
                                              const struct effect_experiment *row)
{
    struct view_experiment *experiment = xcalloc(1, sizeof(*experiment));

    arena_init(&experiment->arena);
    experiment->row = *row;
    experiment->row.name = span_text(arena_text(&experiment->arena, row->name));
    experiment->row.folder = span_text(arena_text(&experiment->arena, row->folder));
    spec_take(experiment, row->spec);
    experiment->row.code = arena_copy(&experiment->arena, row->code);
    experiment->row.why = arena_copy(&experiment->arena, row->why);
    experiment->ended = ended_new(view->folder, row->experiment);
    /* The log is replayed from its beginning, or goes on: what was there is no row of this one. */
    if (!view->loading && ended_cut(experiment->ended, 0) != 0)
        log_line(LOG_WARNING, "ended-rows", "experiment %u: old rows stay on disk: %s",
                 row->experiment, strerror(errno));
    return experiment;
}

static void apply_experiment(struct view *view, const struct effect_experiment *row)
{
    struct view_experiment *experiment = view_experiment(view, row->experiment);

    if (experiment == NULL) {
        experiment = experiment_new(view, row);
        rows_add(&view->experiments, row->experiment, experiment);
    } else {
        struct effect_experiment old = experiment->row;

        experiment->row = *row;
        experiment->row.name = old.name;
        experiment->row.folder = old.folder;
        experiment->row.spec = old.spec;
        if (row->spec.size > 0 && !span_equal(row->spec, old.spec))
            spec_take(experiment, row->spec); /* it was extended */
        experiment->row.code = old.code;
        experiment->row.why =
            span_equal(old.why, row->why) ? old.why : arena_copy(&experiment->arena, row->why);
    }
    experiment->version++;
}

static void apply_trial(struct view *view, const struct effect_trial *row)
{
    struct view_experiment *experiment = view_experiment(view, row->experiment);

    assert(experiment != NULL);
    view_trials_apply(experiment, row);
    if (!experiment->unflushed && trial_is_final((enum trial_state)row->state)) {
        experiment->unflushed = true;
        experiment->next_unflushed = view->unflushed;
        view->unflushed = experiment;
    }
}

static void apply_attempt(struct view *view, const struct effect_attempt *attempt)
{
    struct view_experiment *experiment = view_experiment(view, attempt->experiment);

    if (experiment != NULL)
        view_trials_attempt(experiment, attempt);
}

static void unflushed_remove(struct view *view, const struct view_experiment *experiment)
{
    struct view_experiment **at = &view->unflushed;

    while (*at != NULL && *at != experiment)
        at = &(*at)->next_unflushed;
    if (*at != NULL)
        *at = experiment->next_unflushed;
}

bool view_flush(struct view *view)
{
    struct view_experiment *experiment = view->unflushed;
    bool all = true;

    view->unflushed = NULL;
    while (experiment != NULL) {
        struct view_experiment *next = experiment->next_unflushed;

        experiment->unflushed = ended_flush(experiment->ended) != 0;
        if (experiment->unflushed) {
            all = false;
            experiment->next_unflushed = view->unflushed;
            view->unflushed = experiment;
        }
        experiment = next;
    }
    return all;
}

bool view_is_written(const struct view *view)
{
    return view->unflushed == NULL;
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
    case EFFECT_EXPLOIT:
        break; /* explain tells of them */
    case EFFECT_RELEASE:
        if (effect->release.removed) {
            struct view_experiment *gone = view_experiment(view, effect->release.experiment);

            if (gone != NULL) {
                rows_remove(&view->experiments, effect->release.experiment);
                unflushed_remove(view, gone);
                experiment_free(gone, true);
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

const char *view_folder(const struct view *view)
{
    return view->folder;
}

void view_each_file(const struct view *view,
                    void (*file)(void *context, uint32_t experiment, int fd, uint64_t size),
                    void *context)
{
    for (size_t i = 0; i < view->experiments.count; i++) {
        const struct view_experiment *experiment = view->experiments.items[i];

        if (ended_fd(experiment->ended) >= 0)
            file(context, experiment->row.experiment, ended_fd(experiment->ended),
                 ended_size(experiment->ended));
    }
}

/* ---- with an image ---- */

void view_save(const struct view *view, struct buf *out)
{
    pack_list(out, (uint32_t)view->experiments.count);
    for (size_t i = 0; i < view->experiments.count; i++)
        view_trials_save(view->experiments.items[i], out);
}

/* All that the core can tell. */
static void load_described(struct view *view, const struct core *core)
{
    struct arena arena = {0};
    struct effects effects;

    effects_init(&effects, &arena);
    core_describe(core, &effects);
    view->loading = true;
    for (size_t i = 0; i < effects.count; i++)
        if (effects.items[i].type != EFFECT_TRIAL)
            view_apply(view, &effects.items[i]);
    view->loading = false;
    effects_fini(&effects);
    arena_fini(&arena);
}

int view_load(struct view *view, const struct core *core, struct span saved)
{
    struct cursor cursor;
    uint32_t count;

    load_described(view, core);
    cursor_init(&cursor, saved);
    if (!cursor_list(&cursor, &count) || count != view->experiments.count)
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parts, number;
        struct view_experiment *experiment;
        int err;

        if (!cursor_list(&cursor, &parts) || parts != VIEW_SAVED_PARTS ||
            !cursor_u32(&cursor, &number))
            return ERR_MALFORMED;
        experiment = view_experiment(view, number);
        err = experiment != NULL ? view_trials_load(experiment, &cursor) : ERR_MALFORMED;
        if (err < 0)
            return err;
    }
    return cursor.at == cursor.end ? 0 : ERR_MALFORMED;
}

uint64_t view_version(const struct view *view)
{
    return view->version;
}
