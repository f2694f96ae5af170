/* arena.h - memory that is given back all at once: a turn's, a message's, a file's.
 *
 * Blocks are kept by a reset and used again, so a loop that resets its arena stops allocating. */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>

#include "common/span.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* owned */
    struct arena_block *current;
    size_t used; /* bytes of current that are handed out */
};

/* {0} is an empty arena, too; nothing is allocated before the first use. */
void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* Take back everything that was handed out; keeps the blocks. */
void arena_reset(struct arena *arena);

/* Aligned for any type, not zeroed; never NULL (size 0 gives a valid pointer). */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);

/* A zero-terminated copy. */
char *arena_text(struct arena *arena, struct span text);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy of the bytes. */
struct span arena_copy(struct arena *arena, struct span bytes);

/* Bytes held from the system. */
size_t arena_capacity(const struct arena *arena);

#endif
