/* value.h - a tree of plain data: what YAML, JSON and msgpack have in common.
 *
 * Built once in an arena, not changed after. Maps keep the order in which they were written: the
 * order of variables, tags and columns follows it. Keys are unique (the parsers refuse doubles). */
#ifndef COMMON_VALUE_H
#define COMMON_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/cursor.h"

enum value_type {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_MAP
};

struct member;

struct value {
    enum value_type type;
    uint32_t count; /* items of a list, members of a map, bytes of a text */
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *text; /* zero-terminated; may hold no NUL */
        const struct value *items;
        const struct member *members;
    };
};

struct member {
    const char *key; /* zero-terminated */
    struct value value;
};

/* The member of a map; NULL where there is none or value is no map. */
const struct value *value_get(const struct value *value, const char *key);

bool value_is_number(const struct value *value);

/* A number as double; value must be one. */
double value_number(const struct value *value);

/* Same types, same values: 1 is not 1.0, NaN is NaN, the order of a map's members is no matter. */
bool value_equal(const struct value *a, const struct value *b);

/* A word for people: "a map", "a number". */
const char *value_type_name(enum value_type type);

/* Into msgpack; ints stay ints, doubles doubles. */
void value_pack(const struct value *value, struct buf *out);

/* Whether no key comes twice; for parsers. */
bool value_keys_unique(const struct member *members, uint32_t count, struct arena *arena);

/* Read one item. The tree lives in the arena, texts are copied there. Returns 0, ERR_MALFORMED
 * (also for a map key that is no text, and for a double key) or ERR_TOO_BIG (deeper than
 * LIMIT_VALUE_DEPTH). A whole number beyond int64_t becomes a double. */
int value_unpack(struct cursor *cursor, struct arena *arena, struct value *out);

/* A deep copy into arena. */
struct value value_copy(const struct value *value, struct arena *arena);

/* A list or map under construction, for code that builds values. Members and items are copied
 * flat; what they point to is borrowed and must live in the same arena. */
struct value_builder {
    struct arena *arena; /* borrowed */
    void *entries;       /* in the arena */
    uint32_t count;
    uint32_t capacity;
    bool map;
};

void value_builder_list(struct value_builder *builder, struct arena *arena);
void value_builder_map(struct value_builder *builder, struct arena *arena);
void value_builder_add(struct value_builder *builder, struct value item);
/* Replaces the member if the key is there. key is borrowed. */
void value_builder_set(struct value_builder *builder, const char *key, struct value value);
/* The same without the look for the key, which the caller knows is not there. */
void value_builder_append(struct value_builder *builder, const char *key, struct value value);
struct value value_builder_done(struct value_builder *builder);

struct value value_null(void);
struct value value_bool(bool boolean);
struct value value_int(int64_t integer);
struct value value_double(double number);
struct value value_text(struct arena *arena, const char *text); /* copied */

/* A copy of root with the value at a dotted path ("a.b", list indexes as numbers) set, maps made
 * on the way. Returns 0, or ERR_MALFORMED where the path goes through something that is no map or
 * an index that is not there. */
int value_set_path(const struct value *root, const char *path, struct value value,
                   struct arena *arena, struct value *out);

#endif
