#include "common/unique.h"

#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"

#define SORT_FROM 16u /* keys; fewer are compared each with each */

static int key_compare(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    int order;

    if (left->size != right->size)
        return left->size < right->size ? -1 : 1;
    order = left->size == 0 ? 0 : memcmp(left->data, right->data, left->size);
    return order;
}

static bool keys_differ(struct span *keys, uint32_t count)
{
    if (count > SORT_FROM) {
        qsort(keys, count, sizeof(*keys), key_compare);
        for (uint32_t i = 1; i < count; i++)
            if (key_compare(&keys[i - 1], &keys[i]) == 0)
                return false;
        return true;
    }
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (key_compare(&keys[j], &keys[i]) == 0)
                return false;
    return true;
}

static bool item_is_unique(struct cursor *cursor, struct arena *scratch);

static bool map_is_unique(struct cursor *cursor, struct arena *scratch)
{
    struct span few[SORT_FROM];
    struct span *keys = few;
    uint32_t pairs;

    if (!cursor_map(cursor, &pairs))
        return false;
    if (pairs > SORT_FROM)
        keys = arena_alloc(scratch, pairs * sizeof(*keys));
    for (uint32_t i = 0; i < pairs; i++)
        if (!cursor_text(cursor, &keys[i]) || !item_is_unique(cursor, scratch))
            return false;
    return keys_differ(keys, pairs);
}

static bool item_is_unique(struct cursor *cursor, struct arena *scratch)
{
    enum cursor_type type = cursor_peek(cursor);
    uint32_t count;

    if (type == CURSOR_MAP)
        return map_is_unique(cursor, scratch);
    if (type != CURSOR_LIST)
        return cursor_skip(cursor, NULL);
    if (!cursor_list(cursor, &count))
        return false;
    while (count-- > 0)
        if (!item_is_unique(cursor, scratch))
            return false;
    return true;
}

bool unique_keys(struct span packed, struct arena *scratch)
{
    struct cursor cursor;

    cursor_init(&cursor, packed);
    return item_is_unique(&cursor, scratch);
}
