/* drive_hear.c - what the core says of trials: their rows, verdicts and launches. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/drive_inside.h"
#include "common/xalloc.h"

const char *drive_default_name(const struct drive *drive, uint32_t number, struct arena *arena)
{
    const char *name = arena_printf(arena, "t%u", number);

    /* The caller may have called another one so. */
    for (uint32_t i = 2; table_get(drive->by_name, span_text(name)) != NULL; i++)
        name = arena_printf(arena, "t%u_%u", number, i);
    return name;
}

static void trial_meet(struct drive *drive, const struct effect_trial *row)
{
    struct driven *trial = xcalloc(1, sizeof(*trial));

    assert(row->trial == drive->count);
    if (drive->count == drive->capacity) {
        drive->capacity = drive->capacity * 2 + 64;
        drive->trials = xrealloc(drive->trials, drive->capacity, sizeof(struct driven *));
    }
    drive->trials[drive->count++] = trial;
    trial->number = row->trial;
    trial->name = drive->next_name != NULL ? arena_strdup(&drive->kept, drive->next_name)
                                           : drive_default_name(drive, row->trial, &drive->kept);
    drive->next_name = NULL;
    trial->config = arena_copy(&drive->kept, row->config);
    (void)table_put(drive->by_name, span_text(trial->name), trial);
}

static void also(struct drive *drive, uint32_t trial, const char *action)
{
    if (drive->also_count == drive->also_capacity) {
        drive->also_capacity = drive->also_capacity * 2 + 16;
        drive->also = xrealloc(drive->also, drive->also_capacity, sizeof(*drive->also));
    }
    drive->also[drive->also_count++] = (struct drive_also){trial, action};
}

static void act(struct drive *drive, uint32_t trial, enum action action)
{
    if (drive->act_count == drive->act_capacity) {
        drive->act_capacity = drive->act_capacity * 2 + 16;
        drive->acts = xrealloc(drive->acts, drive->act_capacity, sizeof(*drive->acts));
    }
    drive->acts[drive->act_count++] = (struct drive_act){trial, action};
}

/* Another trial than the one that the line is about has come to another state. */
static void hear_of_other(struct drive *drive, const struct driven *trial, enum trial_state to)
{
    enum trial_state from = trial->state;

    if (from == to)
        return;
    if (to == TRIAL_STOPPING) {
        also(drive, trial->number, "stop");
        act(drive, trial->number, ACTION_STOP);
    } else if (to == TRIAL_STOPPED && from != TRIAL_STOPPING) {
        also(drive, trial->number, "stop");
    } else if (to == TRIAL_PAUSING) {
        also(drive, trial->number, "pause");
        act(drive, trial->number, ACTION_PAUSE);
    } else if (to == TRIAL_PAUSED && from == TRIAL_PENDING) {
        also(drive, trial->number, "pause");
    } else if (to == TRIAL_PENDING && from == TRIAL_PAUSED) {
        also(drive, trial->number, "resume");
    }
}

static void hear_row(struct drive *drive, const struct effect_trial *row)
{
    struct driven *trial;

    if (row->trial == drive->count)
        trial_meet(drive, row);
    trial = drive->trials[row->trial];
    if (row->trial != drive->self)
        hear_of_other(drive, trial, (enum trial_state)row->state);
    if (row->config.size > 0 &&
        (row->config.size != trial->config.size ||
         memcmp(row->config.data, trial->config.data, row->config.size) != 0))
        trial->config = arena_copy(&drive->kept, row->config); /* it has taken over from another */
    if (row->trial == drive->self && row->tag.size > 0)
        drive->tag = row->tag;
    trial->state = (enum trial_state)row->state;
    trial->has_best = row->has_best;
    trial->best = row->best;
    trial->best_at = row->best_at;
    if (trial_is_live(trial->state))
        return;
    free(trial->fill);
    trial->fill = NULL;
}

static void hear_verdict(struct drive *drive, const struct effect_verdict *verdict)
{
    if (verdict->action == ACTION_SAVE) {
        also(drive, verdict->trial, "save");
        act(drive, verdict->trial, ACTION_SAVE);
    }
    drive->trials[verdict->trial]->horizon = verdict->horizon;
    if (verdict->trial == drive->self)
        drive->action = (enum action)verdict->action;
}

/* Another one than the line is about waits for nobody: what a donor saves is there at once. */
static void hear_exploit(struct drive *drive, const struct effect_exploit *exploit)
{
    struct effect_exploit *kept;

    if (exploit->trial != drive->self)
        return;
    kept = arena_alloc(&drive->turn, sizeof(*kept));
    *kept = *exploit;
    drive->exploit = kept;
}

void drive_hear(struct drive *drive)
{
    for (size_t i = 0; i < drive->effects.count; i++) {
        const struct effect *effect = &drive->effects.items[i];

        if (effect->type == EFFECT_TRIAL)
            hear_row(drive, &effect->trial);
        else if (effect->type == EFFECT_VERDICT)
            hear_verdict(drive, &effect->verdict);
        else if (effect->type == EFFECT_LAUNCH)
            drive->launch = effect->launch;
        else if (effect->type == EFFECT_EXPLOIT)
            hear_exploit(drive, &effect->exploit);
        else if (effect->type == EFFECT_EXPERIMENT)
            drive->why = arena_copy(&drive->kept, effect->experiment.why);
    }
}
