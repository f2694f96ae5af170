/* cursor.h - msgpack read item by item out of borrowed bytes, with every bound checked.
 *
 * A cursor allocates nothing and never reads past its end. The first thing that does not fit sets
 * `failed`; from then on every read answers false and moves nothing, so a caller may read a whole
 * structure and look at `failed` once. Bytes from a peer are passed through cursor_scan first. */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

enum cursor_type {
    CURSOR_END, /* nothing left, failed, or no whole item that we take */
    CURSOR_NIL,
    CURSOR_BOOL,
    CURSOR_INT,  /* fits int64_t */
    CURSOR_UINT, /* above INT64_MAX */
    CURSOR_DOUBLE,
    CURSOR_TEXT,
    CURSOR_BYTES,
    CURSOR_LIST,
    CURSOR_MAP
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/* What a scan allows. */
struct cursor_limits {
    uint32_t depth;      /* of lists and maps inside one another */
    uint32_t items;      /* in all, each key and each value one */
    uint32_t text_bytes; /* of one text or byte string */
};

void cursor_init(struct cursor *cursor, struct span bytes);

/* What comes next; does not move. */
enum cursor_type cursor_peek(const struct cursor *cursor);

/* Each reads one item into *out; false, *out untouched and `failed` set, where it is another type
 * or out of range. cursor_double takes integers as well. */
bool cursor_nil(struct cursor *cursor);
bool cursor_bool(struct cursor *cursor, bool *out);
bool cursor_int(struct cursor *cursor, int64_t *out);
bool cursor_uint(struct cursor *cursor, uint64_t *out);
bool cursor_u32(struct cursor *cursor, uint32_t *out);
bool cursor_double(struct cursor *cursor, double *out);
bool cursor_text(struct cursor *cursor, struct span *out);
bool cursor_bytes(struct cursor *cursor, struct span *out);
bool cursor_list(struct cursor *cursor, uint32_t *count);
bool cursor_map(struct cursor *cursor, uint32_t *pairs);

/* Pass one whole item, with everything in it; without recursion. *out (may be NULL) gets its
 * bytes. */
bool cursor_skip(struct cursor *cursor, struct span *out);

/* Strict: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool cursor_text_is_utf8(struct span text);

/* One whole item and nothing behind it, within the limits, texts valid UTF-8 without NUL, every key
 * of a map a text, no extension types, no container that claims more items than bytes are left. One
 * pass, no allocation. Returns 0, ERR_MALFORMED or ERR_TOO_BIG. */
int cursor_scan(struct span bytes, const struct cursor_limits *limits);

#endif
