/* flat.h - a tree of plain data as one level of names: what stands in maps inside one another is
 * called by its path, "a.b". Lists stay whole. */
#ifndef CLIENT_FLAT_H
#define CLIENT_FLAT_H

#include "common/value.h"

/* The leaves of a map in order of writing, each with its path behind prefix ("": none). path lives
 * in arena. What is no map has no leaves. */
void flat_walk(const struct value *map, const char *prefix, struct arena *arena,
               void (*visit)(const char *path, const struct value *value, void *context),
               void *context);

/* The number of a metric's name in a result, as result_number finds it: a key itself, or with '/'
 * or '.' a way through maps; true is 1. False where there is none. */
bool flat_number(const struct value *result, const char *name, double *out);

#endif
