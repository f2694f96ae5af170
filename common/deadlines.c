#include "common/deadlines.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/table.h"
#include "common/xalloc.h"

struct entry {
    uint64_t at_ms;
    uint64_t order; /* of setting: breaks ties */
    uint64_t id;
    size_t slot; /* in the heap */
};

/* A binary heap, with a table from ids to its entries: a head has a deadline for each of tens of
 * thousands of leases, and moves them all the time. */
struct deadlines {
    struct entry **heap; /* owns the entries */
    size_t count;
    size_t capacity;
    uint64_t order;      /* of the next one set */
    struct table *by_id; /* struct entry, borrowed from the heap */
};

struct deadlines *deadlines_new(void)
{
    struct deadlines *deadlines = xcalloc(1, sizeof(*deadlines));

    deadlines->by_id = table_new();
    return deadlines;
}

void deadlines_free(struct deadlines *deadlines)
{
    if (deadlines == NULL)
        return;
    for (size_t i = 0; i < deadlines->count; i++)
        free(deadlines->heap[i]);
    free(deadlines->heap);
    table_free(deadlines->by_id);
    free(deadlines);
}

static bool entry_before(const struct entry *a, const struct entry *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void heap_place(struct deadlines *deadlines, size_t slot, struct entry *entry)
{
    deadlines->heap[slot] = entry;
    entry->slot = slot;
}

/* Find entry's place from slot on, which is free, upwards or downwards. */
static void heap_settle(struct deadlines *deadlines, size_t slot, struct entry *entry)
{
    while (slot > 0 && entry_before(entry, deadlines->heap[(slot - 1) / 2])) {
        heap_place(deadlines, slot, deadlines->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    for (;;) {
        size_t child = slot * 2 + 1;

        if (child + 1 < deadlines->count &&
            entry_before(deadlines->heap[child + 1], deadlines->heap[child]))
            child++;
        if (child >= deadlines->count || !entry_before(deadlines->heap[child], entry))
            break;
        heap_place(deadlines, slot, deadlines->heap[child]);
        slot = child;
    }
    heap_place(deadlines, slot, entry);
}

void deadlines_set(struct deadlines *deadlines, uint64_t id, uint64_t at_ms)
{
    struct entry *entry = table_get_u64(deadlines->by_id, id);

    assert(at_ms != DEADLINE_NEVER);
    if (entry == NULL) {
        if (deadlines->count == deadlines->capacity) {
            deadlines->capacity = deadlines->capacity > 0 ? deadlines->capacity * 2 : 16;
            deadlines->heap =
                xrealloc(deadlines->heap, deadlines->capacity, sizeof(struct entry *));
        }
        entry = xmalloc(sizeof(*entry));
        entry->id = id;
        entry->slot = deadlines->count++;
        (void)table_put_u64(deadlines->by_id, id, entry);
    }
    entry->at_ms = at_ms;
    entry->order = deadlines->order++;
    heap_settle(deadlines, entry->slot, entry);
}

static void heap_remove(struct deadlines *deadlines, struct entry *entry)
{
    struct entry *last = deadlines->heap[--deadlines->count];

    if (last != entry)
        heap_settle(deadlines, entry->slot, last);
    free(entry);
}

void deadlines_cancel(struct deadlines *deadlines, uint64_t id)
{
    struct entry *entry = table_remove_u64(deadlines->by_id, id);

    if (entry != NULL)
        heap_remove(deadlines, entry);
}

uint64_t deadlines_next_ms(const struct deadlines *deadlines)
{
    return deadlines->count > 0 ? deadlines->heap[0]->at_ms : DEADLINE_NEVER;
}

bool deadlines_pop(struct deadlines *deadlines, uint64_t now_ms, uint64_t *id)
{
    struct entry *first;

    if (deadlines->count == 0 || deadlines_next_ms(deadlines) > now_ms)
        return false;
    first = deadlines->heap[0];
    *id = first->id;
    (void)table_remove_u64(deadlines->by_id, first->id);
    heap_remove(deadlines, first);
    return true;
}
