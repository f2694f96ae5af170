#include "head/core/quantile.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/pack.h"
#include "common/xalloc.h"

#define PACKED_DOUBLE 9 /* bytes */

/* The least on top. */
struct heap {
    double *items; /* owned */
    uint32_t count;
    uint32_t capacity;
};

struct quantile {
    double fraction;
    struct heap low;  /* the numbers up to the quantile's place, negated: the greatest on top */
    struct heap high; /* the rest */
};

struct quantile *quantile_new(double fraction)
{
    struct quantile *quantile = xcalloc(1, sizeof(*quantile));

    assert(fraction >= 0 && fraction <= 1);
    quantile->fraction = fraction;
    return quantile;
}

void quantile_free(struct quantile *quantile)
{
    if (quantile == NULL)
        return;
    free(quantile->low.items);
    free(quantile->high.items);
    free(quantile);
}

static void heap_append(struct heap *heap, double number)
{
    if (heap->count == heap->capacity) {
        assert(heap->capacity <= UINT32_MAX / 2);
        heap->capacity = heap->capacity ? heap->capacity * 2 : 8;
        heap->items = xrealloc(heap->items, heap->capacity, sizeof(*heap->items));
    }
    heap->items[heap->count++] = number;
}

/* Put number where there is a hole at `at`, or further up. */
static void heap_rise(struct heap *heap, uint32_t at, double number)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;

        if (heap->items[parent] <= number)
            break;
        heap->items[at] = heap->items[parent];
        at = parent;
    }
    heap->items[at] = number;
}

static void heap_push(struct heap *heap, double number)
{
    heap_append(heap, number);
    heap_rise(heap, heap->count - 1, number);
}

/* The last one goes where there is a hole at `at`, or further down. */
static void heap_close(struct heap *heap, uint32_t at)
{
    double last = heap->items[--heap->count];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->items[child + 1] < heap->items[child])
            child++;
        if (last <= heap->items[child])
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = last;
    heap_rise(heap, at, last);
}

static double heap_pop(struct heap *heap)
{
    double top = heap->items[0];

    heap_close(heap, 0);
    return top;
}

static bool heap_remove(struct heap *heap, double number)
{
    for (uint32_t i = 0; i < heap->count; i++) {
        if (heap->items[i] != number)
            continue;
        heap_close(heap, i);
        return true;
    }
    return false;
}

/* Where the quantile lies among count sorted numbers. */
static double place_of(const struct quantile *quantile, uint32_t count)
{
    return (double)(count - 1) * quantile->fraction;
}

static uint32_t low_count(const struct quantile *quantile, uint32_t count)
{
    return count == 0 ? 0 : (uint32_t)floor(place_of(quantile, count)) + 1;
}

/* Let each heap have as many as it is to have. */
static void balance(struct quantile *quantile)
{
    struct heap *low = &quantile->low;
    struct heap *high = &quantile->high;
    uint32_t want = low_count(quantile, low->count + high->count);

    while (low->count > want)
        heap_push(high, -heap_pop(low));
    while (low->count < want)
        heap_push(low, -heap_pop(high));
}

void quantile_add(struct quantile *quantile, double number)
{
    struct heap *low = &quantile->low;

    assert(!isnan(number));
    if (low->count == 0 || number <= -low->items[0])
        heap_push(low, -number);
    else
        heap_push(&quantile->high, number);
    balance(quantile);
}

bool quantile_remove(struct quantile *quantile, double number)
{
    if (!heap_remove(&quantile->low, -number) && !heap_remove(&quantile->high, number))
        return false;
    balance(quantile);
    return true;
}

uint32_t quantile_count(const struct quantile *quantile)
{
    return quantile->low.count + quantile->high.count;
}

/* How far it lies behind the lower of the two that it is between. */
static double part_of(const struct quantile *quantile)
{
    double place = place_of(quantile, quantile_count(quantile));

    return place - floor(place);
}

bool quantile_between(const struct quantile *quantile, double *below, double *above)
{
    if (quantile->low.count == 0)
        return false;
    *below = -quantile->low.items[0];
    *above = part_of(quantile) > 0 ? quantile->high.items[0] : *below;
    return true;
}

bool quantile_get(const struct quantile *quantile, double *out)
{
    double part, below, above, step;

    if (quantile->low.count == 0)
        return false;
    part = part_of(quantile);
    below = -quantile->low.items[0];
    above = quantile->high.count > 0 ? quantile->high.items[0] : below;

    /* numpy comes from the nearer end; the other order gives other last bits. */
    step = above - below;
    *out = part >= 0.5 ? above - step * (1 - part) : below + step * part;
    return true;
}

static void heap_save(const struct heap *heap, struct buf *out)
{
    pack_list(out, heap->count);
    for (uint32_t i = 0; i < heap->count; i++)
        pack_double(out, heap->items[i]);
}

/* The order inside a heap is kept, so that a state and its loaded image have the same image. */
static bool heap_load(struct heap *heap, struct cursor *in)
{
    uint32_t count;
    double number;

    if (!cursor_list(in, &count) || count > (size_t)(in->end - in->at) / PACKED_DOUBLE)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!cursor_double(in, &number) || isnan(number))
            return false;
        if (i > 0 && !(heap->items[(i - 1) / 2] <= number))
            return false;
        heap_append(heap, number);
    }
    return true;
}

void quantile_save(const struct quantile *quantile, struct buf *out)
{
    pack_list(out, 2);
    heap_save(&quantile->low, out);
    heap_save(&quantile->high, out);
}

bool quantile_load(struct quantile *quantile, struct cursor *in)
{
    struct heap *low = &quantile->low;
    struct heap *high = &quantile->high;
    uint32_t parts;

    assert(quantile_count(quantile) == 0);
    if (cursor_list(in, &parts) && parts == 2 && heap_load(low, in) && heap_load(high, in) &&
        low->count == low_count(quantile, low->count + high->count) &&
        (high->count == 0 || -low->items[0] <= high->items[0]))
        return true;
    low->count = 0;
    high->count = 0;
    return false;
}
