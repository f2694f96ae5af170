/* Asynchronous successive halving as its paper has it (Li et al., A System for Massively Parallel
 * Hyperparameter Tuning, MLSys 2020, algorithm 2): async_hyperband with form: promotion.
 *
 * A trial that comes to a rung is recorded there and pauses. Where there is room, the highest rung
 * that has somebody among its best 1 / reduction_factor who has not gone on sends the best of them
 * on; where none has, a new trial begins. One that would be sent on at once does not pause. At
 * max_t a trial is done. Rungs are those of the stopping form (rungs.h), less one at max_t. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/promotion_inside.h"
#include "head/core/sched_common.h"
#include "head/core/streams.h"

void promotion_records_new(struct promotion *promotion)
{
    promotion->rung_count = rungs_count(promotion->rungs);
    while (promotion->rung_count > 0 &&
           rungs_milestone(promotion->rungs, promotion->rung_count - 1) >= promotion->keys.max_t)
        promotion->rung_count--;
    promotion->records = xcalloc((size_t)promotion->keys.brackets * promotion->rung_count + 1,
                                 sizeof(struct promote *));
    for (uint32_t b = 0; b < promotion->keys.brackets; b++)
        for (uint32_t i = b; i < promotion->rung_count; i++)
            promotion->records[b * promotion->rung_count + i] =
                promote_new(promotion->keys.reduction_factor);
}

void promotion_records_free(struct promotion *promotion)
{
    for (uint32_t i = 0; i < promotion->keys.brackets * promotion->rung_count; i++)
        promote_free(promotion->records[i]);
    free(promotion->records);
}

static void *promotion_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                           struct tape *tape)
{
    struct promotion *promotion = xcalloc(1, sizeof(*promotion));

    (void)view;
    promotion->spec = &spec->scheduler;
    rungs_read_keys(promotion->spec, &promotion->keys);
    promotion->seed = seed;
    promotion->rungs = rungs_new(&promotion->keys, tape);
    promotion_records_new(promotion);
    return promotion;
}

static void promotion_free(void *self)
{
    struct promotion *promotion = self;

    if (promotion == NULL)
        return;
    promotion_records_free(promotion);
    rungs_free(promotion->rungs);
    free(promotion->notes);
    free(promotion);
}

struct note *promotion_note(struct promotion *promotion, uint32_t trial)
{
    promotion->notes =
        sched_notes_reserve(promotion->notes, sizeof(*promotion->notes), &promotion->note_count,
                            &promotion->note_capacity, trial);
    return &promotion->notes[trial];
}

static bool is_live(const struct note *note)
{
    return note->what == NOTE_RUNS || note->what == NOTE_WAITS;
}

/* NULL where nothing more is to come of it. */
static struct note *live_note(const struct promotion *promotion, uint32_t trial)
{
    if (trial >= promotion->note_count || !is_live(&promotion->notes[trial]))
        return NULL;
    return &promotion->notes[trial];
}

static void join(struct note *note, uint32_t bracket)
{
    *note = (struct note){.time = (double)-INFINITY,
                          .bracket = (uint8_t)bracket,
                          .next = (uint8_t)bracket,
                          .what = NOTE_RUNS,
                          .adds = note->adds + 1};
}

/* One that is added again after a failure or a loss has its bracket and what it left at rungs; one
 * that had ended before begins anew, beside its old records. */
static void promotion_add(void *self, uint32_t trial)
{
    struct promotion *promotion = self;
    struct note *note = promotion_note(promotion, trial);

    if (!is_live(note))
        join(note, rungs_bracket(promotion->rungs,
                                 rng_unit(promotion->seed, STREAM_BRACKET + trial, note->adds)));
    note->time = (double)-INFINITY;
}

static bool promotion_add_in(void *self, uint32_t trial, uint32_t bracket)
{
    struct promotion *promotion = self;

    if (bracket >= promotion->keys.brackets)
        return false;
    join(promotion_note(promotion, trial), bracket);
    return true;
}

/* ---- who goes on ---- */

/* A rung, and whom to look for there. */
struct place {
    const struct promotion *promotion;
    const struct sched_candidates *candidates; /* NULL: whoever waits */
    uint32_t bracket;
    uint32_t rung;
};

/* It waits at another rung, or nowhere: what stands here will not be used. */
static bool has_left(void *context, uint32_t trial)
{
    const struct place *place = context;
    const struct note *note = &place->promotion->notes[trial];

    return note->what != NOTE_WAITS || note->bracket != place->bracket ||
           note->next != place->rung + 1;
}

static bool is_free(void *context, uint32_t trial)
{
    const struct place *place = context;
    const struct sched_candidates *candidates = place->candidates;

    return candidates == NULL || (candidates->is_paused(candidates->context, trial) &&
                                  candidates->fits(candidates->context, trial));
}

/* Who goes on next, from the highest rung down; NUMBER_NONE: nobody may. */
static uint32_t next_to_go(const struct promotion *promotion,
                           const struct sched_candidates *candidates)
{
    struct place place = {.promotion = promotion, .candidates = candidates};

    for (place.rung = promotion->rung_count; place.rung-- > 0;) {
        for (place.bracket = 0;
             place.bracket < promotion->keys.brackets && place.bracket <= place.rung;
             place.bracket++) {
            uint32_t trial = promote_best(promotion_records(promotion, place.bracket, place.rung),
                                          is_free, has_left, &place);

            if (trial != NUMBER_NONE)
                return trial;
        }
    }
    return NUMBER_NONE;
}

static void send_on(struct promotion *promotion, uint32_t trial)
{
    struct note *note = &promotion->notes[trial];
    struct promote *records = promotion_records(promotion, note->bracket, note->next - 1u);

    promote_take(records, trial);
    note->what = NOTE_RUNS;
    note->gone = promote_quota(records);
    note->of = promote_count(records);
}

static uint32_t promotion_choose(void *self, const struct sched_candidates *candidates)
{
    struct promotion *promotion = self;
    uint32_t trial = next_to_go(promotion, candidates);

    if (trial != NUMBER_NONE) {
        send_on(promotion, trial);
        return trial;
    }
    for (uint32_t i = 0; i < candidates->pending_count; i++)
        if (candidates->fits(candidates->context, candidates->pending[i]))
            return candidates->pending[i];
    return NUMBER_NONE;
}

/* ---- judging ---- */

/* How far it may run: to the rung where it waits, or to the next one. */
static double limit_of(const struct promotion *promotion, const struct note *note)
{
    uint32_t rung = note->what == NOTE_WAITS ? note->next - 1u : note->next;

    return rung < promotion->rung_count ? rungs_milestone(promotion->rungs, rung)
                                        : promotion->keys.max_t;
}

/* The highest rung that it has come to; below its next one where it has come to none anew. */
static uint32_t rung_reached(const struct promotion *promotion, const struct note *note)
{
    uint32_t rung = promotion->rung_count;

    while (rung > note->next && rungs_milestone(promotion->rungs, rung - 1) > note->time)
        rung--;
    return rung;
}

/* It goes on at once where it would be the next to be sent. */
static enum action judge(struct promotion *promotion, uint32_t trial)
{
    if (next_to_go(promotion, NULL) != trial)
        return ACTION_PAUSE;
    send_on(promotion, trial);
    return ACTION_CONTINUE;
}

/* Its time is this; where it has come to a rung anew, it is recorded there. */
static void come_to(struct promotion *promotion, struct note *note, const struct judged *judged)
{
    uint32_t reached;

    note->time = judged->time;
    reached = rung_reached(promotion, note);
    if (reached <= note->next) /* below it in a bracket that has no rungs */
        return;
    promote_add(promotion_records(promotion, note->bracket, reached - 1), judged->trial,
                judged->reward);
    note->value = judged->reward;
    note->next = (uint8_t)reached;
    note->what = NOTE_WAITS;
    note->gone = note->of = 0;
}

/* A result without a time or a reward says nothing: the trial goes on. */
static void promotion_result(void *self, const struct judged *judged, struct arena *arena,
                             struct sched_verdict *out)
{
    struct promotion *promotion = self;
    struct note *note = live_note(promotion, judged->trial);

    (void)arena;
    /* It was stopped before and did not hear of it yet. */
    *out = (struct sched_verdict){.action = ACTION_STOP, .donor = NUMBER_NONE};
    if (note == NULL)
        return;
    out->action = ACTION_CONTINUE;
    if (!sched_is_whole(judged))
        return;
    if (judged->time >= promotion->keys.max_t) {
        promotion->done++;
        note->time = judged->time;
        note->what = NOTE_MAX;
        note->value = judged->reward;
        out->action = ACTION_STOP;
        return;
    }
    come_to(promotion, note, judged);
    if (judged->time >= limit_of(promotion, note))
        out->action = judge(promotion, judged->trial);
}

/* What it leaves at a rung counts for the others. */
static void promotion_complete(void *self, const struct judged *judged, struct arena *arena,
                               struct sched_verdict *out)
{
    struct promotion *promotion = self;
    struct note *note = live_note(promotion, judged->trial);

    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (note == NULL)
        return;
    if (sched_is_whole(judged))
        come_to(promotion, note, judged);
    note->what = NOTE_LEFT;
}

static void promotion_error(void *self, uint32_t trial, struct arena *arena,
                            struct sched_verdict *out)
{
    struct note *note = live_note(self, trial);

    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (note != NULL)
        note->what = NOTE_LEFT;
}

static double promotion_horizon(const void *self, uint32_t trial)
{
    const struct promotion *promotion = self;
    const struct note *note = live_note(promotion, trial);
    double limit;

    if (note == NULL)
        return (double)-INFINITY;
    limit = limit_of(promotion, note);
    return note->time >= limit ? (double)-INFINITY : limit;
}

const struct sched_ops sched_promotion = {
    .name = "async_hyperband",
    .new = promotion_new,
    .free = promotion_free,
    .add = promotion_add,
    .add_in = promotion_add_in,
    .result = promotion_result,
    .complete = promotion_complete,
    .error = promotion_error,
    .horizon = promotion_horizon,
    .choose = promotion_choose,
    .debug = promotion_debug,
    .explain = promotion_explain,
    .save = promotion_save,
    .load = promotion_load,
    .forecast = forecast_promotion,
};
