/* unique.h - whether a map has a key twice.
 *
 * JSON and YAML are looked through as they are parsed; this is for bytes that come packed and are
 * handed on without being parsed: a line of result.json must not have a name twice. */
#ifndef COMMON_UNIQUE_H
#define COMMON_UNIQUE_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/span.h"

/* Whether no map in the item, at any depth, has a key twice. The item was scanned (cursor_scan),
 * which bounds its depth. Small maps cost a few comparisons, large ones a sort in scratch. */
bool unique_keys(struct span packed, struct arena *scratch);

#endif
