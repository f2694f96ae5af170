/* space_inside.h - what the files of space.h share. Private to space*.c. */
#ifndef COMMON_SPACE_INSIDE_H
#define COMMON_SPACE_INSIDE_H

#include "common/space.h"

/* The markers that stand open now, in the order of the walk; those inside others are not looked at.
 */
void space_level(const struct value *config, struct arena *arena, struct variable **variables,
                 uint32_t *count);

/* The member of what a point says about a map (key), or the item of a list (key is NULL); NULL
 * where it says nothing. */
const struct value *given_part(const struct value *given, const char *key, uint32_t index);

/* The member of a map that has any, looked for from where the last one was: two maps are mostly in
 * the same order. NULL, and *from as it was; else *from is behind it. */
const struct value *space_member(const struct value *map, const char *key, uint32_t *from);

/* Which values of a choice or grid a point leaves. */
struct given_choices {
    const struct value *choices;
    const struct value *given; /* NULL: all of them */
    uint32_t exact;            /* the one that is the very value; count: there is none */
};

struct given_choices given_choices(const struct value *choices, const struct value *given);
bool given_allows(const struct given_choices *of, uint32_t choice);

/* A list of them. */
struct value given_left(const struct value *choices, const struct value *given,
                        struct arena *arena);

#endif
