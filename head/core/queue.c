#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/experiment.h"

#define QUEUE_FIRST 64u

/* Room before the first or behind the last one; the items move to the middle of more memory. */
static void queue_grow(struct queue *queue)
{
    uint32_t capacity = queue->count < QUEUE_FIRST / 2 ? QUEUE_FIRST : queue->count * 3;
    uint32_t *items = xmalloc(capacity * sizeof(*items));
    uint32_t first = (capacity - queue->count) / 2;

    if (queue->count > 0)
        memcpy(&items[first], &queue->items[queue->first], queue->count * sizeof(*items));
    free(queue->items);
    queue->items = items;
    queue->first = first;
    queue->capacity = capacity;
}

void queue_push(struct queue *queue, uint32_t number)
{
    if (queue->first + queue->count == queue->capacity)
        queue_grow(queue);
    queue->items[queue->first + queue->count++] = number;
}

void queue_push_front(struct queue *queue, uint32_t number)
{
    if (queue->first == 0)
        queue_grow(queue);
    queue->items[--queue->first] = number;
    queue->count++;
}

bool queue_remove(struct queue *queue, uint32_t number)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        uint32_t *at = &queue->items[queue->first + i];

        if (*at != number)
            continue;
        queue->count--;
        if (i == 0)
            queue->first++;
        else
            memmove(at, at + 1, (queue->count - i) * sizeof(*at));
        return true;
    }
    return false;
}

const uint32_t *queue_items(const struct queue *queue)
{
    return queue->items != NULL ? &queue->items[queue->first] : NULL;
}

void queue_fini(struct queue *queue)
{
    free(queue->items);
    *queue = (struct queue){0};
}
