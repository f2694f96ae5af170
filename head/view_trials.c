/* Rows of trials: live ones in memory, in the order of their changes; ended ones on disk. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/pack.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/view.h"

static const struct field row_fields[] = {
    FIELD(view_trial, version, FIELD_U64, 0),
    FIELD(view_trial, trial, FIELD_U32, LIMIT_SAMPLES),
    FIELD(view_trial, state, FIELD_U32, TRIAL_STATE_COUNT - 1),
    FIELD(view_trial, attempt, FIELD_U32, 0),
    FIELD(view_trial, node, FIELD_U32, 0),
    FIELD(view_trial, failures, FIELD_U32, 0),
    FIELD(view_trial, reason, FIELD_U32, 0),
    FIELD(view_trial, pid, FIELD_I64, 0),
    FIELD(view_trial, started_ms, FIELD_U64, 0),
    FIELD(view_trial, ended_ms, FIELD_U64, 0),
    FIELD(view_trial, results, FIELD_U64, 0),
    FIELD(view_trial, status, FIELD_I64, 0),
    FIELD(view_trial, best, FIELD_F64, 0),
    FIELD(view_trial, best_at, FIELD_I64, 0),
    FIELD(view_trial, has_best, FIELD_BOOL, 0),
    FIELD(view_trial, ahead, FIELD_BOOL, 0),
    FIELD(view_trial, id, FIELD_TEXT, 0),
    FIELD(view_trial, name, FIELD_TEXT, 0),
    FIELD(view_trial, tag, FIELD_TEXT, 0),
    FIELD(view_trial, folder, FIELD_TEXT, 0),
    FIELD(view_trial, config, FIELD_BYTES, 0),
    FIELD(view_trial, last, FIELD_BYTES, 0),
    FIELD(view_trial, text, FIELD_BYTES, 0),
};
static const struct schema row_schema = SCHEMA(view_trial, 0, row_fields);

static void trial_free(struct view_trial *trial)
{
    free(trial->block);
    free((void *)(uintptr_t)trial->last.data);
    free((void *)(uintptr_t)trial->text.data);
    free(trial);
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

void view_trials_free(struct view_experiment *experiment)
{
    struct view_trial *trial = experiment->oldest;

    while (trial != NULL) {
        struct view_trial *next = trial->newer;

        trial_free(trial);
        trial = next;
    }
    free(experiment->slots);
    free(experiment->ends);
}

/* ---- ended ones ---- */

static void row_pack(const struct view_trial *trial, struct buf *out)
{
    pack_list(out, 2);
    schema_pack(&row_schema, trial, out);
    pack_text(out, trial->experiment_id);
}

/* *out borrows from the cursor's bytes. */
static bool row_unpack(struct cursor *in, struct view_trial *out)
{
    struct span id;
    uint32_t parts;

    *out = (struct view_trial){0};
    if (!cursor_list(in, &parts) || parts != 2 ||
        schema_unpack(&row_schema, in, NULL, out, NULL) < 0 || !cursor_text(in, &id) ||
        id.size >= sizeof(out->experiment_id))
        return false;
    memcpy(out->experiment_id, id.data, id.size);
    return true;
}

static const struct view_trial *row_read(const struct view_experiment *experiment,
                                         const struct view_slot *slot, struct arena *arena)
{
    struct view_trial *trial = arena_alloc(arena, sizeof(*trial));
    struct cursor cursor;
    struct span row;

    if (ended_read(experiment->ended, slot->place, arena, &row) != 0)
        return NULL;
    cursor_init(&cursor, row);
    return row_unpack(&cursor, trial) ? trial : NULL;
}

static struct view_slot *slot_of(struct view_experiment *experiment, uint32_t number)
{
    uint32_t room = experiment->slot_count > 0 ? experiment->slot_count : 32;

    if (number >= experiment->slot_count) {
        while (room <= number)
            room *= 2;
        experiment->slots = xrealloc(experiment->slots, room, sizeof(*experiment->slots));
        memset(&experiment->slots[experiment->slot_count], 0,
               (room - experiment->slot_count) * sizeof(*experiment->slots));
        experiment->slot_count = room;
    }
    return &experiment->slots[number];
}

static void slot_end(struct view_experiment *experiment, struct view_slot *slot,
                     const struct view_trial *trial, uint64_t place)
{
    if (experiment->end_count == experiment->end_room) {
        experiment->end_room = experiment->end_room > 0 ? experiment->end_room * 2 : 32;
        experiment->ends =
            xrealloc(experiment->ends, experiment->end_room, sizeof(*experiment->ends));
    }
    *slot = (struct view_slot){.place = place,
                               .best = trial->best,
                               .order = experiment->end_count,
                               .state = (uint8_t)trial->state,
                               .ended = true,
                               .has_best = trial->has_best};
    experiment->ends[experiment->end_count++] =
        (struct view_end){.version = trial->version, .trial = trial->trial};
}

/* Its row goes to disk, and is not kept. */
static void trial_end(struct view_experiment *experiment, struct view_slot *slot)
{
    struct view_trial *trial = slot->live;
    uint64_t place = ended_size(experiment->ended);
    struct buf row = {0};

    row_pack(trial, &row);
    ended_append(experiment->ended, buf_span(&row));
    buf_fini(&row);
    version_unlink(experiment, trial);
    slot_end(experiment, slot, trial, place);
    trial_free(trial);
}

/* A live row with memory of its own. */
static struct view_trial *trial_keep(const struct view_trial *from)
{
    struct view_trial *trial = xmalloc(sizeof(*trial));
    const struct effect_trial texts = {.id = from->id,
                                       .name = from->name,
                                       .tag = from->tag,
                                       .folder = from->folder,
                                       .config = from->config};

    *trial = *from;
    trial->id = trial->name = trial->tag = trial->folder = trial->config = (struct span){0};
    trial->last = trial->text = (struct span){0};
    trial->last_room = 0;
    trial->block = NULL;
    trial_set_texts(trial, &texts);
    if (from->last.size > 0)
        trial_set_last(trial, from->last);
    if (from->text.size > 0)
        trial_set_text(trial, from->text);
    return trial;
}

/* It goes on after all. */
static struct view_trial *trial_revive(struct view_experiment *experiment,
                                       const struct view_slot *slot, uint32_t number)
{
    struct arena arena = {0};
    const struct view_trial *row = row_read(experiment, slot, &arena);
    const struct view_trial unknown = {.trial = number};
    struct view_trial *trial = trial_keep(row != NULL ? row : &unknown);

    arena_fini(&arena);
    return trial;
}

/* The live row of a trial, taken out of the order of changes. */
static struct view_trial *trial_take(struct view_experiment *experiment, struct view_slot *slot,
                                     uint32_t number)
{
    struct view_trial *trial = slot->live;

    if (slot->ended) {
        trial = trial_revive(experiment, slot, number);
        *slot = (struct view_slot){.live = trial};
    } else if (trial != NULL) {
        version_unlink(experiment, trial);
    } else {
        trial = xcalloc(1, sizeof(*trial));
        trial->trial = number;
        slot->live = trial;
    }
    return trial;
}

void view_trials_apply(struct view_experiment *experiment, const struct effect_trial *row)
{
    struct view_slot *slot = slot_of(experiment, row->trial);
    struct view_trial *trial = trial_take(experiment, slot, row->trial);

    if (row->id.size + row->name.size + row->tag.size + row->config.size + row->folder.size > 0)
        trial_set_texts(trial, row);
    if (row->last.size > 0)
        trial_set_last(trial, row->last);
    /* What was said of a failure stands until another attempt has ended well. */
    if (row->text.size > 0)
        trial_set_text(trial, row->text);
    else if (row->state == TRIAL_DONE && trial->text.size > 0)
        trial_set_text(trial, span_text(""));
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
    slot->state = (uint8_t)row->state;
    slot->best = row->best;
    slot->has_best = row->has_best;
    version_append(experiment, trial);
    if (trial_is_final((enum trial_state)trial->state))
        trial_end(experiment, slot);
}

void view_trials_attempt(struct view_experiment *experiment, const struct effect_attempt *attempt)
{
    const struct view_slot *slot =
        attempt->trial < experiment->slot_count ? &experiment->slots[attempt->trial] : NULL;
    size_t size = attempt->experiment_id.size;

    if (slot == NULL || slot->ended || slot->live == NULL ||
        size >= sizeof(slot->live->experiment_id))
        return;
    memcpy(slot->live->experiment_id, attempt->experiment_id.data, size);
    slot->live->experiment_id[size] = '\0';
}

/* ---- for readers ---- */

const struct view_trial *view_trial(const struct view_experiment *experiment, uint32_t number,
                                    struct arena *arena)
{
    const struct view_slot *slot;

    if (number >= experiment->slot_count)
        return NULL;
    slot = &experiment->slots[number];
    return slot->ended ? row_read(experiment, slot, arena) : slot->live;
}

const char *view_slot_label(const struct view_slot *slot)
{
    bool ahead = !slot->ended && slot->live != NULL && slot->live->ahead;

    return trial_state_label(ahead ? TRIAL_PENDING : (enum trial_state)slot->state);
}

void view_changes_after(const struct view_experiment *experiment, uint64_t version,
                        struct view_changes *out)
{
    const struct view_trial *live = experiment->newest;
    uint32_t low = 0, high = experiment->end_count;

    /* Newest first until one that the reader has: so the cost is that of what changed. */
    while (live != NULL && live->version > version && live->older != NULL)
        live = live->older;
    if (live != NULL && live->version <= version)
        live = live->newer;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (experiment->ends[middle].version <= version)
            low = middle + 1;
        else
            high = middle;
    }
    *out = (struct view_changes){.experiment = experiment, .live = live, .end = low};
}

/* An end counts unless the trial has gone on since. */
static const struct view_end *changes_end(struct view_changes *changes)
{
    const struct view_experiment *experiment = changes->experiment;

    for (; changes->end < experiment->end_count; changes->end++) {
        const struct view_end *end = &experiment->ends[changes->end];
        const struct view_slot *slot = &experiment->slots[end->trial];

        if (slot->ended && slot->order == changes->end)
            return end;
    }
    return NULL;
}

bool view_changes_next(struct view_changes *changes, struct view_change *out)
{
    const struct view_end *end = changes_end(changes);
    const struct view_trial *live = changes->live;

    if (end != NULL && (live == NULL || end->version < live->version)) {
        *out = (struct view_change){.version = end->version, .trial = end->trial};
        changes->end++;
    } else if (live != NULL) {
        *out = (struct view_change){.version = live->version, .trial = live->trial};
        changes->live = live->newer;
    } else {
        return false;
    }
    out->label = view_slot_label(&changes->experiment->slots[out->trial]);
    return true;
}

/* ---- with an image ---- */

void view_trials_save(const struct view_experiment *experiment, struct buf *out)
{
    uint32_t count = 0;

    for (const struct view_trial *trial = experiment->oldest; trial != NULL; trial = trial->newer)
        count++;
    pack_list(out, VIEW_SAVED_PARTS);
    pack_uint(out, experiment->row.experiment);
    pack_uint(out, experiment->version);
    pack_uint(out, ended_size(experiment->ended));
    pack_list(out, count);
    for (const struct view_trial *trial = experiment->oldest; trial != NULL; trial = trial->newer)
        row_pack(trial, out);
}

static bool load_ended(void *context, uint64_t place, struct span row)
{
    struct view_experiment *experiment = context;
    struct view_trial trial;
    struct cursor cursor;

    cursor_init(&cursor, row);
    if (!row_unpack(&cursor, &trial))
        return false;
    slot_end(experiment, slot_of(experiment, trial.trial), &trial, place);
    return true;
}

static bool load_live(struct view_experiment *experiment, struct cursor *in)
{
    struct view_trial saved;
    struct view_trial *trial;

    if (!row_unpack(in, &saved))
        return false;
    trial = trial_keep(&saved);
    *slot_of(experiment, saved.trial) = (struct view_slot){.live = trial,
                                                           .best = trial->best,
                                                           .state = (uint8_t)trial->state,
                                                           .has_best = trial->has_best};
    version_append(experiment, trial);
    trial->version = saved.version;
    return true;
}

int view_trials_load(struct view_experiment *experiment, struct cursor *in)
{
    uint64_t version, size;
    uint32_t count;
    int err;

    if (!cursor_uint(in, &version) || !cursor_uint(in, &size) || !cursor_list(in, &count))
        return ERR_MALFORMED;
    err = ended_cut(experiment->ended, size);
    if (err == 0)
        err = ended_scan(experiment->ended, load_ended, experiment);
    else if (err == ERR_MALFORMED)
        (void)ended_scan(experiment->ended, load_ended, experiment); /* what is left of them */
    if (err < 0)
        log_line(LOG_WARNING, "ended-rows",
                 "experiment %u: rows of its ended trials are gone or damaged (%s); the trials' "
                 "own files are not",
                 experiment->row.experiment, err_text(err));
    for (uint32_t i = 0; i < count; i++)
        if (!load_live(experiment, in))
            return ERR_MALFORMED;
    experiment->version = version;
    return 0;
}
