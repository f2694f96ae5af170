/* tag.h - the part of a trial's tag that says what was chosen: "lr=0.12346,nn_layers_0=16".
 *
 * Tune's format (the reference's 5.4): by full path in order, called by the last name and every
 * list index of it; floats by number_tag, anything else as Python's str() with '/' as '_'. Control
 * characters become '_', too, since tags end up in file names and on terminals. */
#ifndef COMMON_TAG_H
#define COMMON_TAG_H

#include "common/space.h"

struct tag_path {
    const struct path_part *parts; /* borrowed */
    uint32_t length;
};

/* Tuple order: names by their bytes, indexes by number, a prefix first. */
int tag_path_compare(const struct tag_path *a, const struct tag_path *b);

/* The value at a path, or NULL. */
const struct value *tag_path_value(const struct value *config, const struct tag_path *path);

/* Sorts paths; one that stands there twice counts once, one that config does not have is left out.
 * At most LIMIT_TAG_BYTES, in arena. */
const char *tag_write(const struct value *config, struct tag_path *paths, uint32_t count,
                      struct arena *arena);

/* Cut text after at most limit bytes, not inside a UTF-8 sequence; returns the bytes left. */
size_t tag_cut(const char *text, size_t size, size_t limit);

#endif
