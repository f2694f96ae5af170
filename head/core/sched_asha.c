/* Asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter
 * Tuning, MLSys 2020), as Tune's AsyncHyperBand does it, decision for decision.
 *
 * A bracket has rungs at milestones of the time attribute. A trial that reaches one is stopped if
 * it is worse than the cut-off of those that were there before it; then its own value is added. A
 * rung keeps every value it got, its trials' numbers only while they are live. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/pack.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/rungs.h"
#include "head/core/sched.h"
#include "head/core/sched_common.h"
#include "head/core/streams.h"

#define RUNG_BIT(rung) (UINT64_C(1) << (rung))
_Static_assert(LIMIT_RUNGS <= 64, "a trial's rungs are bits of a word");
_Static_assert(LIMIT_RUNGS <= UINT8_MAX && LIMIT_BRACKETS <= UINT8_MAX, "fit a note");

enum note_what {
    NOTE_NONE,     /* was never judged */
    NOTE_FIRST,    /* nobody was at the rung before: goes on */
    NOTE_PASSED,   /* not below the cut-off: goes on */
    NOTE_CUT,      /* below it: stopped */
    NOTE_MAX,      /* reached max_t: stopped; value is the time */
    NOTE_RECORDED, /* ended by itself and left its value at the rung */
    NOTE_COUNT
};

/* What is known of a trial, 24 bytes: all that is kept of one that has ended. */
struct note {
    double value;
    double cutoff;
    uint32_t live; /* 1 + its place among the live; 0: has ended, or was never added */
    uint8_t what;  /* enum note_what: its last judgement */
    uint8_t bracket;
    uint8_t rung;
};

/* What a trial needs while results may come. The rungs it has passed are in masks. */
struct live {
    double time; /* of its last result; -infinity before */
    uint32_t bracket;
    uint32_t adds;
    uint32_t next_free; /* 1 + place, while it is free */
};

struct asha {
    const struct spec_scheduler *spec; /* borrowed */
    struct rungs_keys keys;
    uint64_t seed;
    uint64_t stopped;
    struct rungs *rungs; /* owned */
    struct note *notes;  /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
    struct live *lives; /* owned */
    uint64_t *masks;    /* owned; one a bracket and live: the rungs there that are closed to it */
    uint32_t live_count;
    uint32_t live_capacity;
    uint32_t first_free; /* 1 + place */
};

static void *asha_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                      struct tape *tape)
{
    struct asha *asha = xcalloc(1, sizeof(*asha));

    (void)view;
    asha->spec = &spec->scheduler;
    rungs_read_keys(asha->spec, &asha->keys);
    asha->seed = seed;
    asha->rungs = rungs_new(&asha->keys, tape);
    return asha;
}

static void asha_free(void *self)
{
    struct asha *asha = self;

    if (asha == NULL)
        return;
    rungs_free(asha->rungs);
    free(asha->notes);
    free(asha->lives);
    free(asha->masks);
    free(asha);
}

static uint64_t *mask_of(const struct asha *asha, const struct live *live)
{
    return &asha->masks[(size_t)(live - asha->lives) * asha->keys.brackets + live->bracket];
}

static struct live *live_of(const struct asha *asha, uint32_t trial)
{
    uint32_t place = trial < asha->note_count ? asha->notes[trial].live : 0;

    return place != 0 ? &asha->lives[place - 1] : NULL;
}

static struct note *note_of(struct asha *asha, uint32_t trial)
{
    asha->notes = sched_notes_reserve(asha->notes, sizeof(*asha->notes), &asha->note_count,
                                      &asha->note_capacity, trial);
    return &asha->notes[trial];
}

static struct live *live_take(struct asha *asha, struct note *note)
{
    uint32_t brackets = asha->keys.brackets;
    uint32_t place = asha->first_free;

    if (place != 0) {
        asha->first_free = asha->lives[place - 1].next_free;
    } else {
        if (asha->live_count == asha->live_capacity) {
            asha->live_capacity = asha->live_capacity ? asha->live_capacity * 2 : 16;
            asha->lives = xrealloc(asha->lives, asha->live_capacity, sizeof(*asha->lives));
            asha->masks =
                xrealloc(asha->masks, (size_t)asha->live_capacity * brackets, sizeof(*asha->masks));
        }
        place = ++asha->live_count;
    }
    asha->lives[place - 1] = (struct live){.time = (double)-INFINITY};
    memset(&asha->masks[(size_t)(place - 1) * brackets], 0, brackets * sizeof(*asha->masks));
    note->live = place;
    return &asha->lives[place - 1];
}

/* No more results of this trial: its note stays. */
static void live_drop(struct asha *asha, uint32_t trial)
{
    struct live *live = live_of(asha, trial);

    if (live == NULL)
        return;
    live->next_free = asha->first_free;
    asha->first_free = asha->notes[trial].live;
    asha->notes[trial].live = 0;
}

static struct live *live_begin(struct asha *asha, uint32_t trial)
{
    struct note *note = note_of(asha, trial);
    struct live *live = note->live != 0 ? &asha->lives[note->live - 1] : live_take(asha, note);

    live->adds++;
    live->time = (double)-INFINITY;
    return live;
}

static void join(struct asha *asha, uint32_t trial, struct live *live, uint32_t bracket)
{
    struct note *note = &asha->notes[trial];

    live->bracket = bracket;
    if (note->what == NOTE_NONE)
        note->bracket = (uint8_t)bracket;
}

/* One that is added again after a failure draws a bracket again; what it left at rungs stays. */
static void asha_add(void *self, uint32_t trial)
{
    struct asha *asha = self;
    struct live *live = live_begin(asha, trial);

    join(asha, trial, live,
         rungs_bracket(asha->rungs, rng_unit(asha->seed, STREAM_BRACKET + trial, live->adds - 1)));
}

static bool asha_add_in(void *self, uint32_t trial, uint32_t bracket)
{
    struct asha *asha = self;

    if (bracket >= asha->keys.brackets)
        return false;
    join(asha, trial, live_begin(asha, trial), bracket);
    return true;
}

/* What Tune calls the bracket's on_result: the highest rung that is reached and open decides, and
 * only it. Under 0.7 those below stay open, for later results to be filed there (its quirk Q3). */
static enum action judge(struct asha *asha, const struct live *live, struct note *note,
                         const struct judged *judged)
{
    bool old = asha->keys.semantics == SEMANTICS_TUNE_07;
    uint64_t *closed = mask_of(asha, live);
    uint32_t at = rungs_count(asha->rungs);
    double cutoff = (double)NAN;
    bool others, worse;

    while (at > live->bracket && (judged->time < rungs_milestone(asha->rungs, at - 1) ||
                                  (*closed & RUNG_BIT(at - 1)) != 0))
        at--;
    if (at <= live->bracket)
        return ACTION_CONTINUE;
    at--;

    others = rungs_cutoff(asha->rungs, live->bracket, at, &cutoff);
    worse = others && (judged->reward < cutoff || (!old && isnan(judged->reward)));
    rungs_record(asha->rungs, live->bracket, at, judged->reward);
    *closed |= old ? RUNG_BIT(at) : RUNG_BIT(at) | (RUNG_BIT(at) - 1);

    note->value = judged->reward;
    note->cutoff = cutoff;
    note->bracket = (uint8_t)live->bracket;
    note->rung = (uint8_t)at;
    note->what = worse ? NOTE_CUT : others ? NOTE_PASSED : NOTE_FIRST;
    return worse ? ACTION_STOP : ACTION_CONTINUE;
}

/* Results without a time or a reward say nothing: they go on, and nothing is recorded. One at max_t
 * needs no reward under 0.7; Tune 2 looks at neither until both are there. */
static enum action judge_result(struct asha *asha, struct live *live, struct note *note,
                                const struct judged *judged)
{
    if (!judged->has_time || isnan(judged->time))
        return ACTION_CONTINUE;
    live->time = judged->time;
    if (!judged->has_reward && asha->keys.semantics != SEMANTICS_TUNE_07)
        return ACTION_CONTINUE;
    if (judged->time >= asha->keys.max_t) {
        note->what = NOTE_MAX;
        note->bracket = (uint8_t)live->bracket;
        note->value = judged->time;
        return ACTION_STOP;
    }
    return judged->has_reward ? judge(asha, live, note, judged) : ACTION_CONTINUE;
}

static void asha_result(void *self, const struct judged *judged, struct arena *arena,
                        struct sched_verdict *out)
{
    struct asha *asha = self;
    struct live *live = live_of(asha, judged->trial);

    (void)arena;
    /* It was stopped before and did not hear of it yet. */
    *out = (struct sched_verdict){.action = ACTION_STOP, .donor = NUMBER_NONE};
    if (live == NULL)
        return;
    out->action = judge_result(asha, live, &asha->notes[judged->trial], judged);
    if (out->action == ACTION_STOP) {
        asha->stopped++;
        live_drop(asha, judged->trial);
    }
}

/* Its last value counts for those that come after it, at a rung at max_t, too. */
static void asha_complete(void *self, const struct judged *judged, struct arena *arena,
                          struct sched_verdict *out)
{
    struct asha *asha = self;
    struct live *live = live_of(asha, judged->trial);
    struct note *note;

    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (live == NULL)
        return;
    note = &asha->notes[judged->trial];
    if (judged->has_time && !isnan(judged->time) && judged->has_reward) {
        uint64_t before = *mask_of(asha, live);

        (void)judge(asha, live, note, judged);
        if (*mask_of(asha, live) != before)
            note->what = NOTE_RECORDED;
    }
    live_drop(asha, judged->trial);
}

static void asha_error(void *self, uint32_t trial, struct arena *arena, struct sched_verdict *out)
{
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    live_drop(self, trial);
}

/* The lowest rung that is open to the trial is the next place where more than CONTINUE can be
 * said; where it is behind the trial already, any result may be judged there. */
static double asha_horizon(const void *self, uint32_t trial)
{
    const struct asha *asha = self;
    const struct live *live = live_of(asha, trial);
    double horizon = asha->keys.max_t;

    if (live == NULL)
        return (double)-INFINITY;
    for (uint32_t i = live->bracket; i < rungs_count(asha->rungs); i++) {
        if ((*mask_of(asha, live) & RUNG_BIT(i)) != 0)
            continue;
        if (rungs_milestone(asha->rungs, i) < horizon)
            horizon = rungs_milestone(asha->rungs, i);
        break; /* the lowest */
    }
    return live->time >= horizon ? (double)-INFINITY : horizon;
}

static uint32_t asha_choose(void *self, const struct sched_candidates *candidates)
{
    return sched_fifo.choose(self, candidates);
}

static void asha_debug(const void *self, struct buf *out)
{
    const struct asha *asha = self;

    buf_printf(out, "Using AsyncHyperBand: num_stopped=%" PRIu64 "\n", asha->stopped);
    rungs_print(asha->rungs, out);
}

static void asha_figures(const void *self, struct arena *arena, struct sched_figures *out)
{
    const struct asha *asha = self;
    double *cutoffs = rungs_cutoffs(asha->rungs, arena, &out->cutoff_count);

    for (uint32_t i = 0; i < out->cutoff_count; i++)
        cutoffs[i] = sched_shown(asha->spec, cutoffs[i]);
    out->stopped = asha->stopped;
    out->cutoffs = cutoffs;
}

static void explain_rung(const struct asha *asha, const struct note *note, struct buf *out)
{
    buf_printf(out, " At the rung %s %.3f its %s was ", asha->spec->time_attr,
               rungs_milestone(asha->rungs, note->rung), asha->spec->metric);
    sched_put_number(out, sched_shown(asha->spec, note->value));
    if (note->what == NOTE_FIRST) {
        buf_append_text(out, ": nobody was there before it, so it went on.");
    } else if (note->what == NOTE_RECORDED) {
        buf_append_text(out, " when it ended: recorded, for those that come after it.");
    } else {
        buf_append_text(out, note->what == NOTE_CUT ? ", worse than the cut-off "
                                                    : ", not worse than the cut-off ");
        sched_put_number(out, sched_shown(asha->spec, note->cutoff));
        buf_append_text(out, note->what == NOTE_CUT ? ": it was stopped." : ": it went on.");
    }
}

static void asha_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct asha *asha = self;
    const struct note *note = trial < asha->note_count ? &asha->notes[trial] : NULL;

    if (note == NULL) {
        buf_append_text(out, "The async_hyperband scheduler has not met this trial.");
        return;
    }
    buf_printf(out, "The async_hyperband scheduler had it in bracket %u of %u.", note->bracket + 1u,
               asha->keys.brackets);
    if (note->what == NOTE_NONE) {
        buf_append_text(out, " It was judged at no rung.");
    } else if (note->what == NOTE_MAX) {
        buf_printf(out, " It was stopped at %s ", asha->spec->time_attr);
        sched_put_number(out, note->value);
        buf_append_text(out, ": max_t is ");
        sched_put_number(out, asha->keys.max_t);
        buf_append_char(out, '.');
    } else {
        explain_rung(asha, note, out);
    }
}

static void save_note(const struct asha *asha, uint32_t trial, struct buf *out)
{
    const struct note *note = &asha->notes[trial];
    const struct live *live = live_of(asha, trial);

    pack_list(out, live == NULL ? 5 : 8 + asha->keys.brackets);
    pack_uint(out, note->what);
    pack_uint(out, note->bracket);
    pack_uint(out, note->rung);
    pack_double(out, note->value);
    pack_double(out, note->cutoff);
    if (live == NULL)
        return;
    pack_double(out, live->time);
    pack_uint(out, live->bracket);
    pack_uint(out, live->adds);
    for (uint32_t i = 0; i < asha->keys.brackets; i++)
        pack_uint(out, asha->masks[(size_t)(note->live - 1) * asha->keys.brackets + i]);
}

static void asha_save(const void *self, struct buf *out)
{
    const struct asha *asha = self;

    pack_list(out, 2 + RUNGS_SAVED_ITEMS);
    pack_uint(out, asha->stopped);
    rungs_save(asha->rungs, out);
    pack_list(out, asha->note_count);
    for (uint32_t i = 0; i < asha->note_count; i++)
        save_note(asha, i, out);
}

static bool load_live(struct asha *asha, struct note *note, struct cursor *in)
{
    struct live *live = live_take(asha, note);
    uint32_t brackets = asha->keys.brackets;

    if (!cursor_double(in, &live->time) || !cursor_u32(in, &live->bracket) ||
        !cursor_u32(in, &live->adds) || live->bracket >= brackets)
        return false;
    for (uint32_t i = 0; i < brackets; i++)
        if (!cursor_uint(in, &asha->masks[(size_t)(note->live - 1) * brackets + i]))
            return false;
    return true;
}

static bool load_note(struct asha *asha, uint32_t trial, struct cursor *in)
{
    uint32_t count, what, bracket, rung;
    double value, cutoff;
    struct note *note;
    bool at_rung;

    if (!cursor_list(in, &count) || (count != 5 && count != 8 + asha->keys.brackets) ||
        !cursor_u32(in, &what) || !cursor_u32(in, &bracket) || !cursor_u32(in, &rung) ||
        !cursor_double(in, &value) || !cursor_double(in, &cutoff))
        return false;
    at_rung = what != NOTE_NONE && what != NOTE_MAX;
    if (what >= NOTE_COUNT || bracket >= asha->keys.brackets || rung >= LIMIT_RUNGS ||
        (at_rung && rung >= rungs_count(asha->rungs)))
        return false;
    note = note_of(asha, trial);
    *note = (struct note){.value = value,
                          .cutoff = cutoff,
                          .what = (uint8_t)what,
                          .bracket = (uint8_t)bracket,
                          .rung = (uint8_t)rung};
    return count == 5 || load_live(asha, note, in);
}

static bool asha_load(void *self, struct cursor *in)
{
    struct asha *asha = self;
    uint32_t parts, notes;

    assert(asha->note_count == 0);
    if (!cursor_list(in, &parts) || parts != 2 + RUNGS_SAVED_ITEMS ||
        !cursor_uint(in, &asha->stopped) || !rungs_load(asha->rungs, in) ||
        !cursor_list(in, &notes))
        return false;
    for (uint32_t i = 0; i < notes; i++)
        if (!load_note(asha, i, in))
            return false;
    return true;
}

const struct sched_ops sched_asha = {
    .name = "async_hyperband",
    .new = asha_new,
    .free = asha_free,
    .add = asha_add,
    .add_in = asha_add_in,
    .result = asha_result,
    .complete = asha_complete,
    .error = asha_error,
    .horizon = asha_horizon,
    .choose = asha_choose,
    .debug = asha_debug,
    .figures = asha_figures,
    .explain = asha_explain,
    .save = asha_save,
    .load = asha_load,
    .forecast = forecast_stopping,
};
