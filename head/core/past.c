#include "head/core/past.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/record.h"
#include "common/xalloc.h"

static const struct field past_fields[] = {
    FIELD(past, attempt, FIELD_U32, 0),
    FIELD(past, reason, FIELD_U32, END_REASON_COUNT - 1),
    FIELD(past, status, FIELD_I64, 0),
    FIELD(past, node, FIELD_U32, 0),
    FIELD(past, ran_ms, FIELD_U64, 0),
    FIELD_LATER(past, restored, FIELD_BOOL, 0),
    FIELD_LATER(past, from_iteration, FIELD_I64, 0),
    FIELD_LATER(past, ended_ms, FIELD_U64, 0),
    FIELD_LATER(past, results, FIELD_U64, 0),
};
const struct schema past_schema = SCHEMA(past, 0, past_fields);

void past_add(struct record_list *list, const struct past *past)
{
    struct past *items = list->items;

    if (list->count == LIMIT_PAST) {
        memmove(items, items + 1, (LIMIT_PAST - 1) * sizeof(*items));
        list->count--;
    } else {
        items = xrealloc(items, list->count + 1, sizeof(*items));
        list->items = items;
    }
    items[list->count++] = *past;
}

struct record_list past_copy(const struct record_list *list)
{
    struct record_list copy = {.count = list->count};

    if (list->count == 0)
        return copy;
    copy.items = xmalloc(list->count * sizeof(struct past));
    memcpy(copy.items, list->items, list->count * sizeof(struct past));
    return copy;
}

void past_fini(struct record_list *list)
{
    free(list->items);
    *list = (struct record_list){0};
}
