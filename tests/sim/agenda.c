#include "tests/sim/agenda.h"

#include <stdlib.h>

#include "common/xalloc.h"

static bool is_before(const struct happening *a, const struct happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->tie < b->tie;
}

void agenda_fini(struct agenda *agenda)
{
    free(agenda->items);
    *agenda = (struct agenda){0};
}

void agenda_add(struct agenda *agenda, const struct happening *happening)
{
    size_t at = agenda->count++;

    if (agenda->count > agenda->capacity) {
        agenda->capacity = agenda->capacity * 2 + 64;
        agenda->items = xrealloc(agenda->items, agenda->capacity, sizeof(*agenda->items));
    }
    while (at > 0 && is_before(happening, &agenda->items[(at - 1) / 2])) {
        agenda->items[at] = agenda->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    agenda->items[at] = *happening;
}

bool agenda_next(struct agenda *agenda, struct happening *out)
{
    const struct happening *last;
    size_t at = 0;

    if (agenda->count == 0)
        return false;
    *out = agenda->items[0];
    last = &agenda->items[--agenda->count];
    for (size_t child = 1; child < agenda->count; child = at * 2 + 1) {
        if (child + 1 < agenda->count &&
            is_before(&agenda->items[child + 1], &agenda->items[child]))
            child++;
        if (is_before(last, &agenda->items[child]))
            break;
        agenda->items[at] = agenda->items[child];
        at = child;
    }
    agenda->items[at] = *last;
    return true;
}
