/* code_ignore.h - what .gitignore and .assayignore leave out of a code tree.
 *
 * One pattern a line, the last that matches counts: `*.ckpt`, `data/`, `/build`, `a/b`, `!keep.me`,
 * `**` in front. A folder that is left out is left out whole. */
#ifndef CLIENT_CODE_IGNORE_H
#define CLIENT_CODE_IGNORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

struct ignore_pattern;

struct ignore {
    struct arena *arena; /* borrowed */
    struct ignore_pattern *patterns;
    uint32_t count;
    uint32_t room;
};

void ignore_init(struct ignore *ignore, struct arena *arena);

/* The patterns of a text that stands in folder: a path in the tree with its '/', or "". */
void ignore_add(struct ignore *ignore, const char *folder, struct span text);

/* Whether a path in the tree is left out. */
bool ignore_matches(const struct ignore *ignore, const char *path, bool is_folder);

#endif
