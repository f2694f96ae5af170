/* The median rule in an image, and out of it. Points (medians.h) come back by themselves. */
#include <assert.h>
#include <math.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/median_inside.h"

#define NOTE_ITEMS 5u
#define RUN_ITEMS  11u

static void save_run(const struct run *run, struct buf *out)
{
    pack_double(out, run->best);
    pack_double(out, run->last);
    pack_double(out, run->last_reward);
    pack_double(out, run->paused_at);
    pack_bool(out, run->has_best);
    pack_bool(out, run->has_last);
    pack_bool(out, run->again);
    pack_bool(out, run->exempt);
    pack_bool(out, run->waits);
    pack_bool(out, run->ended);
    curve_save(&run->curve, out);
}

void median_save(const void *self, struct buf *out)
{
    const struct median *median = self;

    pack_list(out, 2);
    pack_uint(out, median->stopped);
    pack_list(out, median->note_count);
    for (uint32_t i = 0; i < median->note_count; i++) {
        const struct median_note *note = &median->notes[i];

        pack_list(out, note->run != NULL ? NOTE_ITEMS + RUN_ITEMS : NOTE_ITEMS);
        pack_double(out, note->time);
        pack_double(out, note->best);
        pack_double(out, note->median);
        pack_uint(out, note->others);
        pack_uint(out, note->what);
        if (note->run != NULL)
            save_run(note->run, out);
    }
}

/* Whether the parts of a run go together. */
static bool is_sound(const struct run *run)
{
    if (isnan(run->last) || isnan(run->best) || isnan(run->paused_at))
        return false;
    return run->has_last || (!run->ended && run->curve.count == 0 && run->last == -INFINITY);
}

static bool load_run(struct median *median, struct median_note *note, struct cursor *in)
{
    struct run *run = xcalloc(1, sizeof(*run));

    note->run = run;
    if (!cursor_double(in, &run->best) || !cursor_double(in, &run->last) ||
        !cursor_double(in, &run->last_reward) || !cursor_double(in, &run->paused_at) ||
        !cursor_bool(in, &run->has_best) || !cursor_bool(in, &run->has_last) ||
        !cursor_bool(in, &run->again) || !cursor_bool(in, &run->exempt) ||
        !cursor_bool(in, &run->waits) || !cursor_bool(in, &run->ended) ||
        !curve_load(&run->curve, in))
        return false;
    median->results += run->curve.count;
    return is_sound(run);
}

static bool load_note(struct median *median, uint32_t trial, struct cursor *in)
{
    struct median_note *note = median_note(median, trial);
    uint32_t items, what;

    if (!cursor_list(in, &items) || (items != NOTE_ITEMS && items != NOTE_ITEMS + RUN_ITEMS) ||
        !cursor_double(in, &note->time) || !cursor_double(in, &note->best) ||
        !cursor_double(in, &note->median) || !cursor_u32(in, &note->others) ||
        !cursor_u32(in, &what) || what >= NOTE_COUNT)
        return false;
    note->what = (uint8_t)what;
    return items == NOTE_ITEMS || load_run(median, note, in);
}

bool median_load(void *self, struct cursor *in)
{
    struct median *median = self;
    uint32_t parts, count;

    assert(median->note_count == 0);
    if (!cursor_list(in, &parts) || parts != 2 || !cursor_uint(in, &median->stopped) ||
        !cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load_note(median, i, in))
            return false;
    medians_allow(median->others, median->results);
    for (uint32_t i = 0; i < count; i++)
        if (median->notes[i].run != NULL && median_is_member(median, median->notes[i].run))
            median_join(median, i);
    return true;
}
