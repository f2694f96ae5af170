/* A schedule of configurations, as population based training found one, for every trial: Tune's
 * PopulationBasedTrainingReplay.
 *
 * At the first result at or behind a change's training_iteration the trial saves, and goes on from
 * there with the change's values (exploit.h). What was asked for is looked at again at the trial's
 * next result: an attempt that was lost before it had saved goes on as it was, and is asked again.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/pack.h"
#include "common/tag.h"
#include "common/xalloc.h"
#include "head/core/sched.h"
#include "head/core/sched_common.h"

struct note {
    uint32_t next; /* of the changes: those before it are made, or asked for */
    uint32_t sure; /* those before it are made */
};

struct replay {
    const struct spec_scheduler *spec; /* borrowed */
    struct sched_view view;
    double step; /* of the newest result */
    uint64_t perturbs;
    struct note *notes; /* owned; by trial number */
    uint32_t note_count;
    uint32_t note_capacity;
};

static void *replay_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                        struct tape *tape)
{
    struct replay *replay = xcalloc(1, sizeof(*replay));

    (void)seed;
    (void)tape;
    replay->spec = &spec->scheduler;
    replay->view = *view;
    return replay;
}

static void replay_free(void *self)
{
    struct replay *replay = self;

    if (replay == NULL)
        return;
    free(replay->notes);
    free(replay);
}

/* One that is added again goes on from where it was. */
static void replay_add(void *self, uint32_t trial)
{
    struct replay *replay = self;

    replay->notes = sched_notes_reserve(replay->notes, sizeof(*replay->notes), &replay->note_count,
                                        &replay->note_capacity, trial);
}

/* The members of a change in place of those of its name, or behind them. */
static struct value changed(const struct value *config, const struct value *change,
                            struct arena *arena)
{
    struct member *members =
        arena_alloc(arena, ((size_t)config->count + change->count) * sizeof(*members));
    struct value out = {.type = VALUE_MAP, .count = config->count, .members = members};

    for (uint32_t i = 0; i < config->count; i++)
        members[i] = config->members[i];
    for (uint32_t i = 0; i < change->count; i++) {
        uint32_t at = 0;

        while (at < out.count && strcmp(members[at].key, change->members[i].key) != 0)
            at++;
        members[at] = change->members[i];
        out.count += at == out.count;
    }
    return out;
}

static const char *tag_of(const struct value *change, struct arena *arena)
{
    struct path_part *parts = arena_alloc(arena, change->count * sizeof(*parts));
    struct tag_path *paths = arena_alloc(arena, change->count * sizeof(*paths));

    for (uint32_t i = 0; i < change->count; i++) {
        parts[i] = (struct path_part){.key = change->members[i].key};
        paths[i] = (struct tag_path){&parts[i], 1};
    }
    return arena_printf(arena, "@perturbed[%s]", tag_write(change, paths, change->count, arena));
}

/* With the changes from first up to before end. False where it has these values already. */
static bool change(const struct replay *replay, uint32_t trial, uint32_t first, uint32_t end,
                   struct arena *arena, struct sched_verdict *out)
{
    struct buf packed = {0};
    struct cursor cursor;
    struct value before, after;
    int err;

    cursor_init(&cursor, replay->view.config(replay->view.core, trial));
    err = value_unpack(&cursor, arena, &before);
    assert(err == 0 && before.type == VALUE_MAP); /* the core made it */
    (void)err;
    after = before;
    for (uint32_t i = first; i < end; i++)
        after = changed(&after, replay->spec->changes[i].config, arena);
    if (value_equal(&before, &after))
        return false;
    value_pack(&after, &packed);
    out->action = ACTION_EXPLOIT;
    out->donor = trial;
    out->config = arena_copy(arena, buf_span(&packed));
    out->tag = tag_of(replay->spec->changes[end - 1].config, arena);
    buf_fini(&packed);
    return true;
}

/* Results without a time say nothing. */
static void replay_result(void *self, const struct judged *judged, struct arena *arena,
                          struct sched_verdict *out)
{
    struct replay *replay = self;
    struct note *note;

    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (judged->trial >= replay->note_count || !judged->has_time)
        return;
    note = &replay->notes[judged->trial];
    replay->step = judged->time;
    note->next = note->sure;
    while (note->next < replay->spec->change_count &&
           judged->time >= replay->spec->changes[note->next].at)
        note->next++;
    if (note->next == note->sure)
        return;
    if (change(replay, judged->trial, note->sure, note->next, arena, out))
        replay->perturbs++;
    else
        note->sure = note->next;
}

static void replay_complete(void *self, const struct judged *judged, struct arena *arena,
                            struct sched_verdict *out)
{
    (void)self;
    (void)judged;
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
}

static void replay_error(void *self, uint32_t trial, struct arena *arena, struct sched_verdict *out)
{
    (void)self;
    (void)trial;
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
}

/* Up to where it is asked for what may not have come about. */
static double replay_horizon(const void *self, uint32_t trial)
{
    const struct replay *replay = self;
    uint32_t sure = trial < replay->note_count ? replay->notes[trial].sure : 0;

    return sure < replay->spec->change_count ? replay->spec->changes[sure].at : (double)INFINITY;
}

static uint32_t replay_choose(void *self, const struct sched_candidates *candidates)
{
    (void)self;
    return sched_fifo.choose(NULL, candidates);
}

static void replay_debug(const void *self, struct buf *out)
{
    const struct replay *replay = self;

    buf_append_text(out, "PopulationBasedTraining replay: Step ");
    sched_put_number(out, replay->step);
    buf_printf(out, ", perturb %" PRIu64 "\n", replay->perturbs);
}

static void replay_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct replay *replay = self;
    const struct note *note = trial < replay->note_count ? &replay->notes[trial] : NULL;
    uint32_t next = note != NULL ? note->next : 0;

    buf_printf(out, "The pbt_replay scheduler has asked for %u of its %u changes.", next,
               replay->spec->change_count);
    if (next == replay->spec->change_count)
        return;
    buf_append_text(out, " The next one comes at training_iteration ");
    sched_put_number(out, replay->spec->changes[next].at);
    buf_append_char(out, '.');
}

static void replay_save(const void *self, struct buf *out)
{
    const struct replay *replay = self;

    pack_list(out, 3);
    pack_double(out, replay->step);
    pack_uint(out, replay->perturbs);
    pack_list(out, replay->note_count * 2);
    for (uint32_t i = 0; i < replay->note_count; i++) {
        pack_uint(out, replay->notes[i].next);
        pack_uint(out, replay->notes[i].sure);
    }
}

static bool replay_load(void *self, struct cursor *in)
{
    struct replay *replay = self;
    uint32_t parts, count;

    assert(replay->note_count == 0);
    if (!cursor_list(in, &parts) || parts != 3 || !cursor_double(in, &replay->step) ||
        !cursor_uint(in, &replay->perturbs) || !cursor_list(in, &count) || count % 2 != 0 ||
        count / 2 > LIMIT_SAMPLES)
        return false;
    for (uint32_t i = 0; i < count / 2; i++) {
        struct note note = {0};

        if (!cursor_u32(in, &note.next) || !cursor_u32(in, &note.sure) ||
            note.next > replay->spec->change_count || note.sure > note.next)
            return false;
        replay_add(replay, i);
        replay->notes[i] = note;
    }
    return true;
}

const struct sched_ops sched_pbt_replay = {
    .name = "pbt_replay",
    .new = replay_new,
    .free = replay_free,
    .add = replay_add,
    .result = replay_result,
    .complete = replay_complete,
    .error = replay_error,
    .horizon = replay_horizon,
    .choose = replay_choose,
    .debug = replay_debug,
    .explain = replay_explain,
    .save = replay_save,
    .load = replay_load,
};
