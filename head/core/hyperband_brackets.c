#include <stdlib.h>

#include "common/xalloc.h"
#include "head/core/hyperband_inside.h"
#include "head/core/sched_common.h"

struct bracket *bracket_begin(struct hyperband *hyperband)
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
        .size = hyperband_bracket(&hyperband->keys, number % hyperband->keys.round)};
    return bracket;
}

static bool has_room(const struct bracket *bracket)
{
    return !bracket->begun && bracket->count < bracket->size.n;
}

struct bracket *bracket_open(struct hyperband *hyperband)
{
    struct bracket *bracket = NULL;

    if (hyperband->bracket_count > 0)
        bracket = &hyperband->brackets[hyperband->bracket_count - 1];
    while (bracket == NULL || !has_room(bracket))
        bracket = bracket_begin(hyperband);
    return bracket;
}

bool bracket_has_come(const struct bracket *bracket, const struct note *note)
{
    return note->time >= bracket->size.milestone;
}

bool bracket_has_ended(const struct bracket *bracket)
{
    return bracket->begun && bracket->count == 0;
}

void bracket_push(struct bracket *bracket, uint32_t trial)
{
    if (bracket->count == bracket->capacity) {
        bracket->capacity = bracket->capacity == 0 ? 8 : bracket->capacity * 2;
        bracket->live = xrealloc(bracket->live, bracket->capacity, sizeof(*bracket->live));
    }
    bracket->live[bracket->count++] = trial;
}

void bracket_sweep(const struct hyperband *hyperband, struct bracket *bracket)
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

void bracket_count_behind(const struct hyperband *hyperband, struct bracket *bracket)
{
    bracket->behind = 0;
    for (uint32_t i = 0; i < bracket->count; i++)
        bracket->behind += !bracket_has_come(bracket, &hyperband->notes[bracket->live[i]]);
}

struct note *hyperband_note(struct hyperband *hyperband, uint32_t trial)
{
    hyperband->notes =
        sched_notes_reserve(hyperband->notes, sizeof(*hyperband->notes), &hyperband->note_count,
                            &hyperband->note_capacity, trial);
    return &hyperband->notes[trial];
}

struct note *hyperband_live_note(const struct hyperband *hyperband, uint32_t trial)
{
    if (trial >= hyperband->note_count || !hyperband->notes[trial].live)
        return NULL;
    return &hyperband->notes[trial];
}

void bracket_set_time(struct bracket *bracket, struct note *note, double time)
{
    bool before = bracket_has_come(bracket, note);

    if (time > note->time)
        bracket->progress += time - note->time;
    note->time = time;
    if (before && !bracket_has_come(bracket, note))
        bracket->behind++;
    else if (!before && bracket_has_come(bracket, note))
        bracket->behind--;
}

double bracket_done(const struct bracket *bracket)
{
    if (bracket_has_ended(bracket) || bracket->size.work <= 0)
        return 1;
    return bracket->progress / bracket->size.work;
}
