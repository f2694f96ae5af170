#include "common/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define BLOCK_FIRST 256u       /* many hold a name and no more */
#define BLOCK_MOST  (1u << 20) /* larger ones are made for one large thing only */

struct arena_block {
    struct arena_block *next; /* owned */
    size_t capacity;          /* of data */
    alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    struct arena_block *block = arena->first;

    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
    arena->current = arena->first;
    arena->used = 0;
}

static struct arena_block *block_new(const struct arena_block *last, size_t need)
{
    size_t capacity = last != NULL ? last->capacity * 2 : BLOCK_FIRST;
    struct arena_block *block;

    if (capacity > BLOCK_MOST)
        capacity = BLOCK_MOST;
    if (capacity < need)
        capacity = need;
    block = xmalloc(sizeof(*block) + capacity);
    block->next = NULL;
    block->capacity = capacity;
    return block;
}

/* Make current a block with need bytes free. One that is kept and too small stays in the chain
 * behind the new one, for the smaller things to come. */
static void arena_advance(struct arena *arena, size_t need)
{
    struct arena_block **link = arena->current != NULL ? &arena->current->next : &arena->first;

    if (*link == NULL || (*link)->capacity < need) {
        struct arena_block *block = block_new(arena->current, need);

        block->next = *link;
        *link = block;
    }
    arena->current = *link;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t need;
    void *out;

    assert(size <= SIZE_MAX / 2);
    need = (size + align - 1) / align * align;
    if (arena->current == NULL || arena->current->capacity - arena->used < need)
        arena_advance(arena, need);
    out = arena->current->data + arena->used;
    arena->used += need;
    return out;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_text(struct arena *arena, struct span text)
{
    char *out = arena_alloc(arena, text.size + 1);

    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return out;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_text(arena, span_text(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    int size;
    char *out;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(size >= 0);
    out = arena_alloc(arena, (size_t)size + 1);
    va_start(args, format);
    (void)vsnprintf(out, (size_t)size + 1, format, args);
    va_end(args);
    return out;
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    void *out = arena_alloc(arena, bytes.size);

    if (bytes.size > 0)
        memcpy(out, bytes.data, bytes.size);
    return (struct span){out, bytes.size};
}

size_t arena_capacity(const struct arena *arena)
{
    size_t capacity = 0;

    for (const struct arena_block *block = arena->first; block != NULL; block = block->next)
        capacity += sizeof(*block) + block->capacity;
    return capacity;
}
