/* HyperBand with Tune's synchronous brackets: hyperband_sizes.h says how large they are.
 *
 * A trial joins the bracket that is being filled, runs to its milestone and pauses there. When all
 * that are in the bracket have come, the worse ones are stopped and the others go on to the next
 * milestone, until the last. Milestones move only while everybody waits.
 *
 * Where all that go on are past the new milestone already (their time jumps), the bracket halves
 * again at once: in Tune nobody would wake them (its Q5). Who is lost and begins again keeps its
 * place, and the bracket waits for it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/hyperband_inside.h"
#include "head/core/sched_common.h"

static void *hyperband_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                           struct tape *tape)
{
    struct hyperband *hyperband = xcalloc(1, sizeof(*hyperband));

    (void)seed;
    (void)tape;
    hyperband->spec = &spec->scheduler;
    hyperband_read_keys(hyperband->spec, &hyperband->keys);
    hyperband->view = *view;
    return hyperband;
}

static void hyperband_free(void *self)
{
    struct hyperband *hyperband = self;

    if (hyperband == NULL)
        return;
    for (uint32_t i = 0; i < hyperband->bracket_count; i++)
        free(hyperband->brackets[i].live);
    free(hyperband->brackets);
    free(hyperband->notes);
    free(hyperband);
}

/* One that is added again, after a failure or a loss, has its place. */
static void hyperband_add(void *self, uint32_t trial)
{
    struct hyperband *hyperband = self;
    struct note *note = hyperband_note(hyperband, trial);
    struct bracket *bracket;

    if (note->live) {
        bracket_set_time(&hyperband->brackets[note->bracket], note, 0);
        note->reward = (double)NAN;
        return;
    }
    bracket = bracket_open(hyperband);
    *note = (struct note){.reward = (double)NAN,
                          .bracket = (uint32_t)(bracket - hyperband->brackets),
                          .turn = hyperband->turns++,
                          .what = NOTE_RUNS,
                          .live = true};
    bracket_push(bracket, trial);
    bracket->behind += !bracket_has_come(bracket, note);
}

/* ---- judging ---- */

struct ranked {
    double reward;
    uint32_t place; /* in the bracket */
    uint32_t trial;
};

/* Ascending; a NaN first, those that joined earlier first among equals. */
static int by_reward(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    bool left_none = isnan(left->reward);
    bool right_none = isnan(right->reward);

    if (left_none != right_none)
        return left_none ? -1 : 1;
    if (!left_none && left->reward != right->reward)
        return left->reward < right->reward ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

/* What comes of one call: about the trial that has come last, if any, and about others. */
struct judgement {
    struct arena *arena; /* borrowed */
    uint32_t trial;      /* NUMBER_NONE: none */
    struct sched_verdict *out;
    uint32_t capacity;
};

static void decide(struct judgement *judgement, uint32_t trial, enum action action)
{
    struct sched_verdict *out = judgement->out;

    if (trial == judgement->trial) {
        out->action = action;
        return;
    }
    if (out->other_count == judgement->capacity) {
        uint32_t capacity = judgement->capacity == 0 ? 16 : judgement->capacity * 2;
        struct sched_other *others = arena_alloc(judgement->arena, capacity * sizeof(*others));

        if (out->other_count > 0)
            memcpy(others, out->others, out->other_count * sizeof(*others));
        out->others = others;
        judgement->capacity = capacity;
    }
    out->others[out->other_count++] = (struct sched_other){trial, action};
}

/* All are at the last milestone. */
static void bracket_end(struct hyperband *hyperband, struct bracket *bracket,
                        struct judgement *judgement)
{
    bracket->begun = true;
    for (uint32_t i = 0; i < bracket->count; i++) {
        struct note *note = &hyperband->notes[bracket->live[i]];

        note->what = NOTE_LAST;
        note->milestone = bracket->size.milestone;
        note->live = false;
        decide(judgement, bracket->live[i], ACTION_STOP);
    }
    bracket_sweep(hyperband, bracket);
}

static void bracket_halve(struct hyperband *hyperband, struct bracket *bracket,
                          struct judgement *judgement)
{
    uint32_t count = bracket->count;
    struct ranked *ranked = arena_alloc(judgement->arena, count * sizeof(*ranked));
    double milestone = bracket->size.milestone;
    uint32_t bad;

    for (uint32_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){hyperband->notes[bracket->live[i]].reward, i, bracket->live[i]};
    qsort(ranked, count, sizeof(*ranked), by_reward);
    hyperband_halve(&hyperband->keys, &bracket->size);
    bracket->begun = true;
    bad = count > bracket->size.n ? count - (uint32_t)bracket->size.n : 0;
    hyperband->stopped += bad;
    for (uint32_t i = 0; i < count; i++) {
        struct note *note = &hyperband->notes[ranked[i].trial];

        note->what = i < bad ? NOTE_DROPPED : NOTE_KEPT;
        note->milestone = milestone;
        note->rank = count - i;
        note->of = count;
        note->live = i >= bad;
        if (i < bad)
            decide(judgement, ranked[i].trial, ACTION_STOP);
        else if (!bracket_has_come(bracket, note))
            decide(judgement, ranked[i].trial, ACTION_CONTINUE);
    }
    bracket_sweep(hyperband, bracket);
    bracket_count_behind(hyperband, bracket);
}

/* While all that are in it have come, it goes on. */
static void bracket_judge(struct hyperband *hyperband, struct bracket *bracket,
                          struct judgement *judgement)
{
    while (bracket->count > 0 && bracket->behind == 0) {
        if (bracket->size.halvings > 0)
            bracket_halve(hyperband, bracket, judgement);
        else
            bracket_end(hyperband, bracket, judgement);
    }
}

/* A result without a time or a reward says nothing: the trial goes on. */
static void hyperband_result(void *self, const struct judged *judged, struct arena *arena,
                             struct sched_verdict *out)
{
    struct hyperband *hyperband = self;
    struct note *note = hyperband_live_note(hyperband, judged->trial);
    struct judgement judgement = {.arena = arena, .trial = judged->trial, .out = out};
    struct bracket *bracket;

    /* It was stopped before and did not hear of it yet. */
    *out = (struct sched_verdict){.action = ACTION_STOP, .donor = NUMBER_NONE};
    if (note == NULL)
        return;
    out->action = ACTION_CONTINUE;
    if (!sched_is_whole(judged))
        return;
    bracket = &hyperband->brackets[note->bracket];
    note->reward = judged->reward;
    bracket_set_time(bracket, note, judged->time);
    if (!bracket_has_come(bracket, note))
        return;
    out->action = ACTION_PAUSE;
    note->what = NOTE_WAITS;
    note->milestone = bracket->size.milestone;
    bracket_judge(hyperband, bracket, &judgement);
}

/* It is gone; the others may have waited for it alone. */
static void leave(struct hyperband *hyperband, uint32_t trial, struct arena *arena,
                  struct sched_verdict *out)
{
    struct note *note = hyperband_live_note(hyperband, trial);
    struct judgement judgement = {.arena = arena, .trial = NUMBER_NONE, .out = out};
    struct bracket *bracket;

    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (note == NULL)
        return;
    bracket = &hyperband->brackets[note->bracket];
    bracket->behind -= !bracket_has_come(bracket, note);
    note->live = false;
    note->what = NOTE_LEFT;
    bracket_sweep(hyperband, bracket);
    bracket_judge(hyperband, bracket, &judgement);
}

static void hyperband_complete(void *self, const struct judged *judged, struct arena *arena,
                               struct sched_verdict *out)
{
    struct hyperband *hyperband = self;
    struct note *note = hyperband_live_note(hyperband, judged->trial);

    if (note != NULL && sched_is_whole(judged)) {
        note->reward = judged->reward;
        bracket_set_time(&hyperband->brackets[note->bracket], note, judged->time);
    }
    leave(hyperband, judged->trial, arena, out);
}

static void hyperband_error(void *self, uint32_t trial, struct arena *arena,
                            struct sched_verdict *out)
{
    leave(self, trial, arena, out);
}

static double hyperband_horizon(const void *self, uint32_t trial)
{
    const struct hyperband *hyperband = self;
    const struct note *note = hyperband_live_note(hyperband, trial);
    const struct bracket *bracket;

    if (note == NULL)
        return (double)-INFINITY;
    bracket = &hyperband->brackets[note->bracket];
    return bracket_has_come(bracket, note) ? (double)-INFINITY : bracket->size.milestone;
}

static void hyperband_figures(const void *self, struct arena *arena, struct sched_figures *out)
{
    const struct hyperband *hyperband = self;

    (void)arena;
    out->stopped = hyperband->stopped;
}

/* ---- choosing ---- */

/* Rounds in their order, in a round the bracket that has got least far, in it who joined first. */
static bool comes_before(const struct hyperband *hyperband, uint32_t one, uint32_t other)
{
    const struct note *left = &hyperband->notes[one];
    const struct note *right = &hyperband->notes[other];
    uint32_t left_round = left->bracket / hyperband->keys.round;
    uint32_t right_round = right->bracket / hyperband->keys.round;

    if (left_round != right_round)
        return left_round < right_round;
    if (left->bracket != right->bracket) {
        double left_done = bracket_done(&hyperband->brackets[left->bracket]);
        double right_done = bracket_done(&hyperband->brackets[right->bracket]);

        if (left_done != right_done)
            return left_done < right_done;
        return left->bracket < right->bracket;
    }
    return left->turn < right->turn;
}

/* Who is paused goes on when its bracket says so, not because there is room. */
static uint32_t hyperband_choose(void *self, const struct sched_candidates *candidates)
{
    const struct hyperband *hyperband = self;
    uint32_t best = NUMBER_NONE;

    for (uint32_t i = 0; i < candidates->pending_count; i++) {
        uint32_t trial = candidates->pending[i];

        if (candidates->fits(candidates->context, trial) &&
            (best == NUMBER_NONE || comes_before(hyperband, trial, best)))
            best = trial;
    }
    return best;
}

const struct sched_ops sched_hyperband = {
    .name = "hyperband",
    .new = hyperband_new,
    .free = hyperband_free,
    .add = hyperband_add,
    .result = hyperband_result,
    .complete = hyperband_complete,
    .error = hyperband_error,
    .horizon = hyperband_horizon,
    .choose = hyperband_choose,
    .debug = hyperband_debug,
    .figures = hyperband_figures,
    .explain = hyperband_explain,
    .save = hyperband_save,
    .load = hyperband_load,
    .forecast = forecast_hyperband,
};
