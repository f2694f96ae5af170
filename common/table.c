#include "common/table.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define KEY_INLINE  16u /* ids and numbers fit; longer keys are allocated */
#define TABLE_FIRST 16u

struct slot {
    uint64_t hash;
    void *value; /* borrowed; NULL: the slot is free */
    union {
        uint8_t bytes[KEY_INLINE];
        uint8_t *owned;
    } key;
    size_t key_size;
};

/* Open addressing, the next slot on a collision; a removal moves the followers up, so there are no
 * graves to clean. At most three of four slots are taken. */
struct table {
    struct slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

struct table *table_new(void)
{
    return xcalloc(1, sizeof(struct table));
}

static const uint8_t *slot_key(const struct slot *slot)
{
    return slot->key_size <= KEY_INLINE ? slot->key.bytes : slot->key.owned;
}

static void slot_forget_key(struct slot *slot)
{
    if (slot->key_size > KEY_INLINE)
        free(slot->key.owned);
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].value != NULL)
            slot_forget_key(&table->slots[i]);
    }
    free(table->slots);
    free(table);
}

size_t table_count(const struct table *table)
{
    return table->count;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes at a time through a folded 128-bit product. */
static uint64_t hash_bytes(const uint8_t *data, size_t size)
{
    uint64_t hash = 0x9e3779b97f4a7c15u ^ size;
    uint64_t word;

    while (size >= sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        hash = mix(hash ^ word, 0xd6e8feb86659fd93u);
        data += sizeof(word);
        size -= sizeof(word);
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, data, size);
        hash = mix(hash ^ word, 0xd6e8feb86659fd93u);
    }
    return mix(hash, 0xa0761d6478bd642fu);
}

/* The key's slot, or the free one where it would go. */
static size_t table_find(const struct table *table, struct span key, uint64_t hash)
{
    size_t mask = table->capacity - 1;
    size_t at = (size_t)hash & mask;

    while (table->slots[at].value != NULL) {
        const struct slot *slot = &table->slots[at];

        if (slot->hash == hash && span_equal(span_of(slot_key(slot), slot->key_size), key))
            break;
        at = (at + 1) & mask;
    }
    return at;
}

void *table_get(const struct table *table, struct span key)
{
    if (table->count == 0)
        return NULL;
    return table->slots[table_find(table, key, hash_bytes(key.data, key.size))].value;
}

static void table_grow(struct table *table)
{
    struct slot *old = table->slots;
    size_t old_capacity = table->capacity;
    size_t mask;

    table->capacity = old_capacity > 0 ? old_capacity * 2 : TABLE_FIRST;
    table->slots = xcalloc(table->capacity, sizeof(*table->slots));
    mask = table->capacity - 1;
    for (size_t i = 0; i < old_capacity; i++) {
        size_t at = (size_t)old[i].hash & mask;

        if (old[i].value == NULL)
            continue;
        while (table->slots[at].value != NULL)
            at = (at + 1) & mask;
        table->slots[at] = old[i];
    }
    free(old);
}

void *table_put(struct table *table, struct span key, void *value)
{
    uint64_t hash = hash_bytes(key.data, key.size);
    struct slot *slot;
    uint8_t *bytes;

    assert(value != NULL);
    if ((table->count + 1) * 4 > table->capacity * 3)
        table_grow(table);
    slot = &table->slots[table_find(table, key, hash)];
    if (slot->value != NULL) {
        void *old = slot->value;

        slot->value = value;
        return old;
    }
    slot->hash = hash;
    slot->value = value;
    slot->key_size = key.size;
    bytes = slot->key.bytes;
    if (key.size > KEY_INLINE)
        bytes = slot->key.owned = xmalloc(key.size);
    if (key.size > 0)
        memcpy(bytes, key.data, key.size);
    table->count++;
    return NULL;
}

/* Close the hole at `hole`: each follower moves into it that may stand there. */
static void table_close(struct table *table, size_t hole)
{
    size_t mask = table->capacity - 1;
    size_t at = hole;

    for (;;) {
        size_t home;

        at = (at + 1) & mask;
        if (table->slots[at].value == NULL)
            break;
        home = (size_t)table->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = (struct slot){0};
}

void *table_remove(struct table *table, struct span key)
{
    size_t at;
    void *value;

    if (table->count == 0)
        return NULL;
    at = table_find(table, key, hash_bytes(key.data, key.size));
    value = table->slots[at].value;
    if (value == NULL)
        return NULL;
    slot_forget_key(&table->slots[at]);
    table_close(table, at);
    table->count--;
    return value;
}

void *table_get_u64(const struct table *table, uint64_t key)
{
    return table_get(table, span_of(&key, sizeof(key)));
}

void *table_put_u64(struct table *table, uint64_t key, void *value)
{
    return table_put(table, span_of(&key, sizeof(key)), value);
}

void *table_remove_u64(struct table *table, uint64_t key)
{
    return table_remove(table, span_of(&key, sizeof(key)));
}
