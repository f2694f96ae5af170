/* yaml.h - a YAML or JSON text as a value, with the place of everything in it.
 *
 * libfyaml scans and parses; what a plain scalar means is decided here: YAML 1.2's core schema, and
 * floats without a point as in Python (1e-4). Quoted scalars are texts. Keys are texts, whatever
 * they look like, and unique. Bounded: LIMIT_SPEC_BYTES of text, LIMIT_SPEC_ITEMS values (each use
 * of an alias counts anew), LIMIT_VALUE_DEPTH. */
#ifndef CLIENT_YAML_H
#define CLIENT_YAML_H

#include "common/arena.h"
#include "common/value.h"

/* Where a value begins, or its key where it has one; both count from 1. children has one for each
 * item or member of the value. */
struct yaml_place {
    uint32_t line;
    uint32_t column;
    const struct yaml_place *children;
};

struct yaml_error {
    uint32_t line;
    uint32_t column;
    char what[256];
};

/* One document. Values and places live in arena and borrow nothing. Returns 0, or ERR_MALFORMED or
 * ERR_TOO_BIG with *error filled. */
int yaml_read(struct span text, struct arena *arena, struct value *out, struct yaml_place *place,
              struct yaml_error *error);

/* What is looked at before a text is parsed: its size, zero bytes and UTF-8. As yaml_read. */
int yaml_check_bytes(struct span text, struct yaml_error *error);

/* Add up what using a value once more costs, and how deep its lists and maps are where it stands
 * at depth. */
void yaml_measure(const struct value *value, uint64_t *items, uint64_t *bytes, uint32_t depth,
                  uint32_t *deepest);

/* What a plain scalar stands for: NULL with *out set, or what is wrong with it (constant text). */
const char *yaml_scalar(const char *text, struct arena *arena, struct value *out);

/* The same where a tag says what it is: "str", "int", "float", "bool" or "null". */
const char *yaml_scalar_tagged(const char *type, const char *text, struct arena *arena,
                               struct value *out);

#endif
