#include "head/store/project_row.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/cursor.h"
#include "common/json.h"
#include "common/number.h"
#include "common/record.h"
#include "common/redis/keys.h"
#include "common/redis/lead.h"
#include "common/xalloc.h"

#define OWNED_MOST 8u

static struct span copy_span(struct span text)
{
    void *copy = text.size > 0 ? xmalloc(text.size) : NULL;

    if (copy != NULL)
        memcpy(copy, text.data, text.size);
    return span_of(copy, text.size);
}

/* The texts that a row owns. */
static size_t owned_spans(struct project_row *row, struct span **out)
{
    size_t count = 0;

    switch (row->kind) {
    case PROJECT_EXPERIMENT:
        out[count++] = &row->experiment_row.name;
        out[count++] = &row->experiment_row.folder;
        out[count++] = &row->experiment_row.why;
        break;
    case PROJECT_TRIAL:
        out[count++] = &row->trial_row.id;
        out[count++] = &row->trial_row.name;
        out[count++] = &row->trial_row.tag;
        out[count++] = &row->trial_row.config;
        out[count++] = &row->trial_row.folder;
        out[count++] = &row->trial_row.last;
        out[count++] = &row->trial_row.text;
        break;
    case PROJECT_NODE:
        out[count++] = &row->node_row.name;
        out[count++] = &row->node_row.hostname;
        out[count++] = &row->node_row.node_ip;
        out[count++] = &row->capacity;
        out[count++] = &row->used;
        break;
    case PROJECT_HEAD:
        out[count++] = &row->endpoint;
        out[count++] = &row->head_key;
        break;
    case PROJECT_OLD:
    case PROJECT_REMOVE:
        break;
    }
    assert(count <= OWNED_MOST);
    return count;
}

static void measure(struct project_row *row)
{
    struct span *spans[OWNED_MOST];
    size_t count = owned_spans(row, spans);

    row->bytes = sizeof(*row);
    for (size_t i = 0; i < count; i++)
        row->bytes += spans[i]->size;
}

/* Borrowed; the caller copies it. */
static struct span summary(const struct resources *resources, struct buf *text)
{
    resources_summary(resources, text);
    if (resources->memory_bytes > 0)
        buf_printf(text, ", %" PRId64 " bytes of memory", resources->memory_bytes);
    return buf_span(text);
}

static void take_node(struct project_row *row, const struct effect_node *node)
{
    row->kind = PROJECT_NODE;
    row->experiment = node->node;
    row->node_row = *node;
    row->node_row.capacity.custom = (struct record_list){NULL, 0};
    row->node_row.used.custom = (struct record_list){NULL, 0};
}

struct project_row *project_row_new(const struct effect *effect)
{
    struct project_row *row;
    struct span *spans[OWNED_MOST];
    struct buf capacity = {0};
    struct buf used = {0};
    size_t count;

    if (effect->type != EFFECT_EXPERIMENT && effect->type != EFFECT_TRIAL &&
        effect->type != EFFECT_NODE)
        return NULL;
    row = xcalloc(1, sizeof(*row));
    if (effect->type == EFFECT_EXPERIMENT) {
        row->kind = PROJECT_EXPERIMENT;
        row->experiment = effect->experiment.experiment;
        row->experiment_row = effect->experiment;
        row->experiment_row.spec = row->experiment_row.code = span_of(NULL, 0);
    } else if (effect->type == EFFECT_TRIAL) {
        row->kind = PROJECT_TRIAL;
        row->experiment = effect->trial.experiment;
        row->trial = effect->trial.trial;
        row->trial_row = effect->trial;
    } else {
        take_node(row, &effect->node);
        row->capacity = summary(&effect->node.capacity, &capacity);
        row->used = summary(&effect->node.used, &used);
    }
    count = owned_spans(row, spans);
    for (size_t i = 0; i < count; i++)
        *spans[i] = copy_span(*spans[i]);
    buf_fini(&capacity);
    buf_fini(&used);
    measure(row);
    return row;
}

void project_row_free(struct project_row *row)
{
    struct span *spans[OWNED_MOST];
    size_t count;

    if (row == NULL)
        return;
    count = owned_spans(row, spans);
    for (size_t i = 0; i < count; i++)
        free((void *)spans[i]->data);
    free(row);
}

/* Texts that newer leaves out come from older, which is left without any. */
static void inherit(struct project_row *newer, struct project_row *older)
{
    struct span *from[OWNED_MOST];
    struct span *to[OWNED_MOST];
    size_t count = owned_spans(older, from);

    assert(older->kind == newer->kind);
    (void)owned_spans(newer, to);
    for (size_t i = 0; i < count; i++) {
        if (to[i]->size == 0)
            *to[i] = *from[i];
        else
            free((void *)from[i]->data);
        *from[i] = span_of(NULL, 0);
    }
    measure(newer);
}

void project_row_absorb(struct project_row *row, struct project_row *newer)
{
    struct project_row *next = row->next;

    inherit(newer, row);
    *row = *newer;
    row->next = next;
    free(newer);
}

void project_row_give(struct project_row *row, struct project_row *newer)
{
    inherit(newer, row);
    free(row);
}

/* The words of one HSET while it is made. */
struct words {
    struct arena *arena;
    struct span *items;
    size_t count;
};

static void add_text(struct words *words, const char *field, struct span text)
{
    assert(words->count + 2 <= PROJECT_WORDS);
    words->items[words->count++] = span_text(field);
    words->items[words->count++] = text;
}

static void add_some_text(struct words *words, const char *field, struct span text)
{
    if (text.size > 0)
        add_text(words, field, text);
}

static void add_int(struct words *words, const char *field, int64_t number)
{
    add_text(words, field, span_text(arena_printf(words->arena, "%" PRId64, number)));
}

static void add_uint(struct words *words, const char *field, uint64_t number)
{
    add_text(words, field, span_text(arena_printf(words->arena, "%" PRIu64, number)));
}

/* Empty for "none", so that an old number does not stay. */
static void add_number(struct words *words, const char *field, uint32_t number)
{
    if (number == NUMBER_NONE)
        add_text(words, field, span_text(""));
    else
        add_uint(words, field, number);
}

static void add_double(struct words *words, const char *field, double number)
{
    char text[NUMBER_BYTES];
    size_t size = number_repr(number, text);

    add_text(words, field, arena_copy(words->arena, span_of(text, size)));
}

static void add_json(struct words *words, const char *field, struct span packed)
{
    struct buf text = {0};
    struct cursor cursor;

    if (packed.size == 0)
        return;
    cursor_init(&cursor, packed);
    if (json_write_packed(&cursor, &text))
        add_text(words, field, arena_copy(words->arena, buf_span(&text)));
    buf_fini(&text);
}

static void add_last(struct words *words, struct span packed)
{
    struct result result;
    struct cursor cursor;

    if (packed.size == 0)
        return;
    cursor_init(&cursor, packed);
    if (result_unpack(&cursor, &result) < 0)
        return;
    add_int(words, "training_iteration", result.training_iteration);
    add_double(words, "time_total_s", result.time_total_s);
    add_json(words, "last", result.metrics);
}

static void experiment_words(struct words *words, const struct effect_experiment *row)
{
    static const char *const states[] = {[EXPERIMENT_RUNNING] = "RUNNING",
                                         [EXPERIMENT_STOPPING] = "STOPPING",
                                         [EXPERIMENT_DONE] = "DONE"};

    assert(row->state < sizeof(states) / sizeof(states[0]));
    add_some_text(words, "name", row->name);
    add_text(words, "state", span_text(row->paused ? "PAUSED" : states[row->state]));
    add_uint(words, "principal", row->principal);
    add_uint(words, "submitted_ms", row->submitted_ms);
    add_uint(words, "ended_ms", row->ended_ms);
    add_number(words, "total", row->total);
    add_uint(words, "created", row->created);
    for (uint32_t i = TRIAL_NONE + 1; i < TRIAL_STATE_COUNT; i++)
        add_uint(words, trial_state_name((enum trial_state)i), row->counts[i]);
    add_uint(words, "results", row->results);
    add_uint(words, "seed", row->seed);
    add_some_text(words, "folder", row->folder);
    add_text(words, "why", row->why); /* what was extended has none any more */
}

static void trial_words(struct words *words, const struct effect_trial *row)
{
    add_some_text(words, "id", row->id);
    add_some_text(words, "name", row->name);
    add_some_text(words, "tag", row->tag);
    add_json(words, "config", row->config);
    add_some_text(words, "folder", row->folder);
    add_text(words, "state", span_text(trial_state_label((enum trial_state)row->state)));
    add_uint(words, "attempt", row->attempt);
    add_number(words, "node", row->node);
    add_uint(words, "ahead", row->ahead ? 1 : 0);
    add_int(words, "pid", row->pid);
    add_uint(words, "failures", row->failures);
    add_uint(words, "started_ms", row->started_ms);
    add_uint(words, "ended_ms", row->ended_ms);
    add_uint(words, "results", row->results);
    if (row->ended_ms > 0) {
        add_text(words, "reason", span_text(end_reason_name(row->reason)));
        add_int(words, "status", row->status);
    }
    if (row->has_best) {
        add_double(words, "best", row->best);
        add_int(words, "best_at", row->best_at);
    }
    add_last(words, row->last);
    add_some_text(words, "text", row->text);
}

static void node_words(struct words *words, const struct project_row *row)
{
    const struct effect_node *node = &row->node_row;
    static const char *const states[] = {
        [NODE_UP] = "UP", [NODE_DRAINING] = "DRAINING", [NODE_LOST] = "LOST", [NODE_FULL] = "FULL"};

    assert(node->state < sizeof(states) / sizeof(states[0]));
    add_text(words, "name", node->name);
    add_text(words, "hostname", node->hostname);
    add_text(words, "node_ip", node->node_ip);
    add_text(words, "state", span_text(states[node->state]));
    add_text(words, "capacity", row->capacity);
    add_text(words, "used", row->used);
    add_uint(words, "gpus", node->gpus);
    add_uint(words, "running", node->running);
    add_uint(words, "ahead", node->ahead);
    add_uint(words, "credit", node->credit);
}

struct span project_row_key(const struct project_row *row, const char *name, struct arena *arena)
{
    char *key = arena_alloc(arena, STORE_KEY_BYTES);

    switch (row->kind) {
    case PROJECT_TRIAL:
    case PROJECT_OLD:
        return store_key_trial(key, name, row->experiment, row->trial);
    case PROJECT_NODE:
        return store_key_number(key, name, "node", row->experiment);
    case PROJECT_HEAD:
        return store_key(key, name, "head");
    default:
        return store_key_number(key, name, "exp", row->experiment);
    }
}

size_t project_row_words(const struct project_row *row, const char *name, struct arena *arena,
                         struct span *out)
{
    struct words words = {arena, out, 0};

    words.items[words.count++] = span_text(row->kind == PROJECT_OLD ? "UNLINK" : "HSET");
    words.items[words.count++] = project_row_key(row, name, arena);
    switch (row->kind) {
    case PROJECT_EXPERIMENT:
        experiment_words(&words, &row->experiment_row);
        break;
    case PROJECT_TRIAL:
        trial_words(&words, &row->trial_row);
        break;
    case PROJECT_NODE:
        node_words(&words, row);
        break;
    case PROJECT_HEAD:
        add_uint(&words, LEAD_EPOCH, row->epoch);
        add_text(&words, LEAD_ENDPOINT, row->endpoint);
        add_text(&words, LEAD_KEY, row->head_key);
        break;
    case PROJECT_OLD:
        break;
    case PROJECT_REMOVE:
        assert(!"no row");
    }
    return words.count;
}
