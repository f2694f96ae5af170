/* The promotion form in an image, and out of it. */
#include <assert.h>

#include "common/pack.h"
#include "head/core/promotion_inside.h"

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

void promotion_save(const void *self, struct buf *out)
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
    struct note *note = promotion_note(promotion, trial);
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

bool promotion_load(void *self, struct cursor *in)
{
    struct promotion *promotion = self;
    uint32_t parts, count;

    assert(promotion->note_count == 0);
    if (!cursor_list(in, &parts) || parts != 3 + RUNGS_SAVED_ITEMS ||
        !cursor_uint(in, &promotion->done) || !rungs_load(promotion->rungs, in))
        return false;
    /* What its milestones are, it knows from the image. */
    promotion_records_free(promotion);
    promotion_records_new(promotion);
    if (!cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load_note(promotion, i, in))
            return false;
    return load_records(promotion, in);
}
