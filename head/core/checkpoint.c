#include "head/core/checkpoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/state.h"

void checkpoint_free(struct checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    buf_fini(&checkpoint->last_result);
    free(checkpoint);
}

void checkpoints_fini(struct checkpoints *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        buf_fini(&list->items[i].last_result);
    free(list->items);
    *list = (struct checkpoints){0};
}

const struct checkpoint *checkpoints_latest(const struct checkpoints *list)
{
    return list->count > 0 ? &list->items[list->count - 1] : NULL;
}

static void tell(const struct checkpoint *checkpoint, uint32_t experiment, uint32_t trial,
                 bool kept, bool broken, struct effects *effects)
{
    struct effect_checkpoint *row = &effects_add(effects, EFFECT_CHECKPOINT)->checkpoint;

    row->experiment = experiment;
    row->trial = trial;
    row->manifest = arena_copy(effects->arena, span_of(checkpoint->manifest, LIMIT_HASH_BYTES));
    row->attempt = checkpoint->attempt;
    row->number = checkpoint->number;
    row->bytes = checkpoint->bytes;
    row->iteration = checkpoint->counters.training_iteration;
    row->kept = kept;
    row->broken = broken;
}

void checkpoints_tell(const struct checkpoints *list, uint32_t experiment, uint32_t trial,
                      bool kept, struct effects *effects)
{
    for (uint32_t i = 0; i < list->count; i++)
        tell(&list->items[i], experiment, trial, kept, false, effects);
}

/* By the newest result, as Ray Tune scores them. */
static void score(const struct spec *spec, struct checkpoint *checkpoint)
{
    struct result result;
    struct cursor cursor;

    cursor_init(&cursor, buf_span(&checkpoint->last_result));
    if (checkpoint->last_result.size == 0 || result_unpack(&cursor, &result) != 0 ||
        !result_number(&result, spec->checkpoint_score, &checkpoint->score))
        return;
    checkpoint->has_score = checkpoint->score == checkpoint->score; /* NaN is none */
    if (spec->checkpoint_score_min)
        checkpoint->score = -checkpoint->score;
}

void checkpoint_mark(struct trial *trial, const struct record_mark *mark, const struct result *last)
{
    struct checkpoint *checkpoint = xcalloc(1, sizeof(*checkpoint));
    struct checkpoint *other = NULL;

    checkpoint->number = mark->number;
    checkpoint->attempt = trial->attempt;
    checkpoint->counters = mark->counters;
    checkpoint->rows = trial->rows;
    checkpoint->has_last = trial->has_last;
    checkpoint->last = trial->last;
    checkpoint->has_sought = trial->has_sought;
    checkpoint->sought = trial->sought;
    checkpoint->has_best = trial->has_best;
    checkpoint->best = trial->best;
    checkpoint->best_at = trial->best_at;
    checkpoint->plateau = trial->plateau;
    if (last != NULL)
        result_pack(last, &checkpoint->last_result);
    else
        buf_append_span(&checkpoint->last_result, buf_span(&trial->last_result));
    score(&trial->experiment->spec, checkpoint);
    for (uint32_t i = 0; i < CHECKPOINT_MARKS; i++) {
        struct checkpoint *before = trial->marks[i];

        trial->marks[i] = NULL;
        if (before != NULL && other == NULL && before->number == mark->other)
            other = before;
        else
            checkpoint_free(before);
    }
    trial->marks[0] = checkpoint;
    trial->marks[1] = other;
    trial->save = false;
}

void checkpoint_forget_marks(struct trial *trial)
{
    for (uint32_t i = 0; i < CHECKPOINT_MARKS; i++) {
        checkpoint_free(trial->marks[i]);
        trial->marks[i] = NULL;
    }
}

/* The mark of this number, which is the caller's then; those before it are forgotten. */
static struct checkpoint *mark_take(struct trial *trial, uint64_t number)
{
    struct checkpoint *found = NULL;

    for (uint32_t i = 0; i < CHECKPOINT_MARKS; i++) {
        struct checkpoint *mark = trial->marks[i];

        if (mark == NULL || mark->number > number)
            continue;
        trial->marks[i] = NULL;
        if (mark->number == number && found == NULL)
            found = mark;
        else
            checkpoint_free(mark);
    }
    return found;
}

static bool is_worse(const struct checkpoint *a, const struct checkpoint *b)
{
    if (a->has_score != b->has_score)
        return b->has_score;
    return a->has_score && a->score < b->score;
}

static void take_out(struct checkpoints *list, uint32_t at)
{
    buf_fini(&list->items[at].last_result);
    list->count--;
    memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(struct checkpoint));
}

/* Too many: the worst goes, of equals the oldest, and never the latest. */
static void thin(struct step *step, struct trial *trial)
{
    struct checkpoints *list = &trial->checkpoints;
    uint32_t most = trial->experiment->spec.keep_checkpoints;

    while (list->count > most + 1) {
        uint32_t worst = 0;

        for (uint32_t i = 1; i + 1 < list->count; i++)
            if (is_worse(&list->items[i], &list->items[worst]))
                worst = i;
        tell(&list->items[worst], trial->experiment->number, trial->number, false, false,
             step->effects);
        take_out(list, worst);
    }
}

/* Takes over what is in it. */
static void append(struct checkpoints *list, struct checkpoint *checkpoint)
{
    list->items = xrealloc(list->items, list->count + 1, sizeof(struct checkpoint));
    list->items[list->count++] = *checkpoint;
    free(checkpoint); /* what it owns is the list's now */
}

void checkpoint_commit(struct step *step, struct trial *trial,
                       const struct record_checkpoint *record)
{
    struct checkpoints *list = &trial->checkpoints;
    struct checkpoint *mark = mark_take(trial, record->number);

    if (mark == NULL)
        return;
    assert(record->manifest.size == LIMIT_HASH_BYTES); /* record_check has looked */
    memcpy(mark->manifest, record->manifest.data, LIMIT_HASH_BYTES);
    mark->bytes = record->bytes;
    append(list, mark);
    tell(checkpoints_latest(list), trial->experiment->number, trial->number, true, false,
         step->effects);
    thin(step, trial);
    exploit_given(step, trial);
}

struct checkpoint *checkpoint_lend(struct step *step, const struct trial *donor,
                                   const struct trial *trial)
{
    const struct checkpoint *latest = checkpoints_latest(&donor->checkpoints);
    struct checkpoint *lent;

    if (latest == NULL)
        return NULL;
    lent = xcalloc(1, sizeof(*lent));
    memcpy(lent->manifest, latest->manifest, LIMIT_HASH_BYTES);
    lent->bytes = latest->bytes;
    lent->counters = latest->counters;
    lent->attempt = trial->attempt;
    tell(lent, trial->experiment->number, trial->number, true, false, step->effects);
    return lent;
}

void checkpoint_adopt(struct step *step, struct trial *trial, struct checkpoint *lent)
{
    lent->rows = trial->rows;
    lent->has_last = trial->has_last;
    lent->last = trial->last;
    lent->has_best = trial->has_best;
    lent->best = trial->best;
    lent->best_at = trial->best_at;
    buf_append_span(&lent->last_result, buf_span(&trial->last_result));
    append(&trial->checkpoints, lent);
    thin(step, trial);
}

void checkpoint_give_back(struct step *step, const struct trial *trial, struct checkpoint *lent)
{
    tell(lent, trial->experiment->number, trial->number, false, false, step->effects);
    checkpoint_free(lent);
}

void checkpoint_give_up(struct step *step, struct trial *trial)
{
    struct checkpoints *list = &trial->checkpoints;

    /* One that this attempt took is not what it began with. */
    if (list->count == 0 || checkpoints_latest(list)->attempt == trial->attempt)
        return;
    tell(checkpoints_latest(list), trial->experiment->number, trial->number, false, true,
         step->effects);
    take_out(list, list->count - 1);
    trial->broken++;
}

struct plateau checkpoint_plateau(const struct checkpoint *checkpoint)
{
    struct plateau plateau = checkpoint->plateau;

    plateau.at = checkpoint->counters.training_iteration;
    return plateau;
}

void checkpoint_restore(struct trial *trial)
{
    const struct checkpoint *latest = checkpoints_latest(&trial->checkpoints);

    trial_forget_results(trial);
    if (latest == NULL)
        return;
    trial->rows = trial->base_rows = latest->rows;
    trial->has_last = latest->has_last;
    trial->last = latest->last;
    trial->has_sought = latest->has_sought;
    trial->sought = latest->sought;
    trial->has_best = latest->has_best;
    trial->best = latest->best;
    trial->best_at = latest->best_at;
    trial->plateau = checkpoint_plateau(latest);
    buf_append_span(&trial->last_result, buf_span(&latest->last_result));
}
