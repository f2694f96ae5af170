/* json.h - JSON written, from trees and from msgpack; and one document read into a tree.
 *
 * Writing is on the way of every result, so it is here; NaN and infinities appear as Python writes
 * them (NaN, Infinity). Numbers as number_repr prints them.
 * Writing is in json.c, reading in json_read.c. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/buf.h"
#include "common/value.h"

enum json_style {
    JSON_LINE,   /* Python's default: ", " and ": " */
    JSON_INDENT, /* Python's indent=2 with sorted keys: params.json */
    JSON_COMPACT /* no blanks */
};

/* The same tree with null for the numbers that JSON does not have, for strict readers. What is
 * changed lives in arena, the rest is shared. */
struct value json_writable(const struct value *value, struct arena *arena);

void json_write(const struct value *value, enum json_style style, struct buf *out);

/* The next msgpack item in JSON_LINE style, without building a tree. Bytes are written as text in
 * hex. False, with out cut back, where the msgpack is damaged, a map's key is no text, or it is
 * deeper than any limit allows. */
bool json_write_packed(struct cursor *cursor, struct buf *out);

/* A quoted, escaped string; ASCII only, others as \u escapes like Python's json. */
void json_write_text(struct span text, struct buf *out);

struct json_error {
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in bytes */
    char what[128];
};

/* One document. Accepts NaN and Infinity as Python's json does. Double keys, a depth over
 * LIMIT_VALUE_DEPTH, a NUL in a text and bad UTF-8 are errors. Returns 0, ERR_MALFORMED or
 * ERR_TOO_BIG with *error filled. */
int json_read(struct span text, struct arena *arena, struct value *out, struct json_error *error);

/* One value off the front of *text, which on success begins behind it. The rest as json_read. */
int json_read_item(struct span *text, struct arena *arena, struct value *out,
                   struct json_error *error);

#endif
