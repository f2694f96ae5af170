/* Population based training (Jaderberg et al., Population Based Training of Neural Networks, 2017),
 * as Tune's PopulationBasedTraining does it.
 *
 * Each time a trial has gone on for perturbation_interval it is ranked among all that were. One of
 * the best quarter saves; one of the worst takes over from one of the best, drawn evenly: its
 * checkpoint, and its configuration, explored (explore.h). Where others wait for a place it makes
 * room for them, and who has waited longest in the time attribute comes next. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/pack.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/explore.h"
#include "head/core/ranking.h"
#include "head/core/sched.h"
#include "head/core/sched_common.h"
#include "head/core/streams.h"

#define NOTE_ITEMS 12u

enum note_what {
    NOTE_NONE,   /* was never ranked */
    NOTE_MIDDLE, /* neither among the best nor among the worst: goes on */
    NOTE_BEST,   /* saves, and goes on */
    NOTE_WORST,  /* takes over from its donor */
    NOTE_ALONE,  /* would, but its donor has nothing saved: goes on */
    NOTE_COUNT
};

/* What is known of a trial: all that is kept of one that has ended. */
struct note {
    double last_perturb; /* time from which its interval counts */
    double score;        /* of its last judgement, higher is better */
    double time;
    uint32_t donor;
    uint32_t place; /* from the worst, of `of` */
    uint32_t of;
    uint32_t times; /* it was ranked */
    uint8_t what;   /* enum note_what: its last judgement */
    bool live;      /* it was added, and may report */
    bool saved;     /* it was among the best, and saved then */
    bool waits;     /* it was to make room */
};

struct pbt {
    const struct spec_scheduler *spec; /* borrowed */
    struct sched_view view;
    uint64_t seed;
    double interval;
    double quantile;
    uint64_t checkpoints;
    uint64_t perturbs;
    struct ranking *scores;  /* owned; of the live that were ranked */
    struct ranking *waiting; /* owned; those that wait, by last_perturb */
    struct note *notes;      /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

static void *pbt_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                     struct tape *tape)
{
    struct pbt *pbt = xcalloc(1, sizeof(*pbt));

    (void)tape;
    pbt->spec = &spec->scheduler;
    pbt->view = *view;
    pbt->seed = seed;
    pbt->interval = spec_scheduler_number(pbt->spec, "perturbation_interval");
    pbt->quantile = spec_scheduler_number(pbt->spec, "quantile_fraction");
    pbt->scores = ranking_new();
    pbt->waiting = ranking_new();
    return pbt;
}

static void pbt_free(void *self)
{
    struct pbt *pbt = self;

    if (pbt == NULL)
        return;
    ranking_free(pbt->scores);
    ranking_free(pbt->waiting);
    free(pbt->notes);
    free(pbt);
}

static struct note *note_of(const struct pbt *pbt, uint32_t trial)
{
    return trial < pbt->note_count ? &pbt->notes[trial] : NULL;
}

static void leave(struct pbt *pbt, uint32_t trial)
{
    struct note *note = note_of(pbt, trial);

    ranking_remove(pbt->scores, trial);
    ranking_remove(pbt->waiting, trial);
    if (note != NULL)
        note->live = note->saved = note->waits = false;
}

/* One that is added again begins again. */
static void pbt_add(void *self, uint32_t trial)
{
    struct pbt *pbt = self;

    pbt->notes = sched_notes_reserve(pbt->notes, sizeof(*pbt->notes), &pbt->note_count,
                                     &pbt->note_capacity, trial);
    leave(pbt, trial);
    pbt->notes[trial].live = true;
    pbt->notes[trial].last_perturb = 0;
}

/* How many are among the best, and as many among the worst: ceil(count * quantile_fraction), at
 * most half of all. */
static uint32_t quantile_size(const struct pbt *pbt, uint32_t count)
{
    double share = count * pbt->quantile;
    uint32_t size = (uint32_t)share;

    if ((double)size < share)
        size++;
    return size <= count / 2 ? size : count / 2;
}

/* Packed into arena. */
static struct span explored(const struct pbt *pbt, uint32_t trial, uint32_t times, uint32_t donor,
                            struct arena *arena, const char **tag)
{
    struct rng rng = {
        .seed = pbt->seed, .stream = STREAM_EXPLORE + trial, .index = times * EXPLORE_DRAWS};
    struct buf packed = {0};
    struct cursor cursor;
    struct value config;
    struct span out;
    int err;

    cursor_init(&cursor, pbt->view.config(pbt->view.core, donor));
    err = value_unpack(&cursor, arena, &config);
    assert(err == 0 && config.type == VALUE_MAP); /* the core made it */
    (void)err;
    config = explore(pbt->spec, &config, &rng, arena);
    *tag = explore_tag(pbt->spec, &config, arena);
    value_pack(&config, &packed);
    out = arena_copy(arena, buf_span(&packed));
    buf_fini(&packed);
    return out;
}

/* One of the worst: whom it takes over from, and with what. */
static void take_over(struct pbt *pbt, const struct judged *judged, uint32_t size,
                      struct arena *arena, struct sched_verdict *out)
{
    struct note *note = &pbt->notes[judged->trial];
    double draw = rng_unit(pbt->seed, STREAM_DONOR + judged->trial, note->times);
    uint32_t donor = ranking_at(pbt->scores, note->of - size + (uint32_t)(draw * size));

    note->donor = donor;
    if (!pbt->notes[donor].saved || !pbt->view.saved(pbt->view.core, donor)) {
        note->what = NOTE_ALONE;
        return;
    }
    note->what = NOTE_WORST;
    note->last_perturb = pbt->notes[donor].last_perturb;
    out->action = ACTION_EXPLOIT;
    out->donor = donor;
    out->config = explored(pbt, judged->trial, note->times, donor, arena, &out->tag);
    pbt->perturbs++;
}

static void rank(struct pbt *pbt, const struct judged *judged, struct arena *arena,
                 struct sched_verdict *out)
{
    struct note *note = &pbt->notes[judged->trial];
    uint32_t size;

    ranking_put(pbt->scores, judged->trial, judged->reward);
    note->last_perturb = note->time = judged->time;
    note->score = judged->reward;
    note->of = ranking_count(pbt->scores);
    note->place = ranking_place(pbt->scores, judged->trial);
    note->donor = NUMBER_NONE;
    note->times++;
    size = quantile_size(pbt, note->of);
    note->saved = size > 0 && note->place >= note->of - size;
    if (note->saved) {
        note->what = NOTE_BEST;
        out->action = ACTION_SAVE;
        pbt->checkpoints++;
    } else if (note->place < size) {
        take_over(pbt, judged, size, arena, out);
    } else {
        note->what = NOTE_MIDDLE;
    }
    if (pbt->view.waiting(pbt->view.core)) {
        out->action = ACTION_PAUSE;
        note->waits = true;
        ranking_put(pbt->waiting, judged->trial, note->last_perturb);
    }
}

/* Results without a time or a reward say nothing. */
static void pbt_result(void *self, const struct judged *judged, struct arena *arena,
                       struct sched_verdict *out)
{
    struct pbt *pbt = self;
    struct note *note = note_of(pbt, judged->trial);

    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (note == NULL || !note->live) {
        out->action = ACTION_STOP;
        return;
    }
    if (note->waits) {
        note->waits = false;
        ranking_remove(pbt->waiting, judged->trial);
    }
    if (sched_is_whole(judged) && judged->time >= note->last_perturb + pbt->interval)
        rank(pbt, judged, arena, out);
}

static void pbt_complete(void *self, const struct judged *judged, struct arena *arena,
                         struct sched_verdict *out)
{
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    leave(self, judged->trial);
}

static void pbt_error(void *self, uint32_t trial, struct arena *arena, struct sched_verdict *out)
{
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    leave(self, trial);
}

static double pbt_horizon(const void *self, uint32_t trial)
{
    const struct pbt *pbt = self;
    const struct note *note = note_of(pbt, trial);

    return note != NULL ? note->last_perturb + pbt->interval : pbt->interval;
}

/* Of those that wait for a place and were paused for it. */
static uint32_t longest_paused(const struct pbt *pbt, const struct sched_candidates *candidates)
{
    uint32_t count = ranking_count(pbt->waiting);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t trial = ranking_at(pbt->waiting, i);

        if (candidates->is_paused(candidates->context, trial) &&
            candidates->fits(candidates->context, trial))
            return trial;
    }
    return NUMBER_NONE;
}

static uint32_t longest_pending(const struct pbt *pbt, const struct sched_candidates *candidates)
{
    uint32_t longest = NUMBER_NONE;

    for (uint32_t i = 0; i < candidates->pending_count; i++) {
        uint32_t trial = candidates->pending[i];

        if (!candidates->fits(candidates->context, trial))
            continue;
        if (longest == NUMBER_NONE ||
            pbt->notes[trial].last_perturb < pbt->notes[longest].last_perturb)
            longest = trial;
        if (pbt->notes[longest].last_perturb <= 0)
            break; /* nothing comes before it */
    }
    return longest;
}

static uint32_t pbt_choose(void *self, const struct sched_candidates *candidates)
{
    const struct pbt *pbt = self;
    uint32_t pending = longest_pending(pbt, candidates);
    uint32_t paused = longest_paused(pbt, candidates);

    if (pending == NUMBER_NONE)
        return paused != NUMBER_NONE ? paused : candidates->first_paused(candidates->context);
    if (paused == NUMBER_NONE ||
        pbt->notes[pending].last_perturb <= pbt->notes[paused].last_perturb)
        return pending;
    return paused;
}

static void pbt_debug(const void *self, struct buf *out)
{
    const struct pbt *pbt = self;

    buf_printf(out, "PopulationBasedTraining: %" PRIu64 " checkpoints, %" PRIu64 " perturbs\n",
               pbt->checkpoints, pbt->perturbs);
}

static void explain_rank(const struct pbt *pbt, const struct note *note, struct buf *out)
{
    buf_printf(out, " At %s ", pbt->spec->time_attr);
    sched_put_number(out, note->time);
    buf_printf(out, " its %s was ", pbt->spec->metric);
    sched_put_number(out, sched_shown(pbt->spec, note->score));
    buf_printf(out, ", number %u of the %u in the population", note->of - note->place, note->of);
    switch (note->what) {
    case NOTE_BEST:
        buf_append_text(out, ": among the best, so it was saved for others to go on from.");
        break;
    case NOTE_WORST:
        buf_printf(out, ": among the worst, so it took over from trial %u.", note->donor);
        break;
    case NOTE_ALONE:
        buf_printf(out,
                   ": among the worst. It was to take over from trial %u, which had nothing saved, "
                   "and went on.",
                   note->donor);
        break;
    default:
        buf_append_text(out, ": it went on.");
    }
}

static void pbt_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct pbt *pbt = self;
    const struct note *note = note_of(pbt, trial);

    if (note == NULL) {
        buf_append_text(out, "The pbt scheduler has not met this trial.");
        return;
    }
    buf_printf(out, "The pbt scheduler has ranked it %u times.", note->times);
    if (note->what != NOTE_NONE)
        explain_rank(pbt, note, out);
}

static void save_note(const struct pbt *pbt, uint32_t trial, struct buf *out)
{
    const struct note *note = &pbt->notes[trial];

    pack_list(out, NOTE_ITEMS);
    pack_double(out, note->last_perturb);
    pack_double(out, note->score);
    pack_double(out, note->time);
    pack_uint(out, note->donor);
    pack_uint(out, note->place);
    pack_uint(out, note->of);
    pack_uint(out, note->times);
    pack_uint(out, note->what);
    pack_bool(out, note->live);
    pack_bool(out, note->saved);
    pack_bool(out, note->waits);
    pack_bool(out, ranking_has(pbt->scores, trial));
}

static void pbt_save(const void *self, struct buf *out)
{
    const struct pbt *pbt = self;

    pack_list(out, 3);
    pack_uint(out, pbt->checkpoints);
    pack_uint(out, pbt->perturbs);
    pack_list(out, pbt->note_count);
    for (uint32_t i = 0; i < pbt->note_count; i++)
        save_note(pbt, i, out);
}

static bool load_note(struct pbt *pbt, uint32_t trial, struct cursor *in)
{
    struct note note = {0};
    uint32_t parts, what;
    bool ranked;

    if (!cursor_list(in, &parts) || parts != NOTE_ITEMS || !cursor_double(in, &note.last_perturb) ||
        !cursor_double(in, &note.score) || !cursor_double(in, &note.time) ||
        !cursor_u32(in, &note.donor) || !cursor_u32(in, &note.place) || !cursor_u32(in, &note.of) ||
        !cursor_u32(in, &note.times) || !cursor_u32(in, &what) || !cursor_bool(in, &note.live) ||
        !cursor_bool(in, &note.saved) || !cursor_bool(in, &note.waits) || !cursor_bool(in, &ranked))
        return false;
    if (what >= NOTE_COUNT || (what != NOTE_NONE && note.place >= note.of) ||
        (!note.live && (ranked || note.saved || note.waits)))
        return false;
    note.what = (uint8_t)what;
    pbt->notes = sched_notes_reserve(pbt->notes, sizeof(*pbt->notes), &pbt->note_count,
                                     &pbt->note_capacity, trial);
    pbt->notes[trial] = note;
    if (ranked)
        ranking_put(pbt->scores, trial, note.score);
    if (note.waits)
        ranking_put(pbt->waiting, trial, note.last_perturb);
    return true;
}

static bool pbt_load(void *self, struct cursor *in)
{
    struct pbt *pbt = self;
    uint32_t parts, notes;

    assert(pbt->note_count == 0);
    if (!cursor_list(in, &parts) || parts != 3 || !cursor_uint(in, &pbt->checkpoints) ||
        !cursor_uint(in, &pbt->perturbs) || !cursor_list(in, &notes) || notes > LIMIT_SAMPLES)
        return false;
    for (uint32_t i = 0; i < notes; i++)
        if (!load_note(pbt, i, in))
            return false;
    return true;
}

const struct sched_ops sched_pbt = {
    .name = "pbt",
    .new = pbt_new,
    .free = pbt_free,
    .add = pbt_add,
    .result = pbt_result,
    .complete = pbt_complete,
    .error = pbt_error,
    .horizon = pbt_horizon,
    .choose = pbt_choose,
    .debug = pbt_debug,
    .explain = pbt_explain,
    .save = pbt_save,
    .load = pbt_load,
};
