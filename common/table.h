/* table.h - a hash table from short keys to pointers.
 *
 * Keys are bytes and are copied; values are borrowed and never freed here. The order of entries is
 * nobody's business: there is no way to walk a table, so nothing can come to depend on it. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

struct table;

struct table *table_new(void);
void table_free(struct table *table);
size_t table_count(const struct table *table);

/* The value of a key, or NULL. */
void *table_get(const struct table *table, struct span key);
void *table_get_u64(const struct table *table, uint64_t key);

/* Set a key's value, which must not be NULL; returns the one it replaces, or NULL. */
void *table_put(struct table *table, struct span key, void *value);
void *table_put_u64(struct table *table, uint64_t key, void *value);

/* Take a key out; returns its value, or NULL where there was none. */
void *table_remove(struct table *table, struct span key);
void *table_remove_u64(struct table *table, uint64_t key);

#endif
