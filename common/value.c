#include "common/value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"

#define SORT_FROM 16u /* members above which doubles are looked for by sorting */

const struct value *value_get(const struct value *value, const char *key)
{
    if (value->type != VALUE_MAP)
        return NULL;
    for (uint32_t i = 0; i < value->count; i++) {
        if (strcmp(value->members[i].key, key) == 0)
            return &value->members[i].value;
    }
    return NULL;
}

bool value_is_number(const struct value *value)
{
    return value->type == VALUE_INT || value->type == VALUE_DOUBLE;
}

double value_number(const struct value *value)
{
    assert(value_is_number(value));
    return value->type == VALUE_INT ? (double)value->integer : value->number;
}

static bool map_equal(const struct value *a, const struct value *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct member *member = &a->members[i];
        const struct value *other = &b->members[i].value;

        if (strcmp(member->key, b->members[i].key) != 0)
            other = value_get(b, member->key);
        if (other == NULL || !value_equal(&member->value, other))
            return false;
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_INT:
        return a->integer == b->integer;
    case VALUE_DOUBLE:
        return a->number == b->number || (a->number != a->number && b->number != b->number);
    case VALUE_TEXT:
        return memcmp(a->text, b->text, a->count) == 0;
    case VALUE_LIST:
        for (uint32_t i = 0; i < a->count; i++) {
            if (!value_equal(&a->items[i], &b->items[i]))
                return false;
        }
        return true;
    case VALUE_MAP:
        return map_equal(a, b);
    }
    return false;
}

const char *value_type_name(enum value_type type)
{
    static const char *const names[] = {
        [VALUE_NULL] = "null",       [VALUE_BOOL] = "true or false", [VALUE_INT] = "a whole number",
        [VALUE_DOUBLE] = "a number", [VALUE_TEXT] = "a text",        [VALUE_LIST] = "a list",
        [VALUE_MAP] = "a map"};

    return names[type];
}

void value_pack(const struct value *value, struct buf *out)
{
    switch (value->type) {
    case VALUE_NULL:
        pack_nil(out);
        break;
    case VALUE_BOOL:
        pack_bool(out, value->boolean);
        break;
    case VALUE_INT:
        pack_int(out, value->integer);
        break;
    case VALUE_DOUBLE:
        pack_double(out, value->number);
        break;
    case VALUE_TEXT:
        pack_string(out, span_of(value->text, value->count));
        break;
    case VALUE_LIST:
        pack_list(out, value->count);
        for (uint32_t i = 0; i < value->count; i++)
            value_pack(&value->items[i], out);
        break;
    case VALUE_MAP:
        pack_map(out, value->count);
        for (uint32_t i = 0; i < value->count; i++) {
            pack_text(out, value->members[i].key);
            value_pack(&value->members[i].value, out);
        }
        break;
    }
}

static int key_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By sorting where there are many: a map that a peer made as large as it may costs n log n. */
bool value_keys_unique(const struct member *members, uint32_t count, struct arena *arena)
{
    const char **keys;

    if (count <= SORT_FROM) {
        for (uint32_t i = 1; i < count; i++) {
            for (uint32_t j = 0; j < i; j++) {
                if (strcmp(members[i].key, members[j].key) == 0)
                    return false;
            }
        }
        return true;
    }
    keys = arena_alloc(arena, count * sizeof(*keys));
    for (uint32_t i = 0; i < count; i++)
        keys[i] = members[i].key;
    qsort(keys, count, sizeof(*keys), key_compare);
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return false;
    }
    return true;
}

static int unpack_item(struct cursor *cursor, struct arena *arena, uint32_t depth,
                       struct value *out);

static int unpack_text(struct cursor *cursor, struct arena *arena, struct span *out)
{
    struct span text;

    if (!cursor_text(cursor, &text))
        return ERR_MALFORMED;
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        return ERR_MALFORMED;
    *out = span_of(arena_text(arena, text), text.size);
    return 0;
}

static int unpack_list(struct cursor *cursor, struct arena *arena, uint32_t depth,
                       struct value *out)
{
    struct value *items;
    uint32_t count;

    if (!cursor_list(cursor, &count))
        return ERR_MALFORMED;
    items = arena_alloc(arena, count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        int err = unpack_item(cursor, arena, depth, &items[i]);

        if (err < 0)
            return err;
    }
    *out = (struct value){.type = VALUE_LIST, .count = count, .items = items};
    return 0;
}

static int unpack_map(struct cursor *cursor, struct arena *arena, uint32_t depth, struct value *out)
{
    struct member *members;
    uint32_t count;

    if (!cursor_map(cursor, &count))
        return ERR_MALFORMED;
    members = arena_alloc(arena, count * sizeof(*members));
    for (uint32_t i = 0; i < count; i++) {
        struct span key;
        int err = unpack_text(cursor, arena, &key);

        if (err == 0)
            err = unpack_item(cursor, arena, depth, &members[i].value);
        if (err < 0)
            return err;
        members[i].key = key.data;
    }
    if (!value_keys_unique(members, count, arena))
        return ERR_MALFORMED;
    *out = (struct value){.type = VALUE_MAP, .count = count, .members = members};
    return 0;
}

static int unpack_scalar(struct cursor *cursor, enum cursor_type type, struct arena *arena,
                         struct value *out)
{
    struct value value = {.type = VALUE_NULL};
    struct span text;
    bool good;

    switch (type) {
    case CURSOR_NIL:
        good = cursor_nil(cursor);
        break;
    case CURSOR_BOOL:
        value.type = VALUE_BOOL;
        good = cursor_bool(cursor, &value.boolean);
        break;
    case CURSOR_INT:
        value.type = VALUE_INT;
        good = cursor_int(cursor, &value.integer);
        break;
    case CURSOR_UINT: /* beyond int64_t: as JSON's large numbers */
    case CURSOR_DOUBLE:
        value.type = VALUE_DOUBLE;
        good = cursor_double(cursor, &value.number);
        break;
    case CURSOR_TEXT:
        if (unpack_text(cursor, arena, &text) < 0)
            return ERR_MALFORMED;
        value = (struct value){.type = VALUE_TEXT, .count = (uint32_t)text.size, .text = text.data};
        good = true;
        break;
    default:
        return ERR_MALFORMED;
    }
    if (!good)
        return ERR_MALFORMED;
    *out = value;
    return 0;
}

static int unpack_item(struct cursor *cursor, struct arena *arena, uint32_t depth,
                       struct value *out)
{
    enum cursor_type type = cursor_peek(cursor);

    if (type != CURSOR_LIST && type != CURSOR_MAP)
        return unpack_scalar(cursor, type, arena, out);
    if (depth == LIMIT_VALUE_DEPTH)
        return ERR_TOO_BIG;
    if (type == CURSOR_LIST)
        return unpack_list(cursor, arena, depth + 1, out);
    return unpack_map(cursor, arena, depth + 1, out);
}

int value_unpack(struct cursor *cursor, struct arena *arena, struct value *out)
{
    struct value value;
    int err = unpack_item(cursor, arena, 0, &value);

    if (err < 0)
        return err;
    *out = value;
    return 0;
}

struct value value_copy(const struct value *value, struct arena *arena)
{
    struct value copy = *value;

    if (value->type == VALUE_TEXT) {
        copy.text = arena_text(arena, span_of(value->text, value->count));
    } else if (value->type == VALUE_LIST) {
        struct value *items = arena_alloc(arena, value->count * sizeof(*items));

        for (uint32_t i = 0; i < value->count; i++)
            items[i] = value_copy(&value->items[i], arena);
        copy.items = items;
    } else if (value->type == VALUE_MAP) {
        struct member *members = arena_alloc(arena, value->count * sizeof(*members));

        for (uint32_t i = 0; i < value->count; i++) {
            members[i].key = arena_strdup(arena, value->members[i].key);
            members[i].value = value_copy(&value->members[i].value, arena);
        }
        copy.members = members;
    }
    return copy;
}

void value_builder_list(struct value_builder *builder, struct arena *arena)
{
    *builder = (struct value_builder){.arena = arena};
}

void value_builder_map(struct value_builder *builder, struct arena *arena)
{
    *builder = (struct value_builder){.arena = arena, .map = true};
}

/* Room for one entry more; returns where it goes. */
static void *builder_grow(struct value_builder *builder, size_t size)
{
    if (builder->count == builder->capacity) {
        uint32_t capacity = builder->capacity > 0 ? builder->capacity * 2 : 8;
        void *entries = arena_alloc(builder->arena, capacity * size);

        assert(capacity > builder->capacity);
        if (builder->count > 0)
            memcpy(entries, builder->entries, builder->count * size);
        builder->entries = entries;
        builder->capacity = capacity;
    }
    return (char *)builder->entries + builder->count++ * size;
}

void value_builder_add(struct value_builder *builder, struct value item)
{
    struct value *entry;

    assert(!builder->map);
    entry = builder_grow(builder, sizeof(*entry));
    *entry = item;
}

void value_builder_append(struct value_builder *builder, const char *key, struct value value)
{
    struct member *entry;

    assert(builder->map);
    entry = builder_grow(builder, sizeof(*entry));
    *entry = (struct member){.key = key, .value = value};
}

void value_builder_set(struct value_builder *builder, const char *key, struct value value)
{
    struct member *members = builder->entries;

    assert(builder->map);
    for (uint32_t i = 0; i < builder->count; i++) {
        if (strcmp(members[i].key, key) == 0) {
            members[i].value = value;
            return;
        }
    }
    value_builder_append(builder, key, value);
}

struct value value_builder_done(struct value_builder *builder)
{
    if (builder->map)
        return (struct value){
            .type = VALUE_MAP, .count = builder->count, .members = builder->entries};
    return (struct value){.type = VALUE_LIST, .count = builder->count, .items = builder->entries};
}

struct value value_null(void)
{
    return (struct value){.type = VALUE_NULL};
}

struct value value_bool(bool boolean)
{
    return (struct value){.type = VALUE_BOOL, .boolean = boolean};
}

struct value value_int(int64_t integer)
{
    return (struct value){.type = VALUE_INT, .integer = integer};
}

struct value value_double(double number)
{
    return (struct value){.type = VALUE_DOUBLE, .number = number};
}

struct value value_text(struct arena *arena, const char *text)
{
    size_t size = strlen(text);

    assert(size <= UINT32_MAX);
    return (struct value){.type = VALUE_TEXT,
                          .count = (uint32_t)size,
                          .text = arena_text(arena, span_of(text, size))};
}

static int set_path(const struct value *root, const char *path, const struct value *value,
                    struct arena *arena, uint32_t depth, struct value *out);

/* An index in words of digits; false where it is none or not below count. */
static bool index_parse(struct span word, uint32_t count, uint32_t *index)
{
    const char *digits = word.data;
    uint64_t number = 0;

    for (size_t i = 0; i < word.size; i++) {
        if (digits[i] < '0' || digits[i] > '9' || number > UINT32_MAX)
            return false;
        number = number * 10 + (uint64_t)(digits[i] - '0');
    }
    if (word.size == 0 || number >= count)
        return false;
    *index = (uint32_t)number;
    return true;
}

static int set_in_list(const struct value *list, struct span word, const char *rest,
                       const struct value *value, struct arena *arena, uint32_t depth,
                       struct value *out)
{
    struct value *items;
    uint32_t index;

    if (!index_parse(word, list->count, &index))
        return ERR_MALFORMED;
    items = arena_alloc(arena, list->count * sizeof(*items));
    for (uint32_t i = 0; i < list->count; i++) {
        if (i != index)
            items[i] = value_copy(&list->items[i], arena);
        else if (set_path(&list->items[i], rest, value, arena, depth + 1, &items[i]) < 0)
            return ERR_MALFORMED;
    }
    *out = (struct value){.type = VALUE_LIST, .count = list->count, .items = items};
    return 0;
}

static int set_in_map(const struct value *map, struct span word, const char *rest,
                      const struct value *value, struct arena *arena, uint32_t depth,
                      struct value *out)
{
    const struct value none = {.type = VALUE_MAP};
    const char *key = arena_text(arena, word);
    struct value_builder builder;
    struct value inner;
    bool there = false;

    value_builder_map(&builder, arena);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct member *member = &map->members[i];

        if (strcmp(member->key, key) != 0) {
            value_builder_append(&builder, arena_strdup(arena, member->key),
                                 value_copy(&member->value, arena));
            continue;
        }
        there = true;
        if (set_path(&member->value, rest, value, arena, depth + 1, &inner) < 0)
            return ERR_MALFORMED;
        value_builder_append(&builder, key, inner);
    }
    if (!there) {
        if (set_path(&none, rest, value, arena, depth + 1, &inner) < 0)
            return ERR_MALFORMED;
        value_builder_append(&builder, key, inner);
    }
    *out = value_builder_done(&builder);
    return 0;
}

/* path: what is left of it; NULL where root itself is what is set. */
static int set_path(const struct value *root, const char *path, const struct value *value,
                    struct arena *arena, uint32_t depth, struct value *out)
{
    struct span word;
    const char *rest;

    if (path == NULL) {
        *out = value_copy(value, arena);
        return 0;
    }
    word = span_of(path, strcspn(path, "."));
    rest = path[word.size] == '.' ? path + word.size + 1 : NULL;
    if (word.size == 0 || depth == LIMIT_VALUE_DEPTH)
        return ERR_MALFORMED;
    if (root->type == VALUE_MAP)
        return set_in_map(root, word, rest, value, arena, depth, out);
    if (root->type == VALUE_LIST)
        return set_in_list(root, word, rest, value, arena, depth, out);
    return ERR_MALFORMED;
}

int value_set_path(const struct value *root, const char *path, struct value value,
                   struct arena *arena, struct value *out)
{
    struct value result;
    int err = set_path(root, path, &value, arena, 0, &result);

    if (err < 0)
        return err;
    *out = result;
    return 0;
}
