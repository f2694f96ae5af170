#include "head/core/trial.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/experiment.h"
#include "head/core/node.h"

struct trial *trial_new(struct experiment *experiment, uint32_t number)
{
    struct trial *trial = xcalloc(1, sizeof(*trial));

    trial->number = number;
    trial->experiment = experiment;
    trial->state = TRIAL_PENDING;
    experiment->counts[TRIAL_PENDING]++;
    return trial;
}

void trial_free(struct trial *trial)
{
    if (trial == NULL)
        return;
    free(trial->name);
    free(trial->tag);
    free(trial->folder);
    buf_fini(&trial->config);
    buf_fini(&trial->last_result);
    past_fini(&trial->past);
    checkpoints_fini(&trial->checkpoints);
    checkpoint_forget_marks(trial);
    exploit_free(trial->exploit);
    free(trial);
}

struct trial_more *trial_more_new(struct record_list *past, struct checkpoints *checkpoints)
{
    struct trial_more *more;

    if (past->count == 0 && checkpoints->count == 0)
        return NULL;
    more = xmalloc(sizeof(*more));
    *more = (struct trial_more){.past = *past, .checkpoints = *checkpoints};
    *past = (struct record_list){0};
    *checkpoints = (struct checkpoints){0};
    return more;
}

void trial_more_free(struct trial_more *more)
{
    if (more == NULL)
        return;
    past_fini(&more->past);
    checkpoints_fini(&more->checkpoints);
    free(more);
}

bool trial_is_moving(const struct trial *trial)
{
    return trial->moves && (trial->state == TRIAL_PENDING || trial->state == TRIAL_PAUSED);
}

int trial_number_order(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

/* The only place that assigns a state. */
static void trial_enter(struct trial *trial, enum trial_state to)
{
    struct experiment *experiment = trial->experiment;

    assert(experiment->counts[trial->state] > 0);
    experiment->counts[trial->state]--;
    experiment->counts[to]++;
    experiment->changed = true;
    experiment->moving -= trial_is_moving(trial);
    trial->state = to;
    experiment->moving += trial_is_moving(trial);
}

void trial_order(struct trial *trial, enum trial_input input)
{
    enum trial_state to = trial_next(trial->state, input);

    assert(to != TRIAL_NONE);
    trial_enter(trial, to);
}

bool trial_report(struct trial *trial, enum trial_input input)
{
    enum trial_state to = trial_next(trial->state, input);

    if (to == TRIAL_NONE)
        return false;
    trial_enter(trial, to);
    return true;
}

void trial_forget_results(struct trial *trial)
{
    trial->rows = trial->base_rows = 0;
    trial->has_last = false;
    trial->has_sought = false;
    trial->sought = 0;
    trial->has_best = false;
    trial->best = 0;
    trial->best_at = 0;
    trial->plateau = (struct plateau){0};
    buf_reset(&trial->last_result);
}

enum action trial_action(const struct trial *trial)
{
    if (!trial_is_live(trial->state) || trial->closed || trial->ending ||
        trial->state == TRIAL_STOPPING)
        return ACTION_STOP;
    if (trial->state == TRIAL_PAUSING)
        return exploit_is_ready(trial) ? ACTION_STOP : ACTION_PAUSE;
    return trial->save ? ACTION_SAVE : ACTION_CONTINUE;
}

static struct span copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_copy(arena, span_text(text)) : (struct span){0};
}

void trial_tell(const struct trial *trial, bool first, uint64_t ended_ms, struct span text,
                struct effects *effects)
{
    struct arena *arena = effects->arena;
    struct effect_trial *row = &effects_add(effects, EFFECT_TRIAL)->trial;

    row->experiment = trial->experiment->number;
    row->trial = trial->number;
    row->state = trial->state;
    row->attempt = trial->attempt;
    row->node = trial->node != NULL ? trial->node->number : NUMBER_NONE;
    row->failures = trial->failures;
    row->pid = trial->pid;
    row->started_ms = trial->started_ms;
    row->ended_ms = ended_ms;
    row->results = trial->rows;
    row->reason = trial->reason;
    row->status = trial->status;
    row->has_best = trial->has_best;
    row->best = trial->best;
    row->best_at = trial->best_at;
    row->ahead = trial->ahead && trial->state == TRIAL_STARTING;
    row->folder = copy_text(arena, trial->folder);
    row->last = arena_copy(arena, buf_span(&trial->last_result));
    row->text = text;
    if (!first)
        return;
    row->id = copy_text(arena, trial->id);
    row->name = copy_text(arena, trial->name);
    row->tag = copy_text(arena, trial->tag);
    row->config = arena_copy(arena, buf_span(&trial->config));
}
