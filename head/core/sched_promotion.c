/* Asynchronous successive halving as its paper has it (Li et al., A System for Massively Parallel
 * Hyperparameter Tuning, MLSys 2020, algorithm 2): async_hyperband with form: promotion.
 *
 * A trial that comes to a rung is recorded there and pauses. Where there is room, the highest rung
 * that has somebody among its best 1 / reduction_factor who has not gone on sends the best of them
 * on; where none has, a new trial begins. One that would be sent on at once does not pause. At
 * max_t a trial is done. Rungs are those of the stopping form (rungs.h), less one at max_t. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/pack.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/promote.h"
#include "head/core/rungs.h"
#include "head/core/sched.h"
#include "head/core/sched_common.h"
#include "head/core/streams.h"

enum note_what {
    NOTE_NONE, /* was never added */
    NOTE_RUNS, /* towards its next rung */
    NOTE_WAITS,
    NOTE_MAX,  /* has come to max_t: stopped */
    NOTE_LEFT, /* ended by itself, failed, or was stopped by a person */
    NOTE_COUNT
};

/* What is known of a trial; all that is kept of one that has ended. */
struct note {
    double time;   /* of its last result; -infinity before */
    double value;  /* at the rung that it came to last */
    uint32_t gone; /* when it went on from there: among so many best */
    uint32_t of;   /* of so many; 0: it has not */
    uint32_t adds;
    uint8_t bracket;
    uint8_t next; /* the lowest rung that it has not come to */
    uint8_t what; /* enum note_what */
};

struct promotion {
    const struct spec_scheduler *spec; /* borrowed */
    struct rungs_keys keys;
    uint64_t seed;
    uint64_t done;            /* have come to max_t */
    struct rungs *rungs;      /* owned; only its milestones */
    uint32_t rung_count;      /* below max_t */
    struct promote **records; /* owned; by bracket, then rung; NULL where the bracket has it not */
    struct note *notes;       /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

static void records_new(struct promotion *promotion)
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

static void records_free(struct promotion *promotion)
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
    records_new(promotion);
    return promotion;
}

static void promotion_free(void *self)
{
    struct promotion *promotion = self;

    if (promotion == NULL)
        return;
    records_free(promotion);
    rungs_free(promotion->rungs);
    free(promotion->notes);
    free(promotion);
}

static struct promote *records_at(const struct promotion *promotion, uint32_t bracket,
                                  uint32_t rung)
{
    return promotion->records[bracket * promotion->rung_count + rung];
}

static struct note *note_of(struct promotion *promotion, uint32_t trial)
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
    struct note *note = note_of(promotion, trial);

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
    join(note_of(promotion, trial), bracket);
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
            uint32_t trial = promote_best(records_at(promotion, place.bracket, place.rung), is_free,
                                          has_left, &place);

            if (trial != NUMBER_NONE)
                return trial;
        }
    }
    return NUMBER_NONE;
}

static void send_on(struct promotion *promotion, uint32_t trial)
{
    struct note *note = &promotion->notes[trial];
    struct promote *records = records_at(promotion, note->bracket, note->next - 1u);

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
    promote_add(records_at(promotion, note->bracket, reached - 1), judged->trial, judged->reward);
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

/* ---- words ---- */

/* "Bracket: Iter 4.000: 1 of 3 | Iter 1.000: 3 of 12": how many have gone on. */
static void promotion_debug(const void *self, struct buf *out)
{
    const struct promotion *promotion = self;

    buf_printf(out, "Using AsyncHyperBand (promotion): num_finished=%" PRIu64 "\n",
               promotion->done);
    for (uint32_t bracket = 0; bracket < promotion->keys.brackets; bracket++) {
        buf_append_text(out, "Bracket: ");
        for (uint32_t rung = promotion->rung_count; rung-- > bracket;) {
            const struct promote *records = records_at(promotion, bracket, rung);

            buf_printf(out, "Iter %.3f: %u of %u%s", rungs_milestone(promotion->rungs, rung),
                       promote_gone(records), promote_count(records), rung > bracket ? " | " : "");
        }
        buf_append_char(out, '\n');
    }
}

static void explain_rung(const struct promotion *promotion, const struct note *note,
                         struct buf *out)
{
    const struct promote *records = records_at(promotion, note->bracket, note->next - 1u);

    buf_printf(out, " At the rung %s %.3f its %s was ", promotion->spec->time_attr,
               rungs_milestone(promotion->rungs, note->next - 1u), promotion->spec->metric);
    sched_put_number(out, sched_shown(promotion->spec, note->value));
    if (note->of > 0)
        buf_printf(out, ", among the best %u of %u: it went on.", note->gone, note->of);
    else if (note->what == NOTE_WAITS)
        buf_printf(out, ": it has not come to be among the best %u of %u there.",
                   promote_quota(records), promote_count(records));
    else
        buf_append_text(out, " when it ended.");
}

static void promotion_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct promotion *promotion = self;
    const struct note *note = trial < promotion->note_count ? &promotion->notes[trial] : NULL;

    if (note == NULL || note->what == NOTE_NONE) {
        buf_append_text(out, "The async_hyperband scheduler has not met this trial.");
        return;
    }
    buf_printf(out, "The async_hyperband scheduler (promotion) had it in bracket %u of %u.",
               note->bracket + 1u, promotion->keys.brackets);
    if (note->what == NOTE_MAX) {
        buf_printf(out, " It was stopped at %s ", promotion->spec->time_attr);
        sched_put_number(out, note->time);
        buf_append_text(out, ": max_t is ");
        sched_put_number(out, promotion->keys.max_t);
        buf_append_char(out, '.');
    } else if (note->next > note->bracket) {
        explain_rung(promotion, note, out);
    } else {
        buf_append_text(out, " It came to no rung.");
    }
}

/* ---- images ---- */

#define NOTE_ITEMS 8u

static void save_note(const struct note *note, struct buf *out)
{
    pack_list(out, NOTE_ITEMS);
    pack_double(out, note->time);
    pack_double(out, note->value);
    pack_uint(out, note->gone);
    pack_uint(out, note->of);
    pack_uint(out, note->adds);
    pack_uint(out, note->bracket);
    pack_uint(out, note->next);
    pack_uint(out, note->what);
}

static void promotion_save(const void *self, struct buf *out)
{
    const struct promotion *promotion = self;

    pack_list(out, 3 + RUNGS_SAVED_ITEMS);
    pack_uint(out, promotion->done);
    rungs_save(promotion->rungs, out);
    pack_list(out, promotion->note_count);
    for (uint32_t i = 0; i < promotion->note_count; i++)
        save_note(&promotion->notes[i], out);
    pack_list(out, promotion->keys.brackets * promotion->rung_count);
    for (uint32_t i = 0; i < promotion->keys.brackets * promotion->rung_count; i++) {
        if (promotion->records[i] != NULL)
            promote_save(promotion->records[i], out);
        else
            pack_nil(out);
    }
}

static bool load_note(struct promotion *promotion, uint32_t trial, struct cursor *in)
{
    struct note *note = note_of(promotion, trial);
    uint32_t items, bracket, next, what;

    if (!cursor_list(in, &items) || items != NOTE_ITEMS || !cursor_double(in, &note->time) ||
        !cursor_double(in, &note->value) || !cursor_u32(in, &note->gone) ||
        !cursor_u32(in, &note->of) || !cursor_u32(in, &note->adds) || !cursor_u32(in, &bracket) ||
        !cursor_u32(in, &next) || !cursor_u32(in, &what))
        return false;
    if (what >= NOTE_COUNT || bracket >= promotion->keys.brackets ||
        (next != bracket && (next < bracket || next > promotion->rung_count)) ||
        (what == NOTE_WAITS && next == bracket))
        return false;
    note->bracket = (uint8_t)bracket;
    note->next = (uint8_t)next;
    note->what = (uint8_t)what;
    return true;
}

static bool load_records(struct promotion *promotion, struct cursor *in)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count != promotion->keys.brackets * promotion->rung_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (promotion->records[i] != NULL
                ? !promote_load(promotion->records[i], promotion->note_count, in)
                : !cursor_nil(in))
            return false;
    }
    return true;
}

static bool promotion_load(void *self, struct cursor *in)
{
    struct promotion *promotion = self;
    uint32_t parts, count;

    assert(promotion->note_count == 0);
    if (!cursor_list(in, &parts) || parts != 3 + RUNGS_SAVED_ITEMS ||
        !cursor_uint(in, &promotion->done) || !rungs_load(promotion->rungs, in))
        return false;
    /* What its milestones are, it knows from the image. */
    records_free(promotion);
    records_new(promotion);
    if (!cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load_note(promotion, i, in))
            return false;
    return load_records(promotion, in);
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
