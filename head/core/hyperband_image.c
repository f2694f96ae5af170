/* HyperBand in an image, and out of it. */
#include <assert.h>
#include <stdlib.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/hyperband_inside.h"

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
void hyperband_save(const void *self, struct buf *out)
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
    struct note *note = hyperband_note(hyperband, trial);
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
        bracket_push(&hyperband->brackets[live[i]->bracket],
                     (uint32_t)(live[i] - hyperband->notes));
    for (uint32_t i = 0; i < hyperband->bracket_count; i++) {
        fit = fit && hyperband->brackets[i].count <= hyperband->brackets[i].size.n;
        bracket_count_behind(hyperband, &hyperband->brackets[i]);
    }
    free(live);
    return fit;
}

bool hyperband_load(void *self, struct cursor *in)
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
