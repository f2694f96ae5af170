/* HyperBand with Tune's synchronous brackets: hyperband_sizes.h says how large they are.
 *
 * A trial joins the bracket that is being filled, runs to its milestone and pauses there. When all
 * that are in the bracket have come, the worse ones are stopped and the others go on to the next
 * milestone, until the last. Milestones move only while everybody waits.
 *
 * Where all that go on are past the new milestone already (their time jumps), the bracket halves
 * again at once: in Tune nobody would wake them (its Q5). Who is lost and begins again keeps its
 * place, and the bracket waits for it. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/hyperband_sizes.h"
#include "head/core/sched.h"
#include "head/core/sched_common.h"

enum note_what {
    NOTE_NONE,    /* was never added */
    NOTE_RUNS,    /* has not come to a milestone */
    NOTE_WAITS,   /* at its milestone, for the others */
    NOTE_KEPT,    /* was among the best there: went on */
    NOTE_DROPPED, /* was not: stopped */
    NOTE_LAST,    /* at the last milestone: stopped with the others that were left */
    NOTE_LEFT,    /* ended by itself, failed, or was stopped by a person */
    NOTE_COUNT
};

/* What is known of a trial; all that is kept of one that has ended. */
struct note {
    double time;      /* of its last result; 0 before, as Tune has it */
    double reward;    /* of that; NaN: worse than any */
    double milestone; /* of its last judgement */
    uint32_t bracket;
    uint32_t turn; /* how many joined some bracket before it */
    uint32_t rank; /* at its last judgement: the best is 1 */
    uint32_t of;   /* of how many */
    uint8_t what;  /* enum note_what */
    bool live;     /* is in its bracket */
};

struct bracket {
    struct hyperband_size size;
    uint32_t *live; /* owned; trials that are in it, in the order in which they joined */
    uint32_t count;
    uint32_t capacity;
    uint32_t behind; /* of these, have not come to the milestone */
    double progress; /* of all that were ever in it, in the time attribute */
    bool begun;      /* has halved, or ended: nobody joins any more */
};

struct hyperband {
    const struct spec_scheduler *spec; /* borrowed */
    struct hyperband_keys keys;
    struct sched_view view;
    uint64_t stopped;
    uint32_t turns;
    struct bracket *brackets; /* owned; keys.counts a round */
    uint32_t bracket_count;
    uint32_t bracket_capacity;
    struct note *notes; /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

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

/* ---- brackets ---- */

static struct bracket *bracket_begin(struct hyperband *hyperband)
{
    uint32_t number = hyperband->bracket_count;
    struct bracket *bracket;

    if (number == hyperband->bracket_capacity) {
        hyperband->bracket_capacity = number == 0 ? 8 : number * 2;
        hyperband->brackets = xrealloc(hyperband->brackets, hyperband->bracket_capacity,
                                       sizeof(*hyperband->brackets));
    }
    hyperband->bracket_count++;
    bracket = &hyperband->brackets[number];
    *bracket = (struct bracket){
        .size = hyperband_bracket(&hyperband->keys, number % hyperband->keys.counts)};
    return bracket;
}

static bool has_room(const struct bracket *bracket)
{
    return !bracket->begun && bracket->count < bracket->size.n;
}

/* The one that is being filled; those that are too small to be are passed over. */
static struct bracket *bracket_open(struct hyperband *hyperband)
{
    struct bracket *bracket = NULL;

    if (hyperband->bracket_count > 0)
        bracket = &hyperband->brackets[hyperband->bracket_count - 1];
    while (bracket == NULL || !has_room(bracket))
        bracket = bracket_begin(hyperband);
    return bracket;
}

static bool has_come(const struct bracket *bracket, const struct note *note)
{
    return note->time >= bracket->size.milestone;
}

static bool has_ended(const struct bracket *bracket)
{
    return bracket->begun && bracket->count == 0;
}

static void live_push(struct bracket *bracket, uint32_t trial)
{
    if (bracket->count == bracket->capacity) {
        bracket->capacity = bracket->capacity == 0 ? 8 : bracket->capacity * 2;
        bracket->live = xrealloc(bracket->live, bracket->capacity, sizeof(*bracket->live));
    }
    bracket->live[bracket->count++] = trial;
}

/* Forget those that are not live any more. */
static void live_sweep(const struct hyperband *hyperband, struct bracket *bracket)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < bracket->count; i++)
        if (hyperband->notes[bracket->live[i]].live)
            bracket->live[kept++] = bracket->live[i];
    bracket->count = kept;
    if (kept > 0 || !bracket->begun)
        return;
    free(bracket->live);
    bracket->live = NULL;
    bracket->capacity = 0;
}

static void count_behind(const struct hyperband *hyperband, struct bracket *bracket)
{
    bracket->behind = 0;
    for (uint32_t i = 0; i < bracket->count; i++)
        bracket->behind += !has_come(bracket, &hyperband->notes[bracket->live[i]]);
}

/* ---- trials ---- */

static struct note *note_of(struct hyperband *hyperband, uint32_t trial)
{
    hyperband->notes =
        sched_notes_reserve(hyperband->notes, sizeof(*hyperband->notes), &hyperband->note_count,
                            &hyperband->note_capacity, trial);
    return &hyperband->notes[trial];
}

/* NULL where it is in no bracket. */
static struct note *live_note(const struct hyperband *hyperband, uint32_t trial)
{
    if (trial >= hyperband->note_count || !hyperband->notes[trial].live)
        return NULL;
    return &hyperband->notes[trial];
}

/* Its bracket counts it among those that have not come, or not. */
static void time_set(struct bracket *bracket, struct note *note, double time)
{
    bool before = has_come(bracket, note);

    if (time > note->time)
        bracket->progress += time - note->time;
    note->time = time;
    if (before && !has_come(bracket, note))
        bracket->behind++;
    else if (!before && has_come(bracket, note))
        bracket->behind--;
}

/* One that is added again, after a failure or a loss, has its place. */
static void hyperband_add(void *self, uint32_t trial)
{
    struct hyperband *hyperband = self;
    struct note *note = note_of(hyperband, trial);
    struct bracket *bracket;

    if (note->live) {
        time_set(&hyperband->brackets[note->bracket], note, 0);
        note->reward = (double)NAN;
        return;
    }
    bracket = bracket_open(hyperband);
    *note = (struct note){.reward = (double)NAN,
                          .bracket = (uint32_t)(bracket - hyperband->brackets),
                          .turn = hyperband->turns++,
                          .what = NOTE_RUNS,
                          .live = true};
    live_push(bracket, trial);
    bracket->behind += !has_come(bracket, note);
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
    live_sweep(hyperband, bracket);
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
        else if (!has_come(bracket, note))
            decide(judgement, ranked[i].trial, ACTION_CONTINUE);
    }
    live_sweep(hyperband, bracket);
    count_behind(hyperband, bracket);
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

static bool is_whole(const struct judged *judged)
{
    return judged->has_time && judged->has_reward && !isnan(judged->time);
}

/* A result without a time or a reward says nothing: the trial goes on. */
static void hyperband_result(void *self, const struct judged *judged, struct arena *arena,
                             struct sched_verdict *out)
{
    struct hyperband *hyperband = self;
    struct note *note = live_note(hyperband, judged->trial);
    struct judgement judgement = {.arena = arena, .trial = judged->trial, .out = out};
    struct bracket *bracket;

    /* It was stopped before and did not hear of it yet. */
    *out = (struct sched_verdict){.action = ACTION_STOP, .donor = NUMBER_NONE};
    if (note == NULL)
        return;
    out->action = ACTION_CONTINUE;
    if (!is_whole(judged))
        return;
    bracket = &hyperband->brackets[note->bracket];
    note->reward = judged->reward;
    time_set(bracket, note, judged->time);
    if (!has_come(bracket, note))
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
    struct note *note = live_note(hyperband, trial);
    struct judgement judgement = {.arena = arena, .trial = NUMBER_NONE, .out = out};
    struct bracket *bracket;

    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (note == NULL)
        return;
    bracket = &hyperband->brackets[note->bracket];
    bracket->behind -= !has_come(bracket, note);
    note->live = false;
    note->what = NOTE_LEFT;
    live_sweep(hyperband, bracket);
    bracket_judge(hyperband, bracket, &judgement);
}

static void hyperband_complete(void *self, const struct judged *judged, struct arena *arena,
                               struct sched_verdict *out)
{
    struct hyperband *hyperband = self;
    struct note *note = live_note(hyperband, judged->trial);

    if (note != NULL && is_whole(judged)) {
        note->reward = judged->reward;
        time_set(&hyperband->brackets[note->bracket], note, judged->time);
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
    const struct note *note = live_note(hyperband, trial);
    const struct bracket *bracket;

    if (note == NULL)
        return (double)-INFINITY;
    bracket = &hyperband->brackets[note->bracket];
    return has_come(bracket, note) ? (double)-INFINITY : bracket->size.milestone;
}

/* ---- choosing ---- */

static double done_part(const struct bracket *bracket)
{
    if (has_ended(bracket) || bracket->size.work <= 0)
        return 1;
    return bracket->progress / bracket->size.work;
}

/* Rounds in their order, in a round the bracket that has got least far, in it who joined first. */
static bool comes_before(const struct hyperband *hyperband, uint32_t one, uint32_t other)
{
    const struct note *left = &hyperband->notes[one];
    const struct note *right = &hyperband->notes[other];
    uint32_t left_round = left->bracket / hyperband->keys.counts;
    uint32_t right_round = right->bracket / hyperband->keys.counts;

    if (left_round != right_round)
        return left_round < right_round;
    if (left->bracket != right->bracket) {
        double left_done = done_part(&hyperband->brackets[left->bracket]);
        double right_done = done_part(&hyperband->brackets[right->bracket]);

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

/* ---- words ---- */

/* Labels of trials' states, in the order of the alphabet; how many there are of each. */
static const enum trial_state shown_states[] = {TRIAL_FAILED, TRIAL_PAUSED, TRIAL_PENDING,
                                                TRIAL_RUNNING, TRIAL_DONE};
#define SHOWN_STATES (sizeof(shown_states) / sizeof(shown_states[0]))

static void count_states(const struct hyperband *hyperband, uint32_t (*counts)[SHOWN_STATES],
                         uint32_t first)
{
    for (uint32_t trial = 0; trial < hyperband->note_count; trial++) {
        const struct note *note = &hyperband->notes[trial];
        const char *label;

        if (note->what == NOTE_NONE || note->bracket < first)
            continue;
        label = trial_state_label(hyperband->view.state(hyperband->view.core, trial));
        for (size_t i = 0; i < SHOWN_STATES; i++)
            counts[note->bracket - first][i] +=
                strcmp(label, trial_state_label(shown_states[i])) == 0;
    }
}

static void print_bracket(const struct bracket *bracket, const uint32_t *counts, struct buf *out)
{
    const char *between = "";

    if (bracket->size.n == 0) {
        buf_append_text(out, "  None\n");
        return;
    }
    buf_printf(out, "  Bracket(Max Size (n)=%.0f, Milestone (r)=%.15g, completed=%.1f%%): {",
               bracket->size.n, bracket->size.milestone, 100 * done_part(bracket));
    for (size_t i = 0; i < SHOWN_STATES; i++) {
        if (counts[i] == 0)
            continue;
        buf_printf(out, "%s%s: %u", between, trial_state_label(shown_states[i]), counts[i]);
        between = ", ";
    }
    buf_append_text(out, "} \n");
}

/* Rounds of which nothing is left are over: there may be thousands. */
static uint32_t first_round(const struct hyperband *hyperband)
{
    uint32_t bracket = 0;

    while (bracket < hyperband->bracket_count &&
           (hyperband->brackets[bracket].size.n == 0 || has_ended(&hyperband->brackets[bracket])))
        bracket++;
    if (bracket == hyperband->bracket_count && bracket > 0)
        bracket--; /* all are: the last one is shown */
    return bracket / hyperband->keys.counts;
}

static void hyperband_debug(const void *self, struct buf *out)
{
    const struct hyperband *hyperband = self;
    uint32_t round = first_round(hyperband);
    uint32_t first = round * hyperband->keys.counts;
    uint32_t(*counts)[SHOWN_STATES] =
        xcalloc(hyperband->bracket_count - first + 1u, sizeof(*counts));

    buf_printf(out, "Using HyperBand: num_stopped=%" PRIu64 " total_brackets=%u\n",
               hyperband->stopped, hyperband->bracket_count);
    if (round > 0)
        buf_printf(out, "Rounds before #%u: all ended\n", round);
    count_states(hyperband, counts, first);
    for (uint32_t i = first; i < hyperband->bracket_count; i++) {
        if (i % hyperband->keys.counts == 0)
            buf_printf(out, "Round #%u:\n", i / hyperband->keys.counts);
        print_bracket(&hyperband->brackets[i], counts[i - first], out);
    }
    free(counts);
}

static void explain_judged(const struct hyperband *hyperband, const struct note *note,
                           struct buf *out)
{
    buf_printf(out, " At %s ", hyperband->spec->time_attr);
    sched_put_number(out, note->milestone);
    if (note->what == NOTE_WAITS) {
        buf_append_text(out, " it waits for the others of its bracket.");
    } else if (note->what == NOTE_LAST) {
        buf_append_text(out, ", the last milestone, it was stopped with all that were left.");
    } else {
        buf_printf(out, " it was number %u of %u: ", note->rank, note->of);
        buf_append_text(out, note->what == NOTE_KEPT ? "it went on." : "it was stopped.");
    }
    if (note->what == NOTE_KEPT)
        return; /* its reward is of later */
    buf_printf(out, " Its %s was ", hyperband->spec->metric);
    sched_put_number(out, sched_shown(hyperband->spec, note->reward));
    buf_append_char(out, '.');
}

static void hyperband_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct hyperband *hyperband = self;
    const struct note *note = trial < hyperband->note_count ? &hyperband->notes[trial] : NULL;

    if (note == NULL || note->what == NOTE_NONE) {
        buf_append_text(out, "The hyperband scheduler has not met this trial.");
        return;
    }
    buf_printf(out, "The hyperband scheduler had it in bracket %u of round %u.",
               note->bracket % hyperband->keys.counts + 1u, note->bracket / hyperband->keys.counts);
    if (note->what == NOTE_RUNS)
        buf_append_text(out, " It has not come to a milestone.");
    else if (note->what == NOTE_LEFT)
        buf_append_text(out, " It left before its bracket was over.");
    else
        explain_judged(hyperband, note, out);
}

/* ---- images ---- */

#define NOTE_ITEMS    9u
#define BRACKET_ITEMS 3u

static void save_note(const struct note *note, struct buf *out)
{
    pack_list(out, NOTE_ITEMS);
    pack_double(out, note->time);
    pack_double(out, note->reward);
    pack_double(out, note->milestone);
    pack_uint(out, note->bracket);
    pack_uint(out, note->turn);
    pack_uint(out, note->rank);
    pack_uint(out, note->of);
    pack_uint(out, note->what);
    pack_bool(out, note->live);
}

static void save_bracket(const struct bracket *bracket, struct buf *out)
{
    pack_list(out, BRACKET_ITEMS);
    pack_uint(out, bracket->size.halvings);
    pack_double(out, bracket->progress);
    pack_bool(out, bracket->begun);
}

/* Who is in a bracket stands in the notes. */
static void hyperband_save(const void *self, struct buf *out)
{
    const struct hyperband *hyperband = self;

    pack_list(out, 4);
    pack_uint(out, hyperband->stopped);
    pack_uint(out, hyperband->turns);
    pack_list(out, hyperband->bracket_count);
    for (uint32_t i = 0; i < hyperband->bracket_count; i++)
        save_bracket(&hyperband->brackets[i], out);
    pack_list(out, hyperband->note_count);
    for (uint32_t i = 0; i < hyperband->note_count; i++)
        save_note(&hyperband->notes[i], out);
}

static bool load_bracket(struct hyperband *hyperband, struct cursor *in)
{
    struct bracket *bracket = bracket_begin(hyperband);
    uint32_t items, halvings;

    if (!cursor_list(in, &items) || items != BRACKET_ITEMS || !cursor_u32(in, &halvings) ||
        !cursor_double(in, &bracket->progress) || !cursor_bool(in, &bracket->begun) ||
        halvings > bracket->size.halvings)
        return false;
    while (bracket->size.halvings > halvings)
        hyperband_halve(&hyperband->keys, &bracket->size);
    return true;
}

static bool load_note(struct hyperband *hyperband, uint32_t trial, struct cursor *in)
{
    struct note *note = note_of(hyperband, trial);
    uint32_t items, what;

    if (!cursor_list(in, &items) || items != NOTE_ITEMS || !cursor_double(in, &note->time) ||
        !cursor_double(in, &note->reward) || !cursor_double(in, &note->milestone) ||
        !cursor_u32(in, &note->bracket) || !cursor_u32(in, &note->turn) ||
        !cursor_u32(in, &note->rank) || !cursor_u32(in, &note->of) || !cursor_u32(in, &what) ||
        !cursor_bool(in, &note->live) || what >= NOTE_COUNT)
        return false;
    note->what = (uint8_t)what;
    if (what == NOTE_NONE)
        return !note->live;
    return note->bracket < hyperband->bracket_count && note->turn < hyperband->turns;
}

/* By bracket, there in the order in which they joined. */
static int by_turn(const void *a, const void *b)
{
    const struct note *left = *(const struct note *const *)a;
    const struct note *right = *(const struct note *const *)b;

    if (left->bracket != right->bracket)
        return left->bracket < right->bracket ? -1 : 1;
    if (left->turn != right->turn)
        return left->turn < right->turn ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* Everybody live back to its bracket; false where one has more than it may. */
static bool fill_brackets(struct hyperband *hyperband)
{
    const struct note **live = xcalloc(hyperband->note_count + 1u, sizeof(*live));
    uint32_t count = 0;
    bool fit = true;

    for (uint32_t i = 0; i < hyperband->note_count; i++)
        if (hyperband->notes[i].live)
            live[count++] = &hyperband->notes[i];
    qsort(live, count, sizeof(*live), by_turn);
    for (uint32_t i = 0; i < count; i++)
        live_push(&hyperband->brackets[live[i]->bracket], (uint32_t)(live[i] - hyperband->notes));
    for (uint32_t i = 0; i < hyperband->bracket_count; i++) {
        fit = fit && hyperband->brackets[i].count <= hyperband->brackets[i].size.n;
        count_behind(hyperband, &hyperband->brackets[i]);
    }
    free(live);
    return fit;
}

static bool hyperband_load(void *self, struct cursor *in)
{
    struct hyperband *hyperband = self;
    uint32_t parts, count;

    assert(hyperband->note_count == 0 && hyperband->bracket_count == 0);
    if (!cursor_list(in, &parts) || parts != 4 || !cursor_uint(in, &hyperband->stopped) ||
        !cursor_u32(in, &hyperband->turns) || !cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load_bracket(hyperband, in))
            return false;
    if (!cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load_note(hyperband, i, in))
            return false;
    return fill_brackets(hyperband);
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
    .explain = hyperband_explain,
    .save = hyperband_save,
    .load = hyperband_load,
};
