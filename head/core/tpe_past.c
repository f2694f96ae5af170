#include "head/core/tpe_past.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/streams.h"

#define TRIAL_ITEMS 5u

static void trial_free(struct tpe_trial *trial)
{
    if (trial == NULL)
        return;
    tpe_row_fini(&trial->row);
    free(trial);
}

static void list_insert(struct tpe_list *list, uint32_t at, struct tpe_trial *trial)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 16;
        list->items = xrealloc(list->items, list->capacity, sizeof(struct tpe_trial *));
    }
    memmove(&list->items[at + 1], &list->items[at],
            (list->count - at) * sizeof(struct tpe_trial *));
    list->items[at] = trial;
    list->count++;
}

/* By number. Most are newer than those that are there. */
static void list_add(struct tpe_list *list, struct tpe_trial *trial)
{
    uint32_t at = list->count;

    while (at > 0 && list->items[at - 1]->number > trial->number)
        at--;
    list_insert(list, at, trial);
}

static struct tpe_trial *list_remove(struct tpe_list *list, uint32_t at)
{
    struct tpe_trial *trial = list->items[at];

    list->count--;
    memmove(&list->items[at], &list->items[at + 1],
            (list->count - at) * sizeof(struct tpe_trial *));
    return trial;
}

/* Out of a list by number; NULL where it is not there. */
static struct tpe_trial *list_take(struct tpe_list *list, uint32_t number)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (list->items[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->items[low]->number == number ? list_remove(list, low) : NULL;
}

static struct tpe_trial *take_best(struct tpe_list *best, uint32_t number)
{
    for (uint32_t i = 0; i < best->count; i++)
        if (best->items[i]->number == number)
            return list_remove(best, i);
    return NULL;
}

static void list_fini(struct tpe_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        trial_free(list->items[i]);
    free(list->items);
}

void tpe_past_init(struct tpe_past *past, const struct tpe_space *space, uint64_t seed)
{
    *past = (struct tpe_past){.space = space, .seed = seed};
}

void tpe_past_fini(struct tpe_past *past)
{
    list_fini(&past->live);
    list_fini(&past->best);
    list_fini(&past->rest);
}

/* A total order: of equals the one that was proposed first. */
static bool is_better(const struct tpe_trial *a, const struct tpe_trial *b)
{
    if (a->end != b->end)
        return a->end < b->end;
    if (a->end == TPE_EARLY && a->time != b->time)
        return a->time > b->time;
    if (a->end != TPE_WORTHLESS && a->value != b->value)
        return a->value > b->value;
    return a->number < b->number;
}

/* Whether a trial counts where only a part of them does. */
static bool counts(const struct tpe_past *past, uint32_t number)
{
    return past->thinned == 0 ||
           rng_u64(past->seed, STREAM_THIN, number) >> (64 - past->thinned) == 0;
}

static void thin(struct tpe_past *past)
{
    uint32_t kept = 0;

    past->thinned++;
    for (uint32_t i = 0; i < past->rest.count; i++) {
        struct tpe_trial *trial = past->rest.items[i];

        if (counts(past, trial->number))
            past->rest.items[kept++] = trial;
        else
            trial_free(trial);
    }
    past->rest.count = kept;
}

static void keep_rest(struct tpe_past *past, struct tpe_trial *trial)
{
    if (!counts(past, trial->number)) {
        trial_free(trial);
        return;
    }
    list_add(&past->rest, trial);
    while (past->rest.count > TPE_REST && past->thinned < 32)
        thin(past);
}

static void keep(struct tpe_past *past, struct tpe_trial *trial)
{
    struct tpe_list *best = &past->best;
    uint32_t at = best->count;

    if (trial->end == TPE_WORTHLESS) {
        keep_rest(past, trial);
        return;
    }
    while (at > 0 && is_better(trial, best->items[at - 1]))
        at--;
    if (at == TPE_BEST) {
        keep_rest(past, trial);
        return;
    }
    list_insert(best, at, trial);
    if (best->count > TPE_BEST)
        keep_rest(past, best->items[--best->count]);
}

void tpe_past_begin(struct tpe_past *past, uint32_t number, const double *numbers)
{
    struct tpe_trial *trial = xcalloc(1, sizeof(*trial));

    trial->number = number;
    trial->end = TPE_LIVE;
    tpe_row_init(&trial->row, past->space, numbers);
    list_add(&past->live, trial);
}

void tpe_past_end(struct tpe_past *past, uint32_t number, enum tpe_end end, double value,
                  double time)
{
    struct tpe_trial *trial = list_take(&past->live, number);

    if (trial != NULL) {
        past->ended++;
    } else {
        trial = take_best(&past->best, number);
        if (trial == NULL)
            trial = list_take(&past->rest, number);
        if (trial == NULL)
            return;
    }
    trial->end = isnan(value) ? TPE_WORTHLESS : end;
    trial->value = isnan(value) ? 0 : value;
    trial->time = isnan(time) ? 0 : time;
    keep(past, trial);
}

void tpe_past_forget(struct tpe_past *past, uint32_t number)
{
    trial_free(list_take(&past->live, number));
}

uint32_t tpe_good_count(uint64_t ended)
{
    uint64_t tenth = (ended + 9) / 10;

    return tenth < TPE_BEST ? (uint32_t)tenth : TPE_BEST;
}

static uint32_t good_count(const struct tpe_past *past)
{
    uint32_t good = tpe_good_count(past->ended);

    return good < past->best.count ? good : past->best.count;
}

uint32_t tpe_past_good(const struct tpe_past *past, struct tpe_row **rows)
{
    uint32_t count = good_count(past);

    for (uint32_t i = 0; i < count; i++)
        rows[i] = &past->best.items[i]->row;
    return count;
}

/* Those of the best that are not good, by number. */
static uint32_t list_mean(const struct tpe_past *past, struct tpe_trial **mean)
{
    uint32_t count = 0;

    for (uint32_t i = good_count(past); i < past->best.count; i++) {
        struct tpe_trial *trial = past->best.items[i];
        uint32_t at = count++;

        for (; at > 0 && mean[at - 1]->number > trial->number; at--)
            mean[at] = mean[at - 1];
        mean[at] = trial;
    }
    return count;
}

uint32_t tpe_past_others(const struct tpe_past *past, struct tpe_row **rows)
{
    struct tpe_trial *mean[TPE_BEST];
    uint32_t mean_count = list_mean(past, mean);
    uint32_t count = 0, next = 0;

    for (uint32_t i = 0; i < past->rest.count; i++) {
        struct tpe_trial *trial = past->rest.items[i];

        while (next < mean_count && mean[next]->number < trial->number)
            rows[count++] = &mean[next++]->row;
        rows[count++] = &trial->row;
    }
    while (next < mean_count)
        rows[count++] = &mean[next++]->row;
    for (uint32_t i = 0; i < past->live.count; i++)
        if (counts(past, past->live.items[i]->number))
            rows[count++] = &past->live.items[i]->row;
    return count;
}

size_t tpe_past_most(const struct tpe_past *past)
{
    return (size_t)past->best.count + past->rest.count + past->live.count;
}

static bool list_has(const struct tpe_list *list, uint64_t hash)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->row.hash == hash)
            return true;
    return false;
}

bool tpe_past_has(const struct tpe_past *past, const double *numbers)
{
    uint64_t hash = tpe_row_hash(past->space, numbers);

    return list_has(&past->best, hash) || list_has(&past->rest, hash) ||
           list_has(&past->live, hash);
}

static void save_list(const struct tpe_past *past, const struct tpe_list *list, struct buf *out)
{
    pack_list(out, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct tpe_trial *trial = list->items[i];

        pack_list(out, TRIAL_ITEMS);
        pack_uint(out, trial->number);
        pack_uint(out, trial->end);
        pack_double(out, trial->value);
        pack_double(out, trial->time);
        pack_list(out, past->space->count);
        for (uint32_t k = 0; k < past->space->count; k++)
            pack_double(out, trial->row.numbers[k]);
    }
}

void tpe_past_save(const struct tpe_past *past, struct buf *out)
{
    pack_list(out, 5);
    pack_uint(out, past->ended);
    pack_uint(out, past->thinned);
    save_list(past, &past->live, out);
    save_list(past, &past->best, out);
    save_list(past, &past->rest, out);
}

/* Of a choice or grid a place among its values; no dimension is infinite. */
static bool is_sound(const struct tpe_dimension *dimension, double number)
{
    if (isnan(number))
        return true;
    if (dimension->kind == TPE_NUMBER)
        return isfinite(number);
    return number >= 0 && number < dimension->count && floor(number) == number;
}

static bool load_trial(struct tpe_past *past, double *numbers, struct tpe_list *list,
                       struct cursor *in)
{
    const struct tpe_space *space = past->space;
    struct tpe_trial trial = {0};
    struct tpe_trial *kept;
    uint32_t items, count, end;

    if (!cursor_list(in, &items) || items != TRIAL_ITEMS || !cursor_u32(in, &trial.number) ||
        !cursor_u32(in, &end) || end > TPE_LIVE || !cursor_double(in, &trial.value) ||
        !cursor_double(in, &trial.time) || isnan(trial.value) || isnan(trial.time) ||
        !cursor_list(in, &count) || count != space->count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!cursor_double(in, &numbers[i]) || !is_sound(&space->dimensions[i], numbers[i]))
            return false;
    trial.end = (enum tpe_end)end;
    kept = xcalloc(1, sizeof(*kept));
    *kept = trial;
    tpe_row_init(&kept->row, space, numbers);
    list_insert(list, list->count, kept);
    return true;
}

static bool load_list(struct tpe_past *past, struct tpe_list *list, uint32_t most,
                      struct cursor *in)
{
    double *numbers = xcalloc(past->space->count + (size_t)1, sizeof(*numbers));
    uint32_t count;
    bool sound = cursor_list(in, &count) && count <= most;

    for (uint32_t i = 0; sound && i < count; i++)
        sound = load_trial(past, numbers, list, in) &&
                (list->items[i]->end == TPE_LIVE) == (list == &past->live);
    free(numbers);
    return sound;
}

static bool is_ordered(const struct tpe_list *list)
{
    for (uint32_t i = 1; i < list->count; i++)
        if (list->items[i - 1]->number >= list->items[i]->number)
            return false;
    return true;
}

static bool is_ranked(const struct tpe_list *best)
{
    for (uint32_t i = 0; i < best->count; i++)
        if (best->items[i]->end == TPE_WORTHLESS ||
            (i > 0 && !is_better(best->items[i - 1], best->items[i])))
            return false;
    return true;
}

bool tpe_past_load(struct tpe_past *past, struct cursor *in)
{
    uint32_t parts;

    return cursor_list(in, &parts) && parts == 5 && cursor_uint(in, &past->ended) &&
           cursor_u32(in, &past->thinned) && past->thinned <= 32 &&
           load_list(past, &past->live, LIMIT_SAMPLES, in) &&
           load_list(past, &past->best, TPE_BEST, in) &&
           load_list(past, &past->rest, TPE_REST, in) && is_ordered(&past->live) &&
           is_ranked(&past->best) && is_ordered(&past->rest);
}
