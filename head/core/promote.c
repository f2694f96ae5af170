#include "head/core/promote.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/event.h"

struct record {
    double reward;  /* never NaN */
    uint32_t order; /* of recording */
    uint32_t trial;
};

/* The first is the one that comes before all others. */
struct heap {
    struct record *items; /* owned */
    uint32_t count;
    uint32_t capacity;
    bool worst_first;
};

struct promote {
    double factor;
    struct heap best;    /* as many as may go on: the worst first */
    struct heap rest;    /* all others: the best first */
    struct heap waiting; /* that have not gone on: the best first */
    struct heap next;    /* within promote_best: whom to look at, by place in waiting */
    uint32_t gone;
};

static bool is_better(const struct record *one, const struct record *other)
{
    if (one->reward != other->reward)
        return one->reward > other->reward;
    return one->order < other->order;
}

static bool comes_before(const struct heap *heap, const struct record *one,
                         const struct record *other)
{
    return heap->worst_first ? is_better(other, one) : is_better(one, other);
}

static void sift_up(struct heap *heap, uint32_t at)
{
    struct record record = heap->items[at];

    for (; at > 0 && comes_before(heap, &record, &heap->items[(at - 1) / 2]); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = record;
}

static void sift_down(struct heap *heap, uint32_t at)
{
    struct record record = heap->items[at];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < heap->count &&
            comes_before(heap, &heap->items[child + 1], &heap->items[child]))
            child++;
        if (child >= heap->count || !comes_before(heap, &heap->items[child], &record))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = record;
}

static void heap_reserve(struct heap *heap, uint32_t count)
{
    if (count <= heap->capacity)
        return;
    heap->capacity = count < 8 ? 8 : count > UINT32_MAX / 2 ? UINT32_MAX : count * 2;
    heap->items = xrealloc(heap->items, heap->capacity, sizeof(*heap->items));
}

static void heap_push(struct heap *heap, const struct record *record)
{
    heap_reserve(heap, heap->count + 1);
    heap->items[heap->count++] = *record;
    sift_up(heap, heap->count - 1);
}

static struct record heap_pop(struct heap *heap)
{
    struct record first = heap->items[0];

    assert(heap->count > 0);
    heap->items[0] = heap->items[--heap->count];
    if (heap->count > 0)
        sift_down(heap, 0);
    return first;
}

static void heap_remove(struct heap *heap, uint32_t at)
{
    heap->items[at] = heap->items[--heap->count];
    if (at < heap->count) {
        sift_down(heap, at);
        sift_up(heap, at);
    }
}

static bool heap_is_one(const struct heap *heap)
{
    for (uint32_t i = 1; i < heap->count; i++)
        if (comes_before(heap, &heap->items[i], &heap->items[(i - 1) / 2]))
            return false;
    return true;
}

struct promote *promote_new(double factor)
{
    struct promote *promote = xcalloc(1, sizeof(*promote));

    assert(factor > 1);
    promote->factor = factor;
    promote->best.worst_first = true;
    return promote;
}

void promote_free(struct promote *promote)
{
    if (promote == NULL)
        return;
    free(promote->best.items);
    free(promote->rest.items);
    free(promote->waiting.items);
    free(promote->next.items);
    free(promote);
}

uint32_t promote_count(const struct promote *promote)
{
    return promote->best.count + promote->rest.count;
}

static uint32_t quota_of(const struct promote *promote, uint32_t count)
{
    return (uint32_t)floor(count / promote->factor);
}

uint32_t promote_quota(const struct promote *promote)
{
    return promote->best.count;
}

uint32_t promote_gone(const struct promote *promote)
{
    return promote->gone;
}

void promote_add(struct promote *promote, uint32_t trial, double reward)
{
    const struct record record = {.reward = isnan(reward) ? (double)-INFINITY : reward,
                                  .order = promote_count(promote),
                                  .trial = trial};
    struct record moved = record;

    if (promote->best.count > 0 && is_better(&record, &promote->best.items[0])) {
        moved = heap_pop(&promote->best);
        heap_push(&promote->best, &record);
    }
    heap_push(&promote->rest, &moved);
    while (promote->best.count < quota_of(promote, promote_count(promote))) {
        moved = heap_pop(&promote->rest);
        heap_push(&promote->best, &moved);
    }
    if (!isnan(reward))
        heap_push(&promote->waiting, &record);
}

/* Whether it is among the best now. */
static bool may_go(const struct promote *promote, const struct record *record)
{
    return promote->best.count > 0 && !is_better(&promote->best.items[0], record);
}

/* Whoever stands below somebody in a heap comes behind: of those who may not go nobody is below. */
static void look_at(struct promote *promote, uint32_t place)
{
    struct record record;

    if (place >= promote->waiting.count || !may_go(promote, &promote->waiting.items[place]))
        return;
    record = promote->waiting.items[place];
    record.trial = place;
    heap_push(&promote->next, &record);
}

/* Where many are on their way to a pause, all of these are passed over each time: they are walked
 * over in their order, and stay where they are. */
uint32_t promote_best(struct promote *promote, promote_test *free, promote_test *ended,
                      void *context)
{
    const struct record *items = promote->waiting.items;

    promote->next.count = 0;
    look_at(promote, 0);
    while (promote->next.count > 0) {
        uint32_t place = heap_pop(&promote->next).trial;
        uint32_t trial = items[place].trial;

        if (ended(context, trial)) { /* once a record: others have other places then */
            heap_remove(&promote->waiting, place);
            promote->next.count = 0;
            look_at(promote, 0);
        } else if (free(context, trial)) {
            return trial;
        } else {
            look_at(promote, 2 * place + 1);
            look_at(promote, 2 * place + 2);
        }
    }
    return NUMBER_NONE;
}

void promote_take(struct promote *promote, uint32_t trial)
{
    struct heap *waiting = &promote->waiting;

    for (uint32_t i = 0; i < waiting->count; i++) {
        if (waiting->items[i].trial != trial)
            continue;
        heap_remove(waiting, i);
        promote->gone++;
        return;
    }
    assert(!"one that waits");
}

static void save_heap(const struct heap *heap, struct buf *out)
{
    pack_list(out, heap->count);
    for (uint32_t i = 0; i < heap->count; i++) {
        pack_list(out, 3);
        pack_double(out, heap->items[i].reward);
        pack_uint(out, heap->items[i].order);
        pack_uint(out, heap->items[i].trial);
    }
}

void promote_save(const struct promote *promote, struct buf *out)
{
    pack_list(out, 4);
    save_heap(&promote->best, out);
    save_heap(&promote->rest, out);
    save_heap(&promote->waiting, out);
    pack_uint(out, promote->gone);
}

static bool load_heap(struct heap *heap, uint32_t trials, struct cursor *in)
{
    uint32_t count, items;

    if (!cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct record record;

        if (!cursor_list(in, &items) || items != 3 || !cursor_double(in, &record.reward) ||
            !cursor_u32(in, &record.order) || !cursor_u32(in, &record.trial) ||
            isnan(record.reward) || record.trial >= trials)
            return false;
        heap_reserve(heap, heap->count + 1);
        heap->items[heap->count++] = record;
    }
    return heap_is_one(heap);
}

bool promote_load(struct promote *promote, uint32_t trials, struct cursor *in)
{
    uint32_t parts;

    assert(promote_count(promote) == 0 && promote->waiting.count == 0);
    return cursor_list(in, &parts) && parts == 4 && load_heap(&promote->best, trials, in) &&
           load_heap(&promote->rest, trials, in) && load_heap(&promote->waiting, trials, in) &&
           cursor_u32(in, &promote->gone) &&
           promote->best.count == quota_of(promote, promote_count(promote)) &&
           promote->waiting.count + (uint64_t)promote->gone <= promote_count(promote);
}
