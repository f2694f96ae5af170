#include "head/core/experiment.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/rng.h"
#include "common/tag.h"
#include "common/xalloc.h"
#include "head/core/state.h"
#include "head/core/streams.h"
#include "head/core/suggest.h"

#define FOLDER_NAME_BYTES 130u /* of a trial's name in its folder's, as Tune cuts it */
#define FOLDER_END_BYTES  8u

/* What a searcher and a scheduler are called by in an error. */
static void name_error(struct spec_error *error, const char *path, const char *what)
{
    *error = (struct spec_error){0};
    (void)snprintf(error->path, sizeof(error->path), "%s", path);
    (void)snprintf(error->what, sizeof(error->what), "there is no %s of this name", what);
    (void)snprintf(error->mend, sizeof(error->mend), "use one that this version has");
}

static int spec_read(struct experiment *experiment, struct span packed, struct spec_error *error)
{
    struct arena *arena = &experiment->arena;
    struct value *value = arena_zalloc(arena, sizeof(*value));
    struct cursor cursor;
    int err;

    experiment->packed = arena_copy(arena, packed);
    cursor_init(&cursor, experiment->packed);
    err = value_unpack(&cursor, arena, value);
    if (err < 0) {
        *error = (struct spec_error){.what = "is no msgpack map within the limits"};
        return err;
    }
    err = spec_parse(value, arena, &experiment->spec, error);
    if (err < 0)
        return err;
    experiment->search = search_of(&experiment->spec);
    experiment->sched = sched_find(experiment->spec.scheduler.type);
    if (experiment->search == NULL) {
        name_error(error, "search", "searcher");
        return ERR_MALFORMED;
    }
    if (experiment->sched == NULL) {
        name_error(error, "scheduler", "scheduler");
        return ERR_MALFORMED;
    }
    return 0;
}

struct experiment *experiment_new(uint32_t number, struct span packed, struct spec_error *error)
{
    struct experiment *experiment = xcalloc(1, sizeof(*experiment));

    experiment->number = number;
    experiment->wake_ms = DEADLINE_NEVER;
    arena_init(&experiment->arena);
    if (spec_read(experiment, packed, error) < 0) {
        experiment_free(experiment);
        return NULL;
    }
    experiment->folder = arena_printf(&experiment->arena, "%s/%s", experiment->spec.local_dir,
                                      experiment->spec.name);
    return experiment;
}

uint32_t experiment_total(const struct experiment *experiment)
{
    uint32_t proposed = experiment->search->total(experiment->searcher);

    return budget_trials(experiment, proposed < NUMBER_NONE - experiment->added
                                         ? proposed + experiment->added
                                         : NUMBER_NONE);
}

int experiment_respec(struct experiment *experiment, uint32_t samples, struct span stop,
                      struct spec_error *error)
{
    struct spec before = experiment->spec;
    struct span packed = experiment->packed;
    struct buf state = {0};
    struct buf more = {0};
    struct cursor cursor;
    int err = spec_extend(packed, samples, stop, &experiment->arena, &more, error);

    if (err == 0)
        err = spec_read(experiment, buf_span(&more), error);
    buf_fini(&more);
    if (err < 0) {
        experiment->spec = before;
        experiment->packed = packed;
        return err;
    }
    /* Scheduler and searcher read the same struct; a searcher has counted its points. */
    if (experiment->search->save != NULL)
        experiment->search->save(experiment->searcher, &state);
    experiment->search->free(experiment->searcher);
    experiment->searcher = experiment->search->new (&experiment->spec, experiment->seed);
    cursor_init(&cursor, buf_span(&state));
    if (experiment->search->load != NULL &&
        !experiment->search->load(experiment->searcher, &cursor))
        assert(!"a state that was saved just now");
    buf_fini(&state);
    return 0;
}

void experiment_free(struct experiment *experiment)
{
    struct trial *next;

    if (experiment == NULL)
        return;
    for (struct trial *trial = experiment->first; trial != NULL; trial = next) {
        next = trial->next;
        trial_free(trial);
    }
    if (experiment->searcher != NULL)
        experiment->search->free(experiment->searcher);
    if (experiment->scheduler != NULL)
        experiment->sched->free(experiment->scheduler);
    for (uint32_t i = 0; i < experiment->row_capacity; i++)
        trial_more_free(trial_row_more(&experiment->rows[i]));
    free(experiment->rows);
    queue_fini(&experiment->pending);
    queue_fini(&experiment->resting);
    arena_fini(&experiment->arena);
    free(experiment);
}

static enum trial_state view_state(void *core, uint32_t number)
{
    const struct experiment *experiment = core;

    assert(number < experiment->created);
    return experiment->rows[number].state != TRIAL_NONE
               ? (enum trial_state)experiment->rows[number].state
               : experiment->rows[number].live->state;
}

static struct span view_config(void *core, uint32_t number)
{
    const struct trial *trial = experiment_trial(core, number);

    return trial != NULL ? buf_span(&trial->config) : (struct span){0};
}

static bool view_waiting(void *core)
{
    const struct experiment *experiment = core;

    return experiment->counts[TRIAL_PENDING] + experiment->counts[TRIAL_PAUSED] +
               experiment->ahead >
           experiment->moving;
}

static bool view_saved(void *core, uint32_t number)
{
    const struct trial *trial = experiment_trial(core, number);

    return trial != NULL && exploit_may_give(trial);
}

void experiment_start(struct experiment *experiment, struct tape *tape)
{
    const struct sched_view view = {
        .core = experiment,
        .state = view_state,
        .config = view_config,
        .waiting = view_waiting,
        .saved = view_saved,
    };
    uint64_t keys =
        rng_u64(experiment->submitted_ms, STREAM_TRIAL_ID + experiment->number, experiment->seed);

    experiment->id_keys[0] = (uint32_t)keys;
    experiment->id_keys[1] = (uint32_t)(keys >> 32);
    experiment->searcher = experiment->search->new (&experiment->spec, experiment->seed);
    experiment->scheduler =
        experiment->sched->new (&experiment->spec, experiment->seed, &view, tape);
}

struct trial *experiment_trial(const struct experiment *experiment, uint32_t number)
{
    return number < experiment->created ? trial_row_live(&experiment->rows[number]) : NULL;
}

/* Every step is a bijection of 32 bits, so no two trials of an experiment have the same id. */
void experiment_trial_id(const struct experiment *experiment, uint32_t number, char *out)
{
    uint32_t id = number ^ experiment->id_keys[0];

    id *= 0x9e3779b1u;
    id ^= id >> 16;
    id *= 0x85ebca6bu;
    id ^= id >> 13;
    id *= 0xc2b2ae35u;
    id ^= id >> 16;
    id += experiment->id_keys[1];
    (void)snprintf(out, TRIAL_ID_BYTES + 1, "%08x", id);
}

const char *experiment_trial_tag(struct span proposed, struct arena *arena)
{
    const char *tag = proposed.size > 0 ? proposed.data : "";

    return arena_text(arena, span_of(tag, tag_cut(tag, proposed.size, LIMIT_TEXT_BYTES - 1)));
}

const char *experiment_trial_name(const struct experiment *experiment, const char *id,
                                  uint32_t number, const char *tag, struct arena *arena)
{
    const char *name = spec_trial_name(&experiment->spec, id, number, tag, arena);

    return arena_text(arena, span_of(name, tag_cut(name, strlen(name), LIMIT_TRIAL_NAME)));
}

char *experiment_trial_folder(const struct experiment *experiment, const struct trial *trial,
                              uint64_t now_ms)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t size = tag_cut(trial->name, strlen(trial->name), FOLDER_NAME_BYTES);
    char end[FOLDER_END_BYTES + 1] = "";
    char date[20];
    struct buf folder = {0};
    char *out;

    for (uint32_t i = 0; i < FOLDER_END_BYTES; i++)
        end[i] = letters[rng_below(experiment->seed ^ experiment->submitted_ms,
                                   STREAM_FOLDER + trial->number, i, sizeof(letters) - 1)];
    result_date((int64_t)(now_ms / 1000), 0, date);
    buf_append(&folder, trial->name, size);
    buf_printf(&folder, "_%s%s", date, end);
    out = xstrdup(buf_text(&folder));
    buf_fini(&folder);
    return out;
}

void experiment_reserve(struct experiment *experiment, uint32_t count)
{
    if (count <= experiment->row_capacity)
        return;
    if (count < experiment->row_capacity * 2)
        count = experiment->row_capacity * 2;
    experiment->rows = xrealloc(experiment->rows, count, sizeof(*experiment->rows));
    memset(&experiment->rows[experiment->row_capacity], 0,
           (count - experiment->row_capacity) * sizeof(*experiment->rows));
    experiment->row_capacity = count;
}

void experiment_adopt(struct experiment *experiment, struct trial *trial)
{
    struct trial *before = experiment->last;

    while (before != NULL && before->number > trial->number)
        before = before->previous;
    experiment->rows[trial->number] = (struct trial_row){.live = trial};
    trial->previous = before;
    trial->next = before != NULL ? before->next : experiment->first;
    if (trial->next != NULL)
        trial->next->previous = trial;
    else
        experiment->last = trial;
    if (before != NULL)
        before->next = trial;
    else
        experiment->first = trial;
    experiment->unended++;
}

bool experiment_may_choose(const struct trial *trial)
{
    return trial->state == TRIAL_PAUSED && trial->pause == PAUSE_BY_SCHEDULER;
}

/* All trials need what the one needs that was found to fit; who asks by hand may know better. */
static bool fits(void *context, uint32_t trial)
{
    const struct experiment *experiment = context;

    return experiment->unfit_count == 0 ||
           bsearch(&trial, experiment->unfit, experiment->unfit_count, sizeof(trial),
                   trial_number_order) == NULL;
}

static uint32_t first_paused(void *context)
{
    struct experiment *experiment = context;

    if (experiment->counts[TRIAL_PAUSED] == 0)
        return NUMBER_NONE;
    for (const struct trial *trial = experiment->first; trial != NULL; trial = trial->next)
        if (experiment_may_choose(trial) && fits(experiment, trial->number))
            return trial->number;
    return NUMBER_NONE;
}

static bool is_paused(void *context, uint32_t number)
{
    const struct trial *trial = experiment_trial(context, number);

    return trial != NULL && experiment_may_choose(trial);
}

struct sched_candidates experiment_candidates(struct experiment *experiment)
{
    return (struct sched_candidates){
        .context = experiment,
        .fits = fits,
        .pending = queue_items(&experiment->pending),
        .pending_count = experiment->pending.count,
        .is_paused = is_paused,
        .first_paused = first_paused,
    };
}

struct trial *experiment_next(struct step *step, struct experiment *experiment)
{
    struct sched_candidates candidates;
    uint32_t number;

    if (experiment->pending.count == 0 && !experiment->search_done)
        (void)experiment_propose(step, experiment);
    if (experiment->state == EXPERIMENT_DONE)
        return NULL; /* its searcher had no more */
    candidates = experiment_candidates(experiment);
    number = experiment->sched->choose(experiment->scheduler, &candidates);
    return number != NUMBER_NONE ? experiment_trial(experiment, number) : NULL;
}

bool experiment_wants(const struct experiment *experiment)
{
    uint32_t most = experiment->spec.max_concurrent;

    if (experiment->paused || (most > 0 && experiment->leases >= most))
        return false;
    return experiment->pending.count > 0 ||
           first_paused((struct experiment *)experiment) != NUMBER_NONE ||
           (!experiment->search_done && !experiment->search_waits && !experiment->search->ahead);
}

static void forget(struct experiment *experiment, struct trial *trial)
{
    struct trial_row *row = &experiment->rows[trial->number];

    if (trial->attempt <= 1)
        past_fini(&trial->past);
    row->more = trial_more_new(&trial->past, &trial->checkpoints);
    experiment->mores += row->more != NULL;
    row->hw = trial->hw;
    row->attempt = trial->attempt;
    row->state = (uint8_t)trial->state;
    row->reason = (uint8_t)trial->reason;
    row->cause = (uint8_t)trial->cause;
    row->failures = trial->failures < UINT8_MAX ? (uint8_t)trial->failures : UINT8_MAX;
    if (trial->previous != NULL)
        trial->previous->next = trial->next;
    else
        experiment->first = trial->next;
    if (trial->next != NULL)
        trial->next->previous = trial->previous;
    else
        experiment->last = trial->previous;
    experiment->unended--;
}

void experiment_bury(struct step *step, struct trial *trial, struct span text)
{
    struct experiment *experiment = trial->experiment;

    assert(trial_is_final(trial->state) && trial->node == NULL);
    exploit_end(step, trial);
    budget_take_end(step, trial);
    trial_tell(trial, false, step->now_ms, text, step->effects);
    if (trial->begun) {
        struct effect_close *close = &effects_add(step->effects, EFFECT_CLOSE)->close;

        close->experiment = experiment->number;
        close->trial = trial->number;
    }
    forget(experiment, trial);
    trial_free(trial);
    experiment_settle(step, experiment);
}

void experiment_settle(struct step *step, struct experiment *experiment)
{
    struct effect_release *release;

    if (experiment->unended > 0 || experiment->recalled > 0 || !experiment->search_done ||
        experiment->state == EXPERIMENT_DONE)
        return;
    budget_settle(experiment);
    budget_halt(experiment, step->now_ms);
    experiment->state = EXPERIMENT_DONE;
    experiment->ended_ms = step->now_ms;
    experiment->changed = false;
    core_retire_experiment(step->core, experiment);
    experiment_tell(experiment, false, step->effects);
    release = &effects_add(step->effects, EFFECT_RELEASE)->release;
    release->experiment = experiment->number;
}

void experiment_tell(const struct experiment *experiment, bool first, struct effects *effects)
{
    struct arena *arena = effects->arena;
    struct effect_experiment *row = &effects_add(effects, EFFECT_EXPERIMENT)->experiment;

    row->experiment = experiment->number;
    row->state = experiment->state;
    row->name = arena_copy(arena, span_text(experiment->spec.name));
    row->principal = experiment->principal;
    row->submitted_ms = experiment->submitted_ms;
    row->ended_ms = experiment->ended_ms;
    row->total = experiment_total(experiment);
    row->created = experiment->created;
    memcpy(row->counts, experiment->counts, sizeof(row->counts));
    row->results = experiment->results;
    row->folder = arena_copy(arena, span_text(experiment->folder));
    row->seed = experiment->seed;
    row->paused = experiment->paused;
    row->wanted = suggest_wanted(experiment);
    row->code = arena_copy(arena, span_of(experiment->code, experiment->code_size));
    row->why = arena_copy(arena, experiment->why);
    if (first)
        row->spec = arena_copy(arena, experiment->packed);
}
